"""Smooth the outlines of nuclei."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .edit import Edit
from .outlines import change_outlines

__all__ = ["smooth"]

#: Radius of the disc in which the majority decides, in pixels.
_RADIUS = 2


def smooth(labels: np.ndarray, ids: Iterable[int] | None = None) -> Edit:
    """Smooth the outlines of nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; left out, all.

    Returns
    -------
    Edit
        A pixel becomes what most pixels of a disc of radius 2 around it are, if either is
        background: nuclei that touch do not take pixels from each other.
    """
    return change_outlines("smooth", labels, ids, _smoothed, _RADIUS)


def _smoothed(units: np.ndarray) -> np.ndarray:
    padded = np.pad(units, _RADIUS, mode="edge")
    stride = padded.shape[1]
    span = range(-_RADIUS, _RADIUS + 1)
    offsets = [
        dy * stride + dx for dy in span for dx in span if dy * dy + dx * dx <= _RADIUS**2 + 1
    ]
    y, x = np.nonzero(_beside_others(units))
    flat = padded.ravel()
    pixels = (y + _RADIUS) * stride + x + _RADIUS
    current = flat[pixels]
    same = np.zeros(pixels.size, np.uint8)
    for offset in offsets:
        same += flat[pixels + offset] == current
    few = np.flatnonzero(2 * same.astype(int) < len(offsets))
    # If more than half have one value, it is the median.
    around = flat[pixels[few, np.newaxis] + offsets]
    median = np.partition(around, len(offsets) // 2, axis=1)[:, len(offsets) // 2]
    agree = 2 * np.count_nonzero(around == median[:, np.newaxis], axis=1) > len(offsets)
    agree &= (median == 0) | (current[few] == 0)
    smoothed = units.copy()
    smoothed[y[few[agree]], x[few[agree]]] = median[agree]
    return smoothed


def _beside_others(units: np.ndarray) -> np.ndarray:
    """Return the pixels with another number beside them: only these can be outvoted."""
    beside = np.zeros(units.shape, bool)
    for axis in (0, 1):
        first, second = (
            tuple(part if one == axis else slice(None) for one in (0, 1))
            for part in (slice(None, -1), slice(1, None))
        )
        differs = units[first] != units[second]
        beside[first] |= differs
        beside[second] |= differs
    return beside
