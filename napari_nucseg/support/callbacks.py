"""Who is told about work, most often a training, and who may end it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..training.parameters import Epoch
from .progress import OnProgress, ShouldStop, never_stop, no_progress

__all__ = ["NOBODY", "OnEpoch", "Watchers", "no_epoch"]

#: Told of epoch 0, the model that training starts from, and of every other epoch when its
#: checkpoint is on disk.
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
    """Who is told about work, and who may end it.

    Parameters
    ----------
    on_progress : callable
        Told of steps that are done, see `progress.OnProgress`.
    on_epoch : callable
        Told of epochs of a training, see `OnEpoch`.
    should_stop : callable
        Asked between steps, see `progress.ShouldStop`.
    """

    on_progress: OnProgress = no_progress
    on_epoch: OnEpoch = no_epoch
    should_stop: ShouldStop = never_stop


#: Nobody is told, and the work goes on to its end.
NOBODY = Watchers()
