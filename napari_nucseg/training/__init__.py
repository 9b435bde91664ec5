"""From corrected fields to a new model."""

from .checkpoint import (
    AVERAGE_FILE,
    KEPT_FILE,
    NETWORK_FILE,
    Checkpoint,
    best_of,
    latest_checkpoint,
    read_plan,
    remove_old_runs,
    write_checkpoint,
)
from .fine_tune import (
    DEFAULT_PRESET,
    FEW_NUCLEI,
    FINE_TUNE_PRESETS,
    FineTuneResult,
    fine_tune_fields,
    finish_run,
)
from .initialization import ARCHITECTURES, IMAGENET, RANDOM, Initialization
from .parameters import TrainParameters
from .patches import Batch, PreparedField, batches, prepare_field
from .train import ModelInfo, TrainingSpec, run_directory_of, train_fields
from .training_set import Entry, TrainingSet
from .unfinished import UnfinishedRun, discard_run, unfinished_runs

__all__ = [
    "ARCHITECTURES",
    "AVERAGE_FILE",
    "DEFAULT_PRESET",
    "FEW_NUCLEI",
    "FINE_TUNE_PRESETS",
    "IMAGENET",
    "KEPT_FILE",
    "NETWORK_FILE",
    "RANDOM",
    "Batch",
    "Checkpoint",
    "Entry",
    "FineTuneResult",
    "Initialization",
    "ModelInfo",
    "PreparedField",
    "TrainParameters",
    "TrainingSet",
    "TrainingSpec",
    "UnfinishedRun",
    "batches",
    "best_of",
    "discard_run",
    "fine_tune_fields",
    "finish_run",
    "latest_checkpoint",
    "prepare_field",
    "read_plan",
    "remove_old_runs",
    "run_directory_of",
    "train_fields",
    "unfinished_runs",
    "write_checkpoint",
]
