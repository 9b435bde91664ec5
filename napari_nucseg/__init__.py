"""Find cell nuclei, correct them, retrain: in napari, in Python and in the shell.

Everything here is loaded when it is first used; importing the package loads
neither TensorFlow nor napari nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .support import __version__ as __version__

if TYPE_CHECKING:
    from .api import evaluate, find_nuclei, fine_tune, segment, train
    from .image import ArrayImage, BaseImage, Field, Image, Origin, open_image
    from .measure import Scores
    from .pipeline import Maps, ModelSpec, Segmentation, SegmentParameters
    from .registry import Card, Model, list_models, load_model
    from .support import Callbacks, Epoch, Stopped
    from .training import (
        FineTuneResult,
        Initialization,
        ModelInfo,
        Part,
        TrainParameters,
        Verdict,
    )

__all__ = [
    "ArrayImage",
    "BaseImage",
    "Callbacks",
    "Card",
    "Epoch",
    "Field",
    "FineTuneResult",
    "Image",
    "Initialization",
    "Maps",
    "Model",
    "ModelInfo",
    "ModelSpec",
    "Origin",
    "Part",
    "Scores",
    "SegmentParameters",
    "Segmentation",
    "Stopped",
    "TrainParameters",
    "Verdict",
    "evaluate",
    "find_nuclei",
    "fine_tune",
    "list_models",
    "load_model",
    "open_image",
    "segment",
    "train",
]

_HOMES = {
    "ArrayImage": "image",
    "BaseImage": "image",
    "Callbacks": "support",
    "Card": "registry",
    "Epoch": "support",
    "Field": "image",
    "FineTuneResult": "training",
    "Image": "image",
    "Initialization": "training",
    "Maps": "pipeline",
    "Model": "registry",
    "ModelInfo": "training",
    "ModelSpec": "pipeline",
    "Origin": "image",
    "Part": "training",
    "Scores": "measure",
    "SegmentParameters": "pipeline",
    "Segmentation": "pipeline",
    "Stopped": "support",
    "TrainParameters": "training",
    "Verdict": "training",
    "evaluate": "api",
    "find_nuclei": "api",
    "fine_tune": "api",
    "list_models": "registry",
    "load_model": "registry",
    "open_image": "image",
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
