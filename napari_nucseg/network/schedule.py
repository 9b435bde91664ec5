"""The learning rate of every step."""

from __future__ import annotations

from ..training import TrainParameters
from .backend import keras

__all__ = ["LearningRate"]

_WARM_UP = 0.05  # of all steps
_FLOOR = 0.01  # of the highest rate


class LearningRate:
    """Half a cosine down to 1 %, after a short warm-up.

    There is a second warm-up when the encoder begins to learn, because the optimizer does
    not know yet how large its steps should be. `keras.optimizers.schedules.CosineDecay`
    has only one warm-up, so both are computed here.

    Parameters
    ----------
    parameters : TrainParameters
        How many steps there are, how many epochs the encoder is frozen, and the rate.
    """

    def __init__(self, parameters: TrainParameters) -> None:
        total = parameters.epochs * parameters.steps_per_epoch
        self._warm_up = max(1, int(_WARM_UP * total))
        self._released = (parameters.frozen_epochs or 0) * parameters.steps_per_epoch
        self._decay = keras.optimizers.schedules.CosineDecay(
            parameters.learning_rate, max(1, total - self._warm_up), alpha=_FLOOR
        )

    def __call__(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        since = step - self._released if step >= self._released else step
        warmed_up = min(1.0, (since + 1) / self._warm_up)
        return warmed_up * float(self._decay(max(0, step - self._warm_up)))
