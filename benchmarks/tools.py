"""How long each tool keeps the event loop, in the real window.

The layer has 2048 x 2048 pixels and 5,000 nuclei. Every tool is used on several nuclei with
events of mouse and keys. What counts is the time from the event that does it, such as the
release of the button, until the labels have changed and all events that follow are handled.
Beside it stands what napari needs to write as many pixels, without any tool.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _common import Measure, report
from _window import Mouse, in_window
from corrections import ALL, NUCLEI, ONE, ONE_SLOW, SIDE, Scene

#: Seconds after which a tool is taken to do nothing.
PATIENCE = 20.0


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the layer, in pixels")
    parser.add_argument("--nuclei", type=int, default=NUCLEI, help="how many, about")
    parser.add_argument("--runs", type=int, default=20, help="nuclei that each tool is used on")
    options = parser.parse_args()
    scene = Scene(options.side, options.nuclei)

    def work() -> int:
        bench = Bench(scene, options.runs)
        try:
            measures = [*bench.of_one(), *bench.of_all(), *bench.of_queue()]
        finally:
            bench.close()
        report("tools", measures)
        return 0

    return in_window(work)


class Bench:
    """A window with a large layer.

    Parameters
    ----------
    scene : Scene
        Its labels.
    runs : int
        On how many nuclei each tool is used.
    """

    def __init__(self, scene: Scene, runs: int) -> None:
        import napari

        self.scene, self.runs = scene, runs
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1600, 1000)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(
            "napari-nucseg", "Nucleus Segmentation", tabify=False
        )
        image = (200 * scene.maps.values[..., 0]).astype(np.uint8)
        self.image = self.viewer.add_image(image, name="image")
        self.layer = self.viewer.add_labels(scene.labels.copy(), name="nuclei")
        self.dock.open_part(self.dock.correct)
        self.dock.correct.labels.choose(self.layer)
        self.mouse = Mouse(self.viewer, self.layer)
        self.box = self.dock.correct.tools
        self._rest(2.0)
        self.chosen = np.random.default_rng(1).choice(len(scene.middles), runs, replace=False)

    def close(self) -> None:
        """Close the window and the engine."""
        from napari_nucseg.engine import shared_engine

        self.viewer.close()
        shared_engine().close()

    def _rest(self, seconds: float) -> None:
        from qtpy.QtTest import QTest

        QTest.qWait(int(1000 * seconds))

    def _timed(self, act: Callable[[], Any]) -> float:
        """Return how long it takes until the labels have changed, in milliseconds.

        Afterwards the change is undone.
        """
        from qtpy.QtWidgets import QApplication

        before = len(self.layer._undo_history)
        act()  # moves the mouse where it has to be
        start = self.mouse.last_event
        QApplication.processEvents()
        while len(self.layer._undo_history) == before:
            if time.perf_counter() > start + PATIENCE:
                raise TimeoutError("Waited for the tool to change labels in vain.")
            QApplication.processEvents()
        taken = time.perf_counter() - start
        self.layer.undo()
        self._rest(0.05)
        return 1000 * taken

    def of_one(self) -> Iterator[Measure]:
        """Use each tool on single nuclei."""
        times: dict[str, list[float]] = {}
        for index in self.chosen:
            middle = self.scene.middles[index]
            self._look_at(middle)
            for name, (tool, act) in self._uses(middle).items():
                self.box.use(tool)
                times.setdefault(name, []).append(self._timed(act))
            number = int(self.scene.labels[tuple(middle.astype(int))])
            pixels = np.nonzero(self.scene.labels == number)
            start = time.perf_counter()
            self.layer.data_setitem(pixels, 0)
            self._process()
            times.setdefault("napari writes a nucleus", []).append(
                1000 * (time.perf_counter() - start)
            )
            self.layer.undo()
            self._process()
        for name, taken in times.items():
            slow = float(np.percentile(taken, 95))
            yield Measure(f"{name}, median", statistics.median(taken), "ms", at_most=ONE)
            yield Measure(f"{name}, 95 %", slow, "ms", at_most=ONE_SLOW)

    def _process(self) -> None:
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()

    def _look_at(self, middle: np.ndarray) -> None:
        """Move the view so that a nucleus and its neighbors are seen."""
        camera = self.viewer.scene.camera if hasattr(self.viewer, "scene") else None
        camera = camera or self.viewer.camera
        camera.center, camera.zoom = (0.0, *middle), 6.0
        self._rest(0.1)

    def _uses(self, middle: np.ndarray) -> dict[str, tuple[str, Callable[[], Any]]]:
        """Return what is done with a nucleus, and the tool for it."""
        step = self.scene.step
        side = step if middle[1] < self.scene.labels.shape[1] / 2 else -step
        beside = middle + np.array([0, side])
        across = middle + np.array([[-0.49 * step, 0], [0.49 * step, 0]])
        outline = self.scene.around(middle, step * 0.42)
        drag = self.mouse.drag

        def key(name: str) -> Callable[[], Any]:
            def act() -> None:
                self.mouse.move(middle)
                self.mouse.key(name)

            return act

        return {
            "delete": ("correct", lambda: drag([middle], alt=True)),
            "merge": ("correct", lambda: drag([middle, beside])),
            "split along a line": ("correct", lambda: drag(across)),
            "redraw by a loop": ("correct", lambda: drag(outline)),
            "redraw": ("redraw", lambda: drag(outline)),
            "push": ("push", lambda: drag([middle, middle + np.array([0, 0.6 * side])])),
            "delete in a box": ("box", lambda: drag([middle - step, middle + step])),
            "delete in a lasso": ("lasso", lambda: drag(self.scene.around(middle, step))),
            "shrink": ("correct", key("K")),
            "grow": ("correct", key("G")),
        }

    def of_all(self) -> Iterator[Measure]:
        """Use tools on all nuclei at once."""
        from napari_nucseg.widgets.tools.nucleus_actions import ACTIONS

        actions = self.box.actions
        for name, action in ACTIONS.items():
            times = []
            for _ in range(3):
                start = time.perf_counter()
                actions.act(action, everywhere=True, by_key=False)
                self._process()
                times.append(1000 * (time.perf_counter() - start))
                self.layer.undo()
                self._rest(0.2)
            yield Measure(f"{name}, all", statistics.median(times), "ms", at_most=ALL)
        start = time.perf_counter()
        actions.delete_at_border()
        self._process()
        taken = 1000 * (time.perf_counter() - start)
        yield Measure("delete all at the border", taken, "ms", at_most=ALL)
        self.layer.undo()
        self._rest(0.2)

    def of_queue(self) -> Iterator[Measure]:
        """Go to the next nucleus of the review queue."""
        bar = self.dock.correct.review
        self._until(lambda: bar.review is not None and bar.review.places is not None)
        self.box.use("correct")
        times = []
        for _ in range(self.runs):
            before = bar.review.place

            def has_moved(before: Any = before) -> bool:
                return bar.review.place is not before

            self.mouse.key("N")
            self._until(has_moved)
            times.append(1000 * (time.perf_counter() - self.mouse.last_event))
            self._rest(0.2)
        yield Measure("next nucleus, median", statistics.median(times), "ms", at_most=ONE_SLOW)

    def _until(self, condition: Callable[[], bool]) -> None:
        """Let the event loop run until something is so."""
        end = time.perf_counter() + PATIENCE
        self._process()
        while not condition():
            if time.perf_counter() > end:
                said = self.dock.status.text()
                raise TimeoutError(f"Waited for the queue in vain. The window says: {said}")
            self._process()


if __name__ == "__main__":
    sys.exit(main())
