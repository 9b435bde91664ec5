"""Files and folders that appear whole or not at all: write aside, flush, rename."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = [
    "check_new_file",
    "check_new_folder",
    "is_old",
    "new_file",
    "new_folder",
    "remove_leftovers",
]

_OLD = 24 * 3600  # seconds
_PATIENCE = 5.0  # seconds
_WINDOWS = os.name == "nt"
_LEFTOVERS = f".new-{'[0-9a-f]' * 12}*"


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write a file aside and put it in place when it is whole.

    Parameters
    ----------
    path : Path
        The file to make or replace. Its folder is made if need be.

    Yields
    ------
    Path
        Where to write; it has the same suffix.

    Raises
    ------
    OSError
        If it cannot be written. What was at `path` before stays.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(path)
        try:
            yield aside
            _flush(aside)
            _move(os.replace, aside, path)
        finally:
            aside.unlink(missing_ok=True)


def check_new_file(path: Path) -> None:
    """Check that there is nothing yet where a file is to be made.

    Parameters
    ----------
    path : Path
        The file to make.

    Raises
    ------
    FileExistsError
        If there is something.
    """
    if path.exists():
        raise FileExistsError(
            f"Expected a new file, got {path}, which exists. Name another one, or remove it "
            f"first."
        )


def check_new_folder(path: Path) -> None:
    """Check that a folder can be a new one, before the work that is to fill it.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    FileExistsError
        If it exists.
    """
    if path.exists():
        raise FileExistsError(
            f"Expected a new folder, got {path}, which exists. Choose another one or remove it."
        )


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder aside and put it in place when it is whole.

    What processes that were killed have left aside there is removed after a day.

    Parameters
    ----------
    path : Path
        The folder to make; it must not exist.

    Yields
    ------
    Path
        An empty folder to write to.

    Raises
    ------
    FileExistsError
        If the folder exists.
    OSError
        If it cannot be written; nothing is left then.
    """
    check_new_folder(path)
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, _OLD)
        aside = _aside(path)
        aside.mkdir()
        try:
            yield aside
            for file in aside.rglob("*"):
                if file.is_file():
                    _flush(file)
            _move(os.rename, aside, path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def is_old(path: Path, age: float) -> bool:
    """Return whether nobody has touched a file or folder for some time.

    Parameters
    ----------
    path : Path
        The file or folder.
    age : float
        The time in seconds.

    Returns
    -------
    bool
        False, too, if it does not exist.
    """
    try:
        return time.time() - path.stat().st_mtime > age
    except OSError:  # another process may have removed it
        return False


def remove_leftovers(folder: Path, age: float = 0.0) -> None:
    """Remove what processes that were killed have left aside in a folder.

    Parameters
    ----------
    folder : Path
        The folder; it need not exist.
    age : float, optional
        How long nobody has touched what is removed, in seconds.
    """
    for path in folder.glob(_LEFTOVERS):
        if is_old(path, age):
            with contextlib.suppress(OSError):  # another process may remove it too
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _move(move: Callable[[Path, Path], None], aside: Path, path: Path) -> None:
    """Put a file or folder in place.

    On Windows what looks at every new file, as virus scanners do, is in the way for a moment.
    """
    limit = time.monotonic() + (_PATIENCE if _WINDOWS else 0.0)
    while True:
        try:
            return move(aside, path)
        except PermissionError:
            if time.monotonic() >= limit:
                raise
        time.sleep(0.05)


def _aside(path: Path) -> Path:
    """Return a short name beside the path that nothing else has, with the same suffix."""
    return path.with_name(f".new-{uuid.uuid4().hex[:12]}{path.suffix}")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say which file could not be written, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(
            error.errno,
            f"{os.strerror(error.errno)}. Nothing was written. Check that the disk has "
            f"room and the folder can be written to",
            str(path),
        ) from error


def _flush(path: Path) -> None:
    """Wait until the file is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
