"""The network: the only code that loads TensorFlow and Keras, when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architectures import kinds
    from .initialize import DEFAULT_ARCHITECTURE, resolve
    from .predict import load_predictor
    from .trainer import make_trainer

__all__ = [
    "DEFAULT_ARCHITECTURE",
    "kinds",
    "load_predictor",
    "make_trainer",
    "resolve",
]

#: Only the predictor loads Keras at once. The others load it when a network is built.
_MODULES = {
    "DEFAULT_ARCHITECTURE": "initialize",
    "kinds": "architectures",
    "load_predictor": "predict",
    "make_trainer": "trainer",
    "resolve": "initialize",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
