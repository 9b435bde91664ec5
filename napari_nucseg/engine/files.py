"""The files in which large arrays travel between two processes."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import pickle
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["LARGE_BYTES", "ArrayFiles", "Reference", "open_all"]

#: Arrays of at least so many bytes travel as files.
LARGE_BYTES = 2**20

#: A mapped file counts as an open file, and of those a process may have about a thousand.
_MOST_FILES = 32

#: Arrays begin at a multiple of so many bytes, as those do that NumPy makes.
_ALIGNMENT = 64

_WINDOWS = os.name == "nt"


@dataclasses.dataclass(frozen=True)
class Reference:
    """Where the bytes of an array are.

    Parameters
    ----------
    name : str
        Of the file in the folder.
    start, size : int
        First byte and number of bytes.
    """

    name: str
    start: int
    size: int


class ArrayFiles:
    """The files with the large arrays of one message.

    Parameters
    ----------
    folder : Path
        Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.references: list[Reference] = []
        self._folder = folder
        self._names: list[str] = []

    def add(self, buffer: pickle.PickleBuffer) -> bool:
        """Write a large array to a file.

        Parameters
        ----------
        buffer : PickleBuffer
            The bytes of an array.

        Returns
        -------
        bool
            True if the array is not large and belongs into the message.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with buffer.raw() as data:
            if data.nbytes < LARGE_BYTES:
                return True
            # Each array has a file, so that its memory can be freed without the others.
            if len(self._names) < _MOST_FILES:
                self._names.append(uuid.uuid4().hex)
            name = self._names[-1]
            try:
                start = _append(self._folder / name, data)
            except OSError as error:
                raise type(error)(
                    error.errno,
                    f"{error.strerror}. Expected room for {data.nbytes / 1e6:.0f} MB in the "
                    f"folder of temporary files. Free some, or let the environment variable "
                    f"TMPDIR name another folder and start again",
                    str(self._folder),
                ) from error
            self.references.append(Reference(name, start, data.nbytes))
        return False

    def remove(self) -> None:
        """Remove the files, because nobody will read them."""
        _remove(self._folder, self._names)


def _append(path: Path, data: memoryview) -> int:
    """Write bytes at the end of a file and return where they begin."""
    # What cleans up old temporary files may have removed the folder.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Not through a mapped file: on a full disk that ends the process without an error.
    with open(path, "ab", buffering=0) as file:
        start = -(-file.seek(0, os.SEEK_END) // _ALIGNMENT) * _ALIGNMENT
        file.truncate(start)
        written = 0
        while written < data.nbytes:
            written += file.write(data[written:])
    return start


def open_all(folder: Path, references: Sequence[Reference]) -> list[memoryview]:
    """Map the files of a message into memory and leave nothing of them on the disk.

    Parameters
    ----------
    folder : Path
        Where they are.
    references : sequence of Reference
        The arrays.

    Returns
    -------
    list of memoryview
        The bytes of each array. They can be written to, which changes no file.

    Raises
    ------
    OSError
        If a file cannot be mapped.
    """
    names = {one.name for one in references}
    try:
        maps = {name: _map(folder / name) for name in names}
    except BaseException:  # too many open files, for example; nobody will ask again
        _remove(folder, names)
        raise
    return [maps[one.name][one.start : one.start + one.size] for one in references]


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files that nobody will read, as far as they are still there."""
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _map(path: Path) -> memoryview:
    """Map a file into memory and remove it; what is written to it goes to no disk."""
    # Windows removes it when the map is closed, also if the process is killed.
    options = getattr(os, "O_TEMPORARY", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, os.O_RDWR | options)
    try:
        if not _WINDOWS:
            path.unlink()
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))
    finally:
        os.close(descriptor)
