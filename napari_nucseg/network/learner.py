"""One step of training: loss, gradients, optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import compiled, gradients, keras, memory_errors, ops
from .losses import total_loss

__all__ = ["Learner"]

_WEIGHT_DECAY = 1e-4


class Learner:
    """A network and the optimizer of its trainable weights.

    The optimizer sees all weights as one flat vector. One by one they would make thousands
    of small operations, and compiling those before the first step takes longer than all steps
    of a short training.

    Parameters
    ----------
    network : keras.Model
        See `Architecture.build`. From now on its files of weights also hold the
        state of the optimizer.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self._weights = network.trainable_variables
        self._flat_weights = keras.Variable(_flatten(self._weights), name="flat_weights")
        self._optimizer = keras.optimizers.AdamW(
            weight_decay=_WEIGHT_DECAY, global_clipnorm=1.0
        )
        self._optimizer.build([self._flat_weights])
        network.compile(optimizer=self._optimizer)
        self._run = compiled(self._step)

    def step(self, images: Any, targets: dict[str, Any], learning_rate: float) -> float:
        """Learn from a batch.

        Parameters
        ----------
        images : tensor of float32, shape (N, Y, X, 3)
            Normalized intensities.
        targets : dict of str to tensor
            See `losses.total_loss`.
        learning_rate : float
            Of this step.

        Returns
        -------
        float
            The loss before it.
        """
        self._optimizer.learning_rate = learning_rate
        with memory_errors():
            return float(self._run(images, targets))

    def _step(self, images: Any, targets: dict[str, Any]) -> Any:
        def loss_before() -> Any:
            return total_loss(targets, self._network(images, training=True))

        loss, slopes = gradients(loss_before, self._weights)
        self._flat_weights.assign(_flatten(self._weights))
        self._optimizer.apply([_flatten(slopes)], [self._flat_weights])
        ends = np.cumsum([np.prod(weight.shape, dtype=int) for weight in self._weights])
        parts = ops.split(self._flat_weights.value, ends[:-1].tolist())
        for weight, part in zip(self._weights, parts, strict=True):
            weight.assign(ops.reshape(part, weight.shape))
        return loss


def _flatten(arrays: Sequence[Any]) -> Any:
    return ops.concatenate([ops.reshape(array, (-1,)) for array in arrays])
