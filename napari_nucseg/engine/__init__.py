"""The child process that runs TensorFlow for a window."""

from .client import Engine
from .execution import execute
from .job import Job
from .messages import (
    EngineError,
    Export,
    FetchMaps,
    FileSummary,
    FineTune,
    Load,
    Relabel,
    RelabelExpired,
    Segment,
    SegmentFile,
    SegmentImage,
    Task,
    Train,
    TryOut,
    Warm,
)
from .shared import shared_engine

__all__ = [
    "Engine",
    "EngineError",
    "Export",
    "FetchMaps",
    "FileSummary",
    "FineTune",
    "Job",
    "Load",
    "Relabel",
    "RelabelExpired",
    "Segment",
    "SegmentFile",
    "SegmentImage",
    "Task",
    "Train",
    "TryOut",
    "Warm",
    "execute",
    "shared_engine",
]
