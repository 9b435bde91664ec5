"""What the review draws over the image: the place that is shown, and the states."""

from __future__ import annotations

import numpy as np

from ...corrections import State
from ..layers.canvas import Mark
from ..layers.outlines import outlines_of
from .review import Place, Review

__all__ = ["marks_of_place", "marks_of_states"]

#: Of the place that is shown, and of states.
_COLOR = "#ff9f40"
_BY_STATE = {State.UNREVIEWED: "#c9d1d9", State.ACCEPTED: "#3fd07a", State.EDITED: "#5cc8ff"}

#: Outlines that are drawn at most; of more nuclei only the middles.
_MOST_OUTLINES = 150

#: Radius of the circle around a candidate, over its diameter.
_AROUND = 0.6


def marks_of_place(review: Review, place: Place) -> list[Mark]:
    """Return what shows a place: the outline of the nucleus, or a circle, and the reason.

    Parameters
    ----------
    review : Review
        The review of the layer.
    place : Place
        The place.

    Returns
    -------
    list of Mark
        To be drawn.
    """
    if place.number:
        lines = _outlines(review, place.number)
    else:
        turn = np.linspace(0, 2 * np.pi, 40)
        circle = np.stack([np.sin(turn), np.cos(turn)], axis=1)
        lines = [np.array(place.at) + _AROUND * place.diameter * circle]
    marks = [Mark(line, _COLOR, closed=True, dashed=not place.number) for line in lines]
    if lines:
        # The reason stands to the right of the lowest point, where it hides no nucleus.
        lowest = lines[0][np.argmax(lines[0].sum(axis=1))]
        marks.append(Mark([lowest], _COLOR, text=place.reason))
    return marks


def marks_of_states(
    review: Review, box: tuple[float, float, float, float] | None
) -> list[Mark]:
    """Return the outlines of the nuclei in sight, colored by state.

    Parameters
    ----------
    review : Review
        The review of the layer.
    box : tuple of float or None
        Top, left, bottom and right in pixels of the plane; None if nothing is in sight.

    Returns
    -------
    list of Mark
        Dots in place of outlines if there are many.
    """
    places = review.places
    if box is None or places is None:
        return []
    # Of a nucleus at the edge of the view, the middle is out of sight.
    margin = float(places.diameter.max(initial=0.0)) / 2
    grown = (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)
    rows = [row for row in review.rows_in(grown) if places.ids[row]]
    marks = []
    for state, color in _BY_STATE.items():
        chosen = [row for row in rows if review.states[places.ids[row]] is state]
        if len(rows) > _MOST_OUTLINES:
            points = np.stack([places.y[chosen], places.x[chosen]], axis=1)
            marks.append(Mark(points, color, dots=True))
        else:
            marks += [
                Mark(line, color, closed=True)
                for row in chosen
                for line in _outlines(review, int(places.ids[row]))
            ]
    return marks


def _outlines(review: Review, one: int) -> list[np.ndarray]:
    """Return the outlines of a nucleus, (Y, X) in pixels of the plane."""
    queue = review.queue
    box = None if queue is None else queue.box_of(one)
    if queue is None or box is None:
        return []
    corner = np.array([box[0].start, box[1].start])
    return [line + corner for line in outlines_of(queue.labels[box], one)]
