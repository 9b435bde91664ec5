"""Files of microscopes: which package reads which, where it is installed."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..support import some_of, warn_user
from .axes import kept_axes
from .base import BaseImage
from .heard import heard_of
from .image import Ranges
from .microns import MICROMETER, is_plausible
from .readers import Opened, open_czi, open_lif, open_nd2
from .unreadable import unreadable

__all__ = ["FORMATS", "INSTALLED", "FormatImage", "axes_of_letters", "why_not_installed"]


@dataclasses.dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    package : str
        Python package that reads it.
    open : callable
        Given the package and a file, opens the first image in it.
    """

    package: str
    open: Callable[[Any, Path], contextlib.AbstractContextManager[Opened]]


#: By suffix. What they are and where they come from is said in setup.cfg, under [formats].
FORMATS = {
    ".czi": Format("czifile", open_czi),
    ".lif": Format("liffile", open_lif),
    ".nd2": Format("nd2", open_nd2),
}

#: The suffixes of those that can be read here.
INSTALLED = tuple(
    suffix for suffix, one in FORMATS.items() if importlib.util.find_spec(one.package)
)


def axes_of_letters(
    letters: str, shape: Sequence[int], axes: str = ""
) -> tuple[str, list[int]]:
    """Return the axes of an image by the letters that its file has for them.

    Parameters
    ----------
    letters : str
        A letter for each axis. S is for samples of a color, or if there are not 3 or 4 of
        them, channels.
    shape : sequence of int
        Lengths of the axes.
    axes : str, optional
        Axes in place of those: one for each, or for each that is longer than 1.

    Returns
    -------
    axes : str
        Those of the image, not checked.
    kept : list of int
        Which axes of the file these are; of length 1 only Y and X, if none were given.
    """
    kept = kept_axes(letters, shape, len(axes))
    named = "".join(letters[place] for place in kept)
    if "S" in named and shape[kept[named.index("S")]] not in (3, 4):
        named = named.replace("S", "C")
    return axes.upper() or named, kept


class FormatImage(BaseImage):
    """The first image in a file of a microscope, of which only a part is read if possible.

    The file is open only while it is looked at.

    Parameters
    ----------
    path : Path
        The file, of a suffix in `INSTALLED`.
    axes : str, optional
        Axes in place of those that it names, see `axes_of_letters`.

    Raises
    ------
    ValueError
        If it cannot be read, or has axes that are not known.

    Warns
    -----
    UserWarning
        If the package finds something odd in it.
    """

    def __init__(self, path: Path, axes: str = "") -> None:
        self.path = path
        self._told: set[str] = set()  # what the package warned of
        with self._opened() as opened:
            shape, letters, dtype = opened.shape, opened.letters, opened.dtype
            known = {a: float(n) for a, n in opened.spacing.items() if is_plausible([n])}
        self._count = len(shape)
        axes, self._kept = axes_of_letters(letters, shape, axes)
        unit = dict.fromkeys(known, MICROMETER)
        lengths = [shape[place] for place in self._kept]
        super().__init__(axes, lengths, dtype, name=path.stem, spacing=known, unit=unit)

    def _read(self, ranges: Ranges) -> np.ndarray:
        wanted = [range(1)] * self._count
        for place, one in zip(self._kept, ranges, strict=True):
            wanted[place] = range(one, one + 1) if isinstance(one, int) else one
        with self._opened() as opened:
            array = opened.read(wanted)
        lengths = [len(one) for one in ranges if isinstance(one, range)]
        return array.reshape(lengths).astype(self.dtype, copy=False)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Opened]:
        known = FORMATS[self.path.suffix.lower()]
        try:
            package = importlib.import_module(known.package)
            log = heard_of(known.package, "tifffile")
            with log as told, known.open(package, self.path) as opened:
                yield opened
        except Exception as error:  # a reader raises what it comes across
            raise unreadable(self.path, error) from error
        new = [text for text in told if text not in self._told]
        if new:
            self._told.update(new)
            warn_user(f"{self.path}: {some_of(new)}")


def why_not_installed(suffix: str) -> str:
    """Say what is missing to read a kind of file.

    Parameters
    ----------
    suffix : str
        Such as ``".czi"``.

    Returns
    -------
    str
        What to do; empty if there is nothing that reads it.
    """
    if suffix not in FORMATS:
        return ""
    return (
        f"Files {suffix} are read by the package {FORMATS[suffix].package}: pip install "
        f'"napari-nucseg[formats]".'
    )
