"""The sliders: other labels from the maps that the engine has kept, without the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from ...engine import Job, Relabel, RelabelExpired
from ...pipeline import SegmentParameters
from ..jobs import JobRunner
from .results import Results

__all__ = ["Tuner"]

_DEBOUNCE = 150  # milliseconds


class Tuner(QObject):
    """Makes the labels of an image follow the sliders.

    Parameters
    ----------
    results : Results
        What is shown.
    wanted : callable
        Returns the chosen image, or None if nothing can be tuned now, and what the sliders
        ask for.

    Signals
    -------
    tuned(object)
        A `Result` shows other labels.
    settled()
        There is nothing to be done.
    left_alone()
        Somebody has edited the labels, so they stay as they are.
    expired()
        The maps are not kept any more.
    failed(str)
        What went wrong.
    """

    tuned = Signal(object)
    settled = Signal()
    left_alone = Signal()
    expired = Signal()
    failed = Signal(str)

    def __init__(
        self,
        results: Results,
        wanted: Callable[[], tuple[Any | None, SegmentParameters]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._results = results
        self._wanted = wanted
        self._image: Any | None = None
        self._runner = JobRunner(self)
        self._runner.done.connect(self._finish)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE)
        self._timer.timeout.connect(self._tune)

    def start(self) -> None:
        """Tune when the sliders have been at rest for a moment."""
        self._timer.start()

    def stop(self) -> None:
        """Do not tune: a whole segmentation is going to be made."""
        self._timer.stop()

    def _tune(self) -> None:
        image, parameters = self._wanted()
        if image is None:
            return
        if self._runner.job is not None:
            self._timer.start()
            return
        result = self._results.of(image, parameters.channel)
        if result is None or result.shows(parameters):
            self.settled.emit()
            return
        if result.state() == "edited":
            self.left_alone.emit()
            return
        self._image = image
        self._runner.run(Relabel(result.key, parameters))

    def _finish(self, job: Job) -> None:
        if isinstance(job.error, RelabelExpired):
            self.expired.emit()
        elif job.state == "failed":
            self.failed.emit(str(job.error))
        elif job.state == "done":
            result = self._results.with_key(self._image, job.result.id)
            if result is not None:
                self._results.replace(result, job.result)
                self.tuned.emit(result)
