"""A process with a window of its own, and the mouse and keys of a person over the canvas."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _common import ROOT

#: Napari drops moves of the mouse that come faster, in seconds.
_MOVE = 0.011


def in_window(work: Callable[[], int]) -> int:
    """Do something that opens a window, on a virtual display if there is no other.

    The user's own models, corrections and settings are left alone.

    Parameters
    ----------
    work : callable
        What to do; it returns an exit status.

    Returns
    -------
    int
        Exit status.
    """
    sys.path.insert(0, str(ROOT / "tools"))
    from with_display import display, has_display

    if not has_display():
        with display() as name:
            # In a process of its own, which is gone before the display is.
            environment = {**os.environ, "DISPLAY": name}
            command = [sys.executable, *sys.argv]
            return subprocess.run(command, check=False, env=environment).returncode
    from napari_nucseg.support.paths import HOME_VARIABLE

    with tempfile.TemporaryDirectory() as home:
        os.environ[HOME_VARIABLE] = home
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "napari.yaml")
        status = work()
    if "tensorflow" in sys.modules:
        raise RuntimeError("Expected no TensorFlow beside the window, but it was imported.")
    return status


class Mouse:
    """The mouse of a person over the canvas, and her keys: events of Qt, as they really come.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : Layer
        In whose pixels (Y, X) places are given.
    """

    def __init__(self, viewer: Any, layer: Any) -> None:
        self._canvas = viewer.window._qt_viewer.canvas
        self._layer = getattr(layer, "__wrapped__", layer)
        self._last_move = 0.0
        #: When the last event was sent.
        self.last_event = 0.0

    @property
    def widget(self) -> Any:
        """The canvas, a widget."""
        return self._canvas.native

    def drag(self, path: Sequence[Any] | np.ndarray, *, alt: bool = False) -> None:
        """Press at the first place, go along the path, and release; a click if it is one.

        Parameters
        ----------
        path : sequence of points
            (Y, X) in pixels of the layer.
        alt : bool, optional
            Whether Alt is held.
        """
        from qtpy.QtCore import QEvent, Qt

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, path[0], none, none, alt)
        self._send(QEvent.Type.MouseButtonPress, path[0], left, left, alt)
        for place in path[1:]:
            self._send(QEvent.Type.MouseMove, place, none, left, alt)
        self._send(QEvent.Type.MouseButtonRelease, path[-1], left, none, alt)

    def encircle(self, path: Sequence[Any] | np.ndarray) -> None:
        """Click with the right button and go around, as napari's brush fills outlines.

        Parameters
        ----------
        path : sequence of points
            (Y, X) in pixels of the layer. The stroke ends where it began.
        """
        from qtpy.QtCore import QEvent, Qt

        right, none = Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, path[0], none, none)
        self._send(QEvent.Type.MouseButtonPress, path[0], right, right)
        self._send(QEvent.Type.MouseButtonRelease, path[0], right, none)
        for place in path[1:]:
            self._send(QEvent.Type.MouseMove, place, none, none)

    def key(self, key: str) -> None:
        """Press and release a key.

        Parameters
        ----------
        key : str
            A letter.
        """
        from qtpy.QtTest import QTest

        self.last_event = time.perf_counter()
        QTest.keyClick(self.widget, key)

    def move(self, place: Any) -> None:
        """Move the mouse.

        Parameters
        ----------
        place : point
            (Y, X) in pixels of the layer.
        """
        from qtpy.QtCore import QEvent, Qt

        none = Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, place, none, none)

    def _send(self, kind: Any, place: Any, button: Any, held: Any, alt: bool = False) -> None:
        from qtpy.QtCore import QEvent, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        if kind == QEvent.Type.MouseMove:
            time.sleep(max(0.0, self._last_move + _MOVE - time.perf_counter()))
            self._last_move = time.perf_counter()
        modifiers = Qt.KeyboardModifier.AltModifier if alt else Qt.KeyboardModifier.NoModifier
        at = self._on_canvas(place)
        event = QMouseEvent(kind, at, self.widget.mapToGlobal(at), button, held, modifiers)
        self.last_event = time.perf_counter()
        QApplication.sendEvent(self.widget, event)

    def _on_canvas(self, place: Any) -> Any:
        """Return where a place is on the canvas, as vispy says."""
        from qtpy.QtCore import QPointF

        node = self._canvas.layer_to_visual[self._layer].node
        to_canvas = node.get_transform(map_from="visual", map_to="canvas")
        y, x = np.asarray(place, float)
        # The corner of the first pixel is the origin of vispy.
        mapped = to_canvas.map((x + 0.5, y + 0.5, 0, 1))
        return QPointF(mapped[0] / mapped[3], mapped[1] / mapped[3])
