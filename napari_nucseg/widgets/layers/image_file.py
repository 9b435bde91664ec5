"""Which file an image layer was read from, whoever has read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .layers import METADATA_KEY

__all__ = ["file_of", "is_read_here", "note_file"]

_PATH = "path"


def note_file(image: Any, path: Path) -> None:
    """Note the file of a layer that we have read: napari does not know it.

    Parameters
    ----------
    image : Image
        The layer.
    path : Path
        The file.
    """
    about = {**image.metadata.get(METADATA_KEY, {}), _PATH: str(path)}
    image.metadata = {**image.metadata, METADATA_KEY: about}


def file_of(image: Any) -> str | None:
    """Return the file of a layer.

    Parameters
    ----------
    image : Image
        The layer.

    Returns
    -------
    str or None
        Its path, or address; None if it was read from none that we know.
    """
    path = image.source.path or image.metadata.get(METADATA_KEY, {}).get(_PATH)
    return None if path is None else str(path)


def is_read_here(image: Any) -> bool:
    """Return whether we, and not napari, have read the file of a layer.

    Parameters
    ----------
    image : Image
        The layer.

    Returns
    -------
    bool
        False also if it has no file.
    """
    return image.source.path is None and file_of(image) is not None
