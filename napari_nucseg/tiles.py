"""Plane to overlapping tiles and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

__all__ = [
    "CORE",
    "CORE_IN_LARGE",
    "HALO",
    "LARGE",
    "STRIDE",
    "TOGETHER",
    "Tile",
    "pad_to_stride",
    "tiles_of",
]

#: Pixels around the core of a tile that are predicted and thrown away.
HALO = 48

#: Height and width of what the network takes are multiples of this.
STRIDE = 32

#: Largest height and width of the core of a tile: the larger, the less is predicted to be
#: thrown away, and the more memory the network takes.
CORE = 1024

#: The same in a plane of more than `LARGE` pixels, which itself takes much memory.
CORE_IN_LARGE = 640
LARGE = 20_000_000

#: How many tiles the network looks at together, each on a processor core of its own.
TOGETHER = 2

#: A plane of fewer pixels than this part of a core's square is one tile: dividing it more
#: would cost more than the second processor core gains.
_SMALL = 1 / 4


@dataclasses.dataclass(frozen=True)
class Tile:
    """One tile of a plane.

    Parameters
    ----------
    source : tuple of slice
        What of the plane is looked at (Y, X); all tiles of a plane have the
        same shape.
    target : tuple of slice
        The core of the tile in the plane. The cores of all tiles cover the
        plane, every pixel once.
    core : tuple of slice
        The core of the tile in the tile.
    """

    source: tuple[slice, slice]
    target: tuple[slice, slice]
    core: tuple[slice, slice]


def tiles_of(shape: tuple[int, int], *, core: int = CORE, halo: int = HALO) -> list[Tile]:
    """Divide a plane into tiles.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the plane.
    core : int, optional
        Largest height and width of a core.
    halo : int, optional
        Pixels to look at around a core, less where the plane ends.

    Returns
    -------
    list of Tile
        From top left to bottom right; an even number, as the network looks at two
        together, unless the plane is small.
    """
    counts = [math.ceil(length / core) for length in shape]
    if counts[0] * counts[1] % TOGETHER and shape[0] * shape[1] > _SMALL * core * core:
        counts[0 if shape[0] / counts[0] >= shape[1] / counts[1] else 1] += 1
    rows, columns = (
        list(_spans(length, count, halo)) for length, count in zip(shape, counts, strict=True)
    )
    return [Tile((y[0], x[0]), (y[1], x[1]), (y[2], x[2])) for y in rows for x in columns]


def _spans(length: int, count: int, halo: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield source, target and core of the tiles along one axis."""
    size = math.ceil(length / count)
    # A tile at the end of the plane has a halo on one side only.
    extent = min(length, size + min(count - 1, 2) * halo)
    for number in range(count):
        start, stop = number * length // count, (number + 1) * length // count
        first = min(max(0, start - halo), length - extent)
        yield (
            slice(first, first + extent),
            slice(start, stop),
            slice(start - first, stop - first),
        )


def pad_to_stride(tiles: np.ndarray) -> np.ndarray:
    """Pad tiles at the bottom and right to multiples of `STRIDE`.

    Parameters
    ----------
    tiles : ndarray, shape (N, Y, X, C)
        Values of tiles.

    Returns
    -------
    ndarray, shape (N, Y', X', C)
        The tiles, continued by their edge values.
    """
    below, right = (-tiles.shape[1]) % STRIDE, (-tiles.shape[2]) % STRIDE
    if not (below or right):
        return tiles
    return np.pad(tiles, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
