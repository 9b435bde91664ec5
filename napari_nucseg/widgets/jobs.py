"""What the engine says, as Qt signals on the window's thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from ..engine import Job, shared_engine
from ..support import Epoch

__all__ = ["JobRunner", "run_in_thread"]

#: Seconds between two steps that are shown. Whatever changes in a window with a canvas, all of
#: it is drawn again, which without a graphics card takes a processor core for a while.
_PACE = 0.5


class _Voice(QObject):
    """Speaks for a job, on any thread and as long as the job lives.

    To emit a signal of a widget that was closed crashes Qt. A connection to the widget
    only ends, and who holds a method of this object keeps it alive, unlike a signal.
    """

    progress = Signal(int, int, str)
    epoch = Signal(object)
    done = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._text, self._told = "", 0.0

    def tell_progress(self, done: int, total: int, text: str) -> None:
        """Tell of another thing that is done at once, and of its steps now and then."""
        now = time.monotonic()
        if text != self._text or now - self._told >= _PACE:
            self._text, self._told = text, now
            self.progress.emit(done, total, text)

    def tell_epoch(self, epoch: Epoch) -> None:
        self.epoch.emit(epoch)

    def tell_done(self, job: Job) -> None:
        self.done.emit(job)


class JobRunner(QObject):
    """Runs one job at a time in the engine.

    Signals
    -------
    progress(int, int, str)
        Steps done, steps in all, and what is being done; not every step is told.
    epoch(object)
        A finished `Epoch`.
    done(object)
        The `Job`, in its last state.
    """

    progress = Signal(int, int, str)
    epoch = Signal(object)
    done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        #: The job that runs, None if there is none.
        self.job: Job | None = None
        self.done.connect(self._forget)

    def run(self, task: str, arguments: dict[str, Any]) -> Job:
        """Give a task to the engine.

        Parameters
        ----------
        task : str
            See `engine_child.TASKS`.
        arguments : dict
            Of the task.

        Returns
        -------
        Job
            The job.

        Raises
        ------
        RuntimeError
            If a job runs already.
        """
        if self.job is not None:
            raise RuntimeError("Expected no job to run, but one does. Wait for it.")
        voice = _Voice()
        # Queued, because the engine speaks on a thread of its own.
        queued = Qt.ConnectionType.QueuedConnection
        voice.progress.connect(self.progress, queued)
        voice.epoch.connect(self.epoch, queued)
        voice.done.connect(self.done, queued)
        self.job = shared_engine().submit(
            task,
            arguments,
            on_progress=voice.tell_progress,
            on_epoch=voice.tell_epoch,
            on_done=voice.tell_done,
        )
        return self.job

    def cancel(self) -> None:
        """Cancel the job, if there is one."""
        if self.job is not None:
            self.job.cancel()

    def _forget(self, job: Job) -> None:
        if job is self.job:
            self.job = None


class _Outcome(QObject):
    """Carries the result of a function from its thread to the window's."""

    ready = Signal(object, object)


_running: set[_Outcome] = set()


def run_in_thread(
    function: Callable[[], Any],
    on_result: Callable[[Any], None],
    on_error: Callable[[Exception], None],
) -> None:
    """Run a function on a thread of its own, also to its end if napari is closed meanwhile.

    Parameters
    ----------
    function : callable
        Touches no widget and no layer.
    on_result, on_error : callable
        Called on the window's thread with what it returned or raised.
    """
    outcome = _Outcome()
    _running.add(outcome)

    def tell(result: Any, error: Exception | None) -> None:
        _running.discard(outcome)
        # The window may be closed by now.
        with contextlib.suppress(RuntimeError):
            if error is None:
                on_result(result)
            else:
                on_error(error)

    def work() -> None:
        try:
            result, error = function(), None
        except Exception as caught:  # the person is told whatever it was
            result, error = None, caught
        outcome.ready.emit(result, error)

    outcome.ready.connect(tell, Qt.ConnectionType.QueuedConnection)
    threading.Thread(target=work).start()
