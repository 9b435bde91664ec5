"""Callbacks: who is told about work, and who may end it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .text import duration

__all__ = ["Callbacks", "Epoch", "OnEpoch", "OnProgress", "ShouldStop", "Stopped"]


class Stopped(Exception):
    """Raised when work was asked to stop before it had a result."""


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One row of a training run's history.

    Parameters
    ----------
    epoch : int
        Counted from 1; 0 is the model that training started from.
    epochs : int
        Epochs in all.
    loss : float
        Mean loss over the epoch; NaN for epoch 0.
    score : float
        Mean AP over IoU 0.5 to 0.9 on the held-out fields, 0 to 1.
    seconds_left : float
        Estimate of the time until the end.
    """

    epoch: int
    epochs: int
    loss: float
    score: float
    seconds_left: float

    @property
    def time_left(self) -> str:
        """The time until the end in words; empty before the first epoch and after the last."""
        goes_on = 0 < self.epoch < self.epochs
        return f", {duration(self.seconds_left)} left" if goes_on else ""


#: Told how many of how many steps are done, and what is being done.
OnProgress = Callable[[int, int, str], None]

#: Told of epoch 0, the model that training starts from, and of every other epoch when its
#: checkpoint is on disk.
OnEpoch = Callable[[Epoch], None]

#: Asked between two steps, by whichever thread does them, whether the work should end early.
ShouldStop = Callable[[], bool]


def _no_progress(done: int, total: int, text: str) -> None:
    pass


def _no_epoch(epoch: Epoch) -> None:
    pass


def _never_stop() -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class Callbacks:
    """The callables that travel with work. By default nobody is told, and it goes on.

    Parameters
    ----------
    on_progress : callable
        Called as ``on_progress(done, total, text)`` after each step.
    on_epoch : callable
        Called with each `Epoch` of a training.
    should_stop : callable
        Asked between steps. If it returns True, the work ends early.
    """

    on_progress: OnProgress = _no_progress
    on_epoch: OnEpoch = _no_epoch
    should_stop: ShouldStop = _never_stop

    def check_stop(self) -> None:
        """Leave the work if it should stop.

        Raises
        ------
        Stopped
            If `should_stop` returns True.
        """
        if self.should_stop():
            raise Stopped("The work was stopped before it had a result.")
