"""A napari window in which somebody works through a folder until the process is killed.

It says on standard output, a line for each, what has happened, with tabs between the words:

    segmented TIME NAME         the labels of an image are in their file
    at TIME NAME STATE          an image is shown
    edit TIME NAME STATE        somebody has changed its labels
    done TIME NAME              it was noted as done

STATE is a checksum of the labels.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _person import Person
from _victim import state_of

from napari_nucseg import corrections
from napari_nucseg.corrections import States

SIDE, COUNT = 512, 200  # pixels, images
#: Seconds between two steps, at most, and out of how many steps one goes on.
PAUSE, STEPS = 0.4, 6


class Victim:
    """Works through a folder until somebody ends it.

    Parameters
    ----------
    folder : Path
        With the images.
    seed : int
        For the order of the steps.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._person = Person(needs_engine=False)
        self._panel = self._person.dock.folder
        self._random = random.Random(seed)
        self._person.wait(lambda: not self._panel.choice.is_opening, "the folder of last time")
        if self._panel.work is None:
            self._panel.choice.open_folder(folder)
            self._person.wait(lambda: self._panel.work is not None, "the folder")
        self._panel.batch.segmented.connect(lambda name: self._say("segmented", name))
        if self._panel.segment_button.isEnabled():
            self._person.dock.open_part(self._panel)
            self._person.click(self._panel.segment_button)

    def _say(self, *words: Any) -> None:
        what, *more = words
        print(what, time.time(), *more, sep="\t", flush=True)

    def work(self) -> None:
        """Go on for ever."""
        self._go_on("")
        while True:
            self._edit()
            if self._random.randrange(STEPS) == 0:
                self._go_on(self._panel.desk.name)
            self._pause(self._random.uniform(0.02, PAUSE))

    def _pause(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        self._person.wait(lambda: time.perf_counter() > end, "the next step")

    def _layer(self) -> Any | None:
        layer = self._person.dock.correct.labels.layer()
        return getattr(layer, "__wrapped__", layer)

    def _edit(self) -> None:
        editor, layer = self._person.dock.correct.editor, self._layer()
        if layer is None:
            return
        plane = editor.plane(layer)
        ids = [int(one) for one in np.unique(plane.labels) if one]
        at = (self._random.randrange(SIDE), self._random.randrange(SIDE))
        edits = [corrections.add(plane.labels, at, diameter=20.0)]
        if ids:
            edits.append(corrections.delete(plane.labels, [self._random.choice(ids)]))
        if editor.do(layer, plane, self._random.choice(edits)):
            self._say("edit", self._panel.desk.name, state_of(layer.data, States()))

    def _go_on(self, before: str) -> None:
        """Open the next image; it must have labels."""
        panel = self._panel
        self._person.wait(
            lambda: (
                sum(row.nuclei is not None for row in panel.work.rows()) > 1
                or any(row.state == "segmented" for row in panel.work.rows())
            ),
            "an image with labels",
        )
        self._person.wait(panel.done_button.isEnabled, "the last change")
        panel.finish_image()
        self._person.wait(
            lambda: panel.desk.name not in ("", before) and not panel.desk.is_busy, "the next"
        )
        if before:
            self._person.wait(lambda: panel.work.row(before).state == "done", "the note")
            self._say("done", before)
        name = panel.desk.name
        self._person.wait(
            lambda: self._layer() is not None and panel.desk.shows(self._layer()),
            "the labels",
        )
        # Mesa's OpenGL can crash on an edit right after layers were closed.
        self._person.rest()
        layer: Any = self._layer()
        self._say("at", name, state_of(layer.data, States()))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        Victim(Path(sys.argv[1]), int(sys.argv[2])).work()
