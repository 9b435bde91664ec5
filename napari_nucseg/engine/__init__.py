"""The child process that runs TensorFlow for a window."""

from .client import Engine, shared_engine
from .execution import execute
from .job import Job
from .messages import (
    EngineError,
    FineTune,
    Relabel,
    RelabelExpired,
    Segment,
    Task,
    Train,
    Warm,
)

__all__ = [
    "Engine",
    "EngineError",
    "FineTune",
    "Job",
    "Relabel",
    "RelabelExpired",
    "Segment",
    "Task",
    "Train",
    "Warm",
    "execute",
    "shared_engine",
]
