"""A process that hangs says where, and ends."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["HUNG", "Watchdog"]

#: The exit status of a process that hung.
HUNG = 3


class Watchdog:
    """Ends this process, with what all its threads do, unless it hears a beat in time.

    Parameters
    ----------
    seconds : float
        The longest time between two beats.
    tell : callable
        Is called before the end, on a thread of its own, to say more.
    """

    def __init__(self, seconds: float, tell: Callable[[], None]) -> None:
        self._seconds = seconds
        self._tell = tell
        self._last = time.monotonic()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def beat(self) -> None:
        """Say that the process goes on."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        left = self._seconds
        while left > 0:
            # If this thread gets no turn, as the interpreter itself is locked, so does no beat.
            faulthandler.dump_traceback_later(left + self._seconds, exit=True)
            time.sleep(left)
            left = self._last + self._seconds - time.monotonic()
        print(f"Nothing went on for {self._seconds:g} s.", flush=True)
        self._tell()
        sys.stdout.flush()
        faulthandler.dump_traceback(all_threads=True)
        os._exit(HUNG)
