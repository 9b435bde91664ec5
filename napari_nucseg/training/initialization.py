"""What a training starts from: a network, and weights for it."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..registry import Model, load_model
from .parameters import TrainParameters

if TYPE_CHECKING:
    from ..network import Architecture, EncoderWeights

__all__ = ["ARCHITECTURES", "IMAGENET", "RANDOM", "Initialization"]

#: Kinds of networks, see `network.architecture`; the first is the default.
ARCHITECTURES = ("unet", "mobilenetv2")
#: What the weights of an encoder can be, other than those of a file.
IMAGENET, RANDOM = "imagenet", "random"


@dataclasses.dataclass(frozen=True, eq=False)
class Initialization:
    """What a training starts from. What is left out is chosen to fit.

    Parameters
    ----------
    model : Model, str or path, optional
        Model, or its name or folder, whose weights training starts from; left out,
        they are random, but for those of the encoder that `encoder_weights` names.
    architecture : str, optional
        ``"unet"``, or ``"mobilenetv2"``: a U-Net whose encoder is MobileNetV2. Left out,
        that of the model or the former.
    widths : sequence of int, optional
        Filters of the network (of ``"mobilenetv2"``: of its decoder) at a half, a quarter,
        … of the resolution; left out, those of the model or the default. Levels can be
        added to those of a model, and to a decoder filters.
    encoder_weights : str or path, optional
        Weights of the encoder of ``"mobilenetv2"``: ``"imagenet"`` downloads them,
        ``"random"`` does without, and a path is that of a file, see
        `network.imagenet.imagenet_weights`. Left out, ``"imagenet"`` if there is no model.
    """

    model: Model | str | Path | None = None
    architecture: str | None = None
    widths: Sequence[int] | None = None
    encoder_weights: str | Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model | str | Path | None):
            raise TypeError(
                f"Expected a model, its name or its folder, got {type(self.model).__name__}."
            )
        if self.widths is not None:
            object.__setattr__(self, "widths", tuple(operator.index(w) for w in self.widths))
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
        if self.encoder_weights not in (None, IMAGENET, RANDOM):
            # The engine, which training may run in, has a working folder of its own.
            file = Path(self.encoder_weights).absolute()
            object.__setattr__(self, "encoder_weights", file)

    @functools.cached_property
    def parent(self) -> Model | None:
        """The model whose weights training starts from."""
        if isinstance(self.model, str | Path):
            return load_model(self.model)
        return self.model

    @property
    def _pretrainable(self) -> bool:
        return self.parent is None and self.architecture == "mobilenetv2"

    @property
    def encoder(self) -> str | None:
        """Where the weights of the encoder alone come from, None if it has no own."""
        given = IMAGENET if self.encoder_weights is None else self.encoder_weights
        if not self._pretrainable or given == RANDOM:
            return None
        return str(given)

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

        Raises
        ------
        ValueError
            If an encoder with random weights is to be held.
        """
        given = parameters.frozen_epochs
        if given and not (self.parent or self.encoder):
            raise ValueError(
                f"Expected 'frozen_epochs' only with an encoder that knows something, got "
                f"{given} for one with random weights. Leave it out, or give weights."
            )
        if given is not None:
            return given
        tenth = max(1, parameters.epochs // 10)
        return min(tenth, parameters.epochs - 1) if self.encoder else 0

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
        from ..network import KINDS, read_architecture

        before = read_architecture(self.parent.card.architecture) if self.parent else None
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
                f"{list(before.widths)}, or of a decoder of 'mobilenetv2' wider ones, but "
                f"not as wide as the encoder's maps, got {list(self.widths)}."
            )
        return chosen

    def load_encoder(self) -> EncoderWeights | None:
        """Load the weights of the encoder alone.

        Returns
        -------
        EncoderWeights or None
            None if they are random or those of the model.
        """
        from ..network import MobileNetUNet, imagenet_weights

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
        from ..network import describe

        file = Path(self.encoder) if self.encoder not in (None, IMAGENET) else None
        return {
            "parent": self.parent.card.weights_sha256 if self.parent else None,
            "architecture": describe(self.network()),
            "encoder_weights": file.name if file else self.encoder,
        }
