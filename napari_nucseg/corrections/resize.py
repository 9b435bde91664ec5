"""Grow or shrink nuclei by one pixel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .edit import Edit
from .outlines import SIDES, change_outlines, shifted

__all__ = ["grow", "shrink"]


def grow(labels: np.ndarray, ids: Iterable[int] | None = None) -> Edit:
    """Grow nuclei by one pixel, into the background only.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; left out, all.

    Returns
    -------
    Edit
        Background that shares a side with a nucleus becomes a part of it. Where two meet, it
        goes to the one above, then to the left.
    """
    return change_outlines("grow", labels, ids, _grown, 1)


def _grown(units: np.ndarray) -> np.ndarray:
    grown = units.copy()
    for dy, dx in SIDES:
        np.copyto(grown, shifted(units, dy, dx), where=grown == 0)
    return grown


def shrink(labels: np.ndarray, ids: Iterable[int] | None = None) -> Edit:
    """Shrink nuclei by one pixel.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; left out, all.

    Returns
    -------
    Edit
        Pixels that share a side with background or with another nucleus become background.
        The border of the image is no outline. A nucleus of which nothing would be left stays
        as it is.
    """
    return change_outlines("shrink", labels, ids, _shrunk, 0)


def _shrunk(units: np.ndarray) -> np.ndarray:
    inner = units != 0
    for dy, dx in SIDES:
        inner &= shifted(units, dy, dx) == units
    return np.where(inner, units, 0)
