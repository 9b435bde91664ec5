"""The pace of a training: how many steps there are, and how large each of them is."""

from __future__ import annotations

import math
import time
from typing import Protocol

from ..training import TrainParameters
from .schedule import LearningRate

__all__ = ["CountedPace", "Pace", "TimedPace", "pace_of"]

#: More steps than an epoch of any budget has.
_MANY = 10**6
#: What an epoch of a budget has about, on two cores.
_USUAL_STEPS = 50
#: Steps at the start in which the rate rises, if the steps are not counted.
_WARM_UP_STEPS = 10
_FLOOR = 0.01  # of the highest rate
#: A part of the budget that is never planned for, as steps and scores vary.
_SPARE = 0.03
#: Scoring takes no more than this part of the time that is left.
_SCORING = 0.25


class Pace(Protocol):
    """Says when an epoch is over, and how fast to learn."""

    @property
    def epochs(self) -> int:
        """Number of epochs in all."""

    @property
    def most_steps(self) -> int:
        """No epoch has more steps."""

    def begin(self, epoch: int) -> None:
        """Note that an epoch begins.

        Parameters
        ----------
        epoch : int
            Its number, from 1.
        """

    def steps_until(self, epoch: int) -> int:
        """Return how many steps there were until the end of an epoch, about.

        Parameters
        ----------
        epoch : int
            Its number, from 1.

        Returns
        -------
        int
            Exact if the steps are counted.
        """

    def rate(self, step: int) -> float:
        """Return the learning rate.

        Parameters
        ----------
        step : int
            Number of the step in its epoch, from 0.

        Returns
        -------
        float
            For the optimizer.
        """

    def is_over(self, step: int) -> bool:
        """Return whether the epoch ends after a step.

        Parameters
        ----------
        step : int
            Number of the step in its epoch, from 0.

        Returns
        -------
        bool
            True if no other step follows.
        """

    def progress(self, step: int) -> tuple[int, int]:
        """Return how far an epoch is.

        Parameters
        ----------
        step : int
            Number of the step in its epoch, from 0.

        Returns
        -------
        done, total : int
            What is done, of how much.
        """

    def seconds_left(self, epoch: int, step_seconds: float, score_seconds: float) -> float:
        """Estimate the time until the end.

        Parameters
        ----------
        epoch : int
            The one that has ended.
        step_seconds, score_seconds : float
            What a step of it took, and scoring it.

        Returns
        -------
        float
            Seconds.
        """


class CountedPace:
    """As many epochs and steps as the parameters say, whatever time that takes.

    Parameters
    ----------
    parameters : TrainParameters
        How to train.
    """

    def __init__(self, parameters: TrainParameters) -> None:
        self.epochs = parameters.epochs
        self.most_steps = parameters.steps_per_epoch
        self._rate = LearningRate(parameters)
        self._before = 0

    def begin(self, epoch: int) -> None:
        """Note that an epoch begins, see `Pace` for `epoch`."""
        self._before = (epoch - 1) * self.most_steps

    def steps_until(self, epoch: int) -> int:
        """Return how many steps there were until the end of an `epoch`."""
        return epoch * self.most_steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a `step` of the epoch."""
        return self._rate(self._before + step)

    def is_over(self, step: int) -> bool:
        """Return whether the epoch ends after a `step`."""
        return step + 1 >= self.most_steps

    def progress(self, step: int) -> tuple[int, int]:
        """Return how far an epoch is at a `step`, in steps."""
        return step, self.most_steps

    def seconds_left(self, epoch: int, step_seconds: float, score_seconds: float) -> float:
        """Estimate the time after an `epoch` by its `step_seconds` and `score_seconds`."""
        return (step_seconds * self.most_steps + score_seconds) * (self.epochs - epoch)


class TimedPace:
    """As many steps as there is time for, in epochs of equal time.

    The rate falls by half a cosine over the time, not over the steps. So it has fallen when
    the time is over, also on a computer that has become slower meanwhile.

    Parameters
    ----------
    parameters : TrainParameters
        How to train, with `minutes`.
    spent : float, optional
        Seconds of the budget that were spent before.

    Attributes
    ----------
    reserve : float
        Seconds that are kept for what comes after the last epoch.
    score_seconds : float
        What scoring an epoch takes.
    """

    most_steps = _MANY

    def __init__(self, parameters: TrainParameters, spent: float = 0.0) -> None:
        seconds = 60.0 * (parameters.minutes or 0.0)
        self.epochs = parameters.epochs
        self.reserve = self.score_seconds = 0.0
        self._highest = parameters.learning_rate
        self._end = time.monotonic() + seconds * (1 - _SPARE) - spent
        self._steps = 0
        self._epoch = 1
        self._began = self._ends = 0.0

    def plan(self, score_seconds: float, reserve: float) -> None:
        """Plan the time before the first epoch, with fewer epochs where scoring takes long.

        Parameters
        ----------
        score_seconds : float
            What scoring an epoch takes.
        reserve : float
            Seconds to keep for what comes after the last epoch.
        """
        self.score_seconds, self.reserve = score_seconds, reserve
        affordable = _SCORING * self._left() / max(score_seconds, 1e-3)
        self.epochs = max(1, min(self.epochs, int(affordable)))

    def _left(self) -> float:
        return max(0.0, self._end - time.monotonic() - self.reserve)

    def begin(self, epoch: int) -> None:
        """Note that an `epoch` begins: it gets its part of the time that is left."""
        left = self.epochs - epoch + 1
        seconds = max(0.0, self._left() / left - self.score_seconds)
        self._epoch, self._began = epoch, time.monotonic()
        self._ends = self._began + seconds

    def steps_until(self, epoch: int) -> int:
        """Return about how many steps there were until the end of an `epoch`."""
        return epoch * _USUAL_STEPS

    def _part(self) -> float:
        """Return which part of the epoch is over, 0 to 1."""
        length = self._ends - self._began
        return min(1.0, (time.monotonic() - self._began) / length) if length > 0 else 1.0

    def rate(self, step: int) -> float:
        """Return the learning rate of a `step` of the epoch."""
        self._steps += 1
        phase = min(1.0, (self._epoch - 1 + self._part()) / self.epochs)
        cosine = _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * phase)) / 2
        return self._highest * cosine * min(1.0, self._steps / _WARM_UP_STEPS)

    def is_over(self, step: int) -> bool:
        """Return whether the epoch ends after a `step`."""
        return time.monotonic() >= self._ends

    def progress(self, step: int) -> tuple[int, int]:
        """Return how far an epoch is, whatever the `step`, in parts of a thousand."""
        return int(1000 * self._part()), 1000

    def seconds_left(self, epoch: int, step_seconds: float, score_seconds: float) -> float:
        """Return the time after an `epoch`, of which the next takes as many `score_seconds`.

        How long a step took, `step_seconds`, does not matter.
        """
        self.score_seconds = score_seconds
        return max(0.0, self._end - time.monotonic())


def pace_of(parameters: TrainParameters, spent: float = 0.0) -> CountedPace | TimedPace:
    """Choose the pace.

    Parameters
    ----------
    parameters : TrainParameters
        How to train.
    spent : float, optional
        Seconds of a time budget that were spent before.

    Returns
    -------
    CountedPace or TimedPace
        The latter if there is a time budget.
    """
    if parameters.minutes is None:
        return CountedPace(parameters)
    return TimedPace(parameters, spent)
