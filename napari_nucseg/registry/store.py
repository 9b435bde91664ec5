"""Models on disk: a card and weights. Some are bundled, others are the user's own."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Callable
from pathlib import Path

from ..support import new_folder, user_directory
from .card import CARD_FILE, Card, read_card, write_card
from .names import check_model_name
from .spec import check_spec
from .weights import MOST_BYTES, check_weights_file, checksum

__all__ = [
    "DEFAULT_MODEL",
    "WEIGHTS_FILE",
    "Model",
    "check_new_name",
    "check_weights",
    "free_name",
    "list_models",
    "load_model",
    "models_directory",
    "save_model",
]

#: Name of the file of weights in the folder of a model.
WEIGHTS_FILE = "model.weights.h5"

#: Name of the bundled model for everything.
DEFAULT_MODEL = "nuclei"


@dataclasses.dataclass(frozen=True)
class Model:
    """A model on disk.

    Parameters
    ----------
    card : Card
        What it is.
    folder : Path
        Where its files are.
    bundled : bool
        Whether it came with napari-nucseg and cannot be removed.
    """

    card: Card
    folder: Path
    bundled: bool = False


def models_directory() -> Path:
    """Return the folder of the user's own models.

    Returns
    -------
    Path
        The folder. It may not exist yet.
    """
    return user_directory() / "models"


def _bundled_directory() -> Path:
    return Path(str(importlib.resources.files("napari_nucseg.models")))


def list_models() -> list[Model]:
    """Find all models, the bundled ones first.

    Returns
    -------
    list of Model
        Models whose card can be read. Their weights are not checked.
    """
    found = []
    for directory, bundled in ((_bundled_directory(), True), (models_directory(), False)):
        for path in sorted(directory.glob(f"[!.]*/{CARD_FILE}")):
            try:
                found.append(Model(read_card(path), path.parent, bundled))
            except (OSError, ValueError):
                continue
    return found


def load_model(name_or_folder: str | Path) -> Model:
    """Find a model and check that it is whole.

    Parameters
    ----------
    name_or_folder : str or path
        Name of a bundled or own model, or a folder that holds one.

    Returns
    -------
    Model
        Ready to use.

    Raises
    ------
    TypeError
        If it is neither a name nor a path.
    FileNotFoundError
        If there is no such model, or a file of it is missing.
    ValueError
        If its card or weights are damaged or were changed.
    """
    if not isinstance(name_or_folder, str | Path):
        kind = type(name_or_folder).__name__
        raise TypeError(f"Expected the name or the folder of a model, got {kind}.")
    models = list_models()
    for model in models:
        if name_or_folder == model.card.name:
            check_weights(model)
            return model
    # Absolute, because the engine may load it again from another working folder.
    folder = Path(name_or_folder).expanduser().absolute()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected the name or the folder of a model, got {str(name_or_folder)!r}. "
            f"There are: {', '.join(model.card.name for model in models) or 'none'}."
        )
    if not (folder / CARD_FILE).is_file():
        raise FileNotFoundError(
            f"Expected a model in {folder}, but it has no {CARD_FILE}. Choose the folder "
            f"that nucseg train or nucseg models export made."
        )
    bundled = folder.parent == _bundled_directory().absolute()
    model = Model(read_card(folder / CARD_FILE), folder, bundled)
    check_weights(model)
    return model


def check_weights(model: Model) -> None:
    """Check that the weights on the disk are those that the card names.

    Parameters
    ----------
    model : Model
        The model.

    Raises
    ------
    FileNotFoundError
        If they are not there.
    ValueError
        If they are damaged, or another model was put into the folder since this one was
        loaded.
    """
    path = model.folder / WEIGHTS_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the weights of model {model.card.name!r} at {path}, got nothing. "
            f"Import or train the model again."
        )
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"Expected at most 1 GB of weights in {path}, got more.")
    if checksum(path) != model.card.weights_sha256:
        raise ValueError(
            f"Expected the weights in {path} to have the checksum in the card of model "
            f"{model.card.name!r}, got another one. The file is incomplete, or was changed or "
            f"replaced after the model was loaded: load the model again. If that fails, import "
            f"or train it again."
        )


def save_model(
    card: Card, write_files: Callable[[Path], None], folder: Path | None = None
) -> Model:
    """Save a new model; it appears whole or not at all.

    Parameters
    ----------
    card : Card
        What it is. The checksum is filled in.
    write_files : callable
        Takes the path of the weights file and writes it. It may write other files
        into the same folder.
    folder : Path, optional
        Where to save it; by default among the user's own models.

    Returns
    -------
    Model
        The saved model.

    Raises
    ------
    FileExistsError
        If there is a model of that name, or the folder exists.
    ValueError
        If the name cannot be one, or the spec makes no sense.
    OSError
        If it cannot be written. Then nothing is left.
    """
    if folder is None:
        check_new_name(card.name)
        folder = models_directory() / card.name
    else:
        check_model_name(card.name)
    check_spec(card.spec)
    with new_folder(folder) as aside:
        write_files(aside / WEIGHTS_FILE)
        check_weights_file(aside / WEIGHTS_FILE)
        card = dataclasses.replace(card, weights_sha256=checksum(aside / WEIGHTS_FILE))
        write_card(card, aside / CARD_FILE)
    return Model(card, folder)


def check_new_name(name: str) -> None:
    """Check the name of a model before it is made.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    ValueError
        If it cannot be the name of a model.
    FileExistsError
        If there is a model of that name.
    """
    check_model_name(name)
    if _is_taken(name):
        raise FileExistsError(
            f"Expected the name of a new model, got {name!r}, which exists. Choose "
            f"another name (--name of the command)."
        )


def free_name(stem: str) -> str:
    """Return a name that a new model can have.

    Parameters
    ----------
    stem : str
        The name that is wanted.

    Returns
    -------
    str
        The stem if no model has that name, otherwise the stem and a number.
    """
    names = [stem, *(f"{stem[:58]} {number}" for number in range(2, 1000))]
    return next(name for name in names if not _is_taken(name))


def _is_taken(name: str) -> bool:
    taken = {model.card.name.lower() for model in list_models()}
    return name.lower() in taken or (models_directory() / name).exists()
