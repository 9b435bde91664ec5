"""Loss functions of the maps and of the size map."""

from __future__ import annotations

from typing import Any

from ..pipeline import DEFAULT_SPEC
from .backend import ops

__all__ = ["maps_loss", "size_loss", "total_loss"]

_SIZE_WEIGHT = 0.2


def total_loss(target: dict[str, Any], predicted: dict[str, Any]) -> Any:
    """Return the loss of both outputs.

    Parameters
    ----------
    target, predicted : dict of str to tensor
        ``"maps"`` and ``"size"``, see `maps_loss` and `size_loss`.

    Returns
    -------
    tensor
        The weighted sum, a scalar.
    """
    maps = maps_loss(target["maps"], predicted["maps"])
    return maps + _SIZE_WEIGHT * size_loss(target["size"], predicted["size"])


def maps_loss(target: Any, predicted: Any) -> Any:
    """Return the loss of the maps.

    Cross-entropy and half a Dice loss of the foreground, eight times the squared
    error of the distance, half the cross-entropy of the boundary. Where it is not
    sure between which pixels two nuclei meet, the absolute error wants the median
    of the distances there, in which a valley vanishes; the squared one wants their
    mean, in which it is only less deep.

    Parameters
    ----------
    target : tensor, shape (N, Y, X, M + 1)
        The maps of `DEFAULT_SPEC` in its order, and the weight of the pixel; a pixel that
        nobody has reviewed has none.
    predicted : tensor, shape (N, Y, X, M)
        The same maps: foreground and boundary as logits, distance as it is.

    Returns
    -------
    tensor
        The loss, a scalar.
    """
    names = DEFAULT_SPEC.maps
    *values, weight = ops.split(target, len(names) + 1, axis=-1)
    true = dict(zip(names, values, strict=True))
    found = dict(zip(names, ops.split(predicted, len(names), axis=-1), strict=True))
    entropy = _mean(_cross_entropy(true["foreground"], found["foreground"]), weight)
    error = _mean(ops.square(found["distance"] - true["distance"]), weight)
    edge = _mean(_cross_entropy(true["boundary"], found["boundary"]), weight)
    known = ops.cast(weight > 0, weight.dtype)
    dice = _dice(true["foreground"] * known, ops.sigmoid(found["foreground"]) * known)
    return entropy + 0.5 * dice + 8.0 * error + 0.5 * edge


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
    # A batch may hold nothing that was reviewed.
    return ops.sum(values * weight) / ops.maximum(ops.sum(weight), 1.0)


def _dice(target: Any, predicted: Any) -> Any:
    """Return 1 - Dice of the whole batch, so that empty patches do no harm."""
    overlap = ops.sum(target * predicted)
    return 1.0 - (2.0 * overlap + 1.0) / (ops.sum(target) + ops.sum(predicted) + 1.0)
