"""Outlines to labels: which pixels lie in a polygon with holes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..support import pluralize, warn_user

__all__ = ["Outline", "labels_of_outlines"]

#: The rings of one nucleus, each an array of shape (N, 2): X and Y in pixels, where the first
#: pixel reaches from 0 to 1. What lies in an odd number of rings is inside: a ring in another
#: one is a hole, one beside it another piece.
Outline = Sequence[np.ndarray]


def labels_of_outlines(outlines: Iterable[Outline], shape: tuple[int, int]) -> np.ndarray:
    """Draw outlines as labels.

    Parameters
    ----------
    outlines : iterable of Outline
        One for each nucleus.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        The nuclei are numbered from 1 in the order of their outlines. A pixel is in a nucleus
        if its center is; of two that overlap, the first has it.

    Warns
    -----
    UserWarning
        If there are nuclei without a pixel of their own.
    """
    labels = np.zeros(shape, np.int32)
    number = lost = 0
    for outline in outlines:
        number += 1
        rows, columns, inside = _inside(outline, shape)
        part = labels[rows, columns]
        free = inside & (part == 0)
        if free.any():
            part[free] = number
        else:
            lost += 1
    if lost:
        warn_user(
            f"{pluralize(lost, 'outline')} of {number} got no pixel: they lie outside of the "
            f"image of {shape[0]} x {shape[1]} pixels or in another nucleus, or are narrower "
            f"than a pixel.",
        )
    return labels


def _inside(outline: Outline, shape: tuple[int, int]) -> tuple[slice, slice, np.ndarray]:
    """Return the rows and columns around an outline, and which pixels of them are in it."""
    points = np.concatenate([*outline, np.empty((0, 2))])
    if not len(points):
        return slice(0, 0), slice(0, 0), np.zeros((0, 0), bool)
    top, left = (_clipped(points[:, axis].min(), shape[1 - axis], np.floor) for axis in (1, 0))
    end, right = (_clipped(points[:, axis].max(), shape[1 - axis], np.ceil) for axis in (1, 0))
    crossed = np.zeros((end - top, right - left + 1), np.int32)
    for ring in outline:
        row, column = _crossings(ring, top, end)
        np.add.at(crossed, (row - top, np.clip(column, left, right) - left), 1)
    inside = np.cumsum(crossed[:, :-1], axis=1) % 2 == 1
    return slice(top, end), slice(left, right), inside


def _clipped(value: float, length: int, rounded: np.ufunc) -> int:
    return int(rounded(min(max(value, 0.0), float(length))))


def _crossings(ring: np.ndarray, top: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the edges of a ring cross the middles of rows.

    Returns the row of each crossing, and the first column whose middle is not left of it.
    """
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    # An edge has its upper end and not its lower one: no crossing counts twice.
    first = np.ceil(np.clip(np.minimum(y0, y1), top, end) - 0.5).astype(np.intp)
    last = np.ceil(np.clip(np.maximum(y0, y1), top, end) - 0.5).astype(np.intp)
    counts = last - first
    edge = np.repeat(np.arange(len(ring)), counts)
    row = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (row + 0.5 - y0[edge]) / (y1[edge] - y0[edge])
    x = x0[edge] + slope * (x1[edge] - x0[edge])
    return row, np.ceil(np.clip(x, -1.0, 2.0**31) - 0.5).astype(np.intp)
