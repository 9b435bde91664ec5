"""What a training starts from: a network, and weights for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .model_store import Model
from .train_parameters import TrainParameters

if TYPE_CHECKING:
    from .network.architecture import Architecture
    from .network.imagenet import EncoderWeights

__all__ = ["ARCHITECTURES", "IMAGENET", "RANDOM", "Start"]

#: Kinds of networks, see `network.architecture`; the first is the default.
ARCHITECTURES = ("unet", "mobilenetv2")
#: What the weights of an encoder can be, other than those of a file.
IMAGENET, RANDOM = "imagenet", "random"


@dataclasses.dataclass(frozen=True, eq=False)
class Start:
    """What a training starts from. What is left out is chosen to fit.

    Parameters
    ----------
    model : Model, optional
        Model whose weights training starts from; left out, they are random, but for
        those of the encoder that `encoder_weights` names.
    architecture : str, optional
        ``"unet"``, or ``"mobilenetv2"``: a U-Net whose encoder is MobileNetV2. Left out,
        that of the model or the former.
    widths : sequence of int, optional
        Filters of the network (of ``"mobilenetv2"``: of its decoder) at a half, a quarter,
        … of the resolution; left out, those of the model or the default. Levels can be
        added to those of a model.
    encoder_weights : str or path, optional
        Weights of the encoder of ``"mobilenetv2"``: ``"imagenet"`` downloads them,
        ``"random"`` does without, and a path is that of a file, see
        `network.imagenet.imagenet_weights`. Left out, those of the model or ``"imagenet"``.
    """

    model: Model | None = None
    architecture: str | None = None
    widths: Sequence[int] | None = None
    encoder_weights: str | Path | None = None

    def __post_init__(self) -> None:
        if self.architecture not in (None, *ARCHITECTURES):
            raise ValueError(
                f"Expected an architecture out of {', '.join(ARCHITECTURES)}, got "
                f"{self.architecture!r}."
            )
        if self.encoder_weights is not None and not self._pretrainable:
            raise ValueError(
                f"Expected weights of an encoder only for a new network of architecture "
                f"'mobilenetv2', got {str(self.encoder_weights)!r}. Leave them out."
            )

    @property
    def _pretrainable(self) -> bool:
        return self.model is None and self.architecture == "mobilenetv2"

    @property
    def encoder(self) -> str | None:
        """Where the weights of the encoder alone come from, None if it has no own."""
        given = IMAGENET if self.encoder_weights is None else str(self.encoder_weights)
        return given if self._pretrainable and given != RANDOM else None

    def frozen_epochs(self, parameters: TrainParameters) -> int:
        """Choose for how long the encoder does not learn.

        Beside a decoder with random weights it would forget what it knows.

        Parameters
        ----------
        parameters : TrainParameters
            Theirs decide, if they say something.

        Returns
        -------
        int
            Epochs at the start.
        """
        if parameters.frozen_epochs is not None:
            return parameters.frozen_epochs
        return max(1, parameters.epochs // 10) if self.encoder else 0

    def network(self) -> Architecture:
        """Choose the network.

        Returns
        -------
        Architecture
            One that can take the weights.

        Raises
        ------
        ValueError
            If there is none that can.
        """
        from .network.architecture import KINDS, read_architecture

        before = read_architecture(self.model.card.architecture) if self.model else None
        kind = KINDS[self.architecture or (before.kind if before else ARCHITECTURES[0])]
        if before and kind is not type(before):
            raise ValueError(
                f"Expected the architecture of the starting model, {before.kind!r}, got "
                f"{self.architecture!r}. Leave one of them out."
            )
        if self.widths is None:
            return before or kind()
        chosen = dataclasses.replace(before or kind(), widths=tuple(self.widths))
        if before and not chosen.extends(before):
            raise ValueError(
                f"Expected widths that begin with those of the starting model, "
                f"{list(before.widths)}, got {list(self.widths)}."
            )
        return chosen

    def load_encoder(self) -> EncoderWeights | None:
        """Load the weights of the encoder alone.

        Returns
        -------
        EncoderWeights or None
            None if they are random or those of the model.
        """
        from .network.imagenet import imagenet_weights
        from .network.mobilenet import MobileNetUNet

        network = self.network()
        if self.encoder is None or not isinstance(network, MobileNetUNet):
            return None
        return imagenet_weights(
            network, None if self.encoder == IMAGENET else Path(self.encoder)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what tells this start from another one, ready for JSON.

        Returns
        -------
        dict
            Checksum of the model in place of the model.
        """
        return {
            "parent": self.model.card.weights_sha256 if self.model else None,
            "architecture": self.architecture,
            "widths": list(self.widths) if self.widths else None,
            "encoder_weights": str(self.encoder_weights) if self.encoder_weights else None,
        }
