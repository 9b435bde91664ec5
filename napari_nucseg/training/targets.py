"""Labels to the maps that the network learns to predict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..pipeline import DEFAULT_SPEC, NETWORK_DIAMETER

__all__ = [
    "disk_width",
    "median_diameter",
    "nucleus_diameters",
    "pixel_weights",
    "poisson_distance",
    "target_maps",
]

_OUTLINE_WEIGHT, _BETWEEN_WEIGHT = 5.0, 12.0
_MOST_WEIGHT_OF_SMALL = 4.0
_OUTLINE = 2
#: Pixels whose equations are solved together: more take less time, and more memory.
_BLOCK = 100_000


def target_maps(labels: np.ndarray, distance: np.ndarray | None = None) -> np.ndarray:
    """Return the maps that a perfect network would predict for these labels.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer of its own.
    distance : ndarray of float32, shape (Y, X), optional
        What `poisson_distance` returned for the image that the labels are a part of, to
        save time; left out, it is measured.

    Returns
    -------
    ndarray of float32, shape (Y, X, M)
        The maps of `DEFAULT_SPEC` in its order: foreground, 0 or 1; distance over the largest
        in the nucleus, 0 to 1; boundary, 1 on the two pixels on either side of it.
    """
    spec = DEFAULT_SPEC
    maps = np.zeros((*labels.shape, len(spec.maps)), np.float32)
    maps[..., spec.index("foreground")] = labels > 0
    labels = _dense(labels)
    if labels.any():
        measured = poisson_distance(labels) if distance is None else distance
        maps[..., spec.index("distance")] = _over_largest(measured, labels)
        maps[..., spec.index("boundary")] = _boundary(labels)
    return maps


def poisson_distance(labels: np.ndarray) -> np.ndarray:
    """Measure how far inside of its nucleus every pixel lies.

    The measure is proportional to the mean number of steps that a random walk takes to
    leave the nucleus: the solution of Poisson's equation with 0 around the nucleus
    (Gorelick et al., IEEE TPAMI 28, 2006). In a long nucleus with a wavy outline it
    has fewer and lower local maxima than the distance to the nearest pixel of the
    boundary. A walk does not leave the image.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        0 in the background, and larger than 0 in nuclei.
    """
    labels = _dense(labels)
    inside = labels > 0
    measured = np.zeros(labels.shape, np.float32)
    # The pixels of a nucleus one after the other, so that its equations are a block.
    order = np.argsort(labels[inside], kind="stable")
    rank = np.zeros(labels.shape, np.int32)
    rank[inside] = np.argsort(order)
    equations = _equations(labels, rank)
    solution = np.empty(order.size, np.float32)
    for block in _blocks(labels[inside][order]):
        solution[block] = _solve(equations[block, block])
    measured[inside] = solution[rank[inside]]
    return measured


def _equations(labels: np.ndarray, rank: np.ndarray) -> Any:
    """Return the sparse matrix of the Poisson equation."""
    from scipy import sparse

    inside = labels > 0
    # The small number lets every walk end, also in a nucleus that fills the image, which
    # has no way out. Without it the matrix would be singular.
    ways = np.full(labels.shape, 4 + 1e-6)
    pairs = []
    for axis in (0, 1):
        label, number, way = (np.moveaxis(array, axis, 0) for array in (labels, rank, ways))
        way[0] -= 1
        way[-1] -= 1
        same = (label[1:] > 0) & (label[1:] == label[:-1])
        pairs.append((number[1:][same], number[:-1][same]))
    one, other = np.concatenate(pairs, axis=1)
    diagonal = np.empty(np.count_nonzero(inside))
    diagonal[rank[inside]] = ways[inside]
    steps = sparse.coo_array((np.ones(one.size), (one, other)), 2 * diagonal.shape)
    return (sparse.diags_array(diagonal) - steps - steps.T).tocsr()


def _blocks(labels: np.ndarray) -> Iterator[slice]:
    """Yield slices of rising labels that do not divide a label, of few labels each."""
    ends = np.append(np.flatnonzero(np.diff(labels)) + 1, labels.size)
    first = 0
    while first < labels.size:
        last = int(ends[np.searchsorted(ends, min(first + _BLOCK, labels.size))])
        yield slice(first, last)
        first = last


def _solve(equations: Any) -> np.ndarray:
    from scipy.sparse.linalg import spsolve

    ones = np.ones(equations.shape[0])
    return spsolve(equations.tocsc(), ones, permc_spec="MMD_AT_PLUS_A")


def _over_largest(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Divide the values by the largest in the same nucleus, and set others to 0."""
    largest = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(largest, labels.ravel(), values.ravel())
    largest[largest <= 0] = 1.0
    return np.where(labels > 0, values / largest[labels], np.float32(0.0))


def _dense(labels: np.ndarray) -> np.ndarray:
    """Number the labels 0, 1, 2, …, with few gaps at most."""
    if labels.max() <= labels.size:
        return labels.astype(np.int32, copy=False)
    values, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.reshape(labels.shape).astype(np.int32)
    return inverse if values[0] == 0 else inverse + 1


def _boundary(labels: np.ndarray) -> np.ndarray:
    """Mark the pixels that have another label above, below, left or right of them."""
    from skimage.segmentation import find_boundaries

    return find_boundaries(labels, connectivity=1, mode="thick")


def pixel_weights(labels: np.ndarray, reviewed: np.ndarray | None = None) -> np.ndarray:
    """Weigh pixels, so that the few that matter most count more in the loss.

    Pixels along outlines tell where a nucleus ends. Pixels between two nuclei tell that
    there are two (Ronneberger et al., arXiv 1505.04597). A small nucleus has few pixels but
    counts as much as a large one.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.
    reviewed : ndarray of bool, shape (Y, X), optional
        True where a person has reviewed the labels; left out, everywhere.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        0 where nobody has reviewed the labels. 12 within two pixels of two nuclei; 5 within
        two pixels of an outline; further inside of a nucleus smaller than a disk 28 pixels
        wide, 28 over the width of a disk of its area, 4 at most; 1 elsewhere. A nucleus that
        the edge of the image cuts counts with the area that is left.
    """
    from scipy import ndimage

    labels = _dense(labels)
    size = 2 * _OUTLINE + 1
    highest = ndimage.maximum_filter(labels, size=size)
    outline = highest != ndimage.minimum_filter(labels, size=size)
    above = np.where(labels > 0, labels, labels.max() + 1)
    between = (highest > 0) & (highest != ndimage.minimum_filter(above, size=size))
    width = disk_width(np.bincount(labels.ravel()).clip(1))
    weights = (NETWORK_DIAMETER / width).clip(1.0, _MOST_WEIGHT_OF_SMALL)
    weights[0] = 1.0
    weighed = np.where(outline, _OUTLINE_WEIGHT, weights[labels])
    weighed = np.where(between, _BETWEEN_WEIGHT, weighed)
    if reviewed is not None:
        weighed = np.where(reviewed, weighed, 0.0)
    return weighed.astype(np.float32)


def disk_width(area: np.ndarray) -> np.ndarray:
    """Return the width of disks.

    Parameters
    ----------
    area : ndarray of int
        Their areas in pixels.

    Returns
    -------
    ndarray of float64
        Their widths in pixels.
    """
    return 2.0 * np.sqrt(area / np.pi)


def nucleus_diameters(labels: np.ndarray) -> np.ndarray:
    """Return the diameter of every nucleus, as that of a disk of its area.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    ndarray of float64, shape (N,)
        Diameters in pixels, one for each label that occurs, in rising order
        of the labels.
    """
    values, counts = np.unique(labels, return_counts=True)
    return disk_width(counts[values > 0])


def median_diameter(labels: np.ndarray) -> float | None:
    """Return the median diameter of the nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    float or None
        Diameter in pixels, None if there is no nucleus.
    """
    diameters = nucleus_diameters(labels)
    return float(np.median(diameters)) if diameters.size else None
