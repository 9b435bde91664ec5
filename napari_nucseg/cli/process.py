"""What a command owes to its process: standard streams, and silence after an early Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["INTERRUPTED", "check_streams", "flush_streams", "silence", "silent_ctrl_c"]

#: The exit status after Ctrl-C.
INTERRUPTED = 130

#: What a stream says whose reader has left. Windows calls a broken pipe an invalid argument.
_NOBODY_READS = (errno.EPIPE, errno.EINVAL)


@contextlib.contextmanager
def silent_ctrl_c() -> Iterator[None]:
    """End the process at once after Ctrl-C, without a traceback.

    For a time in which there is nothing to tidy up. An exception would be printed if it came
    while Python cleans up behind an import.
    """
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_usual or threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(*_: Any) -> None:
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def check_streams() -> None:
    """Open the null device in place of each standard stream that is closed.

    Otherwise the next file that is opened would take its number, and what libraries print
    would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _open_nothing(number)
    # The files below have numbers of their own, so all three must be taken by now.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def flush_streams() -> int:
    """Write out what was printed; Python would do it later, and complain if it cannot.

    Returns
    -------
    int
        0, or 1 if something could not be written, for example because the disk is full.
        Readers who have left do not count.
    """
    status = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:  # the latter if it was closed
            if isinstance(error, OSError) and error.errno not in _NOBODY_READS:
                status = 1
                with contextlib.suppress(OSError, ValueError):
                    print(f"nucseg: {error}", file=sys.stderr)
            silence(stream)
    return status


def silence(stream: Any, error: OSError | None = None) -> None:
    """Print nothing from now on to a stream that cannot be written to.

    Parameters
    ----------
    stream : file
        Such as ``sys.stdout``.
    error : OSError, optional
        What it said. It is raised again, unless it says that nobody reads what is written.
    """
    with contextlib.suppress(OSError, ValueError):
        _open_nothing(stream.fileno())
    if error is not None and error.errno not in _NOBODY_READS:
        raise error


def _open_nothing(number: int) -> None:
    """Open the null device under the number of a file."""
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)
