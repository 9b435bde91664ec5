"""Convex hulls of all nuclei of a plane at once, in whole numbers."""

from __future__ import annotations

import dataclasses

import numpy as np

from .pixels import Pixels

__all__ = ["hull_areas_and_diameters"]


@dataclasses.dataclass(frozen=True, eq=False)
class _Rows:
    """The first and the last pixel of each nucleus in each row, ordered by nucleus and row."""

    rank: np.ndarray
    y: np.ndarray
    left: np.ndarray
    right: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class _Chain:
    """One side of each hull from the top to the bottom, in half pixels.

    Only corners are in it. Those of a nucleus are ordered by `h`, its rows times two.
    """

    rank: np.ndarray
    h: np.ndarray
    x: np.ndarray


def hull_areas_and_diameters(pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Measure the convex hulls of nuclei as `skimage.measure.regionprops` does.

    A pixel stands for the middles of its four sides, and a pixel is in a hull if its center
    is, or lies on its border.

    Parameters
    ----------
    pixels : Pixels
        The nuclei, (Y, X).

    Returns
    -------
    area : ndarray of int, shape (N,)
        Number of pixels in each hull.
    diameter : ndarray of float, shape (N,)
        The largest distance between two points on the border of the pixels in the hull, in
        pixels: the maximum Feret diameter.
    """
    count = pixels.ids.size
    if not count:
        return np.zeros(0, int), np.zeros(0)
    filled = _filled(_rows_of(pixels), count)
    area = np.bincount(filled.rank, filled.right - filled.left + 1, minlength=count)
    return area.astype(int), _diameters(*_sides(filled), count)


def _rows_of(pixels: Pixels) -> _Rows:
    """Return the rows of nuclei; their pixels are in reading order."""
    y, x = pixels.local
    first = np.ones(y.size, bool)
    first[1:] = (pixels.rank[1:] != pixels.rank[:-1]) | (y[1:] != y[:-1])
    start = np.flatnonzero(first)
    end = np.append(start[1:], y.size) - 1
    return _Rows(pixels.rank[start].astype(np.int64), y[start], x[start], x[end])


def _sides(rows: _Rows) -> tuple[_Chain, _Chain]:
    """Return the left and the right side of the hulls; x of the right one is negative."""
    return _side(rows.rank, rows.y, rows.left), _side(rows.rank, rows.y, -rows.right)


def _side(rank: np.ndarray, y: np.ndarray, x: np.ndarray) -> _Chain:
    """Return the side of the hulls where x is smallest."""
    # The middles of the sides of a pixel, in half pixels.
    rank, h = np.tile(rank, 3), np.concatenate([2 * y, 2 * y - 1, 2 * y + 1])
    x = np.concatenate([2 * x - 1, 2 * x, 2 * x])
    order = np.lexsort((x, h, rank))
    rank, h, x = rank[order], h[order], x[order]
    kept = np.ones(rank.size, bool)
    kept[1:] = (rank[1:] != rank[:-1]) | (h[1:] != h[:-1])
    rank, h, x = rank[kept], h[kept], x[kept]
    kept = _may_be_corners(rank, h, x)
    while not kept.all():
        rank, h, x = rank[kept], h[kept], x[kept]
        kept = _may_be_corners(rank, h, x)
    return _Chain(rank, h, x)


def _may_be_corners(rank: np.ndarray, h: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return which points lie outside of the line between their neighbors.

    No other one is a corner. All others can go at once, as a corner is one whatever else is
    there.
    """
    step, rise = np.diff(h), np.diff(x)
    inside = (rise[:-1] * step[1:] >= rise[1:] * step[:-1]) & (rank[:-2] == rank[2:])
    return np.concatenate([[True], ~inside, [True]])


def _filled(rows: _Rows, count: int) -> _Rows:
    """Return the rows of the hulls, those between the pieces of a nucleus included."""
    first = np.searchsorted(rows.rank, np.arange(count))
    last = np.searchsorted(rows.rank, np.arange(count), side="right") - 1
    heights = rows.y[last] - rows.y[first] + 1
    rank = np.repeat(np.arange(count), heights)
    start = np.repeat(np.cumsum(heights) - heights, heights)
    y = np.arange(rank.size) - start + rows.y[first][rank]
    left, right = (_crossed(side, rank, 2 * y) for side in _sides(rows))
    return _Rows(rank, y, left, -right)


def _crossed(side: _Chain, rank: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Return the first pixel of each row that is not left of a side."""
    # Half rows reach from -1 to twice the height, so keys of two nuclei never meet.
    most = int(side.h.max()) + 2
    keys = side.rank * most + side.h
    after = np.searchsorted(keys, rank * most + h, side="right")
    step = side.h[after] - side.h[after - 1]
    along = h - side.h[after - 1]
    numerator = side.x[after - 1] * step + (side.x[after] - side.x[after - 1]) * along
    return -(-numerator // (2 * step))


def _diameters(left: _Chain, right: _Chain, count: int) -> np.ndarray:
    """Return the largest distance between two corners of each hull, in pixels."""
    rank = np.concatenate([left.rank, right.rank])
    order = np.argsort(rank, kind="stable")
    rank = rank[order]
    y = np.concatenate([left.h, right.h])[order]
    x = np.concatenate([left.x, -right.x])[order]
    corners = np.bincount(rank, minlength=count)
    place = np.arange(rank.size) - (np.cumsum(corners) - corners)[rank]
    largest = np.zeros(count, np.int64)
    for shift in range(1, int(corners.max())):
        one = np.flatnonzero(place + shift < corners[rank])
        other = one + shift
        squared = (y[one] - y[other]) ** 2 + (x[one] - x[other]) ** 2
        np.maximum.at(largest, rank[one], squared)
    return np.sqrt(largest) / 2
