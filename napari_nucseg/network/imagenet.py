"""Encoders that have learned from ImageNet."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from .mobilenet import MobileNetUNet

__all__ = ["EncoderWeights", "imagenet_weights", "set_encoder"]

#: The weights of the encoder's layers, by the names they have in our network.
EncoderWeights = dict[str, list[np.ndarray]]


def imagenet_weights(architecture: MobileNetUNet, file: Path | None = None) -> EncoderWeights:
    """Load the weights of MobileNetV2, from Keras's own server or from a file.

    Parameters
    ----------
    architecture : MobileNetUNet
        The network they are for.
    file : Path, optional
        Weights of ``keras.applications.MobileNetV2(include_top=False)``; left out, they
        are downloaded, and kept by Keras for the next time.

    Returns
    -------
    EncoderWeights
        With statistics for batch normalization.

    Raises
    ------
    ConnectionError
        If they cannot be downloaded.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else.
    """
    if file is not None and not file.is_file():
        raise FileNotFoundError(f"Expected weights of the encoder in {file}, got no such file.")
    network = keras.applications.MobileNetV2(
        (224, 224, 3), alpha=architecture.alpha, include_top=False, weights=None
    )
    try:
        if file is None:
            network = keras.applications.MobileNetV2(
                (224, 224, 3), alpha=architecture.alpha, include_top=False
            )
        else:
            network.load_weights(file)
    except Exception as error:
        if file is not None:
            raise ValueError(
                f"Expected the weights of keras.applications.MobileNetV2(include_top=False, "
                f"alpha={architecture.alpha}) in {file}, got something else: {error}"
            ) from error
        raise ConnectionError(
            f"Expected to download the ImageNet weights of MobileNetV2, got: {error}. Give "
            f"the file with --encoder-weights FILE, or train from random weights with "
            f"--encoder-weights random."
        ) from error
    return {_our_name(layer.name): layer.get_weights() for layer in network.layers}


def _our_name(name: str) -> str:
    """Name the normalization after its convolution, as we do."""
    return "Conv1_norm" if name == "bn_Conv1" else name.replace("_BN", "_norm")


def set_encoder(network: keras.Model, encoder: EncoderWeights) -> None:
    """Give a network the weights of an encoder.

    Parameters
    ----------
    network : keras.Model
        Built with batch normalization.
    encoder : EncoderWeights
        From `imagenet_weights`.
    """
    for layer in network.layers:
        if layer.weights and layer.name in encoder:
            layer.set_weights(encoder[layer.name])
