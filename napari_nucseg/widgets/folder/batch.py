"""Segments the images of a folder one after the other, while a person corrects others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from ...corrections import FolderRow, FolderWork, made_with
from ...engine import EngineError, FileSummary, Job, SegmentFile
from ...image import Stamp, stamp_of
from ...measure import Outputs
from ...pipeline import SegmentParameters
from ...registry import Model
from ...support import pluralize
from ..jobs import JobRunner, run_in_thread

__all__ = ["Batch"]

#: How often in a row the engine may end before it is not the image that is to blame.
_DEATHS = 3


class Batch(QObject):
    """Gives images to the engine, one at a time, so that other tasks come between them.

    Parameters
    ----------
    parent : QObject
        The parent.
    is_edited : callable
        Given the folder and the name of an image, returns whether a person has changed its
        labels in this window; then it is left out.

    Signals
    -------
    changed()
        It has begun, an image is done, or it has ended.
    segmented(str)
        The labels of an image are in their file now.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    changed = Signal()
    segmented = Signal(str)
    told = Signal(str, bool)

    def __init__(self, parent: QObject, is_edited: Callable[[FolderWork, str], bool]) -> None:
        super().__init__(parent)
        self._is_edited = is_edited
        self._runner = JobRunner(self)
        self._runner.done.connect(self._ended)
        self._work: FolderWork | None = None
        self._task: tuple[Model, SegmentParameters, str] | None = None
        # Images that had their turn, the one whose turn it is, and one that is to be next.
        self._tried: set[str] = set()
        self._name = self._preferred = ""
        self._is_cancelled = False
        self._deaths = 0
        #: How many images are done, how many are to be done in all, and how many failed.
        self.done = self.total = self.failed = 0

    @property
    def is_running(self) -> bool:
        """Whether images are being segmented."""
        return self._work is not None

    def start(self, work: FolderWork, model: Model, parameters: SegmentParameters) -> None:
        """Begin with the images that have no such labels yet.

        Parameters
        ----------
        work : FolderWork
            The folder.
        model : Model
            What finds the nuclei.
        parameters : SegmentParameters
            How.
        """
        if self._work is not None:
            return
        made = made_with(model.card.weights_sha256, parameters.as_dict())
        self._work, self._task = work, (model, parameters, made)
        self._tried, self._is_cancelled = set(), False
        self.done = self.failed = self._deaths = 0
        self.total = len(work.to_segment(made))
        self.changed.emit()
        self._go_on()

    def prefer(self, name: str) -> None:
        """Take an image next, as a person looks at it.

        Parameters
        ----------
        name : str
            The image.
        """
        self._preferred = name

    def cancel(self) -> None:
        """End within a second. What is done stays done."""
        self._is_cancelled = True
        self._runner.cancel()

    def leave(self) -> None:
        """End, as the widget closes, and let other windows have the image."""
        work, name = self._work, self._name
        self.cancel()
        self._work = None
        if work is not None and name:
            run_in_thread(lambda: work.release(name, to_segment=True))

    def _go_on(self) -> None:
        """Take the next image."""
        work, task = self._work, self._task
        if work is None or task is None:
            return
        left = [row for row in work.to_segment(task[2]) if row.name not in self._tried]
        if self._is_cancelled or not left:
            self._finish()
            return
        row = next((row for row in left if row.name == self._preferred), left[0])
        self._tried.add(row.name)
        self._name = row.name
        run_in_thread(
            lambda: (work.claim(row.name, to_segment=True), stamp_of(row.labels)),
            lambda claimed: self._claimed(row, *claimed),
            self._broken,
        )

    def _claimed(self, row: FolderRow, reason: str, stamp: Stamp | None) -> None:
        work, task = self._work, self._task
        if work is None or task is None or not isalive(self):
            return
        if reason:  # another window does it, or a person has
            self.total -= 1
            self._go_on()
        elif self._is_cancelled:
            self._give_back(work, row.name)
        elif self._is_edited(work, row.name):
            self._leave_out(work, row.name)
        else:
            outputs = Outputs(work.output)
            self._runner.run(SegmentFile(row.path, outputs, task[0].folder, task[1], stamp))

    def _leave_out(self, work: FolderWork, name: str) -> None:
        """Go on with the next image, as a person has labels of this one."""
        self.total -= 1
        self._give_back(work, name)

    def _give_back(self, work: FolderWork, name: str) -> None:
        run_in_thread(
            lambda: work.release(name, to_segment=True), lambda _: self._go_on(), self._broken
        )

    def _ended(self, job: Job) -> None:
        """Note what has become of an image."""
        work, task, name = self._work, self._task, self._name
        if work is None or task is None:
            return
        self._deaths = self._deaths + 1 if isinstance(job.error, EngineError) else 0
        if self._deaths == _DEATHS:
            run_in_thread(lambda: work.release(name, to_segment=True))
            self._broken(job.error)
        elif job.state == "stopped":
            self._give_back(work, name)
        elif job.state == "done":
            found: FileSummary = job.result
            run_in_thread(
                lambda: work.note_segmented(
                    name,
                    nuclei=found.nuclei,
                    suspicion=found.suspicion,
                    shape=found.shape,
                    made=task[2],
                ),
                lambda _: self._noted(name, is_segmented=True),
                self._broken,
            )
        elif isinstance(job.error, FileExistsError):  # somebody has written labels meanwhile
            self._leave_out(work, name)
        else:
            reason = str(job.error)
            run_in_thread(
                lambda: work.note_failed(name, reason),
                lambda _: self._noted(name, is_segmented=False),
                self._broken,
            )

    def _noted(self, name: str, *, is_segmented: bool) -> None:
        if not isalive(self):
            return
        self.done += 1
        self.failed += not is_segmented
        if is_segmented:
            self.segmented.emit(name)
        self.changed.emit()
        self._go_on()

    def _broken(self, error: Any) -> None:
        """End, as the folder cannot be written to."""
        if isalive(self):
            self._work = None
            self.changed.emit()
            self.told.emit(f"The segmentation of the folder has ended: {error}", True)

    def _finish(self) -> None:
        self._work = None
        self.changed.emit()
        done = self.done - self.failed
        if self._is_cancelled:
            text = f"Cancelled after {done} of {pluralize(self.total, 'image')}."
        else:
            text = f"Segmented {pluralize(done, 'image')}."
        if self.failed:
            text += f" {pluralize(self.failed, 'image')} could not be: the list says why."
        self.told.emit(text, bool(self.failed) and not self._is_cancelled)
