"""The wheel scrolls the panel; it changes only the control that has the focus."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QTabBar,
    QWidget,
)

__all__ = ["WheelGuard"]

_CONTROLS = (QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar)


class WheelGuard(QObject):
    """Keeps the wheel from every control in a widget that does not have the focus.

    Who scrolls a panel moves the mouse over its controls without wanting to change them.
    The guard also finds the controls that are added to the widget later.

    Parameters
    ----------
    widget : QWidget
        Whose controls, however deep inside; also the parent of the guard.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._watch(widget)

    def _watch(self, widget: QObject) -> None:
        for part in (widget, *widget.findChildren(QWidget)):
            part.installEventFilter(self)  # once, however often it is installed
            if _is_control(part):
                # The others would take the focus with the first turn of the wheel.
                part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Hand the wheel on to what the control lies in."""
        if event.type() == QEvent.Type.ChildPolished and isinstance(event.child(), QWidget):
            self._watch(event.child())
        is_wheel = event.type() == QEvent.Type.Wheel
        if is_wheel and _is_control(watched) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _is_control(part: QObject) -> bool:
    return isinstance(part, _CONTROLS) and not isinstance(part, QScrollBar)
