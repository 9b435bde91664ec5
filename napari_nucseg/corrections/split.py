"""Split a nucleus: along a line, or by one click where the maps say."""

from __future__ import annotations

import numpy as np
import scipy  # which loads its parts when they are used first

from ..pipeline import Maps, find_basins, heights_of
from .edit import Edit, edit_of, nothing
from .merge import ids_along
from .regions import (
    NEIGHBORHOOD,
    Path,
    Point,
    box_of,
    id_at,
    line_pixels,
    next_ids,
    window_of,
)

__all__ = ["split_along", "split_at"]

#: What a line cuts off is a nucleus of its own if it has this part of the area and so many
#: pixels.
_LEAST_PART, _LEAST_AREA = 0.05, 4

#: Sigma of the smoothing of distances, over the square root of the area.
_SMOOTHING = 0.04


def split_along(labels: np.ndarray, path: Path, *, new_id: int | None = None) -> Edit:
    """Split every nucleus that a line divides.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    path : sequence of points, shape (N, 2)
        The line, (Y, X) in pixels. It is drawn through, from outside to outside.
    new_id : int, optional
        From which on ids are free in the whole layer; left out, in the plane.

    Returns
    -------
    Edit
        Empty if the line divides nothing, or cuts off no more than crumbs. The largest part
        keeps the id. The pixels of the line go to the parts beside it.
    """
    ids = ids_along(labels, path)
    line = np.zeros(labels.shape, bool)
    line[line_pixels(path, labels.shape)] = True
    box = box_of(np.isin(labels, ids)) if ids else None
    if box is None:
        return nothing("split", labels)
    after, part, line = labels[box].copy(), labels[box], line[box]
    free = _FreeIds(labels, new_id)
    for one in ids:
        mask = part == one
        _divide(after, mask, _parts_beside(mask, line), free)
    return edit_of("split", labels, after, box, free.taken)


def split_at(
    labels: np.ndarray,
    at: Point,
    maps: Maps | None = None,
    *,
    diameter: float | None = None,
    new_id: int | None = None,
) -> Edit:
    """Split the nucleus at a point in two, at the saddle between its two main peaks.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    at : sequence of float
        A point of the nucleus, (Y, X) in pixels.
    maps : Maps, optional
        Shape (Y, X, M). The heights are distance times one minus boundary. Left out, or where
        they have only one peak, they are the distances to the outline.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; the smoothing of the maps grows with it.
    new_id : int, optional
        From which on ids are free in the whole layer; left out, in the plane.

    Returns
    -------
    Edit
        Empty if there is no nucleus, or its shape has one middle only. The larger part keeps
        the id.
    """
    number = id_at(labels, at)
    if not number:
        return nothing("split", labels)
    box = window_of(labels, at)
    part = labels[box]
    mask = part == number
    halves = np.zeros(part.shape, np.int32)
    if maps is not None:
        values = maps.values[box].astype(np.float32, copy=False)
        halves = _halves(mask, heights_of(Maps(values, maps.spec), mask, diameter))
    if not halves.any():
        halves = _halves(mask, _depths(mask))
    after, free = part.copy(), _FreeIds(labels, new_id)
    _divide(after, mask, halves, free)
    return edit_of("split", labels, after, box, free.taken)


class _FreeIds:
    """Ids that no nucleus has, looked for when they are needed."""

    def __init__(self, labels: np.ndarray, first: int | None) -> None:
        self._labels, self._first = labels, first
        self.taken: list[int] = []

    def take(self) -> int:
        self.taken = next_ids(self._labels, len(self.taken) + 1, self._first)
        return self.taken[-1]


def _divide(after: np.ndarray, mask: np.ndarray, seeds: np.ndarray, free: _FreeIds) -> None:
    """Give each seed a part of the nucleus in one piece, and all but the largest a new id."""
    if seeds.max(initial=0) < 2:
        return
    parts = _spread(seeds, mask)
    for one in np.argsort(-np.bincount(parts.ravel())[1:], kind="stable")[1:] + 1:
        after[parts == one] = free.take()


def _spread(seeds: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Grow seeds in a mask at equal speed, so that each stays in one piece."""
    from skimage.segmentation import watershed

    return watershed(np.zeros(mask.shape, np.uint8), seeds, connectivity=2, mask=mask)


def _parts_beside(mask: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the parts of a mask that a line divides, numbered, without crumbs."""
    pieces, _ = scipy.ndimage.label(mask & ~line, NEIGHBORHOOD)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    least = max(_LEAST_AREA, _LEAST_PART * np.count_nonzero(mask))
    if np.count_nonzero(areas >= least) < 2:
        return np.zeros(mask.shape, np.int32)
    # Pieces of before that the line does not touch are none of its parts.
    beside = np.unique(pieces[scipy.ndimage.binary_dilation(line & mask, NEIGHBORHOOD)])
    chosen = np.intersect1d(np.flatnonzero(areas >= least), beside)
    number = np.zeros(areas.size, np.int32)
    number[chosen] = np.arange(1, chosen.size + 1)
    return number[pieces]


def _depths(mask: np.ndarray) -> np.ndarray:
    """Return the distances to the outline for the pixels of a mask, smoothed."""
    inwards = scipy.ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    sigma = max(0.5, _SMOOTHING * float(np.sqrt(np.count_nonzero(mask))))
    return scipy.ndimage.gaussian_filter(inwards, sigma, mode="nearest")[mask].astype(
        np.float32
    )


def _halves(mask: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return the basins of the two main peaks, 1 and 2; all 0 if there is one peak only.

    The main peaks are the highest one and the one that is the most prominent beside it. The
    basins of other peaks go to the one that they are joined to first, from the highest
    saddle downwards.
    """
    peaks, saddles = find_basins(heights, mask)
    halves = np.zeros(mask.shape, np.int32)
    joins = _join(heights, saddles, ())
    if not joins:
        return halves
    _, apart, highest = max(joins)
    below = {low: high for _, low, high in joins}
    while highest in below:
        highest = below[highest]
    owner = {low: high for _, low, high in _join(heights, saddles, (apart, highest))}

    def number_of(peak: int) -> int:
        while peak in owner:
            peak = owner[peak]
        return {apart: 1, highest: 2}.get(peak, 0)

    numbers = {int(peak): number_of(int(peak)) for peak in np.unique(peaks)}
    halves[mask] = [numbers[int(peak)] for peak in peaks]
    smaller = min(np.count_nonzero(halves == one) for one in (1, 2))
    enough = smaller >= max(_LEAST_AREA, _LEAST_PART * np.count_nonzero(mask))
    return halves if enough else np.zeros_like(halves)


def _join(
    heights: np.ndarray,
    saddles: tuple[list[int], list[int], list[float]],
    apart: tuple[int, ...],
) -> list[tuple[float, int, int]]:
    """Join basins from the highest saddle downwards, except two that stay apart.

    Returns of each join the prominence of the lower peak, that peak, and the higher one.
    """
    owner: dict[int, int] = {}

    def top(peak: int) -> int:
        while peak in owner:
            peak = owner[peak]
        return peak

    joins = []
    for a, b, level in zip(*saddles, strict=True):
        high, low = sorted((top(a), top(b)), key=lambda one: (one not in apart, -heights[one]))
        if high != low and low not in apart:
            owner[low] = high
            joins.append((float(heights[low]) - level, low, high))
    return joins
