"""From places of nuclei to labels: which pixel belongs to which nucleus."""

from __future__ import annotations

import numpy as np

from .nuclei import Cell, Nuclei
from .packing import smooth_noise

__all__ = ["draw_labels", "edge_depth", "in_front", "one_piece"]

_RUNT = 0.3  # share of its area that a nucleus keeps at least
_WAVES = ((1.1, 0.07), (0.4, 0.035))  # size and height of an outline's waves in diameters
_EGG = 0.3  # how much one end of a nucleus may be thicker than the other
_BLUNT = 0.4  # 0 is an ellipse; with more, the ends are less pointed
_BEND = 0.2  # how far the ends of a spindle bend, in its half length


def draw_labels(
    nuclei: Nuclei, shape: tuple[int, int], diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw nuclei that lie side by side in one plane.

    Where outlines would overlap, the nuclei press on each other: a pixel goes to the
    one of whose ellipse it lies deeper inside.

    Parameters
    ----------
    nuclei : Nuclei
        What to draw.
    shape : tuple of int
        Height and width in pixels.
    diameter : float
        Of a typical nucleus in pixels.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 is background, number n the nucleus n - 1. Each nucleus is one piece; one
        that keeps too little of its area is left out.
    """
    labels = np.zeros(shape, np.int32)
    best = np.ones(shape, np.float32)
    rows, columns = _wavy_grid(shape, diameter, rng)
    bends = _BEND * rng.uniform(-1, 1, len(nuclei)) * (nuclei.cell == Cell.SPINDLE)
    # The long axis of an epithelial nucleus points to its base, which is thicker.
    eggs = _EGG * rng.uniform(-0.4, 1, len(nuclei))
    blunt = np.where(nuclei.cell == Cell.SPINDLE, 0.0, _BLUNT)
    weight = np.exp(rng.normal(0, 0.1, len(nuclei)))
    cosine, sine = np.cos(nuclei.angle), np.sin(nuclei.angle)
    boxes = _boxes(nuclei, shape, 0.25 * diameter + 2)
    for n in range(len(nuclei)):
        top, bottom, left, right = boxes[n]
        if top >= bottom or left >= right:
            continue
        box = (slice(top, bottom), slice(left, right))
        down, along = rows[box] - nuclei.places[n, 0], columns[box] - nuclei.places[n, 1]
        long, short = nuclei.semi[n]
        u = (cosine[n] * along + sine[n] * down) / long
        v = (cosine[n] * down - sine[n] * along) / short
        if bends[n]:
            v += bends[n] * (long / short) * (u * u - 0.3)
        v /= np.clip(1 + eggs[n] * u, 0.5, 2)
        score = u * u * (1 - blunt[n] + blunt[n] * u * u) + v * v
        mine = (score < 1) & (score * weight[n] < best[box])
        best[box][mine] = score[mine] * weight[n]
        labels[box][mine] = n + 1
    return _without_runts(one_piece(labels), nuclei)


def _wavy_grid(
    shape: tuple[int, int], diameter: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns, bent so that ellipses get irregular outlines."""
    bent = []
    for axis in np.ogrid[: shape[0], : shape[1]]:
        places = np.broadcast_to(axis, shape).astype(np.float32)
        for size, height in _WAVES:
            places += height * diameter * smooth_noise(shape, size * diameter, rng)
        bent.append(places)
    return bent[0], bent[1]


def _boxes(nuclei: Nuclei, shape: tuple[int, int], margin: float) -> np.ndarray:
    """Return top, bottom, left and right of the box around each nucleus."""
    long, short = (nuclei.semi * (1 + _BEND * (nuclei.cell == Cell.SPINDLE))[:, None]).T
    cosine, sine = np.cos(nuclei.angle), np.sin(nuclei.angle)
    half = np.c_[np.hypot(long * sine, short * cosine), np.hypot(long * cosine, short * sine)]
    low = np.floor(nuclei.places - half - margin).astype(int)
    high = np.ceil(nuclei.places + half + margin).astype(int) + 1
    low, high = np.clip(low, 0, shape), np.clip(high, 0, shape)
    return np.c_[low[:, 0], high[:, 0], low[:, 1], high[:, 1]]


def one_piece(labels: np.ndarray) -> np.ndarray:
    """Keep the largest piece of each label.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 is background.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        The same labels without their smaller pieces.
    """
    from skimage.measure import label

    pieces, count = label(labels, background=0, connectivity=1, return_num=True)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    owner = np.zeros(count + 1, np.int64)
    owner[pieces] = labels
    order = np.lexsort((sizes, owner))
    last = np.r_[owner[order][1:] != owner[order][:-1], True]
    keep = np.zeros(count + 1, bool)
    keep[order[last]] = True
    return np.where(keep[pieces], labels, 0).astype(np.int32)


def _without_runts(labels: np.ndarray, nuclei: Nuclei) -> np.ndarray:
    """Take out nuclei that keep too little of their area."""
    areas = np.bincount(labels.ravel(), minlength=len(nuclei) + 1)
    keep = areas > _RUNT * np.pi * np.r_[0, nuclei.semi.prod(axis=1)]
    return np.where(keep[labels], labels, 0).astype(np.int32)


def edge_depth(labels: np.ndarray) -> np.ndarray:
    """Return how deep each pixel lies inside of its label.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 is background.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Pixels to the outline, also where another nucleus begins; 0 in the background.
    """
    from scipy import ndimage

    inside = labels > 0
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    inside[1:] &= ~down
    inside[:-1] &= ~down
    inside[:, 1:] &= ~right
    inside[:, :-1] &= ~right
    depth = ndimage.distance_transform_edt(inside) + 0.5
    return np.where(labels > 0, depth, 0).astype(np.float32)


def in_front(front: np.ndarray, behind: np.ndarray, seen: float) -> np.ndarray:
    """Join two layers of nuclei: a pixel belongs to the nucleus in front.

    Parameters
    ----------
    front, behind : ndarray of int32, shape (Y, X)
        Labels of the two layers, different ones.
    seen : float
        Share of a nucleus behind that has to be seen; otherwise it has no label.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Labels of both layers, each in one piece.
    """
    whole = np.bincount(behind.ravel())
    joined = one_piece(np.where(front > 0, front, behind))
    left = np.bincount(joined.ravel(), minlength=len(whole))[: len(whole)]
    hidden = np.zeros(joined.max() + 1, bool)
    covered = (whole > 0) & (left < seen * whole)
    covered[0] = False
    hidden[: len(whole)] = covered[: len(hidden)]
    return np.where(hidden[joined], 0, joined).astype(np.int32)
