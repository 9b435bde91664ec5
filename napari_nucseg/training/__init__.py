"""From corrected fields to a new model."""

from .checkpoint import AVERAGE_FILE, KEPT_FILE, NETWORK_FILE, Checkpoint, best_of
from .entry import Entry
from .initialization import IMAGENET, RANDOM, Initialization
from .parameters import TrainParameters
from .patches import Batch, PreparedField, batches, prepare_field
from .plan import ModelInfo
from .presets import DEFAULT_PRESET, FINE_TUNE_PRESETS
from .recipe import Recipe
from .result import FEW_NUCLEI, FineTuneResult
from .run import Run, UnfinishedRun
from .set_archive import export_set, import_set, is_set_archive
from .sets import create_set, find_set, list_sets, rename_set, set_of
from .train import TrainingSpec, fine_tune_fields, train_fields
from .trainer import Trainer, TrainingData
from .training_set import DEFAULT_SET, TrainingSet

__all__ = [
    "AVERAGE_FILE",
    "DEFAULT_PRESET",
    "DEFAULT_SET",
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
    "Recipe",
    "Run",
    "TrainParameters",
    "Trainer",
    "TrainingData",
    "TrainingSet",
    "TrainingSpec",
    "UnfinishedRun",
    "batches",
    "best_of",
    "create_set",
    "export_set",
    "find_set",
    "fine_tune_fields",
    "import_set",
    "is_set_archive",
    "list_sets",
    "prepare_field",
    "rename_set",
    "set_of",
    "train_fields",
]
