"""Engine: runs tasks in a child process, for a process with a window.

TensorFlow and OpenGL in one process can crash it, and a computation in a process of its
own can be cancelled at once, whatever it is doing. The child is started in the background,
kept warm, and started again when it dies.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence

from ..support import Callbacks, Stopped
from .job import Job
from .messages import Done, EngineError, Failed, FineTune, Stop, Task, Train
from .process import EngineProcess
from .transport import Channel, Disconnected, UnreadableMessage

__all__ = ["Engine"]

#: Seconds that a task has to end by itself when it is cancelled.
_GRACE = 0.3
#: Seconds between two looks whether a task should stop.
_LOOK = 0.05
#: Seconds that the end of the engine's thread is waited for, if it reads an image or not.
_READING, _WORKING = 0.5, 5.0

_logger = logging.getLogger(__name__)


class Engine:
    """Runs tasks in a child process, one after the other.

    A thread of the engine owns the child: it starts it, and it alone sends and receives
    messages. No method of the engine waits for the child.

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
        #: Whether the task of the current job is still read and pickled, and not yet sent.
        self._packing = False
        self._closed = False
        self._owner = os.getpid()
        #: "off", "starting", "ready" or "busy".
        self.state = "off"

    def start(self) -> None:
        """Start the child in the background, if it does not run yet."""
        self._check_owner()
        with self._lock:
            if self._closed:
                raise EngineError("The engine was closed. Open the widget again.")
            if self._thread is None:
                self.state = "starting"
                self._thread = threading.Thread(
                    target=self._work, name="nucseg-engine", daemon=True
                )
                self._thread.start()

    def _check_owner(self) -> None:
        """Refuse to work in a process that was forked, before a lock is taken."""
        if os.getpid() != self._owner:
            raise EngineError(
                "Expected the process that made the engine, got one that was forked from it. "
                "Make another engine there."
            )

    @property
    def process_id(self) -> int | None:
        """Process id of the child, None while there is none."""
        child = self._child
        return child.process.pid if child else None

    @property
    def is_training(self) -> bool:
        """Whether it trains a model now, which can take minutes."""
        job = self._current
        return job is not None and job.state == "running" and job.kind in (FineTune, Train)

    def submit(
        self,
        task: Task,
        callbacks: Callbacks = Callbacks(),
        on_done: Callable[[Job], None] | None = None,
    ) -> Job:
        """Queue a task.

        Parameters
        ----------
        task : Task
            What to do.
        callbacks : Callbacks, optional
            Called on the engine's thread.
        on_done : callable, optional
            See `Job`.

        Returns
        -------
        Job
            To follow, stop or cancel the task.
        """
        self._check_owner()
        job = Job(self._cancel, task, callbacks, on_done)
        # With the lock, `close` comes before and refuses the job, or after and ends it.
        with self._lock:
            self.start()
            self._jobs.put(job)
        return job

    def close(self) -> None:
        """End the child and all jobs. Can be called twice.

        In a process that was forked it does nothing: the child belongs to the other one.
        """
        if os.getpid() != self._owner:
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            child, thread = self._child, self._thread
            reading = self._current if self._packing else None
        if child:
            child.kill()
        if reading:
            # The thread has to read the image to its end. Nobody should wait for that.
            _end_all([reading, *self._waiting()], Stopped("The engine was closed."))
        self._jobs.put(None)
        if thread and thread is not threading.current_thread():
            thread.join(_READING if reading else _WORKING)
        self.state = "off"

    def _work(self) -> None:
        """Own the child: run on the engine's thread until the engine is closed."""
        job: Job | None = None
        error: Exception = Stopped("The engine was closed.")
        try:
            while not self._closed:
                # The next job reports what goes wrong here: it tries again.
                with contextlib.suppress(EngineError):
                    self._ensure_child()
                job = self._next_job()
                if job is None:
                    break
                self._run(job)
                # While the thread waits it keeps no result in memory.
                job = None
        except BaseException as mistake:  # it is ours, but no job may wait for ever
            _logger.exception("The thread of the engine failed.")
            error = EngineError(f"The engine failed: {mistake!r}. Try again, and report this.")
        finally:
            self._retire([] if job is None else [job], error)

    def _retire(self, jobs: list[Job], error: Exception) -> None:
        """End the child, these jobs and those that wait; the next one starts a new thread."""
        try:
            self._drop_child()
        finally:
            with self._lock:
                self._thread = self._current = None
                self._packing, self.state = False, "off"
                jobs += self._waiting()
            _end_all(jobs, error)

    def _next_job(self) -> Job | None:
        """Wait for a job, and meanwhile replace a child that has died."""
        while not self._closed:
            try:
                return self._jobs.get(timeout=1.0)
            except queue.Empty:
                # A child that has never ended a task would only die again.
                if self._child and self._child.has_served and not self._child.is_alive():
                    with contextlib.suppress(EngineError):
                        self._ensure_child()
        return None

    def _ensure_child(self) -> None:
        """Start the child if there is none."""
        if self._closed or (self._child and self._child.is_alive()):
            return
        self._drop_child()
        self.state = "starting"
        try:
            self._child = EngineProcess(self._module)
        except Exception as error:  # whatever it is, only the job that needs it may fail
            raise EngineError(
                f"The engine, which runs TensorFlow, could not start: {error}. Check that "
                f"there is free memory, and room for temporary files."
            ) from error

    def _drop_child(self) -> None:
        """End the child, if there is one, and forget it."""
        with self._lock:
            child, self._child = self._child, None
        if child:
            child.close()

    def _run(self, job: Job) -> None:
        """Run one job to its end, whatever that is."""
        with self._lock:
            if job._cancelled:
                return
            self._current, job.state, self.state = job, "running", "busy"
        try:
            self._ensure_child()
            end: Done | Failed | Exception = self._follow(job)
        except Exception as error:  # whatever it is, the thread must go on
            end = error
        with self._lock:
            self._current = None
            self.state = "starting" if isinstance(end, Exception) else "ready"
        if isinstance(end, Done):
            job._end("done", result=end.value)
        elif isinstance(end, Failed):
            stopped = isinstance(end.error, Stopped)
            job._end("stopped" if stopped else "failed", error=end.error)
        else:
            self._lose(job, end)

    def _follow(self, job: Job) -> Done | Failed:
        """Send the task and pass on the replies, until it has ended."""
        child = self._child
        if child is None:
            raise EngineError("The engine was closed.")
        channel = child.connect(lambda: self._closed or job._cancelled)
        try:
            self._send(job, channel)
        except Disconnected:
            raise
        except Exception as error:  # a task can refuse to be pickled in any way
            return Failed(job.id, error)
        is_asked = False
        while True:
            try:
                if not is_asked and job._should_stop():
                    is_asked = True
                    with contextlib.suppress(Disconnected):
                        channel.send(Stop(job.id))
                end = self._take_reply(job, channel)
            except Disconnected:
                raise
            except Exception as error:  # of a callback: then nobody wants the rest
                child.kill()
                return Failed(job.id, error)
            if end is not None:
                child.has_served = True
                return end

    def _send(self, job: Job, channel: Channel) -> None:
        """Pickle the task, which may read a large image, and send it if it is still wanted."""

        def check() -> None:
            if job._cancelled or self._closed:
                raise Stopped("The job was cancelled.")

        task = job.task
        with self._lock:
            check()
            self._packing = True
        try:
            parcel = channel.pack(task, job.id, check)
        finally:
            with self._lock:
                # From here on a job that is cancelled ends with a message from the child.
                self._packing = False
        try:
            check()
        except Stopped:
            parcel.remove()
            raise
        channel.post(parcel)

    def _take_reply(self, job: Job, channel: Channel) -> Done | Failed | None:
        """Wait a moment for a reply, and return the one that ends the job."""
        if not channel.wait(_LOOK):
            return None
        try:
            reply = channel.receive()
        except UnreadableMessage as message:
            return Failed(job.id, message.error) if message.label == job.id else None
        if reply.task_id != job.id:
            return None
        if isinstance(reply, Done | Failed):
            return reply
        job._take(reply)
        return None

    def _lose(self, job: Job, error: Exception) -> None:
        """End a job whose child is gone, and forget the child."""
        child = self._child
        if child:
            child.kill()
        printed = child.error_output() if child else ""
        self._drop_child()
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
        job._end("failed", error=EngineError(f"{text}\n{printed}".strip()))

    def _cancel(self, job: Job) -> None:
        """Ask the task to end, and kill the child if it has not in time."""
        with self._lock:
            # The child knows nothing of a task that waits, or that is still being read.
            is_known = job is self._current and not self._packing
        if not is_known:
            _end_all([job], Stopped("The job was cancelled."))
            return
        job.stop()
        timer = threading.Timer(_GRACE, self._kill_if_running, [job])
        timer.daemon = True
        timer.start()

    def _kill_if_running(self, job: Job) -> None:
        """Kill the child if it still does this task; it may do another one by now."""
        with self._lock:
            if job is self._current and self._child:
                self._child.kill()

    def _waiting(self) -> list[Job]:
        """Take the jobs that were never run from the queue."""
        jobs = []
        with contextlib.suppress(queue.Empty):
            while True:
                jobs.append(self._jobs.get_nowait())
        return [job for job in jobs if job is not None]


def _end_all(jobs: Sequence[Job], error: Exception) -> None:
    """End jobs, as far as they have not ended."""
    for job in jobs:
        job._end("stopped" if isinstance(error, Stopped) else "failed", error=error)
