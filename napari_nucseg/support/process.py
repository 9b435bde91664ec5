"""Which process works on a run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["is_running", "process_stamp"]


def process_stamp() -> dict[str, Any]:
    """Return a stamp by which `is_running` finds this process again.

    Returns
    -------
    dict
        Ready for JSON: ``"process"``, its number, ``"host"``, and ``"began"``, the present
        time in seconds since the epoch of the clock.
    """
    return {"process": os.getpid(), "host": platform.node(), "began": time.time()}


def is_running(stamp: Mapping[str, Any]) -> bool:
    """Return whether the process that left a stamp is still there.

    Parameters
    ----------
    stamp : mapping
        From `process_stamp`, perhaps among other things.

    Returns
    -------
    bool
        False, too, if it cannot be known: of another computer.
    """
    import psutil

    if stamp.get("host", platform.node()) != platform.node():
        return False
    try:
        process = psutil.Process(stamp["process"])
        # One that is younger than the stamp was given the number of one that ended.
        return (
            process.create_time() <= stamp["began"] and process.status() != psutil.STATUS_ZOMBIE
        )
    # An older version left no stamp, and a damaged file anything.
    except (LookupError, TypeError, ValueError, OverflowError, psutil.Error):
        return False
