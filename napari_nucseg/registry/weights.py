"""Files of weights. They may come from a stranger, so they are checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py

__all__ = ["MOST_BYTES", "check_weights_file", "checksum"]

#: The size of the largest model that is taken from a stranger.
MOST_BYTES = 1_000_000_000

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: More groups and arrays than this, or so deep inside of each other, no network has.
_MOST_ITEMS, _MOST_LEVELS = 20_000, 16

#: What h5py and HDF5 raise for damaged files.
_DAMAGED = (OSError, RuntimeError, LookupError, TypeError, AttributeError, ArithmeticError)


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
        If it is no HDF5 file, is larger than 1 GB, contains links, anything that is not an
        array of numbers as it is in the file itself, or numbers that are not finite.
    """
    import h5py

    with open(path, "rb") as signature:
        if signature.read(len(_HDF5_SIGNATURE)) != _HDF5_SIGNATURE:
            raise ValueError(f"Expected HDF5 weights in {path}, got something else.")
    try:
        with h5py.File(path, "r") as file:
            total = 0
            for array in _arrays(path, file):
                _check_array(path, array)
                total += array.nbytes
                if total > MOST_BYTES:
                    raise ValueError(f"Expected at most 1 GB of weights in {path}, got more.")
                if not np.isfinite(array[()]).all():
                    raise ValueError(
                        f"Expected only finite numbers in {path}, got NaN or infinity at "
                        f"{array.name!r}. The model is damaged: get or train it again."
                    )
    except (ValueError, *_DAMAGED) as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise  # one of ours
        raise ValueError(f"Expected whole HDF5 weights in {path}: {error}") from error


def _arrays(path: Path, file: h5py.File) -> Iterator[h5py.Dataset]:
    """Yield all arrays in a file; refuse what is neither an array nor a group."""
    import h5py

    seen, todo = {file.id}, [(0, file)]
    while todo:
        depth, group = todo.pop()
        if depth > _MOST_LEVELS or len(group) > _MOST_ITEMS or len(seen) > _MOST_ITEMS:
            raise ValueError(
                f"Expected at most {_MOST_ITEMS} arrays in at most {_MOST_LEVELS} levels of "
                f"groups in {path}, got more."
            )
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"Expected no links in {path}, got one at {key!r}.")
            item = group[key]
            if item.id in seen:
                raise ValueError(f"Expected no loops in {path}, got one at {item.name!r}.")
            seen.add(item.id)
            if isinstance(item, h5py.Group):
                todo.append((depth + 1, item))
            elif isinstance(item, h5py.Dataset):
                yield item
            else:
                raise ValueError(f"Expected only numbers in {path}, got a type at {key!r}.")


def _check_array(path: Path, array: Any) -> None:
    """Refuse what is no array of numbers that lie in the file one after the other."""
    if array.dtype.kind not in "fiu" or array.external or array.is_virtual:
        raise ValueError(f"Expected only numbers in {path}, got {array.dtype}.")
    # Otherwise a small file could take all memory.
    stored = array.id.get_storage_size()
    if array.shape is None or array.chunks is not None or stored != array.nbytes:
        raise ValueError(
            f"Expected all numbers of each array in {path}, got {stored} bytes for the shape "
            f"{array.shape} at {array.name!r}."
        )
