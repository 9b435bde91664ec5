"""What the network is punished for, and how it learns from that."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["compile_network", "maps_loss", "size_loss"]

#: Weight of the loss of each output in the sum.
_LOSS_WEIGHTS = {"maps": 1.0, "size": 0.2}
_WEIGHT_DECAY = 1e-4


def compile_network(network: keras.Model, learning_rate: float) -> None:
    """Give a network the losses and a new optimizer for what of it is trainable.

    Parameters
    ----------
    network : keras.Model
        See `architecture.build_network`.
    learning_rate : float
        Of the optimizer.
    """
    optimizer = keras.optimizers.AdamW(
        learning_rate=learning_rate, weight_decay=_WEIGHT_DECAY, global_clipnorm=1.0
    )
    optimizer.build(network.trainable_variables)
    network.compile(
        optimizer=optimizer,
        loss={"maps": maps_loss, "size": size_loss},
        loss_weights=_LOSS_WEIGHTS,
        jit_compile=False,
    )
    # Keras makes what adds up the losses when it sees the first batch, and would
    # translate the whole step a second time because of that.
    empty = ops.zeros((1, 32, 32, 3))
    targets = {"maps": ops.zeros((1, 32, 32, 4)), "size": ops.zeros((1, 4, 4, 2))}
    network.compute_loss(empty, targets, network(empty))


def maps_loss(target: Any, predicted: Any) -> Any:
    """Return the loss of the maps.

    Cross-entropy and half a Dice loss of the foreground, twice the absolute
    error of the distance, half the cross-entropy of the boundary.

    Parameters
    ----------
    target : tensor, shape (N, Y, X, 4)
        Foreground, distance, boundary, and the weight of the pixel.
    predicted : tensor, shape (N, Y, X, 3)
        Foreground and boundary as logits, distance as it is.

    Returns
    -------
    tensor
        The loss, a scalar.
    """
    foreground, distance, boundary, weight = ops.split(target, 4, axis=-1)
    foreground_logit, predicted_distance, boundary_logit = ops.split(predicted, 3, axis=-1)
    entropy = _mean(_cross_entropy(foreground, foreground_logit), weight)
    error = _mean(ops.abs(predicted_distance - distance), weight)
    edge = _mean(_cross_entropy(boundary, boundary_logit), weight)
    dice = _dice(foreground, ops.sigmoid(foreground_logit))
    return entropy + 0.5 * dice + 2.0 * error + 0.5 * edge


def size_loss(target: Any, predicted: Any) -> Any:
    """Return the loss of the size map.

    Parameters
    ----------
    target : tensor, shape (N, Y, X, 2)
        Log2 of the diameter over 28 pixels, and 1 where there is a nucleus.
    predicted : tensor, shape (N, Y, X, 1)
        The prediction.

    Returns
    -------
    tensor
        Mean absolute error over the nuclei, a scalar.
    """
    size, nucleus = ops.split(target, 2, axis=-1)
    total = ops.sum(ops.abs(predicted - size) * nucleus)
    return total / (ops.sum(nucleus) + 1.0)


def _cross_entropy(target: Any, logit: Any) -> Any:
    """Return the binary cross-entropy of every pixel."""
    return ops.softplus(logit) - target * logit


def _mean(values: Any, weight: Any) -> Any:
    return ops.sum(values * weight) / ops.sum(weight)


def _dice(target: Any, predicted: Any) -> Any:
    """Return 1 - Dice of the whole batch, so that empty patches do no harm."""
    overlap = ops.sum(target * predicted)
    return 1.0 - (2.0 * overlap + 1.0) / (ops.sum(target) + ops.sum(predicted) + 1.0)
