"""What random clicks, drags, wheel and keys break in the real window.

Each seed has a window of its own, in a process of its own, with real images and labels. The
mouse works over dock, canvas and layer list; dialogs and menus are answered at random. There
must be no traceback, no control that the wheel changes without focus, and at the end a window
that still works. A window that hangs is ended, and what it was doing is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _common import ROOT, Measure, report
from _watchdog import HUNG, Watchdog
from _window import in_window

IMAGES = ("dense.png", "purple.png", "brightfield.png")

#: The last actions that are printed with a failure.
LAST = 25

#: Seconds that a job may need to end, and that a click on Segment may take.
PATIENCE = 300

#: Seconds without an action, or a look at what is waited for, after which the window hangs.
HANGS = 120

#: Keys over the canvas. None of them closes the window.
KEYS = (
    *"QSRWDGFHKNABCEILMPTXYZ1234567[]=-",
    *("Delete", "Backspace", "Escape", "Space", "Return", "Left", "Right", "Tab"),
    *("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Z", "Shift+D", "Shift+G", "Shift+S", "Ctrl+Y"),
)


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status: 1 if something was found.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many windows")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--one", action="store_true", help="in this process, only the first")
    options = parser.parse_args()
    if options.one:
        return in_window(lambda: Monkey(options.first).play(60 * options.minutes))
    broken = 0
    for seed in range(options.first, options.first + options.seeds):
        command = [sys.executable, __file__, "--one", "--first", str(seed)]
        command += ["--minutes", str(options.minutes)]
        status = subprocess.run(command, check=False).returncode
        broken += status != 0
        verdict = {0: "nothing found", 1: "broken", HUNG: "hung"}.get(status, "crashed")
        print(f"  seed {seed}: {verdict} (status {status})", flush=True)
    report("monkey", [Measure("seeds that broke something", broken, at_most=0)])
    return int(broken > 0)


class Monkey:
    """Somebody who presses anything, in a window with three images.

    Parameters
    ----------
    seed : int
        Of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        import napari
        from _answers import Answers
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QApplication

        self.rng = np.random.default_rng(seed)
        self.seed = seed
        self.last: deque[str] = deque(maxlen=LAST)
        self.counts: Counter[str] = Counter()
        self.found: list[str] = []
        sys.excepthook = self._note
        threading.excepthook = lambda args: self._note(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1366, 768)
        _, self.dock = self.viewer.window.add_plugin_dock_widget(
            "napari-nucseg", "Nucleus Segmentation", tabify=False
        )
        self._open()
        self.canvas = self.viewer.window._qt_viewer.canvas.native
        # Those of the desktop cannot be answered from here.
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
        self._answers = Answers(self.rng, self._did)
        self._answers.start()
        self._dog = Watchdog(HANGS, lambda: print(f"seed {seed} hangs{self._after()}"))

    def _open(self) -> None:
        """Open images, the first with labels."""
        from skimage.measure import label

        from napari_nucseg.image import read_image

        for name in IMAGES:
            image = np.asarray(read_image(ROOT / "tests" / "data" / name).image)
            self.viewer.add_image(image, name=name)
            if name == IMAGES[0]:
                grey = image if image.ndim == 2 else image.mean(axis=-1)
                labels = label(grey > grey.mean() + grey.std()).astype(np.int32)
                self.viewer.add_labels(labels, name="by hand")

    def _note(self, kind: Any, error: BaseException | None, where: Any) -> None:
        """Keep a traceback, each once. Those of napari alone are told, and no fault of ours."""
        text = "".join(traceback.format_exception(kind, error, where))
        if not any("napari_nucseg" in frame.filename for frame in traceback.extract_tb(where)):
            self.counts["fault of napari alone"] += 1
            print(f"seed {self.seed}: in napari alone: {text.splitlines()[-1]}", flush=True)
            return
        if not any(text in one for one in self.found):
            self.found.append(f"{text}{self._after()}")
            print(f"seed {self.seed}: {self.found[-1]}", flush=True)

    def _after(self) -> str:
        return "\n    ".join(["", "  after:", *list(self.last)])

    def play(self, seconds: float) -> int:
        """Press anything for a while, then see whether the window works.

        Parameters
        ----------
        seconds : float
            How long.

        Returns
        -------
        int
            1 if something was found.
        """
        from napari.utils.notifications import notification_manager

        end = time.perf_counter() + seconds
        acts = (
            [self._click_control] * 5
            + [self._wheel_over_control] * 3
            + [self._on_canvas] * 6
            + [self._press_key] * 3
            + [self._click_layer_list, self._wheel_over_canvas]
        )
        while time.perf_counter() < end:
            act = acts[self.rng.integers(len(acts))]
            with self._watched():
                act()
            self._wait(self.rng.choice([0, 5, 30, 120]))
        with self._watched():
            self._answers.refuses = True
            self._until(lambda: self._answers.open_now() is None, "dialogs to close")
            self._still_works()
        for record in notification_manager.records:
            error = getattr(record, "exception", None)
            if error is not None:
                self._note(type(error), error, error.__traceback__)
        print(f"  seed {self.seed}: {dict(self.counts)}", flush=True)
        self.viewer.close()
        self._answers.stop()
        return int(bool(self.found))

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._note(type(error), error, error.__traceback__)

    def _did(self, what: str, where: str = "") -> None:
        self.counts[what] += 1
        self.last.append(f"{what} {where}")

    def _wait(self, milliseconds: int) -> None:
        from qtpy.QtTest import QTest

        self._dog.beat()
        QTest.qWait(int(milliseconds))

    def _controls(self, kinds: tuple[type, ...]) -> list[Any]:
        """Return the controls of the dock that can be seen and used."""
        found = [one for kind in kinds for one in self.dock.findChildren(kind)]
        return [
            one
            for one in found
            if one.isVisible() and one.isEnabled() and not one.visibleRegion().isEmpty()
        ]

    def _click_control(self) -> None:
        """Click somewhere on a control of the dock."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import (
            QAbstractButton,
            QAbstractItemView,
            QAbstractSlider,
            QAbstractSpinBox,
            QComboBox,
            QLineEdit,
            QTabBar,
        )

        kinds = [QAbstractButton, QAbstractButton, QAbstractItemView, QAbstractSlider]
        kinds += [QAbstractSpinBox, QComboBox, QLineEdit, QTabBar]
        controls = self._controls(tuple(kinds))
        if not controls:
            return
        control = controls[self.rng.integers(len(controls))]
        at = self._place_in(control)
        self._did("click", _named(control))
        if self.rng.random() < 0.1:
            QTest.mouseDClick(control, Qt.MouseButton.LeftButton, pos=at)
        else:
            QTest.mouseClick(control, Qt.MouseButton.LeftButton, pos=at)
        if self.rng.random() < 0.3:
            QTest.keyClicks(control, str(self.rng.integers(0, 200)))

    def _wheel_over_control(self) -> None:
        """Turn the wheel over a control that has no focus: nothing must change."""
        from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar

        controls = self._controls((QComboBox, QAbstractSpinBox, QAbstractSlider))
        controls = [one for one in controls if not isinstance(one, QScrollBar)]
        if not controls:
            return
        control = controls[self.rng.integers(len(controls))]
        self.canvas.setFocus()
        if control.hasFocus():
            return
        before = _value_of(control)
        self._did("wheel over", _named(control))
        self._turn(control, self._place_in(control))
        if _value_of(control) != before:
            raise AssertionError(
                f"The wheel changed {_named(control)} without focus: {before} to "
                f"{_value_of(control)}"
            )

    def _on_canvas(self) -> None:
        """Click or drag over the canvas, with any button and modifier."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        buttons = [Qt.MouseButton.LeftButton] * 6 + [Qt.MouseButton.RightButton]
        held = [Qt.KeyboardModifier.NoModifier] * 5 + [
            Qt.KeyboardModifier.AltModifier,
            Qt.KeyboardModifier.ShiftModifier,
            Qt.KeyboardModifier.ControlModifier,
        ]
        button = buttons[self.rng.integers(len(buttons))]
        modifier = held[self.rng.integers(len(held))]
        size = np.array([self.canvas.width(), self.canvas.height()], float)
        points = [size * self.rng.uniform(0.2, 0.8, 2)]
        for _ in range(self.rng.choice([0, 0, 1, 8, 30])):
            points.append(points[-1] + self.rng.normal(0, 20, 2))
        self._did("drag" if len(points) > 1 else "click canvas", f"{button} {modifier}")
        none = Qt.MouseButton.NoButton

        def send(kind: Any, point: np.ndarray, which: Any, down: Any) -> None:
            at = QPointF(*(float(one) for one in point))
            place = self.canvas.mapToGlobal(at)
            event = QMouseEvent(kind, at, place, which, down, modifier)
            QApplication.sendEvent(self.canvas, event)

        send(QEvent.Type.MouseMove, points[0], none, none)
        send(QEvent.Type.MouseButtonPress, points[0], button, button)
        for point in points[1:]:
            self._wait(12)
            send(QEvent.Type.MouseMove, point, none, button)
        send(QEvent.Type.MouseButtonRelease, points[-1], button, none)

    def _wheel_over_canvas(self) -> None:
        self._did("wheel over canvas")
        self._turn(self.canvas, self._place_in(self.canvas))

    def _press_key(self) -> None:
        from qtpy.QtGui import QKeySequence
        from qtpy.QtTest import QTest

        key = KEYS[self.rng.integers(len(KEYS))]
        self._did("key", key)
        self.canvas.setFocus()
        pressed = QKeySequence(key)[0]
        QTest.keyClick(self.canvas, pressed.key(), pressed.keyboardModifiers())

    def _click_layer_list(self) -> None:
        """Select a layer, or show and hide it."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        view = self.viewer.window._qt_viewer.layers
        self._did("click layer list")
        area = view.viewport()
        rows = max(view.model().rowCount(), 1)
        row = view.visualRect(view.model().index(int(self.rng.integers(rows)), 0))
        at = row.center()
        at.setX(int(self.rng.integers(row.left(), max(row.right(), row.left() + 1))))
        QTest.mouseClick(area, Qt.MouseButton.LeftButton, pos=at)

    def _place_in(self, control: Any) -> Any:
        from qtpy.QtCore import QPoint

        x, y = (int(self.rng.integers(max(n, 1))) for n in (control.width(), control.height()))
        return QPoint(x, y)

    def _turn(self, control: Any, at: Any) -> None:
        """Turn the wheel by one step."""
        from qtpy.QtCore import QPoint, QPointF, Qt
        from qtpy.QtGui import QWheelEvent
        from qtpy.QtWidgets import QApplication

        event = QWheelEvent(
            QPointF(at),
            QPointF(control.mapToGlobal(at)),
            QPoint(),
            QPoint(0, int(self.rng.choice([-120, 120]))),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(control, event)

    def _still_works(self) -> None:
        """Segment an image that is opened now, and delete a nucleus."""
        from napari.layers import Labels
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        from napari_nucseg.image import read_image

        self.last.append("afterwards")
        self.dock.runner.cancel()
        self._until(lambda: self.dock.runner.job is None, "the last job to end")
        self.viewer.dims.ndisplay = 2
        image = np.asarray(read_image(ROOT / "tests" / "data" / IMAGES[0]).image)
        layer = self.viewer.add_image(image, name="afterwards")
        self.dock.segment.image.choose(layer)
        button = self.dock.segment.segment_button
        self.dock.open_part(self.dock.segment)
        self._until(button.isEnabled, "the button Segment")
        before = set(map(id, self.viewer.layers))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self._until(lambda: self.dock.runner.job is None, "a segmentation")
        if not any(
            isinstance(one, Labels) and id(one) not in before for one in self.viewer.layers
        ):
            said = self.dock.status.text()
            raise AssertionError(f"Segment shows no labels afterwards. It says: {said}")
        self._deletes(image.shape[:2])

    def _deletes(self, shape: tuple[int, int]) -> None:
        """Delete one of two nuclei; what Segment finds depends on what the sliders say."""
        from _window import Mouse
        from skimage.draw import disk

        labels = np.zeros(shape, np.int32)
        for number, part in enumerate((0.3, 0.7), start=1):
            middle = (part * shape[0], part * shape[1])
            labels[disk(middle, min(shape) / 8, shape=shape)] = number
        layer = self.viewer.add_labels(labels, name="afterwards by hand")
        self.viewer.reset_view()
        self._wait(500)
        panel = self.dock.correct
        self.dock.open_part(panel)
        panel.labels.choose(layer)
        panel.tools.use("correct")
        Mouse(self.viewer, layer).drag([(0.3 * shape[0], 0.3 * shape[1])], alt=True)
        self._wait(200)
        left = np.unique(layer.data).tolist()
        if left != [0, 2]:
            raise AssertionError(
                f"Expected Alt+click with the tool Correct to delete nucleus 1 of 2, got "
                f"{left}. In hand is {panel.hand.tool}, for {panel.hand.layer}, in mode "
                f"{layer.mode}. "
                f"The window says: {self.dock.status.text()}"
            )

    def _until(self, condition: Callable[[], Any], what: str) -> None:
        end = time.perf_counter() + PATIENCE
        while not condition():
            if time.perf_counter() > end:
                said = self.dock.status.text()
                raise TimeoutError(f"Waited for {what} in vain. The window says: {said}")
            self._wait(20)


def _named(control: Any) -> str:
    text = control.text() if hasattr(control, "text") else ""
    return f"{type(control).__name__} {control.objectName() or text or control.toolTip()[:40]}"


def _value_of(control: Any) -> Any:
    for name in ("currentIndex", "value", "text"):
        if hasattr(control, name):
            return getattr(control, name)()
    return None


if __name__ == "__main__":
    sys.exit(main())
