"""Find cell nuclei, correct them, retrain: in napari, in Python and in the shell.

Everything here is loaded when it is first used; importing the package loads
neither TensorFlow nor napari nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .support import __version__ as __version__

if TYPE_CHECKING:
    from .api import evaluate, fine_tune, segment, train
    from .image import Field
    from .pipeline import SegmentParameters
    from .registry import list_models, load_model
    from .support import Callbacks, Epoch
    from .training import Initialization, TrainParameters

__all__ = [
    "Callbacks",
    "Epoch",
    "Field",
    "Initialization",
    "SegmentParameters",
    "TrainParameters",
    "evaluate",
    "fine_tune",
    "list_models",
    "load_model",
    "segment",
    "train",
]

_HOMES = {
    "Callbacks": "support",
    "Epoch": "support",
    "Field": "image",
    "SegmentParameters": "pipeline",
    "Initialization": "training",
    "TrainParameters": "training",
    "evaluate": "api",
    "fine_tune": "api",
    "list_models": "registry",
    "load_model": "registry",
    "segment": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{_HOMES[name]}", __name__)
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
