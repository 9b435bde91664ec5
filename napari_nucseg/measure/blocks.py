"""Where nuclei are in labels that may be larger than memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..support import Callbacks
from .pixels import grouped

__all__ = ["BLOCK", "Box", "boxes_of", "groups_of"]

#: Length of the squares or cubes in which labels are read.
BLOCK = {2: 1024, 3: 128}

#: Of a nucleus: its first place along each axis, and the first place behind it.
Box = tuple[tuple[int, ...], tuple[int, ...]]


def boxes_of(labels: Any, callbacks: Callbacks = Callbacks()) -> dict[int, Box]:
    """Return the bounding box of every nucleus, read block by block.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X) or (Z, Y, X)
        NumPy, Zarr and Dask arrays, and images.
    callbacks : Callbacks, optional
        Who may end it.

    Returns
    -------
    dict of int to Box
        By label.

    Raises
    ------
    ValueError
        If a label is negative.
    Stopped
        If it should stop.
    """
    boxes: dict[int, Box] = {}
    side = BLOCK[len(labels.shape)]
    for start in itertools.product(*(range(0, length, side) for length in labels.shape)):
        callbacks.check_stop()
        block = np.asarray(labels[tuple(slice(first, first + side) for first in start)])
        for one, box in _boxes_in(block, start):
            boxes[one] = _around(box, boxes[one]) if one in boxes else box
    return boxes


def _around(one: Box, other: Box) -> Box:
    """Return the smallest box around both."""
    return tuple(map(min, one[0], other[0])), tuple(map(max, one[1], other[1]))


def _boxes_in(block: np.ndarray, corner: tuple[int, ...]) -> Iterator[tuple[int, Box]]:
    """Yield the labels in a block, and where each begins and ends in the image."""
    where = np.nonzero(block)
    values = block[where]
    if not values.size:
        return
    if values.min() < 0:
        raise ValueError(
            f"Expected labels of 0 or more, got {values.min()}. Number the nuclei from 1; the "
            f"background is 0."
        )
    order = grouped(values, int(values.max()))
    values = values[order]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    ordered = [axis[order] + first for axis, first in zip(where, corner, strict=True)]
    low = np.stack([np.minimum.reduceat(axis, starts) for axis in ordered], axis=1)
    high = np.stack([np.maximum.reduceat(axis, starts) + 1 for axis in ordered], axis=1)
    ids = values[starts].tolist()
    for one, first, end in zip(ids, low.tolist(), high.tolist(), strict=True):
        yield one, (tuple(first), tuple(end))


def groups_of(boxes: dict[int, Box]) -> list[dict[int, Box]]:
    """Put nuclei together whose boxes begin in the same block.

    Parameters
    ----------
    boxes : dict of int to Box
        See `boxes_of`.

    Returns
    -------
    list of dict of int to Box
        Each nucleus is in one of them.
    """
    groups: dict[tuple[int, ...], dict[int, Box]] = {}
    for one, box in boxes.items():
        block = tuple(low // BLOCK[len(box[0])] for low in box[0])
        groups.setdefault(block, {})[one] = box
    return list(groups.values())
