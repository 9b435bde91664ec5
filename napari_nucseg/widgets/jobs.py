"""Jobs of the engine as Qt signals on the window's thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from ..engine import Job, Task, shared_engine
from ..support import Callbacks, Epoch

__all__ = ["THREAD", "JobRunner", "run_in_thread"]

#: Seconds between two steps that are shown. Whatever changes in a window with a canvas, all of
#: it is drawn again, which without a graphics card takes a processor core for a while.
_PACE = 0.5

#: Name of the threads of `run_in_thread`.
THREAD = "nucseg"


class _Relay(QObject):
    """Emits the signals of one job, on any thread and as long as the job lives.

    To emit a signal of a widget that was closed crashes Qt. A connection to such a widget
    ends without harm. The job holds methods of this object, which keeps it alive.
    """

    progress = Signal(int, int, str)
    epoch = Signal(object)
    done = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._text, self._emitted = "", 0.0

    def on_progress(self, done: int, total: int, text: str) -> None:
        """Emit a new text at once, and steps of the same text now and then."""
        now = time.monotonic()
        if text != self._text or now - self._emitted >= _PACE:
            self._text, self._emitted = text, now
            self.progress.emit(done, total, text)

    def on_epoch(self, epoch: Epoch) -> None:
        self.epoch.emit(epoch)

    def on_done(self, job: Job) -> None:
        self.done.emit(job)


class JobRunner(QObject):
    """Runs one job at a time in the engine.

    Signals
    -------
    progress(int, int, str)
        Steps done, steps in all, and what is being done. Not for every step.
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

    def run(self, task: Task) -> Job:
        """Give a task to the engine.

        Parameters
        ----------
        task : Task
            What to do.

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
        relay = _Relay()
        # Queued, because the engine calls on a thread of its own.
        queued = Qt.ConnectionType.QueuedConnection
        relay.progress.connect(self.progress, queued)
        relay.epoch.connect(self.epoch, queued)
        relay.done.connect(self.done, queued)
        callbacks = Callbacks(relay.on_progress, relay.on_epoch)
        self.job = shared_engine().submit(task, callbacks, relay.on_done)
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
    threading.Thread(target=work, name=THREAD).start()
