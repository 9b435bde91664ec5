"""The network: the only code that loads TensorFlow and Keras, when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architectures import Architecture, kinds, read_architecture
    from .initialize import DEFAULT_ARCHITECTURE, resolve
    from .predict import KerasPredictor, load_predictor
    from .trainer import Trainer, make_trainer

__all__ = [
    "DEFAULT_ARCHITECTURE",
    "Architecture",
    "KerasPredictor",
    "Trainer",
    "kinds",
    "load_predictor",
    "make_trainer",
    "read_architecture",
    "resolve",
]

#: Only the predictor loads Keras at once. The others load it when a network is built.
_MODULES = {
    "DEFAULT_ARCHITECTURE": "initialize",
    "Architecture": "architectures",
    "KerasPredictor": "predict",
    "Trainer": "trainer",
    "kinds": "architectures",
    "load_predictor": "predict",
    "make_trainer": "trainer",
    "read_architecture": "architectures",
    "resolve": "initialize",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
