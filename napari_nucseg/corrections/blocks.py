"""Labels of any number of axes in blocks: which ones a change has touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["BLOCK", "Key", "block_of", "keys_at", "keys_in"]

#: Height and width of a block along the last two axes, in pixels. It is 1 along all others.
BLOCK = 256

#: The number of a block along every axis.
Key = tuple[int, ...]


def block_of(labels: Any, key: Key) -> np.ndarray:
    """Return the pixels of a block.

    Parameters
    ----------
    labels : array_like of int, two axes or more
        The whole layer.
    key : tuple of int
        The block.

    Returns
    -------
    ndarray of int, shape (Y, X)
        At most `BLOCK` high and wide; without a copy where the layer is a NumPy array.
    """
    *index, row, column = key
    rows = slice(row * BLOCK, (row + 1) * BLOCK)
    columns = slice(column * BLOCK, (column + 1) * BLOCK)
    return np.asarray(labels[(*index, rows, columns)])


def keys_at(indices: Sequence[np.ndarray], shape: Sequence[int]) -> set[Key]:
    """Return the blocks in which pixels lie.

    Parameters
    ----------
    indices : sequence of ndarray of int, each of shape (N,)
        The pixels, an array for each axis.
    shape : sequence of int
        Of the whole layer.

    Returns
    -------
    set of tuple of int
        The blocks.
    """
    counts = _counts(shape)
    sides = [1] * (len(counts) - 2) + [BLOCK, BLOCK]
    places = [
        np.asarray(axis).ravel() // side for axis, side in zip(indices, sides, strict=True)
    ]
    touched = np.zeros(counts, bool)
    touched[tuple(places)] = True
    return {tuple(key) for key in np.argwhere(touched).tolist()}


def keys_in(box: Sequence[slice | int], shape: Sequence[int]) -> set[Key]:
    """Return the blocks that a box touches.

    Parameters
    ----------
    box : sequence of slice or int
        One for every axis.
    shape : sequence of int
        Of the whole layer.

    Returns
    -------
    set of tuple of int
        The blocks.
    """
    return set(itertools.product(*_ranges(box, shape)))


def _counts(shape: Sequence[int]) -> list[int]:
    return [*shape[:-2], *(-(-length // BLOCK) for length in shape[-2:])]


def _ranges(box: Sequence[slice | int], shape: Sequence[int]) -> Iterator[range]:
    for axis, (part, length) in enumerate(zip(box, shape, strict=True)):
        whole = part if isinstance(part, slice) else slice(part, part + 1)
        start, stop, _ = whole.indices(length)
        if axis >= len(shape) - 2:
            start, stop = start // BLOCK, -(-stop // BLOCK)
        yield range(start, stop)
