"""The network: the only code that loads TensorFlow and Keras, when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architecture import KINDS, Architecture, describe, read_architecture
    from .fit import Trainer, TrainingData
    from .imagenet import EncoderWeights, imagenet_weights
    from .mobilenet import MobileNetUNet
    from .predict import KerasPredictor, load_predictor

__all__ = [
    "KINDS",
    "Architecture",
    "EncoderWeights",
    "KerasPredictor",
    "MobileNetUNet",
    "Trainer",
    "TrainingData",
    "describe",
    "imagenet_weights",
    "load_predictor",
    "read_architecture",
]

_MODULES = {
    "KINDS": "architecture",
    "Architecture": "architecture",
    "EncoderWeights": "imagenet",
    "MobileNetUNet": "mobilenet",
    "KerasPredictor": "predict",
    "Trainer": "fit",
    "TrainingData": "fit",
    "describe": "architecture",
    "imagenet_weights": "imagenet",
    "load_predictor": "predict",
    "read_architecture": "architecture",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
