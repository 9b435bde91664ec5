"""Models as zip files, to give to other people."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from ..support import new_file, some_of
from .card import CARD_FILE
from .store import WEIGHTS_FILE, Model, load_model, save_model

__all__ = ["export_model", "import_model", "is_model_archive"]

_FILES = (CARD_FILE, WEIGHTS_FILE, "README.md", "history.csv", "curves.png")
#: What file managers leave in every folder.
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_MOST_BYTES = 1_000_000_000


def export_model(name: str, destination: str | Path) -> Path:
    """Write a model to a zip file.

    Parameters
    ----------
    name : str
        Name or folder of the model.
    destination : path
        The zip file to make, or a folder to make it in.

    Returns
    -------
    Path
        The zip file.

    Raises
    ------
    FileExistsError
        If it exists.
    """
    model = load_model(name)
    destination = Path(destination)
    if destination.is_dir():
        destination /= f"{model.card.name}.zip"
    if destination.exists():
        raise FileExistsError(
            f"Expected a new file, got {destination}, which exists. "
            f"Name another one, or remove it first."
        )
    with new_file(destination) as aside, zipfile.ZipFile(aside, "w") as archive:
        for file in _FILES:
            if (model.folder / file).is_file():
                archive.write(model.folder / file, file)
    return destination


def is_model_archive(path: str | Path) -> bool:
    """Return whether a file seems to be a model as `export_model` writes it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    bool
        Whether it is a zip file that has the card of a model. It is not checked further.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return CARD_FILE in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def import_model(path: str | Path, name: str | None = None) -> Model:
    """Copy a model from a zip file or a folder to the user's own models.

    Parameters
    ----------
    path : path
        What `export_model` or training made.
    name : str, optional
        Another name for it.

    Returns
    -------
    Model
        The model, checked.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If it is no model, is damaged, or contains other files, for example code.
    FileExistsError
        If there is a model of that name.
    """
    path = Path(path)
    if path.is_dir():
        _check_names(path, [file.name for file in path.iterdir()])
        return _copy(path, name)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected a model (zip or folder), got nothing at {path}. Check the path."
        )
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"Expected a zip file with a model, got {path}, which is none or is incomplete. "
            f"Get the file again; 'nucseg models export' makes one."
        )
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        _check_names(path, archive.namelist())
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
            raise ValueError(f"Expected a model of at most 1 GB in {path}, got more.")
        try:
            archive.extractall(folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise ValueError(f"Expected a whole zip file, got {path}: {error}") from error
        return _copy(Path(folder), name)


def _check_names(path: Path, names: list[str]) -> None:
    """Accept nothing but the files of a model, none of which can be executed."""
    if CARD_FILE not in names:
        raise ValueError(
            f"Expected a model in {path}, but it has no {CARD_FILE}. Choose the zip file or "
            f"the folder of a model."
        )
    relevant = {name for name in names if not name.startswith("__MACOSX/")}
    others = sorted(relevant - set(_FILES) - set(_LITTER))
    if others:
        raise ValueError(
            f"Expected only {', '.join(_FILES)} in {path}, got {some_of(others)}. A "
            f"model needs no other files; do not trust this one."
        )


def _copy(folder: Path, name: str | None) -> Model:
    """Copy a model whose file names are checked to the user's own models."""
    model = load_model(folder)
    card = dataclasses.replace(model.card, name=name or model.card.name)

    def write(weights: Path) -> None:
        for file in _FILES:
            if file != CARD_FILE and (folder / file).is_file():
                shutil.copyfile(folder / file, weights.parent / file)

    return save_model(card, write)
