"""How much memory is free, and whether some work fits into it."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

__all__ = ["check_memory", "free_memory"]

#: Where Linux says what a container may use, and what it uses.
_CONTAINER = Path("/sys/fs/cgroup")


def check_memory(needed: float, work: str, remedy: str) -> None:
    """Check that work fits into memory, before it begins.

    The operating system would let it begin, and end the process later without a word.

    Parameters
    ----------
    needed : float
        What it needs at least, in bytes.
    work : str
        What it is, to follow "for".
    remedy : str
        What to do if it does not fit, a sentence.

    Raises
    ------
    MemoryError
        If less is free.
    """
    free = free_memory()
    if needed > free:
        raise MemoryError(
            f"Expected at least {needed / 1e9:.1f} GB of free memory for {work}, got "
            f"{free / 1e9:.1f} GB. {remedy}"
        )


def free_memory() -> int:
    """Return how much memory this process can still get, with what can be swapped.

    Returns
    -------
    int
        Bytes: what is free in the computer or, if that is less, in the container.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    # Some systems do not tell what can be swapped, each in its own way.
    with contextlib.suppress(OSError, RuntimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        free += int(psutil.swap_memory().free)
    return min(free, _free_in_container(free))


def _free_in_container(otherwise: int) -> int:
    """Return what is free in the container of this process, if Linux says it is in one."""
    try:
        most = int((_CONTAINER / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTAINER / "memory.current").read_text(encoding="ascii"))
        rows = (_CONTAINER / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = int(dict(row.split() for row in rows)["inactive_file"])
    except (OSError, ValueError, LookupError):
        return otherwise
    return max(0, most - used + cached)
