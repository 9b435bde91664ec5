"""The new model beside its parent: a small table, and a button to choose the other one."""

from __future__ import annotations

import html
import math

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from ...support import some_of
from ...training import FineTuneResult, Part

__all__ = ["OldAndNew"]

_HEAD = "<tr><th align='left'>mean AP on the</th><th>nuclei</th><th>old</th><th>new</th></tr>"


class OldAndNew(QWidget):
    """Shows how a retrained model compares with its parent. Hidden until there is one.

    Signals
    -------
    chosen(str)
        The name of the model that the person wants to use.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = QLabel()
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setWordWrap(True)
        self.table.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.other_button = QPushButton()
        self.other_button.clicked.connect(self._choose_other)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        column.addWidget(self.other_button)
        self._models = ("", "")
        self.setVisible(False)

    def show_result(self, result: FineTuneResult) -> None:
        """Show the scores of both models.

        Parameters
        ----------
        result : FineTuneResult
            What came of a retraining.
        """
        verdict = result.verdict
        self.setVisible(verdict is not None)
        if verdict is None:
            return
        rows = "".join(_row(part) for part in verdict.parts)
        held_out = html.escape(f"Held out: {some_of(result.held_out)}")
        self.table.setText(
            f"<table cellspacing='0' cellpadding='2'>{_HEAD}{rows}</table>{held_out}"
        )
        self.table.setToolTip(
            "Mean AP over IoU 0.5 to 0.9. In brackets the interval that holds 95 in 100 of the "
            "differences if other nuclei like these had been drawn."
        )
        used, other = result.name, result.parent
        self._offer(*((used, other) if verdict.accepted else (other, used)))

    def _offer(self, used: str, other: str) -> None:
        self._models = (used, other)
        self.other_button.setText(f"Use {other!r} instead")
        self.other_button.setToolTip(f"Choose it in place of {used!r}. Both models stay.")

    def _choose_other(self) -> None:
        used, other = self._models
        self._offer(other, used)
        self.chosen.emit(other)


def _row(part: Part) -> str:
    low, high = part.low, part.high
    interval = "" if math.isnan(low) else f" ({low:+.2f} to {high:+.2f})"
    return (
        f"<tr><td>{html.escape(part.name)}</td><td align='right'>{part.nuclei}</td>"
        f"<td align='right'>{part.parent:.3f}</td>"
        f"<td>&nbsp;<b>{part.child:.3f}</b>{interval}</td></tr>"
    )
