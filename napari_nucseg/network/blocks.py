"""The blocks that networks are built of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..pipeline import DEFAULT_SPEC
from .backend import layers, ops

__all__ = [
    "SIZE_LEVEL",
    "FromDepth",
    "ToDepth",
    "convolution",
    "decode",
    "linear",
    "residual_block",
]

#: The level of the decoder that predicts the size map, at an eighth of the resolution.
SIZE_LEVEL = 2


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


def convolution(x: Any, width: int, kernel: int, batch_norm: bool, name: str) -> Any:
    """Convolve, normalize, rectify.

    Parameters
    ----------
    x : tensor
        What comes in.
    width : int
        Number of filters.
    kernel : int
        Their height and width.
    batch_norm : bool
        Whether to normalize.
    name : str
        Name of the convolution, and beginning of the other layers' names.

    Returns
    -------
    tensor
        What comes out.
    """
    x = linear(x, width, kernel, batch_norm, name)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def linear(
    x: Any, width: int, kernel: int, batch_norm: bool, name: str, *, stride: int = 1
) -> Any:
    """Convolve and normalize.

    Parameters
    ----------
    x, width, kernel, batch_norm, name
        As in `convolution`.
    stride : int, optional
        By how much the resolution is divided.

    Returns
    -------
    tensor
        What comes out.
    """
    x = layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return normalized(x, batch_norm, name)


def normalized(x: Any, batch_norm: bool, name: str) -> Any:
    """Normalize what a convolution gave.

    Parameters
    ----------
    x : tensor
        What comes in.
    batch_norm : bool
        Whether to; otherwise `x` is left as it is.
    name : str
        Name of the convolution, by which `weights.fold_batch_norm` finds it.

    Returns
    -------
    tensor
        What comes out.
    """
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x) if batch_norm else x


def residual_block(x: Any, width: int, batch_norm: bool, name: str, *, squeeze: int = 1) -> Any:
    """Two convolutions beside a shortcut.

    Parameters
    ----------
    x, width, batch_norm, name
        As in `convolution`.
    squeeze : int, optional
        How many times fewer filters there are between the two.

    Returns
    -------
    tensor
        What comes out.
    """
    shortcut = x
    if x.shape[-1] != width:
        shortcut = linear(x, width, 1, batch_norm, f"{name}_shortcut")
    x = convolution(x, max(1, width // squeeze), 3, batch_norm, f"{name}_first")
    x = linear(x, width, 3, batch_norm, f"{name}_second")
    return layers.Activation("relu", name=f"{name}_relu")(
        layers.Add(name=f"{name}_add")([x, shortcut])
    )


def decode(
    x: Any, skips: Sequence[Any], widths: Sequence[int], batch_norm: bool, *, squeeze: int = 1
) -> dict[str, Any]:
    """Build the decoder, which returns to the resolution of the image, and the outputs.

    Parameters
    ----------
    x : tensor
        The map of the lowest level.
    skips : sequence of tensor
        The encoder's maps of the levels above it, at a half, a quarter, … of the
        resolution.
    widths : sequence of int
        Filters at each of them.
    batch_norm : bool
        As in `convolution`.
    squeeze : int, optional
        As in `residual_block`.

    Returns
    -------
    dict of str to tensor
        The outputs ``"maps"`` and ``"size"``, see `Architecture.build`.
    """
    for level in reversed(range(len(skips))):
        x = _up(x, skips[level], widths[level], level)
        x = residual_block(x, widths[level], batch_norm, f"decoder{level}", squeeze=squeeze)
        if level == SIZE_LEVEL:
            size = layers.Conv2D(1, 1, name="size")(x)
    # Four groups of channels, which become the pixels of a 2 by 2 square.
    groups = layers.Conv2D(4 * len(DEFAULT_SPEC.maps), 1, name="maps")(x)
    maps = FromDepth(name="from_depth")(groups)
    return {"maps": maps, "size": size}


def _up(x: Any, skip: Any, width: int, level: int) -> Any:
    """Double the resolution and add the encoder's map."""
    x = layers.Conv2D(width, 1, kernel_initializer="he_normal", name=f"up{level}")(x)
    x = layers.UpSampling2D(2, interpolation="nearest", name=f"up{level}_double")(x)
    if skip.shape[-1] != width:
        skip = layers.Conv2D(width, 1, kernel_initializer="he_normal", name=f"skip{level}")(
            skip
        )
    return layers.Add(name=f"up{level}_add")([x, skip])
