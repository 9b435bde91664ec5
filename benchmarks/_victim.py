"""A napari window in which somebody corrects nuclei until the process is killed.

It says on standard output, a line for each, what it has done:

    begun TIME STATE        labels are shown that nobody has corrected
    restored TIME STATE     so are those that the window has offered to restore
    step TIME STATE         something was done
    saved TIME KEY STATE    the window has said that the field is in the training set

Tabs are between the words: a key has spaces. STATE is a checksum of labels and review states.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from _person import Person

from napari_nucseg import corrections
from napari_nucseg.corrections import State, States
from napari_nucseg.image import simulate_field
from napari_nucseg.widgets.layers.layer_states import put_states, states_in

SIDE = 512  # pixels
#: Seconds between two steps, at most, and out of how many steps one saves the field.
PAUSE, SAVES = 0.4, 40


def state_of(labels: np.ndarray, states: States) -> int:
    """Return a checksum of labels and states.

    Parameters
    ----------
    labels : ndarray of int
        The labels.
    states : States
        The states of their nuclei.

    Returns
    -------
    int
        The checksum.
    """
    # A nucleus that is not in the table is unreviewed, as one with a row that says so.
    known = sorted((one, state) for one, state in states.as_dict().items() if state)
    return zlib.crc32(labels.astype(np.int64).tobytes(), zlib.crc32(repr(known).encode()))


class Victim:
    """Corrects nuclei at random until somebody ends it.

    Parameters
    ----------
    image : str
        File with the image.
    seed : int
        For the order of the steps.
    """

    def __init__(self, image: str, seed: int) -> None:
        self._person = Person(needs_engine=False)
        self._viewer, self._dock = self._person.viewer, self._person.dock
        self._random = random.Random(seed)
        # Nobody is there to answer.
        self._dock.correct._adder.confirm = lambda *_: True
        self._dock.correct._adder.added.connect(self._saved)
        self._layer = self._restored() or self._new(image)
        # States may follow the labels a little later.
        self._layer.events.features.connect(lambda _: self._say("step"))

    def _restored(self) -> Any | None:
        offer = self._dock.offer
        left = offer._journals.left()
        if not left:
            return None
        self._person.wait(offer.isVisible, "the offer")
        self._person.click(offer.restore_button)
        self._person.wait(lambda: "Restored" in self._dock.status.text(), "what is restored")
        layer = self._dock.correct.labels.layer()
        self._layer = getattr(layer, "__wrapped__", layer)
        if self._dock.correct.image.layer() is None:
            raise RuntimeError(f"There is no image: {self._dock.status.text()}")
        self._say("restored")
        return self._layer

    def _new(self, image: str) -> Any:
        (shown,) = self._viewer.open(image, plugin="napari")
        labels = np.array(simulate_field((SIDE, SIDE), seed=0).labels)
        self._layer = self._viewer.add_labels(
            labels, metadata={"nucseg": {"image": shown.name}}
        )
        self._dock.correct.show_result(self._layer, shown)
        self._say("begun")
        return self._layer

    def _say(self, what: str, *more: str) -> None:
        state = state_of(self._layer.data, states_in(self._layer))
        print(what, time.time(), *more, state, sep="\t", flush=True)

    def _saved(self, entry: Any) -> None:
        print("saved", time.time(), entry.key, self._given, sep="\t", flush=True)

    def correct(self) -> None:
        """Go on for ever."""
        steps = [self._tool, self._stroke, self._undo, self._redo, self._accept, self._fill]
        while True:
            step = self._random.choice([*steps, self._tool])
            if self._random.randrange(SAVES) == 0:
                step = self._save
            for _ in step() or ():
                self._say("step")
            self._say("step")
            self._pause(self._random.uniform(0, PAUSE))

    def _pause(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        self._person.wait(lambda: time.perf_counter() > end, "the next step")

    def _point(self) -> tuple[int, int]:
        return self._random.randrange(SIDE), self._random.randrange(SIDE)

    def _tool(self) -> None:
        editor = self._dock.correct.editor
        plane = editor.plane(self._layer)
        ids = [int(one) for one in np.unique(plane.labels) if one]
        one, at = self._random.choice(ids), self._point()
        line = [at, self._point()]
        edits = [
            corrections.delete(plane.labels, [one]),
            corrections.split_along(plane.labels, line),
            corrections.merge(plane.labels, line),
            corrections.smooth(plane.labels, [one]),
            corrections.add(plane.labels, at, diameter=20.0),
        ]
        editor.do(self._layer, plane, self._random.choice(edits))

    def _stroke(self) -> Iterator[None]:
        y, x = self._point()
        number = int(self._layer.data.max()) + 1
        with self._layer.block_history():
            for part in range(self._random.randrange(1, 6)):
                self._layer.paint((y, min(x + 6 * part, SIDE - 1)), number)
                # What is shown is said before the event loop goes on.
                yield
                self._person.rest()

    def _fill(self) -> None:
        self._layer.fill(self._point(), self._random.randrange(2000))

    def _undo(self) -> None:
        self._layer.undo()

    def _redo(self) -> None:
        self._layer.redo()

    def _accept(self) -> None:
        states = states_in(self._layer)
        states.mark([self._random.randrange(1, 200)], State.ACCEPTED)
        put_states(self._layer, states)

    def _save(self) -> None:
        button = self._dock.correct.add_button
        if button.isEnabled():
            self._given = state_of(self._layer.data, States())
            self._dock.open_part(self._dock.correct)
            self._person.click(button)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        Victim(sys.argv[1], int(sys.argv[2])).correct()
