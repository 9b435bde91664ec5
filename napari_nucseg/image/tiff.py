"""TIFF files as images: axes, pixel sizes, and reading the pages and tiles of a region."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..support import pluralize, some_of, warn_user
from .axes import LETTERS, check_axes, guess_axes, kept_axes
from .base import BaseImage
from .channel_names import channel_names_in
from .heard import heard_of
from .image import Ranges, as_slice
from .microns import spacing_of
from .tiff_log import is_harmless
from .tiff_pages import axis_of_samples, read_series
from .tiff_stored import check_ome
from .tiff_values import Meaning, convert_pixels, meaning_of
from .unreadable import Damaged, Refused, unreadable

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
        Which of the images in it, or of its set of files; left out, the first in this file.
    level : int, optional
        Which of its resolutions, from 0, the finest.
    as_labels : bool, optional
        Whether its numbers are labels, see `meaning_of`.

    Raises
    ------
    ValueError
        If it cannot be read or has no such image, the axes do not fit or cannot be guessed,
        or its pixels are neither grey values nor colors.

    Warns
    -----
    UserWarning
        When it is read, if something in the file is odd or missing.
    """

    def __init__(
        self,
        path: Path,
        axes: str = "",
        *,
        series: int | None = None,
        level: int = 0,
        as_labels: bool = False,
    ) -> None:
        self.path = path
        self._series, self._level, self._as_labels = series, level, as_labels
        self._odd: dict[str, bool] = {}  # what a person should know, and whether it was told
        with self._opened() as chosen:
            file, page = chosen.parent, chosen.keyframe
            self._series = self._number_in(file)
            self._sizes = {
                n: one.size for n, one in enumerate(file.series) if _is_in(file, one)
            }
            self._shapes = [tuple(one.shape) for one in file.series[self._series].levels]
            spacing, unit = self._spacing_of(file)
            names = channel_names_in(file)
            shape, letters, dtype = tuple(chosen.shape), chosen.axes.upper(), page.dtype
            if dtype is None:
                raise Refused(f"its samples have {page.bitspersample} bits")
            meaning = meaning_of(page, as_labels=as_labels)
            # The axis of the image on which samples lie that are converted.
            self._samples = axis_of_samples(chosen) if meaning else None
            color = _is_color(page, meaning)
            self._tell_of_set(chosen)
        if meaning is not None:
            dtype = meaning.dtype
            shape, letters, axes = self._with_samples(shape, letters, axes, meaning.samples)
        self._count = len(shape)
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
            np.dtype(dtype).newbyteorder("="),
            name=path.stem,
            spacing={a: n * coarser if a in "YX" else n for a, n in spacing.items()},
            unit=unit,
            guessed=guessed,
        )
        self.channel_names = names if len(names) == self.channels else ()

    def __getstate__(self) -> dict[str, Any]:
        """Another process may have another working folder."""
        return {**self.__dict__, "path": self.path.absolute()}

    def _with_samples(
        self, shape: tuple[int, ...], letters: str, axes: str, samples: int
    ) -> tuple[tuple[int, ...], str, str]:
        """Return shape, letters and given axes as they are when samples are converted."""
        if self._samples is not None:
            place = self._samples
            return (*shape[:place], samples, *shape[place + 1 :]), letters, axes
        if samples == 1:
            return shape, letters, axes
        self._samples = len(shape)  # as the colors of a palette do
        given = axes.upper()
        return (*shape, samples), letters + "S", given + "S" * bool(given and "S" not in given)

    @property
    def levels(self) -> tuple[BaseImage, ...]:
        """The image in its resolutions, from the finest one on."""
        return tuple(
            TiffImage(
                self.path,
                self.axes,
                series=self._series,
                level=level,
                as_labels=self._as_labels,
            )
            for level in range(len(self._shapes))
        )

    @property
    def large_count(self) -> int:
        """How many of those in this file are no thumbnails of this one."""
        size = self._sizes.get(self._series or 0, 0)
        return sum(2 * other >= size for other in self._sizes.values())

    def _spacing_of(self, file: Any) -> tuple[dict[str, float], dict[str, str]]:
        """Return spacing and units; metadata that are damaged do not keep pixels from us."""
        try:
            return spacing_of(file)
        except ValueError as error:
            self._note(f"The size of the pixels is not known: {error}.")
            return {}, {}

    def _read(self, ranges: Ranges) -> np.ndarray:
        wanted = [range(1)] * self._count
        for place, one in zip(self._kept, ranges, strict=True):
            wanted[place] = range(one, one + 1) if isinstance(one, int) else one
        with self._opened() as series:
            meaning = meaning_of(series.keyframe, as_labels=self._as_labels)
            if meaning is None:
                array = read_series(series, wanted, self._note)
            else:
                array = self._read_converted(series, wanted, meaning)
        self._tell_what_is_odd()
        lengths = [len(one) for one in ranges if isinstance(one, range)]
        return array.reshape(lengths).astype(self.dtype, copy=False)

    def _read_converted(
        self, series: Any, wanted: Sequence[range], meaning: Meaning
    ) -> np.ndarray:
        """Read all samples, convert them, and take those that are wanted."""
        stored = list(wanted[: len(series.shape)])
        place = self._samples
        if place is not None and place < len(stored):
            stored[place] = range(series.shape[place])
            pixels = np.moveaxis(read_series(series, stored, self._note), place, -1)
        else:
            pixels = read_series(series, stored, self._note)[..., None]
        converted = convert_pixels(pixels, meaning)
        if place is None:
            return converted[..., 0]
        return np.moveaxis(converted[..., as_slice(wanted[place])], -1, place)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the file, and note what tifffile finds odd in it."""
        import tifffile

        try:
            with heard_of("tifffile") as told, tifffile.TiffFile(self.path) as file:
                check_ome(file.ome_metadata or "")
                yield file.series[self._number_in(file)].levels[self._level]
            damage = [text for text in told if not is_harmless(text)]
            if damage:
                raise Damaged(some_of(damage))
        except Exception as error:  # tifffile raises what it comes across
            raise unreadable(self.path, error) from error
        for text in told:
            self._note(text)

    def _number_in(self, file: Any) -> int:
        """Return which image of a file this is: if none was chosen, the first in this file."""
        number = self._series
        if number is None:
            here = (n for n, one in enumerate(file.series) if _is_in(file, one))
            number = next(here, 0)
        if number >= len(file.series):
            raise ValueError(
                f"there are {pluralize(len(file.series), 'image')} in it"
                if file.series
                else "there is no image in it"
            )
        return number

    def _tell_of_set(self, series: Any) -> None:
        """Note if the image begins in another file."""
        if series.kind != "ome":
            return
        first = next(page.parent for page in series if page is not None)
        if first is not series.parent:
            self._note(
                f"It is a part of the image that begins in {first.filename}, and the whole "
                f"image is read."
            )

    def _note(self, text: str) -> None:
        """Keep what is odd until it is told."""
        self._odd.setdefault(text, False)

    def _tell_what_is_odd(self) -> None:
        """Warn, once, when the image was read: an error says more about a damaged file."""
        new = [text for text, is_told in self._odd.items() if not is_told]
        if new:
            self._odd = dict.fromkeys(self._odd, True)
            warn_user(f"{self.path}: {some_of(new)}")


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


def _is_color(page: Any, meaning: Meaning | None) -> bool:
    """Whether channels are colors; three planes of 16 bits are called so without being it."""
    if page.photometric in (0, 1):
        return False
    if meaning is not None:
        return True
    return page.photometric != 3 and (page.planarconfig == 1 or page.dtype == np.uint8)


def _is_in(file: Any, series: Any) -> bool:
    """Whether an image is in a file, or in another one of the same set."""
    return series.kind != "ome" or any(
        page is not None and page.parent is file for page in series
    )
