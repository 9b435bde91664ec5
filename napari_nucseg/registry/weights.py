"""Files of weights. They may come from a stranger, so they are checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["check_weights_file", "checksum"]

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        In hexadecimal.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_weights_file(path: Path) -> None:
    """Check that a weights file contains arrays of numbers and nothing else.

    Parameters
    ----------
    path : Path
        An HDF5 file.

    Raises
    ------
    ValueError
        If it is no HDF5 file, contains links, or contains anything that is not
        an array of numbers in the file itself.
    """
    import h5py

    with open(path, "rb") as file:
        if file.read(len(_HDF5_SIGNATURE)) != _HDF5_SIGNATURE:
            raise ValueError(f"Expected HDF5 weights in {path}, got something else.")

    seen = set()

    def check(group: h5py.Group) -> None:
        if group.id in seen:
            raise ValueError(f"Expected no loops in {path}, got one at {group.name!r}.")
        seen.add(group.id)
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"Expected no links in {path}, got one at {key!r}.")
            item = group[key]
            if isinstance(item, h5py.Group):
                check(item)
            elif item.dtype.kind not in "fiu" or item.external or item.is_virtual:
                raise ValueError(f"Expected only numbers in {path}, got {item.dtype}.")

    try:
        with h5py.File(path, "r") as file:
            check(file)
    except OSError as error:
        raise ValueError(f"Expected whole HDF5 weights in {path}: {error}") from error
