"""What the three panels have in common."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

__all__ = ["Panel", "enable_unless"]


class Panel(QWidget):
    """One numbered part of the dock widget.

    Parameters
    ----------
    title : str
        Number and name of the part.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(5)
        heading = QLabel(f"<b>{title}</b>")
        heading.setStyleSheet("font-size: 12pt;")
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        self.body.addWidget(heading)
        self.body.addWidget(line)


def enable_unless(button: QPushButton, reason: str, tooltip: str) -> None:
    """Enable a button, or disable it and say why.

    Parameters
    ----------
    button : QPushButton
        The button.
    reason : str
        Why it cannot work, empty if it can.
    tooltip : str
        What it does.
    """
    button.setEnabled(not reason)
    button.setToolTip(reason or tooltip)
