"""A lock that processes and threads take one after the other."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .json_file import read_object
from .process import process_stamp

__all__ = ["locked"]

_LOOK = 0.02  # seconds
#: What a file system says that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
#: Windows keeps others from reading the bytes that are locked: this is behind the stamp.
_PLACE = 1 << 20


@contextlib.contextmanager
def locked(path: Path, patience: float = 10.0) -> Iterator[None]:
    """Hold a lock; whoever wants it meanwhile waits.

    It belongs to the open file. So the operating system takes it from a process that dies,
    and no lock is left that nobody holds. The file itself stays.

    Parameters
    ----------
    path : Path
        A file for the lock alone. Its folder must exist.
    patience : float, optional
        How long to wait, in seconds.

    Raises
    ------
    TimeoutError
        If another process or thread holds it for longer.
    OSError
        If the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(descriptor, path, patience)
        with contextlib.suppress(OSError):  # it is for the message only
            os.truncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(process_stamp()).encode())
        yield
    finally:
        _give_back(descriptor)
        os.close(descriptor)


def _take(descriptor: int, path: Path, patience: float) -> None:
    """Wait for the lock."""
    limit = time.monotonic() + patience
    while True:
        try:
            return _try(descriptor)
        except OSError as error:
            if error.errno in _NO_LOCKS:  # then renaming alone must do
                return
            if time.monotonic() >= limit:
                raise TimeoutError(
                    f"Expected to work in {path.parent}, but another window or program"
                    f"{_who(path)} has done so for {patience:.0f} s. Nothing was changed. Try "
                    f"again; if that fails, end the other one."
                ) from error
        time.sleep(_LOOK)


def _who(path: Path) -> str:
    """Name the process that holds a lock, if that is known."""
    with contextlib.suppress(OSError, ValueError, LookupError):
        stamp = read_object(path)
        return f" (process {stamp['process']} on {stamp['host']})"
    return ""


if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _give_back(descriptor: int) -> None:
        with contextlib.suppress(OSError):
            os.lseek(descriptor, _PLACE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(descriptor: int) -> None:
        """Closing the file does it."""
