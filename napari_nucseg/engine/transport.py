"""Messages between two processes; large arrays travel as files, not in the message.

The sender writes each large array to a file of a folder that both processes know. The
receiver maps the file into its memory and unlinks it at once. So the array is in memory
once, and the file cannot outlive the two processes: the system removes it when nobody has
it open. What a process that was killed has left unread is removed with the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import mmap
import os
import pickle
import shutil
import threading
import uuid
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["LARGE", "Channel", "Disconnected", "UnreadableMessage"]

#: Arrays of at least so many bytes travel as files.
LARGE = 2**20

#: A mapped file counts as an open file, and of those a process may have about a thousand.
_MOST_FILES = 32

#: Arrays begin at a multiple of so many bytes, as those do that NumPy makes.
_ALIGNMENT = 64

_WINDOWS = os.name == "nt"


class Disconnected(ConnectionError):
    """The other process has ended."""


class UnreadableMessage(Exception):
    """A message has arrived that cannot be read in this process.

    Parameters
    ----------
    label : str
        What the sender called the message.
    error : Exception
        Why it cannot be read.
    """

    def __init__(self, label: str, error: Exception) -> None:
        super().__init__(f"The message {label!r} cannot be read: {error}")
        self.label, self.error = label, error


@dataclasses.dataclass(frozen=True)
class _Reference:
    """Where the bytes of an array are: the name of a file, and the place in it."""

    name: str
    start: int
    size: int


class Channel:
    """One end of the connection. Any thread may send; one thread receives.

    Parameters
    ----------
    connection : Connection
        To the other process.
    folder : Path
        For the files. Both processes use the same one.
    """

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._sending = threading.Lock()
        self._closed = False

    def send(self, message: Any, label: str = "") -> None:
        """Send a message.

        Parameters
        ----------
        message : object
            To be pickled.
        label : str, optional
            What the receiver is given if it cannot read the message.

        Raises
        ------
        Disconnected
            If the other process has ended.
        OSError
            If a large array cannot be written to a file.
        Exception
            If the message cannot be pickled. The connection can still be used then.
        """
        with self._sending:
            if self._closed:
                raise Disconnected("The connection was closed.")
            files = _Files(self._folder)
            try:
                body = _dump(message, files)
                header = pickle.dumps((label, files.references), protocol=5)
            except BaseException:
                files.remove()
                raise
            try:
                self._connection.send_bytes(header)
                self._connection.send_bytes(body)
            except OSError as error:
                files.remove()
                raise Disconnected("The other process has ended.") from error

    def wait(self, timeout: float) -> bool:
        """Wait for a message.

        Parameters
        ----------
        timeout : float
            Seconds to wait at most.

        Returns
        -------
        bool
            True if `receive` has something to return or to raise.
        """
        try:
            return self._connection.poll(timeout)
        except (OSError, EOFError):
            return True

    def receive(self) -> Any:
        """Wait for a message and return it.

        Returns
        -------
        object
            The message. Large arrays in it are mapped files. They can be written to; that
            changes the memory of this process only.

        Raises
        ------
        Disconnected
            If the other process has ended.
        UnreadableMessage
            If the message cannot be read. The connection can still be used then.
        """
        try:
            header = self._connection.recv_bytes()
            body = self._connection.recv_bytes()
        except (OSError, EOFError) as error:
            raise Disconnected("The other process has ended.") from error
        label, references = pickle.loads(header)
        try:
            return pickle.loads(body, buffers=_open_all(self._folder, references))
        except Exception as error:  # a class that is not known here, for example
            raise UnreadableMessage(label, error) from error

    def close(self) -> None:
        """Close the connection and remove the folder. Can be called twice."""
        # With the lock no file is being written; after it no file will be.
        with self._sending:
            self._closed = True
            shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._connection.close()


class _Files:
    """The files with the large arrays of one message.

    Parameters
    ----------
    folder : Path
        Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.references: list[_Reference] = []
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
            if data.nbytes < LARGE:
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
            self.references.append(_Reference(name, start, data.nbytes))
        return False

    def remove(self) -> None:
        """Remove the files, because nobody will read them."""
        for name in self._names:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()


class _Pickler(pickle.Pickler):
    """Hands every large array to the callback for buffers.

    NumPy does that itself for arrays whose values are side by side in memory.
    """

    def reducer_override(self, obj: Any) -> Any:
        """Return how to pickle an object.

        Parameters
        ----------
        obj : object
            Any part of the message.

        Returns
        -------
        object
            `NotImplemented` for what can be pickled as usual.
        """
        if type(obj) in (np.ndarray, np.memmap) and obj.nbytes >= LARGE:
            is_plain = type(obj) is np.ndarray and obj.flags.forc
            if not is_plain and not obj.dtype.hasobject:
                return np.ascontiguousarray(obj).__reduce_ex__(5)
        return NotImplemented


def _dump(message: Any, files: _Files) -> memoryview:
    """Pickle a message, with its large arrays in files."""
    body = io.BytesIO()
    _Pickler(body, protocol=5, buffer_callback=files.add).dump(message)
    return body.getbuffer()


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


def _open_all(folder: Path, references: Sequence[_Reference]) -> list[memoryview]:
    """Map the files into memory and leave nothing of them on the disk."""
    maps = {name: _map(folder / name) for name in {one.name for one in references}}
    return [maps[one.name][one.start : one.start + one.size] for one in references]


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
