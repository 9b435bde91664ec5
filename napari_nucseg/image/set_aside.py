"""Files of labels that a person has corrected are never lost, whoever writes others there."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from pathlib import Path

from .provenance import read_provenance

__all__ = ["Stamp", "is_set_aside", "says_corrected", "set_aside_corrected", "stamp_of"]

#: When a file was last changed, in nanoseconds, and how many bytes it has.
Stamp = tuple[int, int]

_BEFORE = ".before"
_IS_BEFORE = re.compile(rf".*{re.escape(_BEFORE)}(-\d+)?")

#: In the provenance of labels: whether a person has changed them.
_CORRECTED = "corrected"


def stamp_of(path: Path) -> Stamp | None:
    """Return what tells whether a file was changed.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of int or None
        Time of the last change in nanoseconds, and bytes; None if it is not there.
    """
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def says_corrected(path: Path) -> bool:
    """Return whether a file of labels says that a person has corrected them.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Returns
    -------
    bool
        False if it says nothing.
    """
    return path.is_file() and bool(read_provenance(path).get(_CORRECTED))


def set_aside_corrected(path: Path) -> Path | None:
    """Keep labels that a person has corrected under another name, as others will follow.

    Parameters
    ----------
    path : Path
        File of the labels, which stays there until it is replaced.

    Returns
    -------
    Path or None
        The second file beside it, ``<stem>.before.tif``, ``<stem>.before-2.tif`` and so on;
        None if there is no file or it does not say that it was corrected.

    Raises
    ------
    OSError
        If it cannot be kept; then the labels must not be replaced.
    """
    if not says_corrected(path):
        return None
    for number in itertools.count(1):
        end = _BEFORE if number == 1 else f"{_BEFORE}-{number}"
        aside = path.with_name(f"{path.stem}{end}{path.suffix}")
        try:
            _link(path, aside)
        except FileExistsError:
            continue
        return aside
    raise AssertionError("There is always a free number.")


def _link(path: Path, other: Path) -> None:
    """Give a file a second name that is free, or copy it where files have one name only."""
    try:
        os.link(path, other)
        return
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        pass
    with open(path, "rb") as source, open(other, "xb") as target:
        shutil.copyfileobj(source, target)


def is_set_aside(path: Path) -> bool:
    """Return whether a file was made by `set_aside_corrected`, as its name says.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True if it is no image and not the labels of one any more.
    """
    stem = path.stem
    return f"_labels{_BEFORE}" in stem and _IS_BEFORE.fullmatch(stem) is not None
