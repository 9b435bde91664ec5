"""Job: a task on its way through the engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..support import OnEpoch, OnProgress

if TYPE_CHECKING:
    from .client import Engine

__all__ = ["Job"]

_SHORT_OF_MEMORY = (
    "The computer is short of memory: close other programs or use a smaller image."
)
_logger = logging.getLogger(__name__)


class Job:
    """A task on its way through the engine.

    Parameters
    ----------
    engine : Engine
        That runs it.
    task : str
        Name of the task.
    arguments : dict
        Its arguments.
    on_progress, on_epoch, on_done : callable, optional
        Called on a thread of the engine: with ``(done, total, text)``, with an
        `Epoch`, and, once, with this job when it has ended.
    """

    def __init__(
        self,
        engine: Engine,
        task: str,
        arguments: dict[str, Any],
        *,
        on_progress: OnProgress | None = None,
        on_epoch: OnEpoch | None = None,
        on_done: Callable[[Job], None] | None = None,
    ) -> None:
        self.task = task
        self.arguments = arguments
        #: "waiting", "running", "done", "failed" or "stopped".
        self.state = "waiting"
        self.result: Any = None
        self.error: BaseException | None = None
        #: What the task warned of.
        self.warnings: list[str] = []
        self._engine = engine
        self._on_progress = on_progress
        self._on_epoch = on_epoch
        self._on_done = on_done
        self._ended = threading.Event()
        self._ending = threading.Lock()
        self._cancelled = False
        self._stop_asked = False
        self._sent = False

    def stop(self) -> None:
        """Ask the task to end early with what it has."""
        self._engine._stop(self)

    def cancel(self) -> None:
        """End the task within a second, if need be with its process."""
        self._cancelled = True
        self._engine._cancel(self)

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
            raise TimeoutError(f"The task {self.task!r} did not end in {timeout} s.")
        if self.error is not None:
            raise self.error
        return self.result

    def _tell(self, kind: str, value: Any) -> None:
        """Pass on what the child says while it works."""
        if kind == "progress" and self._on_progress:
            self._on_progress(*value)
        elif kind == "epoch" and self._on_epoch:
            self._on_epoch(value)
        elif kind == "warning":
            self.warnings.append(value)

    def _end(self, state: str, result: Any = None, error: BaseException | None = None) -> None:
        """Enter the last state, once."""
        with self._ending:
            if self._ended.is_set():
                return
            if isinstance(error, MemoryError) and not str(error):
                error = MemoryError(_SHORT_OF_MEMORY)
            self.state, self.result, self.error = state, result, error
            # An image is not kept in memory by who keeps the job.
            self.arguments = {}
            self._ended.set()
        if self._on_done:
            try:
                self._on_done(self)
            except Exception:  # who is told must not take the engine down
                _logger.exception("Who waited for the task %r failed.", self.task)
