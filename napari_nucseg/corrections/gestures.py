"""What a gesture means, so that no mode is needed."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from .merge import ids_along
from .redraw import replaced_by
from .regions import Path, as_pixel, id_at
from .select import ids_in_polygon

__all__ = ["Gesture", "Meaning", "meaning_of"]

#: A gesture that stays within so many pixels of where it began is a click.
_CLICK = 3.0

#: A drag is a loop if it ends this near to where it began, over its length, and encloses at
#: least this part of what a circle of its length does.
_GAP, _ROUNDNESS = 0.15, 0.25


class Meaning(enum.Enum):
    """What a gesture asks for."""

    NOTHING = "nothing"
    SELECT = "select"
    ADD = "add"
    DELETE = "delete"
    MERGE = "merge"
    SPLIT = "split"
    REDRAW = "redraw"


@dataclasses.dataclass(frozen=True)
class Gesture:
    """What a gesture asks for, and of which nuclei.

    Parameters
    ----------
    meaning : Meaning
        What to do.
    ids : tuple of int
        The nuclei, in the order in which the gesture meets them. For a loop, those that
        are replaced; none if it makes a new one.
    """

    meaning: Meaning
    ids: tuple[int, ...] = ()


def meaning_of(
    labels: np.ndarray, path: Path, *, alt: bool = False, tolerance: float = _CLICK
) -> Gesture:
    """Return what a gesture means.

    A click on a nucleus selects it, with Alt it deletes it; a click on the background adds a
    nucleus. A drag that begins in a nucleus and reaches others merges them. A drag from
    background to background across nuclei splits them. A loop, which ends where it began,
    is the outline of a nucleus: it replaces what it encloses. With Alt, a drag deletes the
    nuclei on its way, and a loop those in it. Anything else means nothing.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane.
    path : sequence of points, shape (N, 2)
        From press to release, (Y, X) in pixels. While dragging, up to where the mouse is.
    alt : bool, optional
        Whether Alt is held.
    tolerance : float, optional
        Pixels within which a drag is a click; 3 pixels of the screen are a good choice.

    Returns
    -------
    Gesture
        The meaning. A gesture that begins outside of the image means nothing.
    """
    points = np.asarray(path, float).reshape(-1, 2)
    if len(points) == 0 or as_pixel(points[0], labels.shape) is None:
        return Gesture(Meaning.NOTHING)
    first, last = id_at(labels, points[0]), id_at(labels, points[-1])
    if np.hypot(*(points - points[0]).T).max() <= tolerance:
        ids = [first] if first else []
        meaning = Meaning.SELECT if first else Meaning.ADD
    elif _is_loop(points, tolerance):
        ids = ids_in_polygon(labels, points) if alt else replaced_by(labels, points)
        meaning = Meaning.REDRAW
    else:
        ids = ids_along(labels, points)
        meaning = _of_drag(first, last, len(ids))
    if alt:
        meaning = Meaning.DELETE if ids else Meaning.NOTHING
    return Gesture(meaning, tuple(ids) if meaning is not Meaning.NOTHING else ())


def _is_loop(points: np.ndarray, tolerance: float) -> bool:
    """Return whether a drag comes back to where it began, around something."""
    steps = np.diff(points, axis=0)
    length = float(np.hypot(*steps.T).sum())
    gap = float(np.hypot(*(points[-1] - points[0])))
    y, x = (points - points[0]).T
    area = abs(float(np.sum(y * np.roll(x, -1) - x * np.roll(y, -1)))) / 2
    is_wide = 4 * np.pi * area >= _ROUNDNESS * (length + gap) ** 2
    return is_wide and gap <= max(_GAP * length, tolerance)


def _of_drag(first: int, last: int, count: int) -> Meaning:
    """Return what a drag means that begins and ends at these ids and meets so many nuclei."""
    if first and count > 1:
        return Meaning.MERGE
    if count and not first and not last:
        return Meaning.SPLIT
    return Meaning.NOTHING
