"""What runs in the engine process: one task at a time.

Started by `EngineProcess`, never by hand. The main thread does the tasks; a second one
receives them, and the wish to stop.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path

from ..registry import DEFAULT_MODEL
from ..support import Callbacks
from .messages import (
    Done,
    EngineError,
    EpochDone,
    Failed,
    Progress,
    Reply,
    Stop,
    Task,
    Warm,
    Warned,
)
from .process import ADDRESS_VARIABLE, FOLDER_VARIABLE, KEY_VARIABLE
from .tasks import KeptMaps, perform
from .transport import Channel, Disconnected, UnreadableMessage

__all__ = ["Worker", "main"]

_PRIORITY = 5
_OUR_OWN = "napari_nucseg."


class Worker:
    """Does the tasks that the engine sends.

    Parameters
    ----------
    channel : Channel
        To the engine.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._tasks: queue.Queue[Task] = queue.Queue()
        self._kept = KeptMaps()
        #: Ids of the last task that came, and of the last one that is to stop.
        self._latest = self._stopped = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def serve(self) -> None:
        """Do one task after the other; the process ends when the engine has gone."""
        while True:
            self._do(self._tasks.get())

    def _listen(self) -> None:
        """Take messages as they come; end the process when the engine has gone."""
        while True:
            try:
                message = self._channel.receive()
            except Disconnected:
                self._channel.close()
                os._exit(0)
            except UnreadableMessage as unreadable:
                self._send(Failed(unreadable.label, _portable(unreadable.error)))
            else:
                self._take(message)

    def _take(self, message: Task | Stop) -> None:
        """Queue a task, or note which one is to stop.

        The engine sends a task when the one before has ended. So a `Stop` that names another
        task than the last one is late.
        """
        if isinstance(message, Task):
            self._latest = message.id
            self._tasks.put(message)
        elif message.task_id == self._latest:
            self._stopped = message.task_id

    def _do(self, task: Task) -> None:
        """Do a task and send how it ended."""
        try:
            with self._sending_warnings(task):
                value = perform(task, self._callbacks(task), self._kept)
            self._send(Done(task.id, value))
        except BaseException as error:  # whatever it is, the window must know
            self._send(Failed(task.id, _portable(error)))

    def _callbacks(self, task: Task) -> Callbacks:
        """Return callbacks that pass on what they are called with."""
        return Callbacks(
            lambda done, total, text: self._send(Progress(task.id, done, total, text)),
            lambda epoch: self._send(EpochDone(task.id, epoch)),
            lambda: self._stopped == task.id,
        )

    def _send(self, reply: Reply) -> None:
        # If the engine has gone, the other thread is about to end this process.
        with contextlib.suppress(Disconnected):
            self._channel.send(reply, reply.task_id)

    @contextlib.contextmanager
    def _sending_warnings(self, task: Task) -> Iterator[None]:
        """Send what a task warns the user of."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default", UserWarning)
            try:
                yield
            finally:
                for warning in caught:
                    if warning.category is UserWarning:
                        self._send(Warned(task.id, str(warning.message)))


def main(*, warm: bool = True) -> None:
    """Connect to the engine and do tasks until it is gone.

    Parameters
    ----------
    warm : bool, optional
        Whether to load TensorFlow and the bundled model before the first task.
    """
    _lower_priority()
    # Ctrl-C in the terminal is meant for the process with the window.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = os.environ.pop(ADDRESS_VARIABLE)
    key = bytes.fromhex(os.environ.pop(KEY_VARIABLE))
    folder = Path(os.environ.pop(FOLDER_VARIABLE))
    worker = Worker(Channel(Client(address, authkey=key), folder))
    if warm:
        # If something is wrong here, the first task fails with it.
        with contextlib.suppress(Exception):
            perform(Warm(DEFAULT_MODEL), Callbacks(), KeptMaps())
    worker.serve()


def _portable(error: BaseException) -> BaseException:
    """Return the error if the other process can read it, otherwise one with its text."""
    text = EngineError(f"{type(error).__name__}: {error}")
    module = type(error).__module__
    if not (module == "builtins" or module.startswith(_OUR_OWN)):
        return text
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error, protocol=5))
    except Exception:  # an exception can refuse in any way
        return text
    return error


def _lower_priority() -> None:
    """Leave the processor to the window when it wants it."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import ctypes

            below_normal = 0x4000
            kernel = ctypes.windll.kernel32
            kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
        else:
            os.nice(_PRIORITY)
