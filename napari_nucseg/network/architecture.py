"""The architectures: a description in, a Keras model out."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .backend import keras, layers
from .mobilenet import MobileNetUNet
from .unet import UNet

__all__ = [
    "KINDS",
    "Architecture",
    "build_network",
    "describe",
    "fold_batch_norm",
    "freeze_encoder",
    "read_architecture",
    "start_from",
]

#: Description of a network.
Architecture = UNet | MobileNetUNet

_MOST_LEVELS = 5

#: The descriptions by the name of their kind.
KINDS: dict[str, type[UNet] | type[MobileNetUNet]] = {
    kind.kind: kind for kind in (UNet, MobileNetUNet)
}


def describe(architecture: Architecture) -> dict[str, Any]:
    """Return a description, ready for the card of a model.

    Parameters
    ----------
    architecture : Architecture
        The description.

    Returns
    -------
    dict
        What `read_architecture` takes.
    """
    values = dataclasses.asdict(architecture)
    return {"kind": architecture.kind, **values, "widths": list(architecture.widths)}


def read_architecture(values: dict[str, Any]) -> Architecture:
    """Read the description of a model's card.

    Parameters
    ----------
    values : dict
        What `describe` returned.

    Returns
    -------
    Architecture
        The description.

    Raises
    ------
    ValueError
        If it describes something else, or a network of an unlikely size.
    """
    given = {name: value for name, value in values.items() if name != "kind"}
    kind = KINDS.get(str(values.get("kind")))
    known = [field.name for field in dataclasses.fields(kind)] if kind else []
    widths: Any = given.get("widths")
    good = isinstance(widths, list) and len(widths) <= _MOST_LEVELS
    # What a card written before it existed does not say is as it was then: the default.
    if kind and good and set(given) <= set(known):
        return kind(**{**given, "widths": tuple(widths)})
    raise ValueError(
        f"Expected the architecture of a U-Net (kind {' or '.join(KINDS)}, widths), got "
        f"{str(values)[:200]}. Was the model made by a newer version?"
    )


def build_network(architecture: Architecture, *, batch_norm: bool) -> keras.Model:
    """Build a network, with random weights.

    Parameters
    ----------
    architecture : Architecture
        Its description.
    batch_norm : bool
        Whether batch normalization follows the convolutions. It does while a
        network is trained from scratch; afterwards it is folded into them.

    Returns
    -------
    keras.Model
        Takes float32 (N, Y, X, 3) with Y and X multiples of 32. Gives
        ``"maps"``, (N, Y, X, 3): foreground and boundary as logits, distance
        as it is; and ``"size"``, (N, Y/8, X/8, 1): log2 of the diameter of the
        nucleus there over 28 pixels.
    """
    return architecture.build(batch_norm=batch_norm)


def fold_batch_norm(network: keras.Model, folded: keras.Model) -> None:
    """Copy the weights into a network without batch normalization.

    Every normalization with fixed statistics is a scale and an offset, which
    the convolution before it can do. The network becomes faster, and can be
    fine-tuned on few images without statistics that go astray.

    Parameters
    ----------
    network : keras.Model
        Built with or without batch normalization.
    folded : keras.Model
        Built from the same architecture without; it becomes the same function.
    """
    norms = {layer.name.removesuffix("_norm"): layer for layer in _norms(network)}
    for layer in folded.layers:
        weights = network.get_layer(layer.name).get_weights()
        norm = norms.get(layer.name)
        if norm is not None:
            gamma, beta, mean, variance = norm.get_weights()
            factor = gamma / np.sqrt(variance + norm.epsilon)
            # The filters of a depthwise convolution have an axis after the channels.
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            scale = factor[:, None] if depthwise else factor
            weights = [weights[0] * scale, beta - mean * factor]
        layer.set_weights(weights)


def _norms(network: keras.Model) -> list[layers.BatchNormalization]:
    return [one for one in network.layers if isinstance(one, layers.BatchNormalization)]


def freeze_encoder(network: keras.Model, architecture: Architecture, held: bool) -> None:
    """Hold the weights of the encoder as they are, or let them learn.

    The statistics of its batch normalization follow the images all the same, so that
    nothing changes at once when the encoder is let go. A `Learner` that was
    made before does not know of it: make a new one.

    Parameters
    ----------
    network : keras.Model
        The network.
    architecture : Architecture
        Its description.
    held : bool
        Whether they are held.
    """
    for layer in network.layers:
        if not layer.name.startswith(architecture.encoder):
            continue
        if isinstance(layer, layers.BatchNormalization):
            # A layer that is not trainable as a whole keeps its statistics, too.
            layer.gamma.trainable = layer.beta.trainable = not held
        else:
            layer.trainable = not held


def start_from(parent: keras.Model, network: keras.Model) -> None:
    """Give a network the weights of another one, with the same or fewer levels and filters.

    Levels that the parent does not have begin as if they were not there: what
    they add to the level above is zero. Filters that it does not have begin with
    random weights, but nothing of what they find is used yet (Chen et al., arXiv
    1511.05641). So the network gives what its parent gives, and training goes on
    from there.

    Parameters
    ----------
    parent : keras.Model
        Built without batch normalization.
    network : keras.Model
        Built without batch normalization; its weights are set.
    """
    known = {layer.name: layer.get_weights() for layer in parent.layers}
    for layer in network.layers:
        weights = layer.get_weights()
        if layer.name in known:
            before = known[layer.name]
            layer.set_weights([_widened(*pair) for pair in zip(before, weights, strict=True)])
        elif layer.name.endswith("_second") or layer.name.startswith("up"):
            layer.set_weights([np.zeros_like(array) for array in weights])


def _widened(before: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return weights with those of fewer filters in their place, (…, in, out) or (out,)."""
    weights = weights.copy()
    filters = before.shape[-1]
    weights[..., :filters] = 0.0
    weights[tuple(slice(length) for length in before.shape)] = before
    return weights
