"""Models on disk: a card and weights. Some are bundled, others are the user's own."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import re
import shutil
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..support import new_folder, read_object, user_directory
from .spec import check_spec
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
    "free_name",
    "list_models",
    "load_model",
    "models_directory",
    "remove_model",
    "save_model",
]

#: Names of the two files that make a model.
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.weights.h5"

#: Name of the bundled model for everything.
DEFAULT_MODEL = "nuclei"

_FORMAT_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Card:
    """What a model is, in words and numbers.

    Parameters
    ----------
    name : str
        Name of the model and of its folder.
    description : str
        What it is for.
    version : str
        Version of the model.
    created : str
        Date, as YYYY-MM-DD.
    architecture : dict
        Kind and numbers of the network, see `network.Architecture.as_dict`.
    spec : dict, optional
        Scale and maps of the network, see `pipeline.ModelSpec`: any of ``diameter``,
        ``stride``, ``halo``, ``size_stride`` and ``maps``. What is left out is as there.
    training_data, data_license, license : str
        What it was trained on, the licence of those data, and that of the model.
    parent, parent_sha256 : str, optional
        Name and checksum of the model that it was fine-tuned from.
    training, scores : dict
        How it was trained, and how well it did.
    weights_sha256 : str
        Checksum of the weights file; filled in by `save_model`.
    format_version : int
        Version of the format of the card.
    """

    name: str
    description: str = ""
    version: str = "1"
    created: str = ""
    architecture: dict[str, Any] = dataclasses.field(default_factory=dict)
    training_data: str = ""
    data_license: str = ""
    license: str = ""
    parent: str | None = None
    parent_sha256: str | None = None
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    scores: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights_sha256: str = ""
    format_version: int = _FORMAT_VERSION
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)


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
                found.append(Model(_read_card(path), path.parent, bundled))
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
    model = Model(_read_card(folder / CARD_FILE), folder, bundled)
    check_weights(model)
    return model


def _read_card(path: Path) -> Card:
    """Read a card, and say what is wrong with it."""
    try:
        values = read_object(path)
    except ValueError as error:
        raise ValueError(f"Expected a model card in {path}: {error}") from error
    known = typing.get_type_hints(Card)
    if "name" not in values:
        raise ValueError(f"Expected a model card with a name in {path}.")
    if values.get("format_version") != _FORMAT_VERSION or set(values) - set(known):
        raise ValueError(
            f"Expected a model card of format {_FORMAT_VERSION} in {path}. It may be of a "
            f"newer version of napari-nucseg: update, then try again."
        )
    for name, value in values.items():
        if not isinstance(value, _classes(known[name])):
            kinds = " or ".join(kind.__name__ for kind in _classes(known[name]))
            raise ValueError(f"Expected {name!r} to be {kinds} in {path}, got {value!r}.")
    check_model_name(values["name"])
    try:
        check_spec(values.get("spec", {}))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Card(**values)


def _classes(hint: Any) -> tuple[type, ...]:
    """Return the classes that a value of a type may have: dict of ``dict[str, Any]``."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return tuple(typing.get_origin(option) or option for option in options)


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
        text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
        (aside / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    return Model(card, folder)


def remove_model(name: str) -> None:
    """Remove one of the user's own models.

    Parameters
    ----------
    name : str
        Its name.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If it is a bundled one.
    """
    for model in list_models():
        if model.card.name == name:
            if model.bundled:
                raise ValueError(
                    f"Expected one of your own models, got {name!r}, which came with "
                    f"napari-nucseg and stays."
                )
            shutil.rmtree(model.folder)
            return
    raise FileNotFoundError(
        f"Expected the name of a model, got {name!r}. Nothing was "
        f"removed; 'nucseg models list' shows the names."
    )


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


def check_model_name(name: str) -> str:
    """Check that a name can be a folder on every system.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        If it cannot.
    """
    good = isinstance(name, str) and _NAME.fullmatch(name) and not _RESERVED.fullmatch(name)
    if not good or name.endswith((".", " ")):
        raise ValueError(
            f"Expected a name of 1 to 64 letters, digits, spaces, dots, dashes and "
            f"underscores that starts with a letter or digit, got {name!r}."
        )
    return name
