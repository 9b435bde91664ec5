"""What a training starts from: a model, or an architecture and initial weights."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence
from pathlib import Path

from ..registry import Model, load_model

__all__ = ["IMAGENET", "RANDOM", "Initialization"]

#: What the weights of an encoder can be, other than those of a file.
IMAGENET, RANDOM = "imagenet", "random"


@dataclasses.dataclass(frozen=True, eq=False)
class Initialization:
    """What a training starts from. A suitable value is chosen for what is left out.

    Parameters
    ----------
    model : Model, str or path, optional
        Parent: the model, or its name or folder, whose weights training starts from. Left
        out, the initial weights are random, except those that `encoder_weights` names.
    architecture : str, optional
        Kind of the network, such as ``"unet"`` or ``"mobilenetv2"``, a U-Net whose encoder
        is MobileNetV2. Left out, that of the parent, or ``"unet"``.
    widths : sequence of int, optional
        Filters of the network (of ``"mobilenetv2"``: of its decoder) at a half, a quarter,
        … of the resolution. Left out, those of the parent or the default. A parent can be
        given more levels, and the decoder of a parent more filters.
    encoder_weights : str or path, optional
        Initial weights of the encoder, for an architecture that can load some:
        ``"imagenet"`` downloads them, ``"random"`` does without, and a path is that of a
        file. Left out, ``"imagenet"`` if there is no parent.

    Raises
    ------
    TypeError
        If a value is of another type.
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
        if self.encoder_weights not in (None, IMAGENET, RANDOM):
            # Training may run in the engine, which has another working folder.
            file = Path(self.encoder_weights).absolute()
            object.__setattr__(self, "encoder_weights", file)

    @functools.cached_property
    def parent(self) -> Model | None:
        """The model whose weights training starts from."""
        if isinstance(self.model, str | Path):
            return load_model(self.model)
        return self.model
