"""What a gesture means, so that no mode is needed."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from .merge import ids_along
from .regions import Path, as_pixel, id_at

__all__ = ["Gesture", "Meaning", "meaning_of"]

#: A gesture that stays within so many pixels of where it began is a click.
_CLICK = 3.0


class Meaning(enum.Enum):
    """What a gesture asks for."""

    NOTHING = "nothing"
    SELECT = "select"
    ADD = "add"
    DELETE = "delete"
    MERGE = "merge"
    SPLIT = "split"


@dataclasses.dataclass(frozen=True)
class Gesture:
    """What a gesture asks for, and of which nuclei.

    Parameters
    ----------
    meaning : Meaning
        What to do.
    ids : tuple of int
        The nuclei, in the order in which the gesture meets them.
    """

    meaning: Meaning
    ids: tuple[int, ...] = ()


def meaning_of(
    labels: np.ndarray, path: Path, *, alt: bool = False, tolerance: float = _CLICK
) -> Gesture:
    """Return what a gesture means.

    A click on a nucleus selects it, with Alt it deletes it; a click on the background adds a
    nucleus. A drag that begins in a nucleus and reaches others merges them. A drag from
    background to background across nuclei splits them. Anything else means nothing.

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
        ids: tuple[int, ...] = (first,) if first else ()
        meaning = Meaning.SELECT if first else Meaning.ADD
    else:
        ids = tuple(ids_along(labels, points))
        meaning = _of_drag(first, last, len(ids))
    if alt:
        meaning = Meaning.DELETE if ids else Meaning.NOTHING
    return Gesture(meaning, ids if meaning is not Meaning.NOTHING else ())


def _of_drag(first: int, last: int, count: int) -> Meaning:
    """Return what a drag means that begins and ends at these ids and meets so many nuclei."""
    if first and count > 1:
        return Meaning.MERGE
    if count and not first and not last:
        return Meaning.SPLIT
    return Meaning.NOTHING
