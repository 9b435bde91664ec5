"""Strips and tiles of YCbCr whose colors are stored for groups of pixels, without JPEG."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .tiff_stored import size_of
from .unreadable import Damaged, Refused

__all__ = ["decode_subsampled"]


def decode_subsampled(page: Any, data: bytes, number: int) -> np.ndarray:
    """Decode a strip or tile; each pixel is given the color of its group.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    data : bytes
        What is stored.
    number : int
        Of the strip or tile.

    Returns
    -------
    ndarray of uint8, shape (1, length, width, 3)
        Y, Cb, Cr.

    Raises
    ------
    Damaged
        If there are fewer pixels than there should be.
    Refused
        If it is stored in a way that is not read.
    """
    if page.bitspersample != 8 or page.planarconfig != 1 or page.predictor != 1:
        raise Refused(
            "its pixels are YCBCR with fewer colors than pixels, in a way that is not read. "
            "Save it as an RGB TIFF"
        )
    _, _, length, width = size_of(page)
    if not page.is_tiled:
        length = min(
            length, page.shaped[2] - number % math.ceil(page.shaped[2] / length) * length
        )
    across, down = page.subsampling or (2, 2)
    groups = math.ceil(length / down), math.ceil(width / across)
    stored = np.frombuffer(_unpacked(page, data), np.uint8)
    size = groups[0] * groups[1] * (across * down + 2)
    if stored.size < size:
        raise Damaged("a strip or tile has fewer pixels than it should")
    stored = stored[:size].reshape(*groups, across * down + 2)
    luminance = stored[..., :-2].reshape(*groups, down, across).transpose(0, 2, 1, 3)
    pixels = np.empty((groups[0] * down, groups[1] * across, 3), np.uint8)
    pixels[..., 0] = luminance.reshape(pixels.shape[:2])
    pixels[..., 1:] = stored[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return pixels[None, :length, :width]


def _unpacked(page: Any, data: bytes) -> bytes:
    import imagecodecs
    import tifffile

    if page.fillorder == 2:
        data = bytes(imagecodecs.bitorder_decode(data))
    if page.compression == 1:
        return data
    return bytes(tifffile.TIFF.DECOMPRESSORS[page.compression](data))
