"""The offer to go on with an unfinished retraining, or to keep what it has left."""

from __future__ import annotations

import datetime
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...registry import free_name
from ...training import FineTuneResult, Run, UnfinishedRun
from ..jobs import run_in_thread
from ..panel import enable_unless

__all__ = ["UnfinishedOffer"]


class UnfinishedOffer(QWidget):
    """Offers the unfinished retrainings one after the other, and hides if there is none.

    Parameters
    ----------
    runs : Path
        Folder of the folders of runs.

    Signals
    -------
    kept(object)
        The `FineTuneResult` of a run that was made a model.
    resumed(object)
        The `UnfinishedRun` that the person wants to go on with.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    kept = Signal(object)
    resumed = Signal(object)
    told = Signal(str, bool)

    def __init__(self, runs: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unfinished = Run.unfinished(runs)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.resume_button = QPushButton("Go on")
        self.keep_button = QPushButton("Keep its best")
        self.keep_button.setToolTip("Make a model of its best epoch")
        self.discard_button = QPushButton("Discard")
        self.discard_button.setToolTip("Remove it from the disk; the training set stays")
        self.resume_button.clicked.connect(self._resume)
        self.keep_button.clicked.connect(self._keep)
        self.discard_button.clicked.connect(self._discard)
        buttons = QHBoxLayout()
        buttons.addWidget(self.resume_button)
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.discard_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self.refresh()
        self._show_next()

    def refresh(self, busy: str = "") -> None:
        """Enable what can work.

        Parameters
        ----------
        busy : str, optional
            What runs, empty if nothing does.
        """
        enable_unless(self.resume_button, busy, "Train on from its last epoch")

    def _show_next(self) -> None:
        self.setVisible(bool(self._unfinished))
        self.setEnabled(True)
        if self._unfinished:
            shown = self._unfinished[0]
            began = datetime.datetime.fromtimestamp(shown.began)
            self.text.setText(
                f"An unfinished retraining from {began:%Y-%m-%d %H:%M} (score "
                f"{shown.score:.3f}, its starting model {shown.parent_score:.3f})."
            )

    def _resume(self) -> None:
        self.resumed.emit(self._unfinished[0])

    def _keep(self) -> None:
        """Make a model of the run, on a thread because the disk may be slow."""
        shown = self._unfinished[0]
        name = free_name(shown.name)
        self.setEnabled(False)
        run_in_thread(
            lambda: shown.run.finish(name),
            lambda result: self._finished(shown, result),
            self._failed,
        )

    def _finished(self, shown: UnfinishedRun, result: FineTuneResult) -> None:
        self.kept.emit(result)
        shown.run.remove()
        self.drop(shown)

    def _failed(self, error: Exception) -> None:
        self.setEnabled(True)
        self.told.emit(f"Not kept: {error}", True)

    def _discard(self) -> None:
        shown = self._unfinished[0]
        shown.run.discard()
        self.drop(shown)
        self.told.emit("The unfinished retraining was removed.", False)

    def drop(self, shown: UnfinishedRun) -> None:
        """Take a run off the list and show the next.

        Parameters
        ----------
        shown : UnfinishedRun
            The run.
        """
        self._unfinished.remove(shown)
        self._show_next()
