"""The U-Net that is trained from random weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from .base import Architecture, are_widths

if TYPE_CHECKING:
    from ..backend import keras

__all__ = ["UNet"]


@dataclasses.dataclass(frozen=True)
class UNet(Architecture):
    """A U-Net of residual blocks.

    The decoder adds the encoder's maps (Ronneberger et al., arXiv 1505.04597; He et al.,
    arXiv 1512.03385).

    Parameters
    ----------
    widths : tuple of int
        Filters at a half, a quarter, … of the resolution, for four or five levels.
    """

    kind = "unet"
    summary = "a U-Net of residual blocks"
    encoder_layers = ("stem", "encoder")

    widths: tuple[int, ...] = (32, 48, 96, 192, 256)

    def __post_init__(self) -> None:
        if len(self.widths) not in (4, 5) or not are_widths(self.widths):
            raise ValueError(
                f"Expected four or five widths of a U-Net, each 1 to 512 filters, got "
                f"{self.widths}."
            )

    def extends(self, other: Architecture) -> bool:
        """Return whether the other one is this one, or this one with fewer levels.

        Parameters
        ----------
        other : Architecture
            The other one.

        Returns
        -------
        bool
            Whether `weights.start_from` can take its weights.
        """
        return isinstance(other, UNet) and self.widths[: len(other.widths)] == other.widths

    @property
    def extension(self) -> str:
        """See `Architecture.extension`."""
        return f"widths that begin with {list(self.widths)}"

    def build(self, *, batch_norm: bool) -> keras.Model:
        """Build the network, see `Architecture.build`.

        Parameters
        ----------
        batch_norm : bool
            Whether batch normalization follows the convolutions.

        Returns
        -------
        keras.Model
            With random weights.
        """
        from ..backend import keras, layers
        from ..blocks import ToDepth, convolution, decode, residual_block

        image = keras.Input((None, None, 3), name="image")
        x = ToDepth(name="to_depth")(image)
        x = convolution(x, self.widths[0], 3, batch_norm, "stem")
        # A single convolution: at this level they take the most time of all.
        x = convolution(x, self.widths[0], 3, batch_norm, "encoder0")
        skips = []
        for level, width in enumerate(self.widths[1:], start=1):
            skips.append(x)
            x = layers.MaxPooling2D(name=f"pool{level}")(x)
            x = residual_block(x, width, batch_norm, f"encoder{level}")
        return keras.Model(image, decode(x, skips, self.widths, batch_norm), name="unet")
