"""The child process that runs TensorFlow for a window.

TensorFlow and OpenGL in one process can crash it, and a computation in a
process of its own can be cancelled at once, whatever it is doing. The child
is started in the background, kept warm, and started again when it dies.
"""

from __future__ import annotations

import atexit
import contextlib
import pickle
import queue
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from ..support import Callbacks, OnEpoch, OnProgress, Stopped
from .job import Job
from .process import EngineError, EngineProcess

__all__ = [
    "Engine",
    "EngineError",
    "Job",
    "needs_engine",
    "run_in_engine",
    "shared_engine",
]

_GRACE = 0.3


class Engine:
    """Runs tasks in a child process, one after the other.

    A thread of the engine owns the child: it starts it, sends it the jobs and
    passes on what it says. No method of the engine waits for the child.

    Parameters
    ----------
    module : str, optional
        What the child runs, as ``python -m``.
    """

    def __init__(self, module: str = "napari_nucseg.engine") -> None:
        self._module = module
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._child: EngineProcess | None = None
        self._current: Job | None = None
        self._closed = False
        #: "off", "starting", "ready" or "busy".
        self.state = "off"

    def start(self) -> None:
        """Start the child in the background, if it does not run yet."""
        with self._lock:
            if self._closed:
                raise EngineError("The engine was closed. Open the widget again.")
            if self._thread is None:
                self.state = "starting"
                self._thread = threading.Thread(
                    target=self._work, name="nucseg-engine", daemon=True
                )
                self._thread.start()

    @property
    def process_id(self) -> int | None:
        """Process id of the child, None while there is none."""
        child = self._child
        return child.process.pid if child else None

    def submit(
        self,
        task: str,
        arguments: dict[str, Any],
        *,
        on_progress: OnProgress | None = None,
        on_epoch: OnEpoch | None = None,
        on_done: Callable[[Job], None] | None = None,
    ) -> Job:
        """Queue a task.

        Parameters
        ----------
        task : str
            One of the tasks of the child.
        arguments : dict
            Its arguments, which are pickled.
        on_progress, on_epoch, on_done : callable, optional
            See `Job`.

        Returns
        -------
        Job
            To follow, stop or cancel it.
        """
        self.start()
        job = Job(
            self,
            task,
            arguments,
            on_progress=on_progress,
            on_epoch=on_epoch,
            on_done=on_done,
        )
        self._jobs.put(job)
        return job

    def close(self) -> None:
        """End the child and all jobs. Can be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            child, thread = self._child, self._thread
        self._jobs.put(None)
        if child:
            child.kill()
        if thread and thread is not threading.current_thread():
            thread.join(timeout=5)
        self.state = "off"

    def _work(self) -> None:
        """Own the child: run on the engine's thread until it is closed."""
        try:
            while not self._closed:
                # What goes wrong here is told with the next job, which tries again.
                with contextlib.suppress(EngineError):
                    self._ensure_child()
                job = self._next_job()
                if job is None:
                    break
                self._run(job)
        finally:
            self._drain()
            if self._child:
                self._child.kill()
                self._child = None

    def _next_job(self) -> Job | None:
        """Wait for a job, and notice meanwhile if the child has died."""
        while not self._closed:
            try:
                return self._jobs.get(timeout=1.0)
            except queue.Empty:
                # One that never was of use would only die again.
                if self._child and self._child.has_served and not self._child.is_alive():
                    with contextlib.suppress(EngineError):
                        self._ensure_child()
        return None

    def _ensure_child(self) -> None:
        """Start the child if there is none; an error is told with the next job."""
        if self._closed or (self._child and self._child.is_alive()):
            return
        if self._child:
            self._child.kill()
            self._child = None
        self.state = "starting"
        try:
            self._child = EngineProcess(self._module)
        except (OSError, RuntimeError) as error:
            raise EngineError(
                f"The engine, which runs TensorFlow, could not start: {error}. Check that "
                f"there is free memory, and room for temporary files."
            ) from error

    def _run(self, job: Job) -> None:
        """Run one job to its end, whatever that is."""
        with self._lock:
            if job._cancelled:
                return
            self._current, job.state, self.state = job, "running", "busy"
        try:
            self._ensure_child()
            state, value = self._talk(job)
        except Exception as error:  # whatever it is, the thread must go on
            state, value = "lost", error
        with self._lock:
            self._current = None
            self.state = "ready" if state != "lost" else "starting"
        if state == "done":
            job._end("done", result=value)
        elif state == "failed":
            stopped = isinstance(value, Stopped)
            job._end("stopped" if stopped else "failed", error=value)
        else:
            self._lost(job, value)

    def _talk(self, job: Job) -> tuple[str, Any]:
        """Send the job and pass on what the child says, until it has ended."""
        child = self._child
        if child is None:
            raise EngineError("The engine was closed.")
        try:
            message = pickle.dumps(("run", job.task, job.arguments), protocol=5)
        except Exception as error:  # arguments can refuse in any way
            return "failed", error
        connection = child.connect(lambda: self._closed or job._cancelled)
        connection.send_bytes(message)
        with self._lock:
            job._sent = True
        if job._stop_asked:
            child.ask_to_stop()
        while True:
            kind, value = pickle.loads(connection.recv_bytes())
            if kind in ("done", "failed"):
                child.has_served = True
                return kind, value
            try:
                job._tell(kind, value)
            except Exception as error:  # of who listens: nobody wants the rest
                child.kill()
                return "failed", error

    def _lost(self, job: Job, error: BaseException) -> None:
        """End a job whose child is gone, and forget the child."""
        child, self._child = self._child, None
        tail = child.last_words() if child else ""
        if child:
            child.kill()
        if job._cancelled or self._closed:
            job._end("stopped", error=Stopped("The job was cancelled."))
            return
        text = (
            "The engine, which runs TensorFlow, ended in the middle of the work. Your "
            "image and corrections are safe; try again. If it happens again, the computer "
            "may be short of memory: close other programs or use a smaller image."
        )
        if isinstance(error, EngineError):
            text = str(error)
        job._end("failed", error=EngineError(f"{text}\n{tail}".strip()))

    def _stop(self, job: Job) -> None:
        """Ask the child to stop, or have it asked as soon as it has the job."""
        with self._lock:
            job._stop_asked = True
            child = self._child if job is self._current and job._sent else None
        if child:
            child.ask_to_stop()

    def _cancel(self, job: Job) -> None:
        """Ask the child to stop, and kill it if it has not in time."""
        with self._lock:
            if job is not self._current:
                job._end("stopped", error=Stopped("The job was cancelled."))
                return
        self._stop(job)

        def kill_if_needed() -> None:
            with self._lock:
                child = self._child
                if job is self._current and child:
                    child.kill()

        timer = threading.Timer(_GRACE, kill_if_needed)
        timer.daemon = True
        timer.start()

    def _drain(self) -> None:
        """End the jobs that were never run."""
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job._end("stopped", error=Stopped("The engine was closed."))


_shared: Engine | None = None
_shared_lock = threading.Lock()


def shared_engine() -> Engine:
    """Return the engine of this process; it is made when first asked for.

    Returns
    -------
    Engine
        One for the whole process, closed when that ends.
    """
    global _shared
    with _shared_lock:
        if _shared is None or _shared._closed:
            _shared = Engine()
            atexit.register(_shared.close)
        return _shared


def needs_engine() -> bool:
    """Return whether TensorFlow must not be loaded into this process.

    Returns
    -------
    bool
        True where napari, Qt or OpenGL's user vispy is loaded.
    """
    bindings = ("PyQt5", "PyQt6", "PySide2", "PySide6")
    windows = ("napari", "vispy", *(f"{name}.QtCore" for name in bindings))
    return any(name in sys.modules for name in windows)


def run_in_engine(
    task: str,
    arguments: dict[str, Any],
    callbacks: Callbacks = Callbacks(),
) -> Any:
    """Run a task in the engine and wait for it.

    Parameters
    ----------
    task : str
        Name of the task.
    arguments : dict
        Its arguments.
    callbacks : Callbacks, optional
        Who is told, on the engine's thread, and who may end it, asked on this one.

    Returns
    -------
    object
        The result of the task.

    Raises
    ------
    Exception
        See `Job.wait`. Ctrl-C cancels the job.
    """
    callbacks.check_stop()
    job = shared_engine().submit(
        task, arguments, on_progress=callbacks.on_progress, on_epoch=callbacks.on_epoch
    )
    asked = False
    try:
        while True:
            if job.has_ended(0.05):
                for text in job.warnings:
                    warnings.warn(text, stacklevel=3)
                return job.wait()
            if not asked and callbacks.should_stop():
                asked = True
                job.stop()
    except KeyboardInterrupt:
        job.cancel()
        raise
