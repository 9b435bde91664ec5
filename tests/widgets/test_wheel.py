"""The wheel scrolls the dock; only the control that has the focus is changed by it."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollBar,
    QTabBar,
)

CONTROLS = (QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar)


def controls(dock):
    found = [part for kind in CONTROLS for part in dock.findChildren(kind)]
    return [part for part in found if not isinstance(part, QScrollBar)]


def value_of(part):
    return part.value() if hasattr(part, "value") else part.currentIndex()


def turn(part, notches=-1):
    middle = part.rect().center()
    event = QWheelEvent(
        QPointF(middle),
        QPointF(part.mapToGlobal(middle)),
        QPoint(0, 0),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(part, event)
    return event


@pytest.fixture
def full(window, trained_on):
    """A window where every control has something to change."""
    for name in ("one", "two", "three"):
        window.viewer.add_image(np.random.default_rng(0).random((3, 40, 50)), name=name)
        window.viewer.add_labels(np.ones((40, 50), int), name=f"{name} nuclei")
    window.viewer.layers.selection.active = window.viewer.layers["two"]
    return window


def test_no_control_takes_the_wheel_without_the_focus(full):
    window = full
    window.viewer.window._qt_window.setFocus()
    found = controls(window.dock)
    assert len(found) > 15
    before = [value_of(part) for part in found]
    for part in found:
        for notches in (-1, 1, 1, -1, -1):
            turn(part, notches)
            assert not part.hasFocus()
    assert [value_of(part) for part in found] == before


def test_control_with_the_focus_takes_the_wheel(full):
    box = full.dock.segment.form.boxes["minimum_size"].native
    full.dock.window().activateWindow()
    box.setFocus()
    full.wait(box.hasFocus)
    before = box.value()
    turn(box, 1)
    assert box.value() > before


def test_wheel_over_a_control_is_left_to_what_it_lies_in(full):
    """Qt hands an ignored wheel on to the scroll area, unless a program has made the event."""
    model = full.dock.segment.model
    assert not turn(model).isAccepted()
    model.window().activateWindow()
    model.setFocus()
    full.wait(model.hasFocus)
    assert turn(model).isAccepted()


def test_controls_that_are_added_later_are_guarded(full):
    later = QComboBox()
    later.addItems(["one", "two", "three"])
    full.dock.segment.body.addWidget(later)
    full.qtbot.wait(50)
    turn(later)
    assert later.currentIndex() == 0
