"""Models on disk: card, weights, archive, lineage."""

from .archive import export_model, import_model, is_model_archive
from .card import CARD_FILE, Card
from .changes import remove_model, removed_models, rename_model, restore_model
from .lineage import Descent, lineage
from .names import check_model_name
from .store import (
    DEFAULT_MODEL,
    WEIGHTS_FILE,
    Model,
    check_new_name,
    check_weights,
    free_name,
    list_models,
    load_model,
    models_directory,
    save_model,
)
from .weights import check_weights_file, checksum

__all__ = [
    "CARD_FILE",
    "DEFAULT_MODEL",
    "WEIGHTS_FILE",
    "Card",
    "Descent",
    "Model",
    "check_model_name",
    "check_new_name",
    "check_weights",
    "check_weights_file",
    "checksum",
    "export_model",
    "free_name",
    "import_model",
    "is_model_archive",
    "lineage",
    "list_models",
    "load_model",
    "models_directory",
    "remove_model",
    "removed_models",
    "rename_model",
    "restore_model",
    "save_model",
]
