"""A napari window with the dock widget, the hands to use it, and an eye on the event loop."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton

from napari_nucseg.engine import shared_engine
from napari_nucseg.image.field import Field

BEAT = 2  # milliseconds
CALM = 0.5  # seconds for what is drawn late
PATIENCE = 300  # seconds


class Heartbeat:
    """Notes whenever the event loop comes around."""

    def __init__(self) -> None:
        self._beats = [time.perf_counter()]
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self._beats.append(time.perf_counter()))
        self._timer.start(BEAT)

    def longest_block(self, start: float, end: float) -> float:
        """Return by how much, in seconds, the latest beat between two times was late."""
        beats = np.array(self._beats)
        ended = (beats[1:] > start) & (beats[1:] <= end)
        return max(0.0, float(np.diff(beats)[ended].max(initial=0)) - BEAT / 1000)


class Painter(QObject):
    """Notes when a canvas was last painted."""

    last = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Let every event pass."""
        if event.type() == QEvent.Type.Paint:
            self.last = time.perf_counter()
        return False


@dataclasses.dataclass(frozen=True)
class Shown:
    """How labels came onto the screen.

    Parameters
    ----------
    layer : Labels
        The new layer.
    seconds : float
        From the click, or the call, until they were painted.
    block_before, block_after : float
        Longest block of the event loop, in seconds, until the layer came, and from then on.
    """

    layer: Labels
    seconds: float
    block_before: float
    block_after: float


class Person:
    """Somebody in front of a napari window.

    Parameters
    ----------
    needs_engine : bool, optional
        Whether to wait until the engine is warm.
    """

    def __init__(self, *, needs_engine: bool = True) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1600, 1000)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(
            "napari-nucseg", "Nucleus Segmentation", tabify=False
        )
        self.heart = Heartbeat()
        self._inserting = 0.0
        self.viewer.layers.events.inserting.connect(self._note_layer)
        self._painter = Painter()
        for canvas in self.dock.window().findChildren(QOpenGLWidget):
            canvas.installEventFilter(self._painter)
        if needs_engine:
            self.wait(lambda: shared_engine().state == "ready", "the engine")

    def _note_layer(self, event: Any) -> None:
        self._inserting = time.perf_counter()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let the event loop run until something is so."""
        limit = time.perf_counter() + PATIENCE
        while not condition():
            if time.perf_counter() > limit:
                said = self.dock.status.text()
                raise TimeoutError(f"Waited for {what} in vain. The widget says: {said}")
            QTest.qWait(1)

    def rest(self) -> None:
        """Let the event loop do what was put off."""
        end = time.perf_counter() + CALM
        self.wait(lambda: time.perf_counter() > end, "the time to pass")

    def click(self, button: QPushButton) -> float:
        """Click a button and return when."""
        if not button.isEnabled():
            raise RuntimeError(f"Expected a button to click, but: {button.toolTip()}")
        start = time.perf_counter()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        return start

    def is_free(self) -> bool:
        """Return whether the widget takes the next order."""
        return self.dock.runner.job is None and self.dock.segment.segment_button.isEnabled()

    def open(self, image: np.ndarray, name: str) -> Image:
        """Open an image, and let it be drawn."""
        layer = self.viewer.add_image(image, name=name)
        self.rest()
        return layer

    def segment(self, image: Image) -> Shown:
        """Choose an image, click Segment and watch until the labels are painted."""
        self.dock.segment.image.choose(image)
        self.rest()
        return self._watch(lambda: self.click(self.dock.segment.segment_button))

    def add_labels(self, labels: np.ndarray) -> Shown:
        """Add labels as any script would, and watch until they are painted."""
        self.rest()
        return self._watch(lambda: self.viewer.add_labels(labels, name="bare"))

    def _watch(self, act: Callable[[], Any]) -> Shown:
        """Do something that brings a Labels layer in the end."""
        start = time.perf_counter()
        act()
        self.wait(lambda: self._inserting > start or self.is_free(), "labels")
        self.wait(lambda: self._painter.last > self._inserting, "the canvas")
        painted = time.perf_counter()
        if self._inserting < start:
            raise RuntimeError(f"Expected labels, got none: {self.dock.status.text()}")
        self.rest()
        layer = next(la for la in reversed(self.viewer.layers) if isinstance(la, Labels))
        return Shown(
            layer,
            painted - start,
            self.heart.longest_block(start, self._inserting),
            self.heart.longest_block(self._inserting, time.perf_counter()),
        )

    def remove(self, layer: Layer) -> None:
        """Remove a layer, and let the canvas notice.

        Two layers removed at once and one added crash Mesa's OpenGL, also without us.
        """
        self.viewer.layers.remove(layer)
        self.rest()

    def add_to_training_set(self, field: Field) -> None:
        """Open an image with its corrected labels and click Add to training set."""
        image = self.viewer.add_image(np.asarray(field.image), name=field.name)
        labels = self.viewer.add_labels(field.known_labels, name=f"{field.name} labels")
        correct = self.dock.correct
        correct.show_result(labels, image)
        before = len(correct.training_set)
        self.click(correct.add_button)
        self.wait(lambda: correct.fields.entries.count() > before, "the training set")
        self.remove(labels)
        self.remove(image)

    def close(self) -> None:
        """Close the window and the engine."""
        self.dock.runner.cancel()
        self.viewer.close()
        shared_engine().close()
