"""The named training sets of the user."""

from __future__ import annotations

import os
from pathlib import Path

from ..registry import check_model_name
from ..support import check_new_folder, locked, new_folder, user_directory
from .set_folder import describe_set, is_training_set
from .training_set import DEFAULT_SET, TrainingSet

__all__ = [
    "check_new_set",
    "create_set",
    "find_set",
    "free_set_name",
    "list_sets",
    "rename_set",
    "set_of",
    "sets_directory",
]


def sets_directory() -> Path:
    """Return the folder of the named training sets.

    Returns
    -------
    Path
        The folder. It may not exist yet.
    """
    return user_directory() / "training_sets"


def list_sets() -> list[TrainingSet]:
    """Find all training sets of the user.

    Returns
    -------
    list of TrainingSet
        The one called `DEFAULT_SET` first, whether there is anything in it or not; the others
        by name.
    """
    folders = sorted(sets_directory().glob("[!.]*"), key=lambda path: path.name.lower())
    return [TrainingSet(), *(TrainingSet(path) for path in folders if is_training_set(path))]


def find_set(name_or_folder: str | Path) -> TrainingSet:
    """Find a training set.

    Parameters
    ----------
    name_or_folder : str or path
        Name of a set of the user, or a folder that holds one.

    Returns
    -------
    TrainingSet
        The set.

    Raises
    ------
    FileNotFoundError
        If there is no such set.
    """
    found = set_of(name_or_folder)
    if found is not None:
        return found
    raise FileNotFoundError(
        f"Expected the name or the folder of a training set, got {str(name_or_folder)!r}. "
        f"There are: {', '.join(one.name for one in list_sets())}. 'nucseg training-set "
        f"create' makes one."
    )


def set_of(name_or_folder: str | Path) -> TrainingSet | None:
    """Return the training set of a name or folder, if it is one.

    Parameters
    ----------
    name_or_folder : str or path
        Name of a set of the user, or any folder. If there is a folder of that name, it is
        meant.

    Returns
    -------
    TrainingSet or None
        None if it is something else, such as a folder of pairs of image and mask.
    """
    folder = Path(name_or_folder).expanduser().absolute()
    if folder.is_dir():
        return TrainingSet(folder) if is_training_set(folder) else None
    named = [one for one in list_sets() if one.name == str(name_or_folder)]
    return named[0] if named else None


def create_set(name: str) -> TrainingSet:
    """Make an empty training set.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    TrainingSet
        The new set.

    Raises
    ------
    ValueError
        If the name cannot be one.
    FileExistsError
        If there is a set of that name.
    OSError
        If it cannot be made.
    """
    check_new_set(name)
    with new_folder(sets_directory() / name) as aside:
        describe_set(aside)
    return TrainingSet(sets_directory() / name)


def rename_set(name: str, new_name: str) -> TrainingSet:
    """Give a training set another name.

    Parameters
    ----------
    name : str
        Its name. If it is `DEFAULT_SET`, there is a new, empty one of that name afterwards.
    new_name : str
        The new name.

    Returns
    -------
    TrainingSet
        The same set, in the folder of that name.

    Raises
    ------
    ValueError
        If the new name cannot be one.
    FileNotFoundError
        If there is no such set.
    FileExistsError
        If there is a set of the new name.
    OSError
        If it cannot be renamed.
    """
    before = find_set(name)
    if before.folder.parent not in (sets_directory(), user_directory()):
        raise ValueError(
            f"Expected the name of one of your training sets, got the folder {name!r}. Rename "
            f"it as you rename any folder."
        )
    check_new_set(new_name)
    folder = sets_directory() / new_name
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not before.folder.exists():  # the first one, before anything was added
        return create_set(new_name)
    # Two windows that rename at once do it one after the other.
    with locked(folder.parent / ".lock"):
        check_new_folder(folder)
        describe_set(before.folder)
        os.rename(before.folder, folder)
    return TrainingSet(folder)


def check_new_set(name: str) -> None:
    """Check the name of a training set before it is made.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    ValueError
        If it cannot be the name of one.
    FileExistsError
        If there is a set of that name.
    """
    check_model_name(name)
    if name.lower() in _taken():
        raise FileExistsError(
            f"Expected the name of a new training set, got {name!r}, which exists. Choose "
            f"another name."
        )


def free_set_name(stem: str) -> str:
    """Return a name that a new training set can have.

    Parameters
    ----------
    stem : str
        The name that is wanted.

    Returns
    -------
    str
        The stem if no set has that name, otherwise the stem and a number.
    """
    taken = _taken()
    names = [stem, *(f"{stem[:58]} {number}" for number in range(2, 1000))]
    return next(name for name in names if name.lower() not in taken)


def _taken() -> set[str]:
    """Return all names that are taken, in small letters: some systems see no difference."""
    return {DEFAULT_SET, *(path.name.lower() for path in sets_directory().glob("*"))}
