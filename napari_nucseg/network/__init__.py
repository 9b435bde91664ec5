"""The network: the only code that loads TensorFlow and Keras, when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architectures import kinds
    from .bioimageio_out import export_bioimageio
    from .initialize import DEFAULT_ARCHITECTURE, resolve
    from .onnx_out import export_onnx
    from .predict import load_predictor
    from .trainer import make_trainer

__all__ = [
    "DEFAULT_ARCHITECTURE",
    "export_bioimageio",
    "export_onnx",
    "kinds",
    "load_predictor",
    "make_trainer",
    "resolve",
]

#: The predictor and the exports load Keras at once. The others do when a network is built.
_MODULES = {
    "DEFAULT_ARCHITECTURE": "initialize",
    "export_bioimageio": "bioimageio_out",
    "export_onnx": "onnx_out",
    "kinds": "architectures",
    "load_predictor": "predict",
    "make_trainer": "trainer",
    "resolve": "initialize",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
