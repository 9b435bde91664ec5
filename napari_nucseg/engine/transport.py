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
import pickle
import shutil
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from .files import LARGE_BYTES, ArrayFiles, open_all

__all__ = ["Channel", "Disconnected", "Parcel", "UnreadableMessage"]


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
        self.post(self.pack(message, label))

    def pack(
        self, message: Any, label: str = "", check: Callable[[], None] = lambda: None
    ) -> Parcel:
        """Pickle a message and write its large arrays to files, but do not send it yet.

        It takes long if an image in the message is only read now.

        Parameters
        ----------
        message, label
            As in `send`.
        check : callable, optional
            Called before each object in the message. If it raises, the packing ends.

        Returns
        -------
        Parcel
            For `post`, or to be removed.

        Raises
        ------
        Disconnected, OSError, Exception
            As in `send`, and what `check` raises.
        """
        with self._sending:
            if self._closed:
                raise Disconnected("The connection was closed.")
            files = ArrayFiles(self._folder)
            try:
                body = _dump(message, files, check)
                header = pickle.dumps((label, files.references), protocol=5)
            except BaseException:
                files.remove()
                raise
            return Parcel(header, body, files)

    def post(self, parcel: Parcel) -> None:
        """Send what was packed.

        Parameters
        ----------
        parcel : Parcel
            From `pack`.

        Raises
        ------
        Disconnected
            If the other process has ended. The files are removed then.
        """
        with self._sending:
            try:
                self._connection.send_bytes(parcel.header)
                self._connection.send_bytes(parcel.body)
            except OSError as error:
                parcel.remove()
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
            return pickle.loads(body, buffers=open_all(self._folder, references))
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


@dataclasses.dataclass(frozen=True, eq=False)
class Parcel:
    """A message that is ready to be sent.

    Parameters
    ----------
    header : bytes
        Its label, and where its large arrays are.
    body : memoryview
        The rest of it, pickled.
    files : ArrayFiles
        The files of its large arrays.
    """

    header: bytes
    body: memoryview
    files: ArrayFiles

    def remove(self) -> None:
        """Remove its files, because it will not be sent."""
        self.files.remove()


class _Pickler(pickle.Pickler):
    """Hands every large array to the callback for buffers.

    NumPy does that itself for arrays whose values are side by side in memory.
    """

    #: Called before each object; what it raises ends the pickling.
    check: Callable[[], None]

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
        self.check()
        if type(obj) in (np.ndarray, np.memmap) and obj.nbytes >= LARGE_BYTES:
            is_plain = type(obj) is np.ndarray and obj.flags.forc
            if not is_plain and not obj.dtype.hasobject:
                return np.ascontiguousarray(obj).__reduce_ex__(5)
        return NotImplemented


def _dump(message: Any, files: ArrayFiles, check: Callable[[], None]) -> memoryview:
    """Pickle a message, with its large arrays in files."""
    body = io.BytesIO()
    pickler = _Pickler(body, protocol=5, buffer_callback=files.add)
    pickler.check = check
    pickler.dump(message)
    return body.getbuffer()
