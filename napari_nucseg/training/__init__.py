"""From corrected fields to a new model."""

from .budgets import BEST, BUDGETS, DEFAULT_BUDGET, fine_tune_parameters
from .checkpoint import AVERAGE_FILE, KEPT_FILE, NETWORK_FILE, Checkpoint, best_of
from .doubts import doubt_about
from .entry import Entry
from .gate import CORRECTIONS, HELD_OUT, REFERENCE, Part, Verdict, judge_parts
from .initialization import IMAGENET, RANDOM, Initialization
from .parameters import TrainParameters
from .patches import Batch, PreparedField, batches, prepare_field
from .plan import ModelInfo
from .recipe import Recipe
from .result import FEW_NUCLEI, FineTuneResult
from .run import Run, UnfinishedRun
from .set_archive import export_set, import_set, is_set_archive
from .sets import create_set, find_set, list_sets, rename_set, set_of
from .thumbnail import small_picture
from .train import TrainingSpec, fine_tune_fields, train_fields
from .trainer import Trainer, TrainingData
from .training_set import DEFAULT_SET, TrainingSet

__all__ = [
    "AVERAGE_FILE",
    "BEST",
    "BUDGETS",
    "CORRECTIONS",
    "DEFAULT_BUDGET",
    "DEFAULT_SET",
    "FEW_NUCLEI",
    "HELD_OUT",
    "IMAGENET",
    "KEPT_FILE",
    "NETWORK_FILE",
    "RANDOM",
    "REFERENCE",
    "Batch",
    "Checkpoint",
    "Entry",
    "FineTuneResult",
    "Initialization",
    "ModelInfo",
    "Part",
    "PreparedField",
    "Recipe",
    "Run",
    "TrainParameters",
    "Trainer",
    "TrainingData",
    "TrainingSet",
    "TrainingSpec",
    "UnfinishedRun",
    "Verdict",
    "batches",
    "best_of",
    "create_set",
    "doubt_about",
    "export_set",
    "find_set",
    "fine_tune_fields",
    "fine_tune_parameters",
    "import_set",
    "is_set_archive",
    "judge_parts",
    "list_sets",
    "prepare_field",
    "rename_set",
    "set_of",
    "small_picture",
    "train_fields",
]
