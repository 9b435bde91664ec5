"""The offer to keep what an unfinished retraining has left."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..registry import free_name
from ..training import FineTuneResult, UnfinishedRun, finish_run, unfinished_runs
from .jobs import run_in_thread

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
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    kept = Signal(object)
    told = Signal(str, bool)

    def __init__(self, runs: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = unfinished_runs(runs)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.keep_button = QPushButton("Keep its best")
        self.keep_button.setToolTip("Make a model of its best epoch")
        self.discard_button = QPushButton("Discard")
        self.discard_button.setToolTip("Remove it from the disk; the training set stays")
        self.keep_button.clicked.connect(self._keep)
        self.discard_button.clicked.connect(self._discard)
        buttons = QHBoxLayout()
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.discard_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self._show_next()

    def _show_next(self) -> None:
        self.setVisible(bool(self._runs))
        self.setEnabled(True)
        if self._runs:
            run = self._runs[0]
            began = datetime.datetime.fromtimestamp(run.began)
            self.text.setText(
                f"An unfinished retraining from {began:%Y-%m-%d %H:%M} (score "
                f"{run.score:.3f}, its starting model {run.parent_score:.3f})."
            )

    def _keep(self) -> None:
        """Make a model of it, on a thread because the disk may be slow."""
        run = self._runs[0]
        name = free_name(run.name)
        self.setEnabled(False)
        run_in_thread(
            lambda: finish_run(run.folder, name),
            lambda result: self._finished(run, result),
            self._failed,
        )

    def _finished(self, run: UnfinishedRun, result: FineTuneResult) -> None:
        self.kept.emit(result)
        self._remove(run)

    def _failed(self, error: Exception) -> None:
        self.setEnabled(True)
        self.told.emit(f"Not kept: {error}", True)

    def _discard(self) -> None:
        self._remove(self._runs[0])
        self.told.emit("The unfinished retraining was removed.", False)

    def _remove(self, run: UnfinishedRun) -> None:
        """Remove a run from the disk and from the offer."""
        shutil.rmtree(run.folder, ignore_errors=True)
        self._runs.remove(run)
        self._show_next()
