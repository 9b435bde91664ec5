"""Who is told about a training, and who may end it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .progress import OnProgress, ShouldStop, never_stop, no_progress
from .train_parameters import Epoch

__all__ = ["NOBODY", "OnEpoch", "Watchers", "no_epoch"]

#: Told of every epoch when its checkpoint is on disk.
OnEpoch = Callable[[Epoch], None]


def no_epoch(epoch: Epoch) -> None:
    """Tell nobody.

    Parameters
    ----------
    epoch : Epoch
        A finished epoch.
    """


@dataclasses.dataclass(frozen=True)
class Watchers:
    """Who is told about the training, and who may end it.

    Parameters
    ----------
    on_progress : callable
        Told after every step, see `progress.OnProgress`.
    on_epoch : callable
        Told after every epoch, see `OnEpoch`.
    should_stop : callable
        Asked before every step, see `progress.ShouldStop`.
    """

    on_progress: OnProgress = no_progress
    on_epoch: OnEpoch = no_epoch
    should_stop: ShouldStop = never_stop


#: Nobody is told, and the training goes on to its end.
NOBODY = Watchers()
