"""From corrected fields to a new model."""

from .checkpoint import AVERAGE_FILE, KEPT_FILE, NETWORK_FILE, Checkpoint, best_of
from .initialization import IMAGENET, RANDOM, Initialization
from .parameters import TrainParameters
from .patches import Batch, PreparedField, batches, prepare_field
from .plan import ModelInfo
from .presets import DEFAULT_PRESET, FINE_TUNE_PRESETS
from .result import FEW_NUCLEI, FineTuneResult
from .run import Run, UnfinishedRun
from .train import TrainingSpec, fine_tune_fields, train_fields
from .trainer import Trainer, TrainingData
from .training_set import Entry, TrainingSet

__all__ = [
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
    "Run",
    "TrainParameters",
    "Trainer",
    "TrainingData",
    "TrainingSet",
    "TrainingSpec",
    "UnfinishedRun",
    "batches",
    "best_of",
    "fine_tune_fields",
    "prepare_field",
    "train_fields",
]
