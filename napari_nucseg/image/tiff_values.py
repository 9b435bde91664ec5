"""What the numbers in a TIFF stand for: grey values or RGB, whatever they are stored as."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .colors import (
    from_cmyk,
    from_lab,
    from_multiplied,
    from_ycbcr,
    icc_lab,
    itu_lab,
    signed_lab,
)
from .unreadable import Refused

__all__ = ["Meaning", "convert_pixels", "meaning_of"]

#: TIFF's numbers for what pixels stand for.
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_CIELAB, _ICCLAB, _ITULAB = 8, 9, 10

#: Those that are not read, by their names.
_REFUSED = {
    32803: "CFA (the raw mosaic of a camera)",
    32844: "LOGL (logarithmic luminance)",
    32845: "LOGLUV (logarithmic luminance and color)",
    34892: "LINEAR_RAW (raw colors of a camera)",
    51177: "DEPTH_MAP (distances)",
    52527: "SEMANTIC_MASK (a map of classes)",
}
_NAMES = {
    _MASK: "MASK (which part of another image is transparent)",
    _SEPARATED: "SEPARATED (inks)",
    _YCBCR: "YCBCR",
    _CIELAB: "CIELAB",
    _ICCLAB: "ICCLAB",
    _ITULAB: "ITULAB",
    **_REFUSED,
}

#: Decoders of these compressions return RGB already: the kinds of JPEG, JPEG 2000 with RGB,
#: WebP and JPEG XL.
_JPEG = (6, 7, 34892, 33007)
_DECODED = (*_JPEG, 33005, 50001, 50002, 52546)
_JPEG_2000_YCBCR = 33003  # of Aperio, which calls it RGB

#: Tags.
_PHOTOMETRIC, _SOFTWARE, _WHITE, _COLORMAP, _INK_SET = 262, 305, 318, 320, 332
_COEFFICIENTS, _BLACK_AND_WHITE, _DECODE = 529, 532, 433

#: Programs of microscopes save intensities with a palette to show them in.
_MICROSCOPES = {
    "fluoview", "imagej", "lsm", "metaseries", "micromanager", "nih", "ome", "scanimage", "stk"
}  # fmt: skip

#: D50, which is meant where a file does not say what white is.
_D50 = (0.3457, 0.3585)

_PIXELS_AT_ONCE = 1 << 18

_Convert = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Meaning:
    """What the samples of a pixel are turned into.

    Parameters
    ----------
    samples : int
        Of a pixel, when it is read: 1 for grey, 3 for RGB, 4 for RGBA.
    dtype : dtype
        Of a sample.
    convert : callable
        Given pixels of shape (N, stored samples), returns (N, `samples`).
    """

    samples: int
    dtype: np.dtype
    convert: _Convert


def convert_pixels(pixels: np.ndarray, meaning: Meaning) -> np.ndarray:
    """Convert pixels, some at a time, as that takes memory.

    Parameters
    ----------
    pixels : ndarray, shape (…, stored samples)
        What is stored.
    meaning : Meaning
        What it stands for.

    Returns
    -------
    ndarray, shape (…, samples)
        Of the dtype of the meaning.
    """
    flat = pixels.reshape(-1, pixels.shape[-1])
    out = np.empty((len(flat), meaning.samples), meaning.dtype)
    for start in range(0, len(flat), _PIXELS_AT_ONCE):
        part = slice(start, start + _PIXELS_AT_ONCE)
        out[part] = meaning.convert(flat[part])
    return out.reshape(*pixels.shape[:-1], meaning.samples)


def meaning_of(page: Any, *, as_labels: bool = False) -> Meaning | None:
    """Find out what the pixels of a page stand for.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page, in an open file.
    as_labels : bool, optional
        Whether the numbers are labels: those of a palette are taken as they are, and what
        cannot be converted without loss is refused.

    Returns
    -------
    Meaning or None
        None if they are what is stored.

    Raises
    ------
    Refused
        If they are neither grey values nor colors, or not numbers that can be labels.
    """
    photometric = int(page.photometric)
    if _PHOTOMETRIC not in page.tags and photometric != _YCBCR:
        return None
    if photometric in _REFUSED:
        raise _refused(photometric)
    if as_labels:
        _check_labels(page, photometric)
    if page.compression == _JPEG_2000_YCBCR:
        return _colors(page, 3, _from_ycbcr(page))
    if photometric not in _KINDS:
        raise Refused(f"its pixels are of a kind that TIFF does not know ({photometric})")
    meaning: Meaning | None = _KINDS[photometric](page, as_labels)
    return meaning


def _refused(photometric: int, wanted: str = "grey values or colors") -> Refused:
    return Refused(
        f"its pixels are not {wanted} but {_NAMES[photometric]}. Save it as an RGB or grey "
        f"TIFF with the program that made it"
    )


def _check_labels(page: Any, photometric: int) -> None:
    """Refuse what would change the number of a nucleus."""
    if page.compression in _JPEG:
        raise Refused(
            "it is compressed as JPEG: what JPEG changes a little is the number of another "
            "nucleus. Save it without loss"
        )
    if photometric in (_SEPARATED, _YCBCR, _CIELAB, _ICCLAB, _ITULAB):
        raise _refused(photometric, "labels")


# grey values


def _grey(page: Any, as_labels: bool) -> Meaning | None:
    """Return what is stored, without the alpha of a single value."""
    return _one_of_two(page, lambda values: values) if _has_alpha(page, 1) else None


def _inverted(page: Any, as_labels: bool) -> Meaning | None:
    """Turn white, which is 0, into the largest value."""
    if _is_as_stored(page):
        return None
    dtype = np.dtype(page.dtype)
    if dtype.kind not in "bui":
        raise Refused(
            f"0 is white in it (MINISWHITE), but its numbers are {dtype}, for which nothing "
            f"says what black is. Save it with black as 0"
        )
    bits = page.bitspersample
    if not isinstance(bits, int):
        raise Refused("0 is white in it (MINISWHITE), but its samples differ in their bits")
    top = -1 if dtype.kind == "i" else (1 << bits) - 1

    def invert(values: np.ndarray) -> np.ndarray:
        return ~values if dtype.kind == "b" else dtype.type(top) - values

    if _has_alpha(page, 1):
        return _one_of_two(page, invert)
    return Meaning(page.samplesperpixel, dtype.newbyteorder("="), invert)


def _is_as_stored(page: Any) -> bool:
    """Whether a file says that 0 is white, but its numbers are those that were meant.

    ImageJ says so of images that it shows inverted; tifffile says so of every mask, and
    writes the bits that it is given.
    """
    file = page.parent
    by_tifffile = page.is_shaped or str(page.tags.valueof(_SOFTWARE, "")).startswith("tifffile")
    return bool(file.is_imagej or (page.bitspersample == 1 and by_tifffile))


def _one_of_two(page: Any, convert: _Convert) -> Meaning:
    """Leave alpha out."""
    dtype = np.dtype(page.dtype).newbyteorder("=")
    return Meaning(1, dtype, lambda values: convert(values[:, :1]))


def _has_alpha(page: Any, colors: int) -> bool:
    """Whether the sample behind the colors says how opaque a pixel is."""
    extra = tuple(page.extrasamples)
    return page.samplesperpixel == colors + 1 and bool(extra) and int(extra[0]) in (1, 2)


def _mask(page: Any, as_labels: bool) -> Meaning | None:
    """Take it for labels, but not for an image."""
    if not as_labels:
        raise _refused(_MASK)
    return None


# colors


def _looked_up(page: Any, as_labels: bool) -> Meaning | None:
    """Look the colors of a palette up, unless its numbers are labels or intensities."""
    if as_labels:
        return _grey(page, as_labels)
    table: np.ndarray = np.asarray(page.tags.valueof(_COLORMAP, ()))
    if page.dtype.kind != "u" or table.size != 3 << page.bitspersample:
        raise Refused("its pixels are numbers of colors (PALETTE), but it has no such colors")
    colors: np.ndarray = table.astype(np.uint16).reshape(3, -1).T
    if colors.max() > 255:  # otherwise it was written with 8 bits, as old programs do
        colors = colors >> 8
    if _only_tints(colors) or (page.parent.flags & _MICROSCOPES and _is_scale(colors)):
        return _grey(page, as_labels)
    colors = colors.astype(np.uint8)
    return Meaning(3, np.dtype(np.uint8), lambda values: colors[values[:, 0]])


def _only_tints(colors: np.ndarray) -> bool:
    """Whether a palette shows intensities in one color: each is its number times the last."""
    steps = np.linspace(0, 1, len(colors))[:, None]
    return bool((np.abs(colors - steps * colors[-1]) <= 1).all())


def _is_scale(colors: np.ndarray) -> bool:
    """Whether the colors of a palette become brighter all along, or darker."""
    brightness = np.diff(colors.astype(float) @ (0.299, 0.587, 0.114))
    return bool((brightness >= -1).all() or (brightness <= 1).all())


def _rgb(page: Any, as_labels: bool) -> Meaning | None:
    """Return what is stored, unless it was multiplied by alpha."""
    multiplied = _has_alpha(page, 3) and int(page.extrasamples[0]) == 1
    if as_labels or not multiplied or np.dtype(page.dtype).kind != "u":
        return None
    return Meaning(4, np.dtype(page.dtype).newbyteorder("="), from_multiplied)


def _inks(page: Any, as_labels: bool) -> Meaning:
    """Mix the inks of CMYK."""
    if page.tags.valueof(_INK_SET, 1) != 1 or page.samplesperpixel < 4:
        raise Refused(
            "its pixels are inks (SEPARATED) other than cyan, magenta, yellow and black. Save "
            "it as an RGB TIFF with the program that made it"
        )
    return _colors(page, 4, from_cmyk)


def _luminance_and_color(page: Any, as_labels: bool) -> Meaning | None:
    """Turn YCbCr into RGB, unless the decoder has done so."""
    if page.compression in _DECODED and page.planarconfig == 1:
        if page.extrasamples:
            raise Refused("it is a JPEG of YCBCR with further samples, which is not read")
        return None
    return _colors(page, 3, _from_ycbcr(page))


def _from_ycbcr(page: Any) -> _Convert:
    told = page.tags.valueof(_COEFFICIENTS)
    red, green, blue = _fractions(told, 3) if told else (0.299, 0.587, 0.114)
    told = page.tags.valueof(_BLACK_AND_WHITE)
    half, top = 1 << (page.bitspersample - 1), (1 << page.bitspersample) - 1
    black_and_white = _fractions(told, 6) if told else (0, top, half, top, half, top)
    return lambda values: from_ycbcr(values, (red, green, blue), black_and_white)


def _lab(page: Any, as_labels: bool) -> Meaning | None:
    """Turn L*a*b* into RGB, in each of its encodings."""
    if page.samplesperpixel == 1 and page.photometric == _CIELAB:
        return None  # L* alone
    decode = {_CIELAB: signed_lab, _ICCLAB: icc_lab, _ITULAB: itu_lab}[int(page.photometric)]
    if page.photometric == _ITULAB and page.tags.valueof(_DECODE):
        raise Refused("its pixels are ITULAB in a range of its own, which is not read")
    told = page.tags.valueof(_WHITE)
    white = _fractions(told, 2) if told and page.photometric == _CIELAB else _D50
    return _colors(page, 3, lambda values: from_lab(decode(values), white, values.dtype))


def _fractions(told: Any, count: int) -> tuple[float, ...]:
    """Return the numbers of a tag that has each as a numerator and a denominator."""
    try:
        numbers = np.array(told, float).reshape(count, 2)
        fractions = numbers[:, 0] / numbers[:, 1]
    except (TypeError, ValueError) as error:
        raise Refused(
            f"the numbers {told!r}, which its colors depend on, are damaged"
        ) from error
    if not np.isfinite(fractions).all():
        raise Refused(f"the numbers {told!r}, which its colors depend on, are damaged")
    return tuple(fractions.tolist())


def _colors(page: Any, count: int, convert: _Convert) -> Meaning:
    """Convert the colors of a pixel, and keep its alpha."""
    bits, samples = page.bitspersample, page.samplesperpixel
    if bits not in (8, 16) or page.sampleformat not in (1, 2, 4) or samples < count:
        raise Refused(
            f"its pixels are {_NAMES.get(int(page.photometric), 'colors')} in {samples} "
            f"samples of {bits} bits ({page.dtype}), which are not read. Save it as an RGB TIFF"
        )
    dtype = np.dtype(f"u{bits // 8}")
    alpha = slice(count, count + _has_alpha(page, count))

    def colors_and_alpha(values: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(values).view(dtype)
        colors = convert(values[:, :count])
        return np.concatenate([colors, values[:, alpha]], axis=1)

    return Meaning(3 + alpha.stop - alpha.start, dtype, colors_and_alpha)


_KINDS: dict[int, Callable[[Any, bool], Meaning | None]] = {
    _MIN_IS_WHITE: _inverted,
    _MIN_IS_BLACK: _grey,
    _RGB: _rgb,
    _PALETTE: _looked_up,
    _MASK: _mask,
    _SEPARATED: _inks,
    _YCBCR: _luminance_and_color,
    _CIELAB: _lab,
    _ICCLAB: _lab,
    _ITULAB: _lab,
}
