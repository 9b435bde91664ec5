"""From corrected fields to a new model."""

from .budgets import BEST, BUDGETS, DEFAULT_BUDGET, fine_tune_parameters
from .checkpoint import AVERAGE_FILE, KEPT_FILE, NETWORK_FILE, Checkpoint, best_of
from .doubts import doubt_about
from .gate import CORRECTIONS, HELD_OUT, REFERENCE, Part, Verdict, judge_parts
from .initialization import IMAGENET, RANDOM, Initialization
from .parameters import TrainParameters
from .patches import Batch, PreparedField, batches, prepare_field
from .plan import ModelInfo
from .result import FEW_NUCLEI, FineTuneResult
from .run import Run, UnfinishedRun
from .train import TrainingSpec, fine_tune_fields, train_fields
from .trainer import Trainer, TrainingData
from .training_set import Entry, TrainingSet

__all__ = [
    "AVERAGE_FILE",
    "BEST",
    "BUDGETS",
    "CORRECTIONS",
    "DEFAULT_BUDGET",
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
    "doubt_about",
    "fine_tune_fields",
    "fine_tune_parameters",
    "judge_parts",
    "prepare_field",
    "train_fields",
]
