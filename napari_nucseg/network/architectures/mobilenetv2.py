"""The U-Net whose encoder is MobileNetV2, with weights from ImageNet if wanted."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base import Architecture, EncoderWeights, are_widths

if TYPE_CHECKING:
    from ..backend import keras

__all__ = ["SKIPS", "MobileNetUNet"]

#: Filters and number of the blocks of each stage, and by how much it divides the
#: resolution (Sandler et al., arXiv 1801.04381, table 2).
_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
#: The maps that the decoder is given, at a half to a sixteenth of the resolution.
SKIPS = ("block_1_expand", "block_3_expand", "block_6_expand", "block_13_expand")


@dataclasses.dataclass(frozen=True)
class MobileNetUNet(Architecture):
    """A U-Net with MobileNetV2 as its encoder, and a light decoder.

    The layers of the encoder have the names of `keras.applications.MobileNetV2`, so
    that its weights can be loaded by name. The encoder ends with ``block_16_project``:
    the layers after that one only tell classes.

    Parameters
    ----------
    widths : tuple of int
        Filters of the decoder at a half, a quarter, an eighth and a sixteenth of the
        resolution.
    alpha : float
        Factor of the encoder's numbers of filters.
    expansion : int
        How many times more filters the encoder's blocks have inside.
    squeeze : int
        How many times fewer filters the decoder's blocks have inside.
    """

    kind = "mobilenetv2"
    summary = "a U-Net whose encoder is MobileNetV2; the widths are those of its decoder"
    encoder_layers = ("Conv1", "expanded_conv", "block_")
    encoder_source = "keras.applications.MobileNetV2(include_top=False)"

    widths: tuple[int, ...] = (32, 48, 96, 160)
    alpha: float = 1.0
    expansion: int = 6
    squeeze: int = 1

    def __post_init__(self) -> None:
        good = len(self.widths) == 4 and are_widths(self.widths)
        if not good or type(self.alpha) not in (int, float) or not 0.1 <= self.alpha <= 2:
            raise ValueError(
                f"Expected four widths of the decoder of a U-Net, each 1 to 512 filters, "
                f"and an alpha of 0.1 to 2, got {self.widths} and {self.alpha}."
            )
        for factor in (self.expansion, self.squeeze):
            if type(factor) is not int or not 1 <= factor <= 8:
                raise ValueError(
                    f"Expected an expansion and a squeeze of 1 to 8, got {factor}."
                )

    def extends(self, other: Architecture) -> bool:
        """Return whether the other one is this one, or has fewer filters in the decoder.

        Parameters
        ----------
        other : Architecture
            The other one.

        Returns
        -------
        bool
            Whether `weights.start_from` can take its weights.
        """
        if not isinstance(other, MobileNetUNet):
            return False
        if dataclasses.replace(other, widths=self.widths) != self:
            return False
        levels = zip(self.widths, other.widths, self.skip_widths, strict=True)
        # A map as wide as the encoder's is added as it is: there is no layer to widen.
        return all(
            new == old or (new > old and skip not in (new, old)) for new, old, skip in levels
        )

    @property
    def extension(self) -> str:
        """See `Architecture.extension`."""
        return (
            f"for each of the widths {list(self.widths)} that one or a larger one, but neither "
            f"from nor to a width of the encoder's maps, {self.skip_widths}"
        )

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
        from ..blocks import decode, linear

        image = keras.Input((None, None, 3), name="image")
        skips: dict[str, Any] = {}
        # MobileNetV2 has learned from intensities of -1 to 1.
        x = layers.Rescaling(2.0, offset=-1.0, name="rescale")(image)
        x = linear(x, self._width(32), 3, batch_norm, "Conv1", stride=2)
        x = _relu6(x, "Conv1")
        number = 0
        for filters, count, first_stride in _STAGES:
            for stride in [first_stride] + [1] * (count - 1):
                inside = self.expansion * x.shape[-1]
                width = self._width(filters)
                x = _inverted_block(
                    x, inside, width, batch_norm, number, stride=stride, skips=skips
                )
                number += 1
        levels = [skips[name] for name in SKIPS]
        outputs = decode(x, levels, self.widths, batch_norm, squeeze=self.squeeze)
        return keras.Model(image, outputs, name="mobilenetv2_unet")

    def load_encoder(self, file: Path | None = None) -> EncoderWeights:
        """Load the weights of MobileNetV2, from Keras's own server or from a file.

        Parameters
        ----------
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
        network = _downloaded(self.alpha) if file is None else _from_file(file, self.alpha)
        weights = {_our_name(layer.name): layer.get_weights() for layer in network.layers}
        # The last convolution of Keras's network is not part of ours.
        return {
            name: arrays
            for name, arrays in weights.items()
            if arrays and not name.startswith("Conv_1")
        }

    @property
    def skip_widths(self) -> list[int]:
        """Numbers of filters of the maps that the decoder is given.

        Each is the first expansion in the stage that lowers the resolution, which widens
        what the stage before it gives.
        """
        before = [stage[0] for stage, after in itertools.pairwise(_STAGES) if after[2] > 1]
        return [self.expansion * self._width(filters) for filters in before]

    def _width(self, filters: int) -> int:
        """Scale a number of filters, to a multiple of 8 that is not much smaller."""
        scaled = filters * self.alpha
        width = max(8, int(scaled + 4) // 8 * 8)
        return width + 8 if width < 0.9 * scaled else width


def _inverted_block(
    x: Any,
    inside: int,
    width: int,
    batch_norm: bool,
    number: int,
    *,
    stride: int,
    skips: dict[str, Any],
) -> Any:
    """Expand, filter every channel by itself, and project; note the expanded map."""
    from ..backend import layers
    from ..blocks import linear, normalized

    name = f"block_{number}" if number else "expanded_conv"
    before = x
    if number:
        x = linear(x, inside, 1, batch_norm, f"{name}_expand")
        x = skips[f"{name}_expand"] = _relu6(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same",
        use_bias=not batch_norm,
        depthwise_initializer="he_normal",
        name=f"{name}_depthwise",
    )(x)
    x = normalized(x, batch_norm, f"{name}_depthwise")
    x = _relu6(x, f"{name}_depthwise")
    x = linear(x, width, 1, batch_norm, f"{name}_project")
    if stride > 1 or before.shape[-1] != width:
        return x
    return layers.Add(name=f"{name}_add")([before, x])


def _relu6(x: Any, name: str) -> Any:
    from ..backend import layers

    return layers.Activation("relu6", name=f"{name}_relu")(x)


def _downloaded(alpha: float) -> keras.Model:
    from ..backend import keras

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
    from ..backend import keras

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
