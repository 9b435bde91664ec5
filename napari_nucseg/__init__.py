"""Find cell nuclei, correct them, retrain: in napari, in Python and in the shell.

Everything here is loaded when it is first used; importing the package loads
neither TensorFlow nor napari nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .support import __version__ as __version__

if TYPE_CHECKING:
    from .api import (
        evaluate,
        export_model,
        find_nuclei,
        fine_tune,
        import_labels,
        import_model,
        segment,
        train,
    )
    from .image import ArrayImage, BaseImage, Division, Field, Image, Origin, open_image
    from .measure import (
        Measurement,
        Pixel,
        ReportEntry,
        Scores,
        export_labels,
        measure_nuclei,
        report_entry,
        write_report,
        write_tracks,
    )
    from .pipeline import (
        Maps,
        ModelSpec,
        Segmentation,
        SegmentParameters,
        StackParameters,
        Tracks,
    )
    from .registry import (
        Card,
        Model,
        list_models,
        load_model,
        remove_model,
        rename_model,
        restore_model,
    )
    from .support import Callbacks, Epoch, Stopped
    from .training import (
        Entry,
        FineTuneResult,
        Initialization,
        ModelInfo,
        Part,
        TrainingSet,
        TrainParameters,
        Verdict,
        create_set,
        export_set,
        find_set,
        import_set,
        list_sets,
        rename_set,
    )

__all__ = [
    "ArrayImage",
    "BaseImage",
    "Callbacks",
    "Card",
    "Division",
    "Entry",
    "Epoch",
    "Field",
    "FineTuneResult",
    "Image",
    "Initialization",
    "Maps",
    "Measurement",
    "Model",
    "ModelInfo",
    "ModelSpec",
    "Origin",
    "Part",
    "Pixel",
    "ReportEntry",
    "Scores",
    "SegmentParameters",
    "Segmentation",
    "StackParameters",
    "Stopped",
    "Tracks",
    "TrainParameters",
    "TrainingSet",
    "Verdict",
    "create_set",
    "evaluate",
    "export_labels",
    "export_model",
    "export_set",
    "find_nuclei",
    "find_set",
    "fine_tune",
    "import_labels",
    "import_model",
    "import_set",
    "list_models",
    "list_sets",
    "load_model",
    "measure_nuclei",
    "open_image",
    "remove_model",
    "rename_model",
    "rename_set",
    "report_entry",
    "restore_model",
    "segment",
    "train",
    "write_report",
    "write_tracks",
]

_HOMES = {
    "ArrayImage": "image",
    "BaseImage": "image",
    "Callbacks": "support",
    "Card": "registry",
    "Division": "image",
    "Entry": "training",
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
    "Measurement": "measure",
    "Pixel": "measure",
    "ReportEntry": "measure",
    "Scores": "measure",
    "SegmentParameters": "pipeline",
    "Segmentation": "pipeline",
    "StackParameters": "pipeline",
    "Stopped": "support",
    "Tracks": "pipeline",
    "TrainParameters": "training",
    "TrainingSet": "training",
    "create_set": "training",
    "Verdict": "training",
    "evaluate": "api",
    "export_labels": "measure",
    "export_model": "api",
    "export_set": "training",
    "find_nuclei": "api",
    "find_set": "training",
    "fine_tune": "api",
    "import_labels": "api",
    "import_model": "api",
    "import_set": "training",
    "list_models": "registry",
    "list_sets": "training",
    "load_model": "registry",
    "measure_nuclei": "measure",
    "open_image": "image",
    "remove_model": "registry",
    "rename_model": "registry",
    "rename_set": "training",
    "report_entry": "measure",
    "restore_model": "registry",
    "segment": "api",
    "train": "api",
    "write_report": "measure",
    "write_tracks": "measure",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{_HOMES[name]}", __name__)
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
