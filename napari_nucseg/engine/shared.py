"""The engine that all parts of a process share."""

from __future__ import annotations

import atexit
import os
import threading

from .client import Engine

__all__ = ["shared_engine"]

_shared: Engine | None = None
_shared_lock = threading.Lock()


def _forget() -> None:
    """Let a process that was forked make an engine of its own: it has not got the thread."""
    global _shared, _shared_lock
    _shared, _shared_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def shared_engine() -> Engine:
    """Return the engine of this process; it is made when first asked for.

    Returns
    -------
    Engine
        One for the whole process, closed when that ends.
    """
    global _shared
    with _shared_lock:
        if _shared is None or _shared._closed:
            _shared = Engine()
            atexit.register(_shared.close)
        return _shared
