"""Two models at work on the chosen image, and where their nuclei differ."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from ...engine import Job, Segment
from ...registry import Model
from ..jobs import JobRunner
from ..segment.segment_panel import SegmentPanel

__all__ = ["ModelComparison"]


class ModelComparison(QObject):
    """Segments the chosen image with two models, and shows the differences.

    It does what a person would do by hand in part 1.

    Parameters
    ----------
    panel : SegmentPanel
        Part 1.
    runner : JobRunner
        Runs the jobs of the panel.
    parent : QObject, optional
        The parent.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(
        self, panel: SegmentPanel, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._panel, self._runner = panel, runner
        self._waiting: list[Model] = []
        self._layers: list[Any] = []
        self._before = ""
        self._is_running = False
        panel.segmented.connect(self._segmented)
        runner.done.connect(self._done)

    def start(self, first: Model, second: Model) -> None:
        """Compare two models.

        Parameters
        ----------
        first, second : Model
            The models.
        """
        if self._is_running or not self._panel.segment_button.isEnabled():
            self.told.emit(self._panel.segment_button.toolTip() or "A job is running.", True)
            return
        self._is_running = True
        self._before = self._panel.model.currentText()
        self._waiting, self._layers = [first, second], []
        self._next()

    def _next(self) -> None:
        model = self._waiting.pop(0)
        self._panel.model.refresh(model.card.name)
        self._panel.segment_button.click()
        if self._runner.job is None:  # the panel has told why
            self._end()

    def _segmented(self, labels: Any, image: Any) -> None:
        if self._is_running:
            self._layers.append(labels)

    def _done(self, job: Job) -> None:
        if not self._is_running or job.kind is not Segment:
            return
        if job.state != "done":
            self._end()
        elif self._waiting:
            QTimer.singleShot(0, self._next)
        else:
            self._end()
            QTimer.singleShot(0, self._show)

    def _end(self) -> None:
        self._is_running = False
        self._panel.model.refresh(self._before)

    def _show(self) -> None:
        comparison = self._panel.comparison
        if len(self._layers) == 2:
            comparison.first.choose(self._layers[0])
            comparison.second.choose(self._layers[1])
            self._panel.comparison_fold.expand()
            comparison.button.click()
