"""Fill the holes of nuclei."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy  # which loads its parts when they are used first

from .edit import Edit
from .outlines import SIDES, change_outlines, shifted

__all__ = ["fill_holes"]


def fill_holes(labels: np.ndarray, ids: Iterable[int] | None = None) -> Edit:
    """Fill the holes of nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; left out, all.

    Returns
    -------
    Edit
        A hole is background that one nucleus encloses. It is filled if it is smaller than the
        nucleus, contains no other nucleus and does not touch the border of the image.
    """
    return change_outlines("fill holes", labels, ids, _filled, 0)


def _filled(units: np.ndarray) -> np.ndarray:
    gaps, count = scipy.ndimage.label(units == 0)
    areas = np.bincount(gaps.ravel(), minlength=count + 1)
    # A gap has one owner if the smallest and the largest number beside it are the same.
    lowest = np.full(count + 1, np.iinfo(units.dtype).max, units.dtype)
    highest = np.zeros(count + 1, units.dtype)
    for dy, dx in SIDES:
        beside = shifted(units, dy, dx)
        at = np.flatnonzero((gaps > 0) & (beside > 0))
        gap, unit = gaps.ravel()[at], beside.ravel()[at]
        np.minimum.at(lowest, gap, unit)
        np.maximum.at(highest, gap, unit)
    filled = np.where(lowest == highest, highest, 0)
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        filled[edge] = 0
    sizes = np.bincount(units.ravel())
    filled[areas >= sizes[filled]] = 0
    filled[0] = 0
    return np.where(units == 0, filled[gaps], units)
