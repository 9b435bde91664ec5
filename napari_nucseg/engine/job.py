"""Job: a task that was given to the engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ..support import Callbacks
from .messages import EpochDone, Progress, Reply, Task, Warned

__all__ = ["Job"]

_SHORT_OF_MEMORY = (
    "The computer is short of memory: close other programs or use a smaller image."
)
_logger = logging.getLogger(__name__)


class Job:
    """A task that was given to the engine.

    Parameters
    ----------
    end_now : callable
        Called with this job to end it within a second.
    task : Task
        What is to be done.
    callbacks : Callbacks, optional
        Called on the engine's thread.
    on_done : callable, optional
        Called once, with this job when it has ended, on a thread of the engine or the one
        that cancelled it.
    """

    def __init__(
        self,
        end_now: Callable[[Job], None],
        task: Task,
        callbacks: Callbacks = Callbacks(),
        on_done: Callable[[Job], None] | None = None,
    ) -> None:
        #: Id of the task.
        self.id = task.id
        #: Type of the task.
        self.kind = type(task)
        #: The task until it has ended. A job that is kept keeps no image in memory.
        self.task: Task | None = task
        #: "waiting", "running", "done", "failed" or "stopped".
        self.state = "waiting"
        self.result: Any = None
        self.error: BaseException | None = None
        #: What the task warned of.
        self.warnings: list[str] = []
        self._end_now = end_now
        self._callbacks = callbacks
        self._on_done = on_done
        self._ended = threading.Event()
        self._ending = threading.Lock()
        self._cancelled = False
        self._stop_asked = False

    def stop(self) -> None:
        """Ask the task to end early with what it has. It returns at once."""
        self._stop_asked = True

    def cancel(self) -> None:
        """End the task within a second, if necessary with its process.

        If the task has made its result by then, the job is done and has the result: it may
        have left something on the disk, of which who cancelled it must know.
        """
        self._cancelled = True
        self._end_now(self)

    def has_ended(self, timeout: float = 0.0) -> bool:
        """Return whether the job has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for it at most.

        Returns
        -------
        bool
            True once `wait` returns at once.
        """
        return self._ended.wait(timeout)

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the result.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        object
            The result of the task.

        Raises
        ------
        TimeoutError
            If the job has not ended in time.
        Stopped
            If it was stopped or cancelled.
        EngineError
            If the engine process ended.
        Exception
            What the task raised.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"The task {self.kind.__name__} did not end in {timeout} s.")
        if self.error is not None:
            raise self.error
        return self.result

    def _should_stop(self) -> bool:
        """Return whether the task is to end early."""
        return self._stop_asked or self._callbacks.should_stop()

    def _take(self, reply: Reply) -> None:
        """Pass on a reply that comes while the task is done."""
        if isinstance(reply, Progress):
            self._callbacks.on_progress(reply.done, reply.total, reply.text)
        elif isinstance(reply, EpochDone):
            self._callbacks.on_epoch(reply.epoch)
        elif isinstance(reply, Warned):
            self.warnings.append(reply.text)

    def _end(self, state: str, result: Any = None, error: BaseException | None = None) -> None:
        """Enter the last state, once."""
        with self._ending:
            if self._ended.is_set():
                return
            if isinstance(error, MemoryError) and not str(error):
                error = MemoryError(_SHORT_OF_MEMORY)
            self.state, self.result, self.error = state, result, error
            self.task = None
            self._ended.set()
        if self._on_done:
            try:
                self._on_done(self)
            except Exception:  # an error of a callback must not end the engine's thread
                _logger.exception("A callback for the end of %s failed.", self.kind.__name__)
