"""Training sets as zip files, to give to other people. Those may come from a stranger."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

from ..support import check_new_file, new_file, new_folder, reading_zip, some_of
from .entry import plain_name
from .field_folder import (
    ABOUT_FILE,
    FIELD_FILES,
    THUMBNAIL_FILE,
    read_entry,
    read_field,
    read_states,
)
from .set_folder import README_FILE, SET_FILE, describe_set
from .sets import check_new_set, free_set_name, sets_directory
from .training_set import TrainingSet

__all__ = ["export_set", "import_set", "is_set_archive"]

_MOST_BYTES = 50_000_000_000
_MOST_FILES = 100_000
_TRIES = 5

#: What an archive may have beside the fields.
_OTHERS = (SET_FILE, README_FILE)
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_FOLDER = re.compile(r"(?![.])[\w .,()+=-]{1,200}(?<![. ])")


def export_set(training_set: TrainingSet, destination: str | Path) -> Path:
    """Write a training set to a zip file, without what was replaced or removed.

    Parameters
    ----------
    training_set : TrainingSet
        The set.
    destination : path
        The zip file to make, or a folder to make it in.

    Returns
    -------
    Path
        The zip file.

    Raises
    ------
    ValueError
        If there is no field in the set.
    FileExistsError
        If the file exists.
    OSError
        If it cannot be written.
    """
    destination = Path(destination)
    if destination.is_dir():
        destination /= f"{plain_name(training_set.name)}.zip"
    check_new_file(destination)
    tries = 0
    while True:
        try:
            with new_file(destination) as aside:
                _write(training_set, aside)
            return destination
        except FileNotFoundError:
            # Another window has corrected or removed a field meanwhile.
            tries += 1
            if tries == _TRIES:
                raise


def _write(training_set: TrainingSet, path: Path) -> None:
    entries = training_set.entries()
    if not entries:
        raise ValueError(
            f"Expected a training set with fields, got {training_set.name!r}, which is empty."
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name in _OTHERS:
            if (training_set.folder / name).is_file():
                archive.write(training_set.folder / name, name)
        for entry in entries:
            folder = training_set.folder / entry.key
            archive.write(folder / ABOUT_FILE, f"{plain_name(entry.key)}/{ABOUT_FILE}")
            for name in (*FIELD_FILES, THUMBNAIL_FILE):
                if name != ABOUT_FILE and (folder / name).is_file():
                    archive.write(folder / name, f"{plain_name(entry.key)}/{name}")


def is_set_archive(path: str | Path) -> bool:
    """Return whether a file seems to be a training set as `export_set` writes it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    bool
        Whether it is a zip file that has a field. It is not checked further.
    """
    try:
        with reading_zip(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError):
        return False
    return SET_FILE in names or any(name.endswith(f"/{ABOUT_FILE}") for name in names)


def import_set(path: str | Path, name: str | None = None) -> TrainingSet:
    """Make a training set of a zip file.

    Parameters
    ----------
    path : path
        What `export_set` made.
    name : str, optional
        Name of the new set; left out, that of the file, with a number if it is taken.

    Returns
    -------
    TrainingSet
        The new set, all of which can be read.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no training set, is damaged, or contains other files, for example code.
    FileExistsError
        If there is a set of the given name.
    OSError
        If it cannot be written; nothing is left then.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the zip file of a training set, got nothing at {path}. Check the path."
        )
    if name is None:
        name = free_set_name(_set_name(path.stem))
    check_new_set(name)
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"Expected a zip file with a training set, got {path}, which is none or is "
            f"incomplete. Get the file again; 'nucseg training-set export' makes one."
        )
    folder = sets_directory() / name
    with new_folder(folder) as aside:
        with reading_zip(path) as archive:
            for info in _checked(path, archive):
                _extract(archive, info, aside)
        _check_fields(path, aside)
        describe_set(aside)
    return TrainingSet(folder)


def _set_name(stem: str) -> str:
    """Return the name of a file as one that a set can have."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", stem)[:60].strip("._ -")
    return plain or "training set"


def _checked(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files to take; refuse an archive that has any but those of a training set."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    infos = [info for info in infos if not info.filename.startswith("__MACOSX/")]
    names = [info.filename for info in infos]
    if len(names) > _MOST_FILES or sum(info.file_size for info in infos) > _MOST_BYTES:
        raise ValueError(
            f"Expected a training set of at most {_MOST_FILES} files and "
            f"{_MOST_BYTES / 1e9:.0f} GB in {path}, got more."
        )
    odd = sorted(name for name in names if not _is_known(name))
    if odd:
        raise ValueError(
            f"Expected only the fields of a training set in {path}, got {some_of(odd)}. It "
            f"needs no other files; do not trust this one."
        )
    if len({name.lower() for name in names}) < len(names):
        raise ValueError(f"Expected every file once in {path}, got some twice.")
    taken = [info for info in infos if info.filename.rpartition("/")[2] in FIELD_FILES]
    if not any(info.filename.endswith(f"/{ABOUT_FILE}") for info in taken):
        raise ValueError(
            f"Expected a training set in {path}, but there is no field in it. Choose the file "
            f"that 'nucseg training-set export' made."
        )
    return taken


def _is_known(name: str) -> bool:
    """Return whether a file of this name belongs into the archive of a training set."""
    folder, _, file = name.rpartition("/")
    if not folder:
        return name in _OTHERS or name in _LITTER
    is_file = file in (*FIELD_FILES, THUMBNAIL_FILE) or file in _LITTER
    return is_file and _FOLDER.fullmatch(folder) is not None


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / info.filename
    target.parent.mkdir(exist_ok=True)
    with archive.open(info) as packed, open(target, "xb") as file:
        shutil.copyfileobj(packed, file)


def _check_fields(path: Path, folder: Path) -> None:
    """Check that every field can be read."""
    for field in sorted(one for one in folder.iterdir() if one.is_dir()):
        try:
            read_entry(field)
            read_states(field)
            read_field(field)
        except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            raise ValueError(
                f"Expected whole fields in {path}, but {field.name!r} is damaged: {error}"
            ) from error
