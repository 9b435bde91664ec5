"""What is said of a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Damaged", "Refused", "unreadable"]


class Damaged(ValueError):
    """Less is stored in a file than it declares, or something else."""


class Refused(ValueError):
    """A file is whole, but of a kind that is not read. The message says of which."""


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
    if isinstance(error, Refused):
        return ValueError(f"Expected an image in {path} that can be read, but {error}.")
    text = str(error) or type(error).__name__
    return ValueError(
        f"Expected an image in {path}, but it cannot be read ({text}). The file may be "
        f"damaged, incomplete or not what its name says."
    )
