"""TIFF files as images: axes, pixel sizes, and reading the pages and tiles of a region."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..support import pluralize, some_of, warn_user
from .axes import LETTERS, check_axes, guess_axes, kept_axes
from .base import BaseImage
from .channel_names import names_in_tiff
from .image import Ranges
from .microns import spacing_of
from .tiff_pages import read_series
from .unreadable import unreadable

__all__ = ["TIFF_SUFFIXES", "TiffImage"]

TIFF_SUFFIXES = (".tif", ".tiff")


class TiffImage(BaseImage):
    """An image in a TIFF file, of which only the pages, strips and tiles needed are read.

    The file is open only while it is looked at.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        Axes, in place of those that the file names or that are guessed: one for each of its
        dimensions, or for each that is longer than 1.
    series : int, optional
        Which of the images in it.
    level : int, optional
        Which of its resolutions, from 0, the finest.

    Raises
    ------
    ValueError
        If it cannot be read or has no such image, or the axes do not fit or cannot be
        guessed.

    Warns
    -----
    UserWarning
        When it is read, if something in the file is odd or missing.
    """

    def __init__(self, path: Path, axes: str = "", *, series: int = 0, level: int = 0) -> None:
        self.path = path
        self._series, self._level = series, level
        self._odd: dict[str, bool] = {}  # what tifffile says, and whether it was told
        with self._opened() as chosen:
            whole = chosen.parent.series
            self._sizes = [one.size for one in whole]
            self._shapes = [tuple(one.shape) for one in whole[series].levels]
            spacing, unit = self._spacing_of(chosen.parent)
            names = names_in_tiff(chosen.parent)
            shape, letters = tuple(chosen.shape), chosen.axes.upper()
            color = _is_color(chosen.keyframe)
            dtype = np.dtype(chosen.dtype).newbyteorder("=")
        self._kept = _kept(letters, shape, len(axes))
        lengths = [shape[place] for place in self._kept]
        guessed = False
        if not axes:
            letters = "".join(letters[place] for place in self._kept)
            axes, guessed = _axes_of(letters, lengths, color)
        axes = axes.upper()
        check_axes(axes, lengths)
        # The metadata are those of the finest level.
        column = self._kept[axes.index("X")]
        coarser = self._shapes[0][column] / shape[column]
        super().__init__(
            axes,
            lengths,
            dtype,
            name=path.stem,
            spacing={a: n * coarser if a in "YX" else n for a, n in spacing.items()},
            unit=unit,
            guessed=guessed,
        )
        self.channel_names = names if len(names) == self.sizes.get("C", 1) else ()

    def __getstate__(self) -> dict[str, Any]:
        """Another process may have another working folder."""
        return {**self.__dict__, "path": self.path.absolute()}

    @property
    def levels(self) -> tuple[BaseImage, ...]:
        """The image in its resolutions, from the finest one on."""
        return tuple(
            TiffImage(self.path, self.axes, series=self._series, level=level)
            for level in range(len(self._shapes))
        )

    @property
    def large_count(self) -> int:
        """How many of them are no thumbnails of this one."""
        return sum(2 * size >= self._sizes[self._series] for size in self._sizes)

    def _spacing_of(self, file: Any) -> tuple[dict[str, float], dict[str, str]]:
        """Return spacing and units; metadata that are damaged do not keep pixels from us."""
        try:
            return spacing_of(file)
        except ValueError as error:
            self._odd[f"The size of the pixels is not known: {error}."] = False
            return {}, {}

    def _read(self, ranges: Ranges) -> np.ndarray:
        with self._opened() as series:
            wanted = [range(1)] * len(series.shape)
            for place, one in zip(self._kept, ranges, strict=True):
                wanted[place] = range(one, one + 1) if isinstance(one, int) else one
            array = read_series(series, wanted)
        self._tell_what_is_odd()
        lengths = [len(one) for one in ranges if isinstance(one, range)]
        return array.reshape(lengths).astype(self.dtype, copy=False)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the file, and note what tifffile finds odd in it."""
        import tifffile

        try:
            with _log_of("tifffile") as odd, tifffile.TiffFile(self.path) as file:
                if self._series >= len(file.series):
                    raise ValueError(
                        f"there are {pluralize(len(file.series), 'image')} in it"
                        if file.series
                        else "there is no image in it"
                    )
                yield file.series[self._series].levels[self._level]
        except Exception as error:  # tifffile raises what it comes across
            raise unreadable(self.path, error) from error
        self._odd = {**dict.fromkeys(odd, False), **self._odd}

    def _tell_what_is_odd(self) -> None:
        """Warn, once, when the image was read: an error says more about a damaged file."""
        new = [text for text, is_told in self._odd.items() if not is_told]
        if new:
            self._odd = dict.fromkeys(self._odd, True)
            warn_user(f"{self.path}: {some_of(new)}")


@contextlib.contextmanager
def _log_of(library: str) -> Iterator[list[str]]:
    """Collect what a library warns of in its log."""
    handler = logging.handlers.BufferingHandler(sys.maxsize)
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger(library)
    messages: list[str] = []
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        messages += [record.getMessage() for record in handler.buffer]


def _kept(letters: str, shape: Sequence[int], wanted: int) -> list[int]:
    """Return which axes of a series are those of the image.

    Of those of length 1 the ones with a name are, or as many as are wanted.
    """
    long = kept_axes(letters, shape, wanted)
    if wanted in (len(long), len(shape)):
        return long
    return [place for place in range(len(shape)) if place in long or letters[place] in LETTERS]


def _axes_of(letters: str, shape: Sequence[int], color: bool) -> tuple[str, bool]:
    """Return the axes of a series by tifffile's letters, and whether they are guessed."""
    axes = list(letters)
    unnamed = [place for place, letter in enumerate(axes) if letter not in LETTERS]
    if unnamed and len(axes) == 3:  # the shape tells
        axes = list(guess_axes(shape))
    elif len(unnamed) == 1 and not set("ZT") <= set(axes):
        axes[unnamed[0]] = "T" if "Z" in axes else "Z"
    elif unnamed:
        raise ValueError(
            f"Expected a 2-D image or a stack with names of its axes, got shape "
            f"{tuple(shape)} without. Give them as axes=…, such as TZYX."
        )
    for place, (letter, length) in enumerate(zip(axes, shape, strict=True)):
        if letter in "CS" and not set("CS") <= set(axes):
            axes[place] = "S" if color and length in (3, 4) else "C"
    return "".join(axes), bool(unnamed)


def _is_color(page: Any) -> bool:
    """Whether channels are colors; three planes of 16 bits are called so without being it."""
    one_value = page.photometric in (0, 1, 3)  # grey, or looked up in a palette
    return not one_value and (page.planarconfig == 1 or page.dtype == np.uint8)
