"""A child of the engine that starts fast: the real one without TensorFlow, with other tasks.

The tests load this module for the types of the tasks; ``python -m small_engine`` is the
child, which loads it a second time, under its name, when the first of these tasks arrives.
"""

import dataclasses
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from napari_nucseg.engine import worker
from napari_nucseg.engine.messages import Task
from napari_nucseg.engine.tasks import perform
from napari_nucseg.engine.transport import Channel


class Odd(Exception):
    """Of a module that the engine does not trust."""


class Rude(Exception):
    """Seems to be ours, but cannot be found by its name."""

    __module__ = "napari_nucseg.rude"


class Unreadable:
    """Can be sent, but whoever receives it cannot read it."""

    def __reduce__(self):
        return _cannot_read, ()


def _cannot_read():
    raise ModuleNotFoundError("only there")


class KillsWhenPickled:
    """Kills the process that sends it, when all before it in the message has been written."""

    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("was killed")


ERRORS = {
    "value": ValueError("too dark"),
    "late": TimeoutError("slow disk"),
    "odd": Odd("far away"),
    "rude": Rude("no"),
    "numpy": np.linalg.LinAlgError("singular"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Echo(Task):
    value: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Fail(Task):
    kind: str


@dataclasses.dataclass(frozen=True, eq=False)
class Invent(Task):
    """Return something that is hard to send."""

    what: str


@dataclasses.dataclass(frozen=True, eq=False)
class Threshold(Task):
    """Turn an image of intensities into labels."""

    image: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class UntilStopped(Task):
    """Goes on until it is stopped, or its file is there."""

    file: Path | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class UntilMessage(Task):
    """Goes on until the child has dealt with one more message."""


@dataclasses.dataclass(frozen=True, eq=False)
class Deaf(Task):
    value: Any = None


@dataclasses.dataclass(frozen=True, eq=False)
class Die(Task):
    pass


@dataclasses.dataclass(frozen=True, eq=False)
class Unknown(Task):
    """Has nothing registered that does it."""


@perform.register(Echo)
def _echo(task, callbacks, kept):
    callbacks.on_progress(1, 2, "echo")
    warnings.warn("faint", stacklevel=1)
    return task.value


@perform.register(Fail)
def _fail(task, callbacks, kept):
    raise ERRORS[task.kind]


@perform.register(Invent)
def _invent(task, callbacks, kept):
    if task.what == "what finds no room":
        limit_files()
        return np.zeros(4_000_000, np.uint8)
    return {
        "what kills": lambda: [np.zeros(4_000_000, np.uint8), KillsWhenPickled()],
        "what cannot be pickled": lambda: lambda: 0,
        "what cannot be read": Unreadable,
    }[task.what]()


@perform.register(Threshold)
def _threshold(task, callbacks, kept):
    return (task.image > 1000).astype(np.int32)


@perform.register(UntilStopped)
def _until_stopped(task, callbacks, kept):
    callbacks.on_progress(0, 1, "waiting")
    while not callbacks.should_stop():
        if task.file is not None and task.file.exists():
            return "went on"
        time.sleep(0.005)
    return "stopped early"


@perform.register(UntilMessage)
def _until_message(task, callbacks, kept):
    come = _Counted.come
    callbacks.on_progress(0, 1, "waiting")
    while _Counted.dealt_with <= come:
        time.sleep(0.005)
    return "stopped early" if callbacks.should_stop() else "went on"


@perform.register(Deaf)
def _deaf(task, callbacks, kept):
    callbacks.on_progress(0, 1, "deaf")
    time.sleep(600)


@perform.register(Die)
def _die(task, callbacks, kept):
    print("out of memory", file=sys.stderr, flush=True)
    os._exit(3)


class _Counted(Channel):
    """Counts the messages that have come, and those that have been dealt with."""

    come = dealt_with = 0

    def receive(self):
        # Who asks for the next message has dealt with the one before.
        _Counted.dealt_with = _Counted.come
        message = super().receive()
        _Counted.come += 1
        return message


def limit_files(size=1_500_000):
    """Let this process write only short files, as if the disk were full.

    Returns the limit that was there before.
    """
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    return before


if __name__ == "__main__":
    import small_engine

    worker.Channel = small_engine._Counted
    worker.main(warm=False)
