"""The parameters of training and fine-tuning."""

from __future__ import annotations

import dataclasses

from ..pipeline import STRIDE
from ..support import FormRow, Parameters, parameter

__all__ = ["TrainParameters"]


@dataclasses.dataclass(frozen=True)
class TrainParameters(Parameters):
    """Parameters of training and fine-tuning."""

    minutes: float | None = parameter(
        None,
        "Time for all of it: preparing, training and scoring. The number of steps follows "
        "from how fast the computer is. Left out, the steps are counted.",
        unit="minutes",
        minimum=0.5,
        maximum=10_000,
        row=FormRow("time", suffix=" min", step=0.5, auto="count the steps"),
    )
    epochs: int = parameter(
        16,
        "Number of epochs. After each the model is scored and saved.",
        minimum=1,
        maximum=10_000,
    )
    steps_per_epoch: int = parameter(
        200,
        "Batches in an epoch, if there is no time budget.",
        minimum=1,
        maximum=100_000,
    )
    batch_size: int = parameter(8, "Patches in a batch.", minimum=1, maximum=256)
    patch_size: int = parameter(
        256,
        "Height and width of a patch.",
        unit="pixels",
        minimum=64,
        maximum=2048,
        row=FormRow(suffix=" px", step=STRIDE),
    )
    learning_rate: float = parameter(
        2e-3, "Highest learning rate of the optimizer.", minimum=1e-7, maximum=1.0
    )
    validation_fraction: float = parameter(
        0.1,
        "Part of the fields that is held out to score the model on.",
        minimum=0.01,
        maximum=0.9,
        row=FormRow(step=0.01),
    )
    channel: int | None = parameter(
        None,
        "Channel to train on, counted from 0; left out, a grey or color image as it is.",
        minimum=0,
        maximum=1000,
    )
    synthetic_stain: float = parameter(
        0.0,
        "Part of the patches that are redrawn as tissue with synthetic stains, so that the "
        "model learns more stains.",
        minimum=0.0,
        maximum=1.0,
        row=FormRow(step=0.01),
    )
    stain_augmentation: float = parameter(
        0.0,
        "Part of the color patches that are recolored as other stains.",
        minimum=0.0,
        maximum=1.0,
        row=FormRow(step=0.01),
    )
    rehearsal: float = parameter(
        0.0,
        "Part of the patches that come from the reference set instead, so that a fine-tuned "
        "model does not forget other images. With 0 it is not compared on them either.",
        minimum=0.0,
        maximum=0.9,
        row=FormRow(step=0.1),
    )
    frozen_epochs: int | None = parameter(
        None,
        "Epochs at the start in which the encoder is frozen; left out, a tenth of all if "
        "only the encoder is pretrained, otherwise none.",
        minimum=0,
        maximum=10_000,
    )
    keep_last: bool = parameter(
        False,
        "Keep the last epoch instead of the one that scores best. After a long training with "
        "few images to score on, the last may be better.",
    )
    seed: int = parameter(
        0,
        "Seed of all random choices. Which fields are held out does not depend on it.",
        minimum=0,
        maximum=2**31 - 1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frozen_epochs is not None and self.frozen_epochs >= self.epochs:
            raise ValueError(
                f"Expected 'frozen_epochs' to be less than the {self.epochs} epochs in all, "
                f"got {self.frozen_epochs}."
            )
        if self.patch_size % STRIDE:
            raise ValueError(
                f"Expected 'patch_size' to be a multiple of {STRIDE}, got {self.patch_size}."
            )
