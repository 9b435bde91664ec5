"""Whether what a TIFF declares is stored in it, before memory is taken for it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .unreadable import Damaged

__all__ = [
    "check_mapped",
    "check_ome",
    "check_segments",
    "grid_of",
    "is_missing",
    "size_of",
]

#: What OME-XML says of numbers of planes, and how many there are at most.
_WITH_PLANES = re.compile(r"<[^<>]*?(?:Pixels|TiffData)\b[^<>]*")
_SIZE = re.compile(r"\bSize[CZT]\s*=\s*[\"'](\d+)")
_PLANES = re.compile(r"\b(?:PlaneCount|NumPlanes|First[CZT]|IFD)\s*=\s*[\"'](\d+)")
_MOST_PLANES = 4_000_000

#: Bytes at the beginning of each TIFF in which no pixels can be.
_HEADER = 8

#: How many bytes one stored byte can stand for at most, by compression; the others have no
#: such bound, but say themselves how large they are.
_UNPACKED = {
    **{1: 1, 32773: 64, 5: 4096},  # none, PackBits, LZW
    **dict.fromkeys((8, 32946), 1100),  # Deflate
    **dict.fromkeys((6, 7, 33007, 34892), 16_384),  # JPEG
    **{34925: 16_384, 50000: 65_536},  # LZMA, Zstandard
}


def check_ome(metadata: str) -> None:
    """Check the numbers of planes in OME-XML, for each of which tifffile takes memory.

    Parameters
    ----------
    metadata : str
        The text.

    Raises
    ------
    Damaged
        If there are more than any file has.
    """
    for element in _WITH_PLANES.findall(metadata):
        sizes = [int(number) for number in _SIZE.findall(element)]
        others = [int(number) for number in _PLANES.findall(element)]
        if max(math.prod(sizes), *others, 0) > _MOST_PLANES:
            raise Damaged("its OME-XML declares more planes than a file can have")


def grid_of(page: Any) -> tuple[int, ...]:
    """Return how many strips or tiles a page has along each axis.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.

    Returns
    -------
    tuple of int
        Along the separate samples, depth, length and width.
    """
    samples, depth, length, width, _ = page.shaped
    _, deep, long, wide = size_of(page)
    return samples, math.ceil(depth / deep), math.ceil(length / long), math.ceil(width / wide)


def size_of(page: Any) -> tuple[int, int, int, int]:
    """Return how large strips or tiles are.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.

    Returns
    -------
    tuple of int
        Along the separate samples, depth, length and width.
    """
    if page.is_tiled:
        return 1, page.tiledepth or 1, page.tilelength or 1, page.tilewidth or 1
    return 1, 1, page.rowsperstrip or page.shaped[2], page.shaped[3]


def is_missing(page: Any, number: int) -> bool:
    """Return whether a strip or tile was left out on purpose, as where a slide is empty.

    Parameters
    ----------
    page : tifffile.TiffPage or TiffFrame
        The page.
    number : int
        Of the strip or tile.

    Returns
    -------
    bool
        Whether it is said to lie nowhere and to have no bytes.
    """
    return not page.dataoffsets[number] and not page.databytecounts[number]


def check_segments(page: Any, numbers: Sequence[int]) -> None:
    """Check that strips or tiles of a page are stored.

    Parameters
    ----------
    page : tifffile.TiffPage or TiffFrame
        The page.
    numbers : sequence of int
        Which of them.

    Raises
    ------
    Damaged
        If there are fewer than the size of the image says, they lie behind the end of the
        file, they are too short, or none of the page is there.
    """
    key, known = page.keyframe, min(len(page.dataoffsets), len(page.databytecounts))
    declared = math.prod(grid_of(key))
    if known < declared:
        raise Damaged(f"{declared} strips or tiles are declared, but {known} are stored")
    if not any(page.databytecounts):
        raise Damaged("its pixels were never written")
    end, unpacked = page.parent.filehandle.size, _UNPACKED.get(int(key.compression))
    for number in numbers:
        offset, count = page.dataoffsets[number], page.databytecounts[number]
        if not offset and not count:
            continue
        if offset < _HEADER or not count or offset + count > end:
            raise Damaged(
                f"{count} bytes of pixels are said to lie at {offset}, in a file of {end} bytes"
            )
        needed = _bytes_of(key, number)
        if unpacked is not None and count * unpacked < needed:
            raise Damaged(f"{needed} bytes of pixels are declared, but {count} are stored")


def check_mapped(page: Any, offset: int, size: int) -> None:
    """Check that pixels that lie in the file as they are in memory are stored.

    Parameters
    ----------
    page : tifffile.TiffPage
        The first page.
    offset : int
        Where they begin.
    size : int
        Number of bytes.

    Raises
    ------
    Damaged
        If there are less.
    """
    end, stored = page.parent.filehandle.size, sum(page.databytecounts)
    if stored < page.nbytes:
        raise Damaged(f"{page.nbytes} bytes of pixels are declared, but {stored} are stored")
    if offset < _HEADER or offset + size > end:
        raise Damaged(
            f"{size} bytes of pixels are said to lie at {offset}, in a file of {end} bytes"
        )


def _bytes_of(page: Any, number: int) -> int:
    """Return how many bytes a strip or tile has at least when it is decoded."""
    _, _, long, wide = size_of(page)
    _, down, across = np.unravel_index(number, grid_of(page))[1:]
    # Those at the sides may be shorter.
    long = min(long, page.shaped[2] - int(down) * long)
    wide = min(wide, page.shaped[3] - int(across) * wide)
    if page.is_subsampled:
        side, height = page.subsampling or (2, 2)
        return math.ceil(wide / side) * math.ceil(long / height) * (side * height + 2)
    bits = page.bitspersample
    if not isinstance(bits, int):  # one number for each sample, packed
        return int(long * math.ceil(wide * sum(bits) / 8))
    return int(long * math.ceil(wide * page.shaped[4] * bits / 8))
