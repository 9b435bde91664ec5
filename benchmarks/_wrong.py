"""What is wrong with labels: which nuclei, in which way, and how a person would show it.

The truth is at hand. A nucleus that was found is right if it has an IoU of 0.5 or more with a
true one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from skimage.segmentation import watershed

from napari_nucseg.corrections.regions import box_of

IOU = 0.5

#: A nucleus that was found belongs to a true one if so much of either lies in the other.
_SHARED = 0.4

#: How far a person's outline is from the true one, in pixels: standard deviation, and tolerance
#: of the corners.
_TREMBLE, _CORNERS = 0.5, 0.4

#: How far beyond a nucleus a line is drawn that divides it, in pixels.
_BEYOND = (2.0, 4.0, 7.0, 11.0, 16.0)

KINDS = ("false", "missed", "merged", "divided", "outline")


@dataclasses.dataclass(frozen=True)
class Wrong:
    """Something to correct.

    Parameters
    ----------
    kind : str
        Out of `KINDS`: nothing is there; nothing was found; one was found in place of several;
        several in place of one; the outline is wrong.
    found : tuple of int
        Ids of what was found there, the largest first.
    true : tuple of int
        Ids of the true nuclei that it should be.
    count : int
        How many nuclei are wrong: true ones that nothing matches, or, where all true ones are
        matched, found ones that match nothing.
    """

    kind: str
    found: tuple[int, ...]
    true: tuple[int, ...]
    count: int


class Overlaps:
    """Which pixels found and true nuclei share.

    Parameters
    ----------
    labels, truth : ndarray of int, shape (Y, X)
        Found and true nuclei, 0 is background.
    """

    def __init__(self, labels: np.ndarray, truth: np.ndarray) -> None:
        shape = (int(labels.max(initial=0)) + 1, int(truth.max(initial=0)) + 1)
        pair = labels.ravel().astype(np.int64) * shape[1] + truth.ravel()
        table = np.bincount(pair, minlength=shape[0] * shape[1]).reshape(shape)
        area, true_area = table.sum(axis=1), table.sum(axis=0)
        keep, true_keep = area > 0, true_area > 0
        keep[0] = true_keep[0] = False
        self.found, self.true = np.flatnonzero(keep), np.flatnonzero(true_keep)
        self.shared = table[keep][:, true_keep]
        self.area, self.true_area = area[keep], true_area[true_keep]
        union = self.area[:, np.newaxis] + self.true_area - self.shared
        self.iou = self.shared / np.maximum(union, 1)
        matches = self.iou >= IOU
        self.is_right, self.is_found = matches.any(axis=1), matches.any(axis=0)


def wrong_nuclei(labels: np.ndarray, truth: np.ndarray) -> list[Wrong]:
    """Return what a person has to correct.

    Parameters
    ----------
    labels, truth : ndarray of int, shape (Y, X)
        Found and true nuclei, 0 is background.

    Returns
    -------
    list of Wrong
        Every nucleus without a match at IoU 0.5 is in one of them.
    """
    o = Overlaps(labels, truth)
    done_found, done_true = o.is_right.copy(), o.is_found.copy()
    wrong: list[Wrong] = []

    def note(kind: str, rows: np.ndarray, columns: np.ndarray) -> None:
        count = int((~o.is_found[columns]).sum()) or int((~o.is_right[rows]).sum())
        rows = rows[np.argsort(-o.area[rows], kind="stable")]
        found, true = tuple(o.found[rows].tolist()), tuple(o.true[columns].tolist())
        wrong.append(Wrong(kind, found, true, count))
        done_found[rows], done_true[columns] = True, True

    covered = o.shared >= _SHARED * o.true_area
    inside = o.shared >= (1 - _SHARED) * o.area[:, np.newaxis]
    for row in range(o.found.size):
        columns = np.flatnonzero(covered[row])
        if columns.size > 1 and not done_true[columns].all():
            note("merged", np.array([row]), columns)
    for column in range(o.true.size):
        rows = np.flatnonzero(inside[:, column] | (o.iou[:, column] >= IOU))
        if rows.size > 1 and not (done_true[column] and done_found[rows].all()):
            note("divided", rows, np.array([column]))
    for column in np.flatnonzero(~done_true).tolist():
        shared = np.where(done_found, 0, o.shared[:, column])
        row = int(np.argmax(shared)) if shared.size else 0
        if shared.size and shared[row] >= 0.1 * min(o.area[row], o.true_area[column]):
            note("outline", np.array([row]), np.array([column]))
        else:
            note("missed", np.array([], int), np.array([column]))
    for row in np.flatnonzero(~done_found).tolist():
        note("false", np.array([row]), np.array([], int))
    return wrong


def middle_of(mask: np.ndarray) -> np.ndarray:
    """Return the pixel of a mask that is farthest from its outline.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
        Not empty.

    Returns
    -------
    ndarray of float, shape (2,)
        (Y, X) in pixels.
    """
    part, corner = _cut_out(mask)
    inwards = _depths(part)
    return corner + np.unravel_index(np.argmax(inwards), part.shape)


def _cut_out(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask in its bounding box, and the corner of that, (Y, X) in pixels."""
    rows, columns = box_of(mask) or (slice(0, 0), slice(0, 0))
    return mask[rows, columns], np.array([rows.start, columns.start], float)


def _depths(mask: np.ndarray) -> np.ndarray:
    """Return how far each pixel of a mask is from its outline."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]


def outline_of(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the outline of a mask as a hand draws it.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
        Not empty. Its largest piece is drawn.
    rng : numpy.random.Generator
        For the trembling of the hand.

    Returns
    -------
    ndarray of float, shape (N, 2)
        (Y, X) in pixels, inside the image.
    """
    part, corner = _cut_out(mask)
    curves = find_contours(np.pad(part, 1).astype(float), 0.5)
    curve = approximate_polygon(max(curves, key=len) - 1, _CORNERS) + corner
    drawn = curve + rng.normal(0, _TREMBLE, curve.shape)
    drawn[-1] = drawn[0]
    return np.clip(drawn, 0, np.array(mask.shape) - 1.0)


def lines_between(part: np.ndarray, true: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield lines that divide a nucleus where true ones meet.

    Parameters
    ----------
    part : ndarray of bool, shape (Y, X)
        What was found in their place.
    true : list of ndarray of bool, shape (Y, X)
        The true nuclei.

    Yields
    ------
    ndarray of float, shape (2, 2)
        Of two neighbors: a straight line between them, each longer than the one before.
    """
    seeds = np.zeros(part.shape, np.int32)
    for number, mask in enumerate(true, start=1):
        seeds[mask & part] = number
    owner = watershed(np.zeros(part.shape, np.uint8), seeds, mask=part)
    y, x = np.nonzero(_borders(owner))
    if y.size < 2:
        return
    border = np.stack([y, x], axis=1).astype(float)
    middle = border.mean(axis=0)
    _, _, axes = np.linalg.svd(border - middle, full_matrices=False)
    along = (border - middle) @ axes[0]
    for beyond in _BEYOND:
        ends = np.array([along.min() - beyond, along.max() + beyond])
        yield middle + ends[:, np.newaxis] * axes[0]


def _borders(owner: np.ndarray) -> np.ndarray:
    """Return the pixels of the part that have another part below or to the right."""
    found = np.zeros(owner.shape, bool)
    for axis in (0, 1):
        here = tuple(slice(None, -1) if one == axis else slice(None) for one in (0, 1))
        there = tuple(slice(1, None) if one == axis else slice(None) for one in (0, 1))
        found[here] |= (owner[here] != owner[there]) & (owner[here] > 0) & (owner[there] > 0)
    return found
