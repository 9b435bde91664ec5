"""Weights of networks: fold, freeze, and take over from other networks."""

from __future__ import annotations

import numpy as np

from .architectures import Architecture, EncoderWeights
from .backend import keras, layers

__all__ = ["fold_batch_norm", "freeze_encoder", "set_encoder", "start_from"]


def fold_batch_norm(network: keras.Model, folded: keras.Model) -> None:
    """Copy the weights into a network without batch normalization.

    A normalization with fixed statistics is a scale and an offset, which the convolution
    before it can do. The network becomes faster, and can be fine-tuned on few images
    without statistics that drift.

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


def freeze_encoder(network: keras.Model, architecture: Architecture, frozen: bool) -> None:
    """Freeze the weights of the encoder, or let them learn again.

    The statistics of its batch normalization follow the images all the same, so that
    nothing changes abruptly when the encoder learns again. A `Learner` that was made
    before does not know of the change: make a new one.

    Parameters
    ----------
    network : keras.Model
        The network.
    architecture : Architecture
        Its description.
    frozen : bool
        Whether the weights are frozen.
    """
    for layer in network.layers:
        if not layer.name.startswith(architecture.encoder_layers):
            continue
        if isinstance(layer, layers.BatchNormalization):
            # A layer that is frozen as a whole would keep its statistics, too.
            layer.gamma.trainable = layer.beta.trainable = not frozen
        else:
            layer.trainable = not frozen


def set_encoder(network: keras.Model, encoder: EncoderWeights) -> None:
    """Give a network the weights of an encoder.

    Parameters
    ----------
    network : keras.Model
        Built with batch normalization.
    encoder : EncoderWeights
        From `Architecture.load_encoder`.
    """
    for name, arrays in encoder.items():
        network.get_layer(name).set_weights(arrays)


def start_from(parent: keras.Model, network: keras.Model) -> None:
    """Give a network the weights of another one, with the same or fewer levels and filters.

    New levels have no effect at first: what they add to the level above is zero. New
    filters begin with random weights, but the next layer reads them with weights of zero
    (Chen et al., arXiv 1511.05641). So the network gives what its parent gives, and
    training continues from there.

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
