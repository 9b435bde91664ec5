"""The mark on labels that nobody has corrected."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QWidget

from ..controls.tones import set_tone
from ..layers.shown import follow_edits, result_of_layer

__all__ = ["CorrectedMark"]

_WAIT = 200  # milliseconds: layers tell of every stroke


class CorrectedMark(QLabel):
    """Stands beside the chosen labels as long as they are as they were found.

    Parameters
    ----------
    parent : QWidget, optional
        The parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("not corrected", parent)
        set_tone(self, "warning")
        self.setToolTip("These labels are as the model found them: nobody has corrected them.")
        self.setVisible(False)
        self._labels: Any | None = None
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_WAIT)
        self._look.timeout.connect(self._show_state)

    def watch(self, labels: Any | None) -> None:
        """Say it of other labels from now on.

        Parameters
        ----------
        labels : Labels or None
            The labels that are chosen.
        """
        self._labels = labels
        if labels is not None:
            follow_edits(labels, self._changed)
        self._show_state()

    def _changed(self, event: Any = None) -> None:
        if isalive(self):
            self._look.start()

    def _show_state(self) -> None:
        result = None if self._labels is None else result_of_layer(self._labels)
        self.setVisible(result is not None and result.state() == "fresh")
