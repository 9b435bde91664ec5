"""Models on disk: card, weights, archive."""

from .archive import export_model, import_model
from .store import (
    CARD_FILE,
    DEFAULT_MODEL,
    WEIGHTS_FILE,
    Card,
    Model,
    check_model_name,
    check_new_name,
    check_weights,
    free_name,
    list_models,
    load_model,
    models_directory,
    remove_model,
    save_model,
)
from .weights import check_weights_file, checksum

__all__ = [
    "CARD_FILE",
    "DEFAULT_MODEL",
    "WEIGHTS_FILE",
    "Card",
    "Model",
    "check_model_name",
    "check_new_name",
    "check_weights",
    "check_weights_file",
    "checksum",
    "export_model",
    "free_name",
    "import_model",
    "list_models",
    "load_model",
    "models_directory",
    "remove_model",
    "save_model",
]
