"""Nuclei that lie in several pieces."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .edit import Edit, edit_of
from .regions import next_ids

__all__ = ["as_units", "pieces", "separate"]


def as_units(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the pieces of all nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Returns
    -------
    units : ndarray of int, shape (Y, X)
        0 is background, every piece has a number from 1 on.
    ids : ndarray of the dtype of the labels, shape (N + 1,)
        The nucleus that each piece belongs to; the first is 0.
    """
    from skimage.measure import label

    units, count = label(labels, background=0, connectivity=2, return_num=True)
    ids = np.zeros(count + 1, labels.dtype)
    ids[units.ravel()] = labels.ravel()
    return units, ids


def pieces(labels: np.ndarray) -> dict[int, int]:
    """Find the nuclei that lie in several pieces.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Returns
    -------
    dict of int to int
        Ids, and in how many pieces each lies: two or more. Pixels that touch at a side or a
        corner are one piece.
    """
    _, owners = as_units(labels)
    ids, counts = np.unique(owners[1:], return_counts=True)
    several = counts > 1
    return {int(i): int(n) for i, n in zip(ids[several], counts[several], strict=True)}


def separate(
    labels: np.ndarray, ids: Iterable[int] | None = None, *, new_id: int | None = None
) -> Edit:
    """Make every piece of a nucleus a nucleus of its own.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; left out, all.
    new_id : int, optional
        From which on ids are free in the whole layer; left out, in the plane.

    Returns
    -------
    Edit
        The largest piece keeps the id.
    """
    units, owners = as_units(labels)
    areas = np.bincount(units.ravel(), minlength=owners.size)
    chosen = set(pieces(labels)) if ids is None else {int(one) for one in ids} - {0}
    apart: list[int] = []
    for one in sorted(chosen):
        of_this = np.flatnonzero(owners == one)
        apart += of_this[np.argsort(-areas[of_this], kind="stable")][1:].tolist()
    new = next_ids(labels, len(apart), new_id)
    numbers = owners.copy()
    numbers[apart] = new
    return edit_of("separate", labels, numbers[units], new_ids=new)
