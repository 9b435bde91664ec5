"""RGB of colors in other spaces, as 8 or 16 bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "from_cmyk",
    "from_lab",
    "from_multiplied",
    "from_ycbcr",
    "icc_lab",
    "itu_lab",
    "signed_lab",
]

#: CIE XYZ to the linear light of sRGB, whose white is D65.
_XYZ_TO_RGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
_D65 = (0.3127, 0.3290)

#: XYZ to the responses of cones, in which one white is adapted to another (Bradford).
_CONES = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def from_cmyk(values: np.ndarray) -> np.ndarray:
    """Mix inks, without a profile of a printer.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N, 4)
        Cyan, magenta, yellow, black; 0 is no ink.

    Returns
    -------
    ndarray of the same dtype, shape (N, 3)
        Red, green, blue.
    """
    top = np.iinfo(values.dtype).max
    paper = top - values.astype(np.float32)
    return _rounded(paper[:, :3] * (paper[:, 3:] / top), values.dtype)


def from_multiplied(values: np.ndarray) -> np.ndarray:
    """Divide colors by the alpha that they were multiplied by.

    Parameters
    ----------
    values : ndarray of unsigned int, shape (N, 4)
        Red, green, blue, alpha.

    Returns
    -------
    ndarray of the same dtype, shape (N, 4)
        Where alpha is 0, black.
    """
    alpha = np.maximum(values[:, 3:], 1).astype(np.float32)
    colors = values[:, :3] * (np.iinfo(values.dtype).max / alpha)
    return np.concatenate([_rounded(colors, values.dtype), values[:, 3:]], axis=1)


def from_ycbcr(
    values: np.ndarray, luma: Sequence[float], black_and_white: Sequence[float]
) -> np.ndarray:
    """Turn luminance and two differences of color into RGB, as TIFF 6.0 has it.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N, 3)
        Y, Cb, Cr.
    luma : sequence of float
        Share of red, green and blue in the luminance.
    black_and_white : sequence of float
        Which numbers are black and white, of Y, Cb and Cr.

    Returns
    -------
    ndarray of the same dtype, shape (N, 3)
        Red, green, blue.
    """
    top = np.iinfo(values.dtype).max
    black, white = np.array(black_and_white, np.float32).reshape(3, 2).T
    ranges = np.array([top, top // 2, top // 2], np.float32)
    span = np.where(white == black, 1, white - black)
    y, cb, cr = ((values - black) * (ranges / span)).T
    red_share, green_share, blue_share = luma
    red = y + cr * (2 - 2 * red_share)
    blue = y + cb * (2 - 2 * blue_share)
    green = (y - blue_share * blue - red_share * red) / (green_share or 1)
    return _rounded(np.stack([red, green, blue], axis=1), values.dtype)


def signed_lab(values: np.ndarray) -> np.ndarray:
    """Decode L*a*b* with a* and b* as signed numbers, TIFF's CIELAB.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N, 3)
        What is stored.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        L* from 0 to 100, a* and b* about from -128 to 127.
    """
    lab = values.astype(np.float32)
    lab[:, 0] *= 100 / np.iinfo(values.dtype).max
    signed = values[:, 1:].view(np.dtype(f"i{values.itemsize}"))
    lab[:, 1:] = signed / np.float32(1 if values.itemsize == 1 else 256)
    return lab


def icc_lab(values: np.ndarray) -> np.ndarray:
    """Decode L*a*b* with a* and b* shifted by 128, TIFF's ICCLAB.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N, 3)
        What is stored.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        See `signed_lab`.
    """
    lab = values.astype(np.float32)
    if values.itemsize > 1:
        lab /= 256
    return (lab - _floats(0, 128, 128)) * _floats(100 / 255, 1, 1)


def itu_lab(values: np.ndarray) -> np.ndarray:
    """Decode L*a*b* in the range of color faxes, TIFF's ITULAB.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N, 3)
        What is stored.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        See `signed_lab`.
    """
    lab = values.astype(np.float32) * np.float32(255 / np.iinfo(values.dtype).max)
    return (lab - _floats(0, 128, 96)) * _floats(100 / 255, 170 / 255, 200 / 255)


def from_lab(lab: np.ndarray, white: Sequence[float], dtype: np.dtype) -> np.ndarray:
    """Turn L*a*b* into sRGB.

    Parameters
    ----------
    lab : ndarray of float, shape (N, 3)
        L* from 0 to 100, a*, b*.
    white : sequence of float
        Chromaticity (x, y) of the white that they refer to; it becomes white.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray of dtype, shape (N, 3)
        Red, green, blue.
    """
    middle = (lab[:, :1] + 16) / 116
    f = middle + lab * _floats(0, 1 / 500, -1 / 200)
    f = np.stack([f[:, 1], middle[:, 0], f[:, 2]], axis=1)
    relative = np.where(f > 6 / 29, f**3, (f - 4 / 29) * (3 * (6 / 29) ** 2))
    linear = np.clip(relative @ _from_relative(white).T, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return _rounded(curve * np.iinfo(dtype).max, dtype)


def _from_relative(white: Sequence[float]) -> np.ndarray:
    """Return the matrix from XYZ as parts of a white to the linear light of sRGB."""
    source, target = _xyz(white), _xyz(_D65)
    adapted = np.diag((_CONES @ target) / (_CONES @ source))
    matrix = _XYZ_TO_RGB @ np.linalg.inv(_CONES) @ adapted @ _CONES @ np.diag(source)
    return matrix.astype(np.float32)


def _xyz(white: Sequence[float]) -> np.ndarray:
    x, y = white
    return np.array([x / y, 1, (1 - x - y) / y])


def _floats(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def _rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.rint(np.clip(values, 0, np.iinfo(dtype).max)).astype(dtype)
