"""Zip files that may be damaged."""

from __future__ import annotations

import contextlib
import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["reading_zip"]

#: What `zipfile` and the libraries that it calls raise for damaged files.
_DAMAGED = (
    ArithmeticError,
    EOFError,
    LookupError,
    RuntimeError,
    UnicodeError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def reading_zip(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file that may be damaged.

    Parameters
    ----------
    path : path
        The file.

    Yields
    ------
    ZipFile
        To be read from.

    Raises
    ------
    ValueError
        If it is damaged, or none. Its name is told.
    OSError
        If it cannot be read, or what is read cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (OSError, *_DAMAGED) as error:
        # Of files that Python decodes itself an OSError has no number, and of places before
        # the beginning of a file that of an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError(f"Expected a whole zip file, got {path}: {error}") from error
