"""Redraw a nucleus: an outline by hand replaces it."""

from __future__ import annotations

import numpy as np

from .edit import Edit, edit_of, nothing
from .regions import Path, box_of, largest_piece, next_ids, polygon_mask

__all__ = ["redraw", "replaced_by"]

#: An outline means the nucleus that it overlaps most, if at least this part of the smaller
#: of the two is in both.
_LEAST_OVERLAP = 0.3

#: Other nuclei go if more than this part of them lies in the outline.
_MOSTLY_INSIDE = 0.7


def replaced_by(labels: np.ndarray, outline: Path) -> list[int]:
    """Return the nuclei that an outline by hand replaces.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane.
    outline : sequence of points, shape (N, 2)
        (Y, X) in pixels. It closes itself.

    Returns
    -------
    list of int
        First the one that it overlaps most, then others that lie in it for the most part.
        Empty if it makes a new nucleus, or encloses nothing.
    """
    found = polygon_mask(outline, labels.shape)
    return [] if found is None else _replaced(labels, labels[found[1]][found[0]])


def redraw(labels: np.ndarray, outline: Path, *, new_id: int | None = None) -> Edit:
    """Replace the nucleus that an outline overlaps most, or make a new one.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    outline : sequence of points, shape (N, 2)
        (Y, X) in pixels. It closes itself.
    new_id : int, optional
        From which on ids are free in the whole layer; left out, in the plane.

    Returns
    -------
    Edit
        The nucleus is what lies inside of the outline and belongs to no other nucleus; of
        several pieces the largest. Other nuclei that lie in the outline for the most part
        become a part of it, so that an outline around the pieces of a nucleus makes one of
        them. Empty if nothing is left.
    """
    found = polygon_mask(outline, labels.shape)
    if found is None:
        return nothing("redraw", labels)
    drawn, box = found
    replaced = _replaced(labels, labels[box][drawn])
    if replaced:
        whole = np.zeros(labels.shape, bool)
        whole[box] = drawn
        concerned = whole.copy()
        for one in replaced:
            concerned |= labels == one
        box = box_of(concerned) or box
        drawn = whole[box]
    part = labels[box]
    old = np.isin(part, replaced)
    shape = largest_piece(drawn & ((part == 0) | old))
    if not shape.any():
        return nothing("redraw", labels)
    new_ids = [] if replaced else next_ids(labels, 1, new_id)
    after = np.where(old, 0, part)
    after[shape] = [*replaced, *new_ids][0]
    return edit_of("redraw", labels, after, box, new_ids)


def _replaced(labels: np.ndarray, covered: np.ndarray) -> list[int]:
    """Return the nuclei that an outline over these pixels replaces."""
    ids, shared = np.unique(covered[covered != 0], return_counts=True)
    areas = np.array([np.count_nonzero(labels == one) for one in ids], int)
    is_meant = shared >= _LEAST_OVERLAP * np.minimum(areas, covered.size)
    is_inside = shared > _MOSTLY_INSIDE * areas
    candidates = np.flatnonzero(is_meant | is_inside)
    if candidates.size == 0:
        return []
    most = candidates[np.argmax(shared[candidates])]
    others = ids[is_inside & (ids != ids[most])]
    return [int(ids[most]), *(int(one) for one in others)]
