"""The architecture: a description in, a Keras model out."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

__all__ = ["Architecture", "build_unet", "fold_batch_norm", "start_from"]

#: The level, at an eighth of the resolution, that tells the size of the nuclei.
_SIZE_LEVEL = 2


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Description of a U-Net.

    Parameters
    ----------
    widths : tuple of int
        Filters at a half, a quarter, … of the resolution, for four or five
        levels.
    """

    widths: tuple[int, ...] = (32, 48, 96, 192, 256)

    def __post_init__(self) -> None:
        good = 4 <= len(self.widths) <= 5
        if not good or not all(isinstance(w, int) and 0 < w <= 1024 for w in self.widths):
            raise ValueError(
                f"Expected four or five widths of a U-Net, each 1 to 1024 filters, "
                f"got {self.widths}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the description, ready for JSON.

        Returns
        -------
        dict
            What `from_dict` takes.
        """
        return {"kind": "unet", "widths": list(self.widths)}

    def extends(self, other: Architecture) -> bool:
        """Return whether it is another one's, or that with more levels below.

        Parameters
        ----------
        other : Architecture
            The other one.

        Returns
        -------
        bool
            Whether `start_from` can take the other one's weights.
        """
        return self.widths[: len(other.widths)] == other.widths

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Architecture:
        """Read the description of a model's card.

        Parameters
        ----------
        values : dict
            What `as_dict` returned.

        Returns
        -------
        Architecture
            The description.

        Raises
        ------
        ValueError
            If it describes something else, or a network of an unlikely size.
        """
        widths = values.get("widths")
        if values.get("kind") != "unet" or not isinstance(widths, list):
            raise ValueError(
                f"Expected the architecture of a U-Net (kind, widths), got "
                f"{values}. Was the model made by a newer version?"
            )
        return cls(tuple(widths))


def build_unet(architecture: Architecture, *, batch_norm: bool) -> keras.Model:
    """Build the network, with random weights.

    An encoder of residual blocks, a decoder that adds the encoder's maps back
    in (Ronneberger et al., arXiv 1505.04597; He et al., arXiv 1512.03385), and
    two heads: the maps, and the size of the nuclei.

    Parameters
    ----------
    architecture : Architecture
        Number of filters.
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
    image = keras.Input((None, None, 3), name="image")
    x = ToDepth(name="to_depth")(image)
    x = _convolution(x, architecture.widths[0], 3, batch_norm, "stem")
    # Convolutions at this level take the most time of all: one has to do.
    x = _convolution(x, architecture.widths[0], 3, batch_norm, "encoder0")
    skips = [x]
    for level, width in enumerate(architecture.widths[1:], start=1):
        x = layers.MaxPooling2D(name=f"pool{level}")(x)
        x = _residual_block(x, width, batch_norm, f"encoder{level}")
        skips.append(x)
    for level in reversed(range(len(architecture.widths) - 1)):
        width = architecture.widths[level]
        x = _up(x, skips[level], width, f"up{level}")
        x = _residual_block(x, width, batch_norm, f"decoder{level}")
        if level == _SIZE_LEVEL:
            size = layers.Conv2D(1, 1, name="size")(x)
    maps = FromDepth(name="from_depth")(layers.Conv2D(12, 1, name="maps")(x))
    return keras.Model(image, {"maps": maps, "size": size}, name="unet")


class ToDepth(layers.Layer):
    """Put the four pixels of each 2 by 2 square into the channels of one.

    At half the resolution convolutions take a quarter of the time, and nothing
    of the image is lost (Shi et al., arXiv 1609.05158).
    """

    def call(self, x: Any) -> Any:
        """Rearrange (N, 2 Y, 2 X, C) to (N, Y, X, 4 C)."""
        count, rows, columns, channels = _shape(x)
        x = ops.reshape(x, (count, rows // 2, 2, columns // 2, 2, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (count, rows // 2, columns // 2, 4 * channels))


class FromDepth(layers.Layer):
    """Put four groups of channels into the 2 by 2 pixels they stand for."""

    def call(self, x: Any) -> Any:
        """Rearrange (N, Y, X, 4 C) to (N, 2 Y, 2 X, C)."""
        count, rows, columns, channels = _shape(x)
        x = ops.reshape(x, (count, rows, columns, 2, 2, channels // 4))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (count, 2 * rows, 2 * columns, channels // 4))


def _shape(x: Any) -> tuple[Any, Any, Any, int]:
    count, rows, columns, channels = ops.shape(x)
    return -1 if count is None else count, rows, columns, channels


def _convolution(x: Any, width: int, kernel: int, batch_norm: bool, name: str) -> Any:
    """Convolve, normalize, rectify."""
    return layers.Activation("relu", name=f"{name}_relu")(
        _linear(x, width, kernel, batch_norm, name)
    )


def _linear(x: Any, width: int, kernel: int, batch_norm: bool, name: str) -> Any:
    """Convolve and normalize."""
    x = layers.Conv2D(
        width,
        kernel,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x) if batch_norm else x


def _residual_block(x: Any, width: int, batch_norm: bool, name: str) -> Any:
    """Two convolutions beside a shortcut."""
    shortcut = x
    if x.shape[-1] != width:
        shortcut = _linear(x, width, 1, batch_norm, f"{name}_shortcut")
    x = _convolution(x, width, 3, batch_norm, f"{name}_first")
    x = _linear(x, width, 3, batch_norm, f"{name}_second")
    return layers.Activation("relu", name=f"{name}_relu")(
        layers.Add(name=f"{name}_add")([x, shortcut])
    )


def _up(x: Any, skip: Any, width: int, name: str) -> Any:
    """Double the resolution and add the encoder's map."""
    x = layers.Conv2D(width, 1, kernel_initializer="he_normal", name=name)(x)
    x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_double")(x)
    return layers.Add(name=f"{name}_add")([x, skip])


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
    norms = {
        layer.name.removesuffix("_norm"): layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization)
    }
    for layer in folded.layers:
        weights = network.get_layer(layer.name).get_weights()
        norm = norms.get(layer.name)
        if norm is not None:
            gamma, beta, mean, variance = norm.get_weights()
            factor = gamma / np.sqrt(variance + norm.epsilon)
            weights = [weights[0] * factor, beta - mean * factor]
        layer.set_weights(weights)


def start_from(parent: keras.Model, network: keras.Model) -> None:
    """Give a network the weights of another one, with the same or fewer levels.

    Levels that the parent does not have begin as if they were not there: what
    they add to the level above is zero. So the network gives what its parent
    gives, and training goes on from there.

    Parameters
    ----------
    parent : keras.Model
        Built without batch normalization.
    network : keras.Model
        Built without batch normalization; its weights are set.
    """
    known = {layer.name: layer.get_weights() for layer in parent.layers}
    for layer in network.layers:
        if layer.name in known:
            layer.set_weights(known[layer.name])
        elif layer.name.endswith("_second") or layer.name.startswith("up"):
            layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
