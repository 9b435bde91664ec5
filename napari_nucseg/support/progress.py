"""Progress and stopping: the two callables that travel through the pipeline."""

from __future__ import annotations

from collections.abc import Callable

__all__ = [
    "OnProgress",
    "ShouldStop",
    "Stopped",
    "check_stop",
    "never_stop",
    "no_progress",
]

#: Told how many of how many steps are done, and what is being done.
OnProgress = Callable[[int, int, str], None]

#: Asked between two steps, by whichever thread does them, whether the work should end early.
ShouldStop = Callable[[], bool]


class Stopped(Exception):
    """Raised by the pipeline when it was asked to stop and has nothing to give."""


def no_progress(done: int, total: int, text: str) -> None:
    """Tell nobody.

    Parameters
    ----------
    done, total : int
        Steps done and steps in all.
    text : str
        What is being done.
    """


def never_stop() -> bool:
    """Go on to the end.

    Returns
    -------
    bool
        False.
    """
    return False


def check_stop(should_stop: ShouldStop) -> None:
    """Leave the work if it should stop.

    Parameters
    ----------
    should_stop : callable
        Asked once.

    Raises
    ------
    Stopped
        If `should_stop` says so.
    """
    if should_stop():
        raise Stopped("The work was stopped before it had a result.")
