"""The child process that runs TensorFlow for a window."""

from .client import Job, needs_engine, run_in_engine, shared_engine
from .worker import RelabelExpired, SegmentationReply

__all__ = [
    "Job",
    "RelabelExpired",
    "SegmentationReply",
    "needs_engine",
    "run_in_engine",
    "shared_engine",
]
