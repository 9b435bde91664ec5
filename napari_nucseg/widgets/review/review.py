"""The review of one layer: its queue, what a person has looked at, and where she is."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from ...corrections import Plane, Queue, State, States, Suspicions
from ...pipeline import Maps
from ..jobs import run_in_thread
from ..layers.layer_states import REASON, STATE, SUSPICION, put_columns, states_in, words_of
from ..layers.shown import bare, result_of_layer
from ..tools.look import typical_diameter_of

__all__ = ["Place", "Review", "Sources", "review_of"]

#: Milliseconds without a change after which the queue is brought up to date.
_PAUSE = 60

#: Which plane of a layer: the displayed axes, and the index along each other one.
Where = tuple[tuple[int, int], tuple[int, ...]]
Key = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Sources:
    """What a queue is made from.

    Parameters
    ----------
    plane : Plane
        The displayed plane of the layer.
    maps : Maps or None
        Of the plane.
    diameter : float or None
        Typical diameter of a nucleus in pixels; None if the labels are to tell it.
    image : ndarray or None
        Intensities, shape (Y, X) or (Y, X, 3).
    """

    plane: Plane
    maps: Maps | None = None
    diameter: float | None = None
    image: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Place:
    """A place to look at.

    Parameters
    ----------
    number : int
        The nucleus; 0 where one may be missed.
    at : tuple of float
        Its middle, (Y, X) in pixels of the plane.
    diameter : float
        Of a disc of the same area, in pixels.
    score : float
        How suspicious it is, 0 to 1.
    reason : str
        Why, in words.
    """

    number: int
    at: tuple[float, float]
    diameter: float
    score: float
    reason: str


class Review(QObject):
    """Knows which places of a layer are suspicious, and which were looked at.

    The states are in ``layer.features``, with one row for each nucleus: ``index``, its label;
    ``state``: unreviewed, accepted or edited; ``suspicion``, 0 to 1; ``reason``. They follow
    whatever changes the labels: our tools, the brush, undo, a script. Everything is measured
    on another thread.

    Parameters
    ----------
    layer : Labels
        The layer itself, not wrapped.

    Signals
    -------
    changed()
        The queue or a state has changed.
    """

    changed = Signal()

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._layer = weakref.ref(layer)
        #: The states of the nuclei.
        self.states = states_in(layer)
        self._sources: Callable[[], Sources | None] = lambda: None
        self._queue: Queue | None = None
        # Of the queue as it was measured last: a thread may be changing the queue itself.
        self._places: Suspicions | None = None
        self._where: Where | None = None
        self._is_busy = self._is_stale = self._is_writing = False
        #: Candidates that a person has found to be none, by plane.
        self._dismissed: set[tuple[Any, ...]] = set()
        # Of these places, and of those that were shown, the last one last.
        self._keys: list[Key] = []
        self._passed: list[Key] = []
        self._taken_back: tuple[dict[int, int], set[tuple[Any, ...]]] | None = None
        #: Where the person is, None before the first.
        self.place: Place | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._measure)
        for event in ("paint", "set_data", "labels_update"):
            getattr(layer.events, event).connect(self._labels_changed)
        layer.events.data.connect(self._data_replaced)
        layer.events.features.connect(self._features_replaced)

    @property
    def places(self) -> Suspicions | None:
        """The queue as it was measured last, None before that."""
        return self._places

    @property
    def queue(self) -> Queue | None:
        """What measures it, None while nothing is measured."""
        return self._queue

    # Measuring

    def begin(self, sources: Callable[[], Sources | None]) -> None:
        """Measure, and keep up to date from now on.

        Parameters
        ----------
        sources : callable
            Returns what there is now; None if nothing can be reviewed.
        """
        self._sources = sources
        self._is_stale = True
        self._timer.start()

    def end(self) -> None:
        """Forget what was measured, as another layer is corrected. States stay."""
        self._sources = lambda: None
        self._queue = self._places = self._where = self.place = None
        self._keys, self._passed = [], []
        self._timer.stop()

    def _labels_changed(self, event: Any = None) -> None:
        if self._queue is not None or self._is_busy:
            self._timer.start()

    def _data_replaced(self, event: Any = None) -> None:
        """The labels are others: after a slider was moved, nobody has looked at them yet."""
        layer = self._layer()
        result = None if layer is None else result_of_layer(layer)
        if result is not None and result.state() == "fresh":
            self.states, self.place = States(), None
            self._dismissed, self._passed, self._is_stale = set(), [], True
        self._labels_changed()

    def _features_replaced(self, event: Any = None) -> None:
        """Take over states that come from elsewhere, such as those of a journal."""
        layer = self._layer()
        if layer is not None and not self._is_writing:
            for one, state in states_in(layer).as_dict().items():
                self.states.mark([one], State(state))
            self.changed.emit()

    def _measure(self) -> None:
        if self._is_busy:
            self._timer.start()
            return
        sources = self._sources()
        if sources is None:
            return
        where = _where(sources.plane)
        if self._where not in (None, where):
            self.place, self._passed, self._is_stale = None, [], True
        labels = np.array(sources.plane.labels)
        queue = None if self._is_stale else self._queue
        before = self._queue if where == self._where else None
        self._is_busy, self._is_stale, self._where = True, False, where

        def work() -> tuple[Queue, list[Key], dict[int, tuple[int, int]]]:
            if queue is not None and queue.labels.shape == labels.shape:
                changed = queue.update(labels)
                return queue, _keys_of(queue.places), changed
            changed = _changed_since(before, labels)
            diameter = sources.diameter or typical_diameter_of(labels)
            made = Queue(labels, sources.maps, sources.image, diameter=diameter)
            return made, _keys_of(made.places), changed

        def done(found: tuple[Queue, list[Key], dict[int, tuple[int, int]]]) -> None:
            self._is_busy = False
            if self._where == where:
                self._measured(*found)

        def failed(error: Exception) -> None:
            self._is_busy = False

        run_in_thread(work, done, failed)

    def _measured(
        self, queue: Queue, keys: list[Key], changed: dict[int, tuple[int, int]]
    ) -> None:
        self._queue, self._places, self._keys = queue, queue.places, keys
        self.states.follow(changed)
        row = self.row()
        self.place = None if row is None else self._place(row)
        self._write()

    # States

    def _write(self) -> None:
        """Put the states of the plane into the features, beside those of other planes."""
        layer, places = self._layer(), self.places
        if layer is None or places is None:
            return
        is_nucleus = places.ids != 0  # napari lets a person paint with -1, too
        ids = places.ids[is_nucleus].tolist()
        there = {*ids}
        others = [one for one in self.states.as_dict() if one not in there]
        nothing = np.full(len(others), np.nan)
        reasons = [why for why, one in zip(places.reasons, places.ids, strict=True) if one]
        self._is_writing = True
        try:
            put_columns(
                layer,
                [*ids, *others],
                {
                    STATE: words_of(self.states, [*ids, *others]),
                    SUSPICION: np.concatenate([places.score[is_nucleus].round(3), nothing]),
                    REASON: [*reasons, *[""] * len(others)],
                },
            )
        finally:
            self._is_writing = False
        self.changed.emit()

    def accept(self, rows: Iterable[int]) -> int:
        """Note that places of the queue are right.

        Parameters
        ----------
        rows : iterable of int
            Positions in the queue.

        Returns
        -------
        int
            How many were not reviewed before.
        """
        places = self.places
        done = self._done()
        chosen = [row for row in rows if not done[row]]
        if places is None or not chosen:
            return 0
        self._taken_back = (self.states.as_dict(), set(self._dismissed))
        self.states.accept(places.ids[chosen].tolist())
        for row in chosen:
            if not places.ids[row]:
                self._dismissed.add((self._where, self._keys[row]))
        self._write()
        return len(chosen)

    def take_back(self) -> bool:
        """Take the last acceptance back.

        Returns
        -------
        bool
            False if there is none.
        """
        if self._taken_back is None:
            return False
        (before, self._dismissed), self._taken_back = self._taken_back, None
        for one, state in self.states.as_dict().items():
            if state == State.ACCEPTED:
                self.states.mark([one], State(before.get(one, State.UNREVIEWED)))
        self._write()
        return True

    def can_take_back(self) -> bool:
        """Return whether there is an acceptance to take back.

        Returns
        -------
        bool
            True if there is.
        """
        return self._taken_back is not None

    def _done(self) -> np.ndarray:
        """Return for each place whether it was reviewed."""
        places = self.places
        if places is None:
            return np.zeros(0, bool)
        done = self.states.of(places.ids.tolist()) > 0
        for row in np.flatnonzero(places.ids == 0):
            done[row] = (self._where, self._keys[row]) in self._dismissed
        return done

    def count(self) -> tuple[int, int]:
        """Count the places.

        Returns
        -------
        done, total : int
            Those that were reviewed, and all.
        """
        done = self._done()
        return int(done.sum()), done.size

    def count_new(self, rows: Iterable[int]) -> int:
        """Count the places that were not reviewed.

        Parameters
        ----------
        rows : iterable of int
            Positions in the queue.

        Returns
        -------
        int
            How many of them.
        """
        done = self._done()
        return sum(not done[row] for row in rows)

    # Going through the queue

    def go_on(self) -> Place | None:
        """Go to the most suspicious place that was neither reviewed nor shown.

        Returns
        -------
        Place or None
            None if all are reviewed. If all others were shown, it begins again.
        """
        left = np.flatnonzero(~self._done()).tolist()
        passed = {*self._passed}
        new = [row for row in left if self._keys[row] not in passed]
        if left and not new:
            # All were shown: begin again, but not with the one that is shown now.
            self._passed = self._passed[-1:] if len(left) > 1 else []
            new = [row for row in left if self._keys[row] not in self._passed]
        return self._show(new[0]) if new else None

    def go_back(self) -> Place | None:
        """Go to the place before.

        Returns
        -------
        Place or None
            None if there is none.
        """
        if self._passed and self.place is not None:
            self._passed.pop()
        while self._passed:
            key = self._passed.pop()
            if key in self._keys:
                return self._show(self._keys.index(key))
        return None

    def rows_in(self, box: tuple[float, float, float, float]) -> list[int]:
        """Return the places in a box.

        Parameters
        ----------
        box : tuple of float
            Top, left, bottom and right in pixels of the plane.

        Returns
        -------
        list of int
            Positions in the queue of those whose middle is in it.
        """
        places = self.places
        if places is None:
            return []
        inside = (places.y >= box[0]) & (places.y <= box[2])
        inside &= (places.x >= box[1]) & (places.x <= box[3])
        return [int(row) for row in np.flatnonzero(inside)]

    def rows_below(self) -> list[int]:
        """Return the places that are less suspicious than the one that is shown.

        Returns
        -------
        list of int
            Positions in the queue. Empty if none is shown.
        """
        places = self.places
        if places is None or self.place is None:
            return []
        return [int(row) for row in np.flatnonzero(places.score < self.place.score)]

    def row(self) -> int | None:
        """Return the position of the place that is shown.

        Returns
        -------
        int or None
            None if none is shown, or it is gone.
        """
        key = self._passed[-1] if self.place is not None and self._passed else None
        return self._keys.index(key) if key in self._keys else None

    def _show(self, row: int) -> Place:
        self.place = self._place(row)
        self._passed.append(self._keys[row])
        self.changed.emit()
        return self.place

    def _place(self, row: int) -> Place:
        places = self.places
        assert places is not None
        return Place(
            int(places.ids[row]),
            (float(places.y[row]), float(places.x[row])),
            float(places.diameter[row]),
            float(places.score[row]),
            places.reasons[row],
        )


_reviews: weakref.WeakKeyDictionary[Any, Review] = weakref.WeakKeyDictionary()


def review_of(layer: Any) -> Review:
    """Return the review of a layer, which lives as long as the layer.

    Parameters
    ----------
    layer : Labels
        The layer.

    Returns
    -------
    Review
        The same whenever it is asked for.
    """
    layer = bare(layer)
    if layer not in _reviews:
        _reviews[layer] = Review(layer)
    return _reviews[layer]


def _where(plane: Plane) -> Where:
    others = [at for axis, at in enumerate(plane.position) if axis not in plane.displayed]
    return plane.displayed, tuple(others)


def _changed_since(before: Queue | None, labels: np.ndarray) -> dict[int, tuple[int, int]]:
    """Return what has changed since a queue was measured that is not used any more."""
    if before is None or before.labels.shape != labels.shape:
        return {}
    return before.update(labels)


def _keys_of(places: Suspicions) -> list[Key]:
    """Return what stays the same of each place when the queue is measured again."""
    rows = zip(places.ids.tolist(), places.y.tolist(), places.x.tolist(), strict=True)
    return [(one,) if one else (0, round(y), round(x)) for one, y, x in rows]
