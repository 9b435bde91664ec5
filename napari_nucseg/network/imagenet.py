"""Encoders that have learned from ImageNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .backend import keras
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
    if file is None:
        network = _downloaded(architecture.alpha)
    else:
        network = _from_file(file, architecture.alpha)
    return {_our_name(layer.name): layer.get_weights() for layer in network.layers}


def _downloaded(alpha: float) -> keras.Model:
    try:
        return keras.applications.MobileNetV2((224, 224, 3), alpha=alpha, include_top=False)
    except ValueError:  # there are no such weights
        raise
    except Exception as error:  # Keras wraps those of the network
        raise ConnectionError(
            f"Expected to download the ImageNet weights of MobileNetV2, got: {error}. Give "
            f"a file of them as encoder weights (--encoder-weights of the command), or train "
            f"from random ones."
        ) from error


def _from_file(file: Path, alpha: float) -> keras.Model:
    if not file.is_file():
        raise FileNotFoundError(f"Expected weights of the encoder in {file}, got no such file.")
    network = keras.applications.MobileNetV2(
        (224, 224, 3), alpha=alpha, include_top=False, weights=None
    )
    try:
        network.load_weights(file)
    except Exception as error:  # h5py and Keras have many ways to say it
        raise ValueError(
            f"Expected the weights of keras.applications.MobileNetV2(include_top=False, "
            f"alpha={alpha}) in {file}, got something else: {error}"
        ) from error
    return network


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
    known = {layer.name: layer for layer in network.layers}
    # The last convolution of Keras's is not part of ours.
    ours = [name for name in encoder if encoder[name] and not name.startswith("Conv_1")]
    for name in ours:
        known[name].set_weights(encoder[name])
