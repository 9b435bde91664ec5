"""Where a task is done: in this process, or in the engine beside a window."""

from __future__ import annotations

import sys
from typing import Any

from ..support import Callbacks, warn_user
from .messages import Task
from .shared import shared_engine
from .tasks import KeptMaps, perform

__all__ = ["execute", "needs_engine"]

#: The maps that tasks done in this process keep for a `Relabel`.
_kept = KeptMaps()


def needs_engine() -> bool:
    """Return whether TensorFlow must not be loaded into this process.

    Returns
    -------
    bool
        True if napari, Qt or vispy, which uses OpenGL, is loaded.
    """
    bindings = ("PyQt5", "PyQt6", "PySide2", "PySide6")
    windows = ("napari", "vispy", *(f"{name}.QtCore" for name in bindings))
    return any(name in sys.modules for name in windows)


def execute(task: Task, callbacks: Callbacks = Callbacks()) -> Any:
    """Do a task and wait for its end: here, or in the engine if there is a window.

    Parameters
    ----------
    task : Task
        What to do.
    callbacks : Callbacks, optional
        Called on this thread, or on a thread of the engine.

    Returns
    -------
    object
        The result; its type depends on the type of the task.

    Raises
    ------
    Exception
        What the work raises, see also `Job.wait`. Ctrl-C cancels a job of the engine.
    """
    if not needs_engine():
        return perform(task, callbacks, _kept)
    callbacks.check_stop()
    job = shared_engine().submit(task, callbacks)
    try:
        # Without a limit Ctrl-C would not be noticed on Windows.
        while not job.has_ended(0.05):
            pass
    except BaseException:  # Ctrl-C, or what another handler of signals raises
        job.cancel()
        raise
    for text in job.warnings:
        warn_user(text)
    return job.wait()
