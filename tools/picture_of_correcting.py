"""Record the real window while nuclei are corrected, as ``docs/correcting.webp``.

The simulated sample is segmented; then four errors are put into its labels on purpose, and
taken out again with the mouse: one nucleus is in two pieces, two are one, one is missing, and
one is none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageDraw
from with_display import display

Place: TypeAlias = tuple[float, float]

PICTURE = Path(__file__).parent.parent / "docs" / "correcting.webp"
PATIENCE = 300  # seconds
WINDOW = (1240, 660)
WIDTH = 960  # of the picture
PACE, PAUSE = 80, 900  # milliseconds
ZOOM = 3.6
#: Where to look, and near which places the nuclei of each error are: Y and X in pixels.
MIDDLE = (385, 325)
IN_TWO, TOUCHING, MISSING = (332, 300), (372, 334), (388, 308)
#: How far from the middle the speck may be that is no nucleus.
VIEW = 45
ARROW = ((0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12))


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    if "--record" in sys.argv:
        record()
        return 0
    with display() as virtual:
        # In a process of its own, which is gone before the display is.
        environment = {**os.environ, "NAPARI_CONFIG": ""}
        if virtual:
            environment["DISPLAY"] = virtual
        command = [sys.executable, __file__, "--record"]
        return subprocess.run(command, check=False, env=environment).returncode


def record() -> None:
    """Correct, and save the picture."""
    stage = Stage()
    stage.segment()
    place = stage.spoil()
    stage.hold(PAUSE)
    stage.drag(place["in two, first"], place["in two, second"])
    stage.drag(place["across, from"], place["across, to"])
    stage.click(place["missing"])
    stage.click(place["false"], alt=True)
    stage.hold(PAUSE)
    stage.save()


class Stage:
    """A window, a mouse in it, and the frames that were taken of it."""

    def __init__(self) -> None:
        import napari

        self.frames: list[Image.Image] = []
        self.durations: list[int] = []
        self.viewer = napari.Viewer()
        self.window = self.viewer.window._qt_window
        self.window.resize(*WINDOW)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(
            "napari-nucseg", "Nucleus Segmentation"
        )
        for name in ("layer controls", "layer list"):
            getattr(
                self.viewer.window._qt_viewer, f"dock{name.title().replace(' ', '')}"
            ).hide()
        self.pointer = (20.0, 20.0)
        self.layer: Any = None

    def wait(self, milliseconds: int = 40) -> None:
        """Let the window work."""
        from qtpy.QtTest import QTest

        QTest.qWait(milliseconds)

    def segment(self) -> None:
        """Segment the sample and take the correcting tool."""
        self.viewer.open_sample("napari-nucseg", "simulated")
        self.dock.segment.segment_button.click()
        end = time.monotonic() + PATIENCE
        while self.dock.runner.job is not None and time.monotonic() < end:
            self.wait()
        self.dock.open_part(self.dock.correct)
        self.layer = self.dock.correct.hand.layer
        self.viewer.layers["simulated truth"].visible = False
        while self.dock.correct.adder.maps_and_diameter()[0] is None:
            self.wait()
        self.dock.correct.tools.use("correct")
        self.viewer.scene.camera.center = self.layer.data_to_world(MIDDLE)
        self.viewer.scene.camera.zoom = ZOOM / self.layer.scale[0]
        self.wait(500)

    def spoil(self) -> dict[str, Place]:
        """Put in the errors, and return where to correct them."""
        labels = self.layer.data
        one = near(labels, IN_TWO)
        pixels = np.argwhere(labels == one)
        middle = pixels.mean(axis=0)
        right = pixels[pixels[:, 1] > middle[1]]
        free = int(labels.max()) + 1
        labels[tuple(right.T)] = free
        first, second = touching(labels, TOUCHING)
        centers = [np.argwhere(labels == number).mean(axis=0) for number in (first, second)]
        labels[labels == second] = first
        missing = near(labels, MISSING)
        gap = np.argwhere(labels == missing).mean(axis=0)
        labels[labels == missing] = 0
        false = emptiest(labels, MIDDLE)
        y, x = np.ogrid[: labels.shape[0], : labels.shape[1]]
        speck = (y - false[0]) ** 2 + (x - false[1]) ** 2 <= 30
        labels[speck & (labels == 0)] = free + 1
        self.layer.refresh()
        across = centers[1] - centers[0]
        aside = np.array([-across[1], across[0]]) / np.hypot(*across)
        between = (centers[0] + centers[1]) / 2
        places = {
            "in two, first": middle - np.array([0.0, 6.0]),
            "in two, second": middle + np.array([0.0, 6.0]),
            "across, from": outside(labels, between, -aside),
            "across, to": outside(labels, between, aside),
            "missing": gap,
            "false": np.array(false),
        }
        return {name: (float(y), float(x)) for name, (y, x) in places.items()}

    def on_canvas(self, place: Place) -> Any:
        """Return where a pixel is on the canvas."""
        from qtpy.QtCore import QPointF

        canvas = self.viewer.window._qt_viewer.canvas
        node = canvas.layer_to_visual[self.layer].node
        mapped = node.get_transform(map_from="visual", map_to="canvas").map(
            (place[1] + 0.5, place[0] + 0.5, 0, 1)
        )
        return QPointF(mapped[0] / mapped[3], mapped[1] / mapped[3])

    def send(self, kind: str, at: Any, *, held: bool = False, alt: bool = False) -> None:
        """Send an event of the mouse."""
        from qtpy.QtCore import QEvent, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        native = self.viewer.window._qt_viewer.canvas.native
        none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
        modifier = Qt.KeyboardModifier.AltModifier if alt else Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(
            getattr(QEvent.Type, kind),
            at,
            native.mapToGlobal(at),
            none if kind == "MouseMove" else left,
            left if held else none,
            modifier,
        )
        QApplication.sendEvent(native, event)
        corner = native.mapTo(self.window, at.toPoint())
        self.pointer = (corner.x(), corner.y())
        self.wait()

    def move(self, place: Place, frames: int, *, held: bool = False) -> None:
        """Move the mouse to a pixel of the image."""
        native = self.viewer.window._qt_viewer.canvas.native
        start = native.mapFrom(self.window, _point(self.pointer)).toPointF()
        end = self.on_canvas(place)
        for step in range(1, frames + 1):
            self.send("MouseMove", start + (end - start) * (step / frames), held=held)
            self.hold(PACE)

    def drag(self, start: Place, end: Place) -> None:
        """Drag from a pixel of the image to another."""
        self.move(start, 6)
        self.send("MouseButtonPress", self.on_canvas(start), held=True)
        self.move(end, 7, held=True)
        self.hold(PAUSE // 2)
        self.send("MouseButtonRelease", self.on_canvas(end))
        self.hold(PAUSE)

    def click(self, place: Place, *, alt: bool = False) -> None:
        """Click a pixel of the image."""
        self.move(place, 6)
        self.hold(PAUSE // 3)
        self.send("MouseButtonPress", self.on_canvas(place), held=True, alt=alt)
        self.send("MouseButtonRelease", self.on_canvas(place), alt=alt)
        self.hold(PAUSE)

    def hold(self, milliseconds: int) -> None:
        """Take a frame that is shown for so long."""
        from qtpy.QtWidgets import QApplication

        self.wait(60)
        screen = QApplication.primaryScreen().grabWindow(0).copy(self.window.geometry())
        screen = screen.toImage().convertToFormat(screen.toImage().Format.Format_RGB888)
        pixels = np.frombuffer(screen.constBits().asarray(screen.sizeInBytes()), np.uint8)
        pixels = pixels.reshape(screen.height(), screen.bytesPerLine())
        pixels = pixels[:, : 3 * screen.width()].reshape(screen.height(), -1, 3)
        frame = Image.fromarray(np.ascontiguousarray(pixels))
        arrow = [(self.pointer[0] + x, self.pointer[1] + y) for x, y in ARROW]
        ImageDraw.Draw(frame).polygon(arrow, fill="white", outline="black")
        size = (WIDTH, round(frame.height * WIDTH / frame.width))
        self.frames.append(frame.resize(size, Image.Resampling.LANCZOS))
        self.durations.append(milliseconds)

    def save(self) -> None:
        """Write the picture."""
        first, *others = self.frames
        first.save(
            PICTURE,
            save_all=True,
            append_images=others,
            duration=self.durations,
            loop=0,
            quality=85,
            method=6,
            minimize_size=True,
        )
        print(f"{PICTURE}: {PICTURE.stat().st_size / 1e6:.2f} MB, {len(self.frames)} frames")
        self.viewer.close()


def near(labels: np.ndarray, place: Place) -> int:
    """Return the nucleus nearest to a place."""
    y, x = np.nonzero(labels)
    nearest = np.argmin((y - place[0]) ** 2 + (x - place[1]) ** 2)
    return int(labels[y[nearest], x[nearest]])


def touching(labels: np.ndarray, place: Place) -> tuple[int, int]:
    """Return two nuclei that touch, near a place."""
    below = np.argwhere((labels[1:] != labels[:-1]) & (labels[1:] > 0) & (labels[:-1] > 0))
    y, x = below[np.argmin(((below - place) ** 2).sum(axis=1))]
    return int(labels[y, x]), int(labels[y + 1, x])


def outside(labels: np.ndarray, start: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return where one comes to background on a straight way."""
    place = start
    while labels[tuple(np.round(place).astype(int))]:
        place = place + way
    return place + 3 * way


def emptiest(labels: np.ndarray, middle: Place) -> Place:
    """Return the place of the background in view that is farthest from all nuclei."""
    from scipy.ndimage import distance_transform_edt

    top, left = (int(one) - VIEW for one in middle)
    room = distance_transform_edt(labels == 0)[top : top + 2 * VIEW, left : left + 2 * VIEW]
    y, x = np.unravel_index(int(room.argmax()), room.shape)
    return float(top + y), float(left + x)


def _point(place: Place) -> Any:
    from qtpy.QtCore import QPoint

    return QPoint(round(place[0]), round(place[1]))


if __name__ == "__main__":
    sys.exit(main())
