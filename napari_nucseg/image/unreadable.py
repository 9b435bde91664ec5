"""What is said of a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

__all__ = ["unreadable"]


def unreadable(path: Path, error: Exception) -> ValueError:
    """Say that a file cannot be read.

    Parameters
    ----------
    path : Path
        The file.
    error : Exception
        What the library said that reads it.

    Returns
    -------
    ValueError
        To be raised.
    """
    return ValueError(
        f"Expected an image in {path}, but it cannot be read ({error}). The file may be "
        f"damaged, incomplete or not what its name says."
    )
