"""Engine: runs tasks in a child process, for a process with a window.

TensorFlow and OpenGL in one process can crash it, and a computation in a process of its
own can be cancelled at once, whatever it is doing. The child is started in the background,
kept warm, and started again when it dies.
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import threading
from collections.abc import Callable

from ..support import Callbacks, Stopped
from .job import Job
from .messages import Done, EngineError, Failed, Stop, Task
from .process import EngineProcess
from .transport import Channel, Disconnected, UnreadableMessage

__all__ = ["Engine", "shared_engine"]

#: Seconds that a task has to end by itself when it is cancelled.
_GRACE = 0.3
#: Seconds between two looks whether a task should stop.
_LOOK = 0.05


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
        self.start()
        job = Job(self._cancel, task, callbacks, on_done)
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
        """Own the child: run on the engine's thread until the engine is closed."""
        try:
            while not self._closed:
                # The next job reports what goes wrong here: it tries again.
                with contextlib.suppress(EngineError):
                    self._ensure_child()
                job = self._next_job()
                if job is None:
                    break
                self._run(job)
        finally:
            self._drain()
            self._drop_child()

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
        except (OSError, RuntimeError) as error:
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
            channel.send(job.task, job.id)
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
            if job is not self._current:
                job._end("stopped", error=Stopped("The job was cancelled."))
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
