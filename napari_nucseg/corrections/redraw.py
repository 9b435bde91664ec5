"""Redraw a nucleus: an outline by hand replaces it."""

from __future__ import annotations

import numpy as np

from .edit import Edit, edit_of, nothing
from .regions import Path, box_of, largest_piece, next_ids, polygon_mask

__all__ = ["redraw"]

#: An outline means the nucleus that it overlaps most, if at least this part of the smaller
#: of the two is in both.
_LEAST_OVERLAP = 0.3


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
        several pieces the largest. Empty if nothing is left.
    """
    found = polygon_mask(outline, labels.shape)
    if found is None:
        return nothing("redraw", labels)
    drawn, box = found
    number = _meant(labels, labels[box][drawn])
    new_ids = [] if number else next_ids(labels, 1, new_id)
    if number:
        whole = np.zeros(labels.shape, bool)
        whole[box] = drawn
        box = box_of(whole | (labels == number)) or box
        drawn = whole[box]
    part = labels[box]
    old = (part == number) & (number != 0)
    shape = largest_piece(drawn & ((part == 0) | old))
    if not shape.any():
        return nothing("redraw", labels)
    after = np.where(old, 0, part)
    after[shape] = number or new_ids[0]
    return edit_of("redraw", labels, after, box, new_ids)


def _meant(labels: np.ndarray, covered: np.ndarray) -> int:
    """Return the nucleus that an outline over these pixels means, 0 for a new one."""
    ids, shared = np.unique(covered[covered != 0], return_counts=True)
    if ids.size == 0:
        return 0
    most = int(np.argmax(shared))
    number = int(ids[most])
    smaller = min(int(np.count_nonzero(labels == number)), covered.size)
    return number if int(shared[most]) >= _LEAST_OVERLAP * smaller else 0
