"""Models as zip files, to give to other people."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..support import check_new_file, new_file, reading_zip, some_of
from .card import CARD_FILE
from .store import WEIGHTS_FILE, Model, load_model, save_model
from .weights import MOST_BYTES

__all__ = ["export_model", "import_model", "is_model_archive"]

_FILES = (CARD_FILE, WEIGHTS_FILE, "README.md", "history.csv", "curves.png")
#: What file managers leave in every folder.
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_MAC_LITTER = "__MACOSX/"
#: More files than this are no model and litter.
_MOST_FILES = 100
#: The size of what belongs to a model beside its weights, in bytes.
_MOST_BESIDE = 50_000_000


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
    check_new_file(destination)
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
        with reading_zip(path) as archive:
            return CARD_FILE in archive.namelist()
    except (OSError, ValueError):
        return False


def import_model(
    path: str | Path,
    name: str | None = None,
    check: Callable[[Model], None] = lambda model: None,
) -> Model:
    """Copy a model from a zip file or a folder to the user's own models.

    Parameters
    ----------
    path : path
        What `export_model` or training made.
    name : str, optional
        Another name for it.
    check : callable, optional
        Given a copy of the model in a temporary folder before it is accepted. A ValueError
        refuses it.

    Returns
    -------
    Model
        The model, checked.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If it is no model, is damaged, or contains other files, for example code, or links.
    FileExistsError
        If there is a model of that name.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"Expected a model (zip or folder), got nothing at {path}. Check the path."
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if path.is_dir():
            _copy_folder(path, folder)
        else:
            _unpack(path, folder)
        with _naming(path, folder):
            model = load_model(folder)
            check(model)
        return _save(model, name or model.card.name)


def _copy_folder(path: Path, folder: Path) -> None:
    """Copy the files of a model out of a folder."""
    inside = list(path.iterdir())
    _check_names(path, [file.name for file in inside])
    files = [file for file in inside if file.name in _FILES]
    for file in files:
        # A link could name any file of this person, who may give the model away again.
        if file.is_symlink() or not file.is_file():
            raise ValueError(
                f"Expected the files of a model in {path}, got a link, a folder or something "
                f"else at {file.name!r}. Put the file itself there."
            )
    _check_sizes(path, {file.name: file.stat().st_size for file in files})
    for file in files:
        shutil.copyfile(file, folder / file.name, follow_symlinks=False)


def _unpack(path: Path, folder: Path) -> None:
    """Unpack the files of a model out of a zip file, and nothing else."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise ValueError(
            f"Expected a zip file with a model, got {path}, which is none or is incomplete. "
            f"Get the file again; 'nucseg models export' makes one."
        )
    with reading_zip(path) as archive:
        infos = archive.infolist()
        _check_names(path, [info.filename for info in infos])
        _check_sizes(path, {info.filename: info.file_size for info in infos})
        for info in infos:
            if info.filename in _FILES:
                target = folder / info.filename
                with archive.open(info) as packed, open(target, "xb") as file:
                    shutil.copyfileobj(packed, file)


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Accept nothing but the files of a model, none of which can be executed."""
    if CARD_FILE not in names:
        raise ValueError(
            f"Expected a model in {path}, but it has no {CARD_FILE}. Choose the zip file or "
            f"the folder of a model."
        )
    relevant = [name for name in names if not name.startswith(_MAC_LITTER)]
    others = sorted(set(relevant) - set(_FILES) - set(_LITTER))
    if others:
        raise ValueError(
            f"Expected only {', '.join(_FILES)} in {path}, got {some_of(others)}. A "
            f"model needs no other files; do not trust this one."
        )
    if len(set(relevant)) < len(relevant) or len(names) > _MOST_FILES:
        raise ValueError(
            f"Expected each file of a model once in {path}, got {len(names)} files, or some "
            f"twice. Do not trust this one."
        )


def _check_sizes(path: Path, sizes: dict[str, int]) -> None:
    """Refuse files that are larger than those of any model."""
    for name in set(sizes) & set(_FILES):
        most = MOST_BYTES if name == WEIGHTS_FILE else _MOST_BESIDE
        if sizes[name] > most:
            raise ValueError(
                f"Expected at most {most / 1e6:.0f} MB for {name} in {path}, got "
                f"{sizes[name] / 1e6:.0f} MB."
            )


@contextlib.contextmanager
def _naming(path: Path, folder: Path) -> Iterator[None]:
    """Name the file of the person, and not the temporary folder, in what is refused."""
    try:
        yield
    except (FileNotFoundError, ValueError) as error:
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        raise kind(str(error).replace(str(folder), str(path))) from error


def _save(model: Model, name: str) -> Model:
    """Put a model among the user's own ones."""

    def write(weights: Path) -> None:
        for file in _FILES:
            if file != CARD_FILE and (model.folder / file).is_file():
                shutil.copyfile(model.folder / file, weights.parent / file)

    return save_model(dataclasses.replace(model.card, name=name), write)
