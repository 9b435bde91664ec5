"""Find cell nuclei, correct them, retrain: in napari, in Python and in the shell.

Everything here is loaded when it is first used; importing the package loads
neither TensorFlow nor napari nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import evaluate, fine_tune, segment, train
    from .image.field import Field
    from .pipeline.segmentation import SegmentParameters
    from .registry.store import list_models, load_model
    from .training.initialization import Start
    from .training.parameters import TrainParameters

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
    "Field": "image.field",
    "SegmentParameters": "pipeline.segmentation",
    "Start": "training.initialization",
    "TrainParameters": "training.parameters",
    "evaluate": "api",
    "fine_tune": "api",
    "list_models": "registry.store",
    "load_model": "registry.store",
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
