"""Find cell nuclei, correct them, retrain: in napari, in Python and in the shell.

Everything here is loaded when it is first used; importing the package loads
neither TensorFlow nor napari nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import evaluate, fine_tune, segment, train
    from .field import Field
    from .model_store import list_models, load_model
    from .segmentation import SegmentParameters
    from .start import Start
    from .train_parameters import TrainParameters

__all__ = [
    "Field",
    "SegmentParameters",
    "Start",
    "TrainParameters",
    "evaluate",
    "fine_tune",
    "list_models",
    "load_model",
    "segment",
    "train",
]

__version__ = "0.1.0"

_HOMES = {
    "Field": "field",
    "SegmentParameters": "segmentation",
    "Start": "start",
    "TrainParameters": "train_parameters",
    "evaluate": "api",
    "fine_tune": "api",
    "list_models": "model_store",
    "load_model": "model_store",
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
