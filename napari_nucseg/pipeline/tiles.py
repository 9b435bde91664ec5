"""Plane to overlapping tiles and back."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator

import numpy as np

from .predictor import DEFAULT_SPEC

__all__ = [
    "BATCH_TILES",
    "CONCURRENT_BATCHES",
    "CORE",
    "CORE_IN_LARGE_PLANE",
    "LARGE_PLANE_PIXELS",
    "Tile",
    "pad_to_stride",
    "tiles_of",
]

#: Height and width of the core of a tile, at most: the larger, the less is predicted to be
#: thrown away, and the more memory the network takes.
CORE = 1024

#: The same in a plane of more than `LARGE_PLANE_PIXELS` pixels, which itself takes much memory.
CORE_IN_LARGE_PLANE = 640
LARGE_PLANE_PIXELS = 20_000_000

#: How many tiles make a batch, each on a processor core of its own.
BATCH_TILES = 2

#: How many batches are predicted at the same time, in a plane that is not large.
CONCURRENT_BATCHES = 2

#: A plane of fewer pixels than this part of a core's square is one tile: dividing it more
#: would cost more than the second processor core gains.
_SMALL = 1 / 4


@dataclasses.dataclass(frozen=True)
class Tile:
    """One tile of a plane.

    Parameters
    ----------
    source : tuple of slice
        Where the tile is in the plane (Y, X); all tiles of a plane have the same shape.
    target : tuple of slice
        The core of the tile in the plane. The cores of all tiles cover the
        plane, every pixel once.
    core : tuple of slice
        The core of the tile in the tile.
    """

    source: tuple[slice, slice]
    target: tuple[slice, slice]
    core: tuple[slice, slice]


def tiles_of(
    shape: tuple[int, int],
    *,
    core: int = CORE,
    halo: int = DEFAULT_SPEC.halo,
    step: int = DEFAULT_SPEC.stride,
) -> list[Tile]:
    """Divide a plane into tiles.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the plane.
    core : int, optional
        Height and width of a core, at most; a little more at the end of the plane.
    halo : int, optional
        Pixels around a core, at least, that belong to the tile; fewer where the plane ends.
    step : int, optional
        All tiles but the last of a row and of a column begin at multiples of it. A
        prediction depends on where a nucleus lies on the grid of the network. On the same
        grid, tiles that are not resized give the same maps as the undivided plane.

    Returns
    -------
    list of Tile
        From top left to bottom right. Their number is a multiple of `BATCH_TILES`, unless
        the plane is small.
    """
    counts = [math.ceil(length / core) for length in shape]
    if counts[0] * counts[1] % BATCH_TILES and shape[0] * shape[1] > _SMALL * core * core:
        counts[0 if shape[0] / counts[0] >= shape[1] / counts[1] else 1] += 1
    rows, columns = (
        list(_spans(length, count, halo, step))
        for length, count in zip(shape, counts, strict=True)
    )
    return [Tile((y[0], x[0]), (y[1], x[1]), (y[2], x[2])) for y in rows for x in columns]


def _spans(length: int, count: int, halo: int, step: int) -> Iterator[tuple[slice, ...]]:
    """Yield source, target and core of the tiles along one axis."""
    # A tile at the end of the plane has a halo on one side only, and a larger core.
    extent = math.ceil((length + 2 * halo * (count - 1)) / count / step) * step
    firsts = _firsts(length, count, extent, step)
    while any(after - first > extent - 2 * halo for first, after in itertools.pairwise(firsts)):
        extent += step
        firsts = _firsts(length, count, extent, step)
    extent = min(extent, length)
    # Cores meet in the middle of what two tiles share.
    inner = [(after + first + extent) // 2 for first, after in itertools.pairwise(firsts)]
    for first, start, stop in zip(firsts, [0, *inner], [*inner, length], strict=True):
        yield (
            slice(first, first + extent),
            slice(start, stop),
            slice(start - first, stop - first),
        )


def _firsts(length: int, count: int, extent: int, step: int) -> list[int]:
    """Return where tiles begin: on the grid, but for the last one."""
    last = max(0, length - extent)
    return [number * last // (count - 1) // step * step for number in range(count - 1)] + [last]


def pad_to_stride(tiles: np.ndarray, stride: int = DEFAULT_SPEC.stride) -> np.ndarray:
    """Pad tiles at the bottom and right to multiples of the stride.

    Parameters
    ----------
    tiles : ndarray, shape (N, Y, X, C)
        Values of tiles.
    stride : int, optional
        Of the network.

    Returns
    -------
    ndarray, shape (N, Y', X', C)
        The tiles, continued by their edge values.
    """
    below, right = (-tiles.shape[1]) % stride, (-tiles.shape[2]) % stride
    if not (below or right):
        return tiles
    return np.pad(tiles, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
