"""Presets: how thoroughly to fine-tune."""

from __future__ import annotations

from .parameters import TrainParameters

__all__ = ["DEFAULT_PRESET", "FINE_TUNE_PRESETS"]

#: Parameters of fine-tuning by the name of the preset, the fastest first.
FINE_TUNE_PRESETS = {
    "quick": TrainParameters(
        epochs=3, steps_per_epoch=8, learning_rate=3e-4, validation_fraction=0.25
    ),
    "balanced": TrainParameters(
        epochs=5, steps_per_epoch=8, learning_rate=3e-4, validation_fraction=0.25
    ),
    "thorough": TrainParameters(
        epochs=20, steps_per_epoch=20, learning_rate=3e-4, validation_fraction=0.25
    ),
}

#: The preset that is used when none is chosen.
DEFAULT_PRESET = "balanced"
