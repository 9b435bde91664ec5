"""What smoothing, filling, growing and shrinking have in common: one nucleus or all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from .edit import Edit, edit_of, nothing
from .pieces import as_units
from .regions import box_of

__all__ = ["SIDES", "change_outlines", "shifted"]

#: The four neighbors of a pixel that share a side with it, (Y, X).
SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))


def change_outlines(
    name: str,
    labels: np.ndarray,
    ids: Iterable[int] | None,
    work: Callable[[np.ndarray], np.ndarray],
    margin: int,
) -> Edit:
    """Change the outlines of nuclei, and keep each in one piece.

    Parameters
    ----------
    name : str
        What is done.
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int, optional
        Which nuclei; None for all.
    work : callable
        Given labels, returns changed ones. It may turn background into a nucleus or the other
        way round, for all nuclei in them.
    margin : int
        By how many pixels a nucleus can grow.

    Returns
    -------
    Edit
        Of a piece that falls apart the largest part stays. One of which nothing would be left
        stays as it is.
    """
    box = (slice(0, labels.shape[0]), slice(0, labels.shape[1]))
    part, is_chosen = labels, None
    if ids is not None:
        chosen = {int(one) for one in ids} - {0}
        mask = np.zeros(labels.shape, bool)
        for one in chosen:
            mask |= labels == one
        found = box_of(mask, margin + 1)
        if found is None:
            return nothing(name, labels)
        box, part = found, labels[found]
        is_chosen = mask[found]
    units, owners = as_units(part)
    changed = work(units)
    if is_chosen is not None:
        # Only the chosen nuclei give and take pixels, and they take from the background.
        takes = np.isin(owners[changed], [*chosen])
        changed = np.where(is_chosen | ((units == 0) & takes), changed, units)
    changed = _in_one_piece(units, changed, owners.size)
    return edit_of(name, labels, owners[changed], box)


def _in_one_piece(before: np.ndarray, after: np.ndarray, count: int) -> np.ndarray:
    """Return the labels after a change, each in one piece and none gone."""
    parts, owners = as_units(after)
    if owners.size == count and np.bincount(owners, minlength=count)[1:].all():
        return after
    areas = np.bincount(parts.ravel(), minlength=owners.size)
    # The last one of each owner in the order of areas is its largest part.
    order = np.argsort(areas, kind="stable")
    largest = np.zeros(count, np.intp)
    largest[owners[order]] = order
    kept = largest[owners] == np.arange(owners.size)
    kept[0] = True
    after = np.where(kept[parts], after, 0)
    gone = largest == 0
    gone[0] = False
    return np.where(gone[before], before, after) if gone.any() else after


def shifted(labels: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """Return what lies at an offset of every pixel; at the border, the pixel at the border.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Labels of a plane, 0 is background.
    dy, dx : int
        The offset in pixels, down and to the right.

    Returns
    -------
    ndarray of int, shape (Y, X)
        The labels, moved up and to the left by the offset.
    """
    (above, below), (left, right) = ((max(-one, 0), max(one, 0)) for one in (dy, dx))
    padded = np.pad(labels, ((above, below), (left, right)), mode="edge")
    height, width = labels.shape
    return padded[below : below + height, right : right + width]
