"""Push the outline of a nucleus with a round brush, step by step."""

from __future__ import annotations

import numpy as np

from .edit import Edit, edit_of, nothing
from .regions import Path, Point, disc_along, id_at, piece_of, square_around, window_of

__all__ = ["begin_push", "push"]


def begin_push(labels: np.ndarray, at: Point, radius: float) -> tuple[int, bool]:
    """Return what a brush that is put down at a point does.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane.
    at : sequence of float
        The middle of the brush, (Y, X) in pixels.
    radius : float
        Of the brush in pixels.

    Returns
    -------
    number : int
        The nucleus that is pushed: the one at the point, else the one that is covered most;
        0 if there is none. Then ask again at the next position of the brush.
    outwards : bool
        True inside of the nucleus: its outline moves outwards. False outside of it.
    """
    number = id_at(labels, at)
    if number:
        return number, True
    box = square_around(at, radius, labels.shape)
    covered = labels[box][disc_along([at], radius, box)]
    ids, counts = np.unique(covered[covered != 0], return_counts=True)
    return (int(ids[np.argmax(counts)]) if ids.size else 0), False


def push(labels: np.ndarray, number: int, path: Path, radius: float, outwards: bool) -> Edit:
    """Add to a nucleus what a brush covers, or take it away: one step of a stroke.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    number : int
        The nucleus, from `begin_push`.
    path : sequence of points, shape (N, 2)
        The way of the middle of the brush since the step before, (Y, X) in pixels.
    radius : float
        Of the brush in pixels.
    outwards : bool
        Whether to add. Only background is added, and only what touches the nucleus.

    Returns
    -------
    Edit
        Empty if nothing changes, or nothing of the nucleus would be left. If a part is cut
        off, the larger one stays. `combine` makes one edit of all steps.
    """
    points = np.asarray(path, float).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = float((high - low).max() / 2 + radius + 1)
    around = square_around((low + high) / 2, reach, labels.shape)
    seeds = np.argwhere(labels[around] == number)
    if not number or seeds.size == 0:
        return nothing("push", labels)
    start = seeds[0] + [around[0].start, around[1].start]
    rows, columns = (
        slice(min(one.start, other.start), max(one.stop, other.stop))
        for one, other in zip(window_of(labels, start), around, strict=True)
    )
    box = (rows, columns)
    part = labels[box]
    nucleus, covered = part == number, disc_along(points, radius, box)
    changed = nucleus | (covered & (part == 0)) if outwards else nucleus & ~covered
    changed = piece_of(changed, nucleus & changed)
    if not changed.any():
        return nothing("push", labels)
    # Pieces of before that lie apart are not the brush's business.
    if outwards:
        changed |= nucleus
    after = np.where(changed, number, np.where(nucleus, 0, part))
    return edit_of("push", labels, after, box)
