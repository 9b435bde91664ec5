"""Files of microscopes: which package reads which, where it is installed."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .array import ArrayImage
from .base import BaseImage
from .unreadable import unreadable

__all__ = ["FORMATS", "INSTALLED", "image_of_letters", "open_format", "why_not_installed"]


@dataclasses.dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    package : str
        Python package that reads it.
    open : callable
        Given the package and a file, returns the first image in it.
    """

    package: str
    open: Callable[[Any, Path, str], BaseImage]


def _open_czi(czifile: Any, path: Path, axes: str) -> BaseImage:
    with czifile.CziFile(path) as file:
        letters = file.axes
        if "0" in letters:  # the samples of a color; S are scenes
            letters = letters.replace("S", "V").replace("0", "S")
        return image_of_letters(file.asarray(), letters, axes)


def _open_lif(liffile: Any, path: Path, axes: str) -> BaseImage:
    with liffile.LifFile(path) as file:
        image = file.images[0]
        return image_of_letters(image.asarray(), "".join(image.dims), axes)


def _open_nd2(nd2: Any, path: Path, axes: str) -> BaseImage:
    with nd2.ND2File(path) as file:
        size = file.voxel_size()
        letters = "".join(file.sizes)
        known = {"Z": size.z, "Y": size.y, "X": size.x}
    image = image_of_letters(nd2.imread(path, dask=True), letters, axes)
    spacing = {axis: step for axis, step in known.items() if step and axis in image.axes}
    return ArrayImage(
        image.array, image.axes, spacing=spacing, unit=dict.fromkeys(spacing, "micrometer")
    )


#: By suffix. What they are and where they come from is said in setup.cfg, under [formats].
FORMATS = {
    ".czi": Format("czifile", _open_czi),
    ".lif": Format("liffile", _open_lif),
    ".nd2": Format("nd2", _open_nd2),
}

#: The suffixes of those that can be read here.
INSTALLED = tuple(
    suffix for suffix, one in FORMATS.items() if importlib.util.find_spec(one.package)
)


def image_of_letters(array: Any, letters: str, axes: str = "") -> ArrayImage:
    """Return an image with the axes that its file names.

    Parameters
    ----------
    array : array_like
        The image.
    letters : str
        A letter for each of its axes. Those of length 1 are dropped, but for Y and X; S is
        for samples of a color, or if there are not 3 or 4 of them, channels.
    axes : str, optional
        Axes that are left, in place of those.

    Returns
    -------
    ArrayImage
        Not read, if the array is lazy.

    Raises
    ------
    ValueError
        If an axis that is left has a letter that is not known.
    """
    shape = tuple(array.shape)
    kept = [place for place, n in enumerate(shape) if n > 1 or letters[place] in "YX"]
    flat = array[tuple(slice(None) if place in kept else 0 for place in range(len(shape)))]
    named = "".join(letters[place] for place in kept)
    if "S" in named and flat.shape[named.index("S")] not in (3, 4):
        named = named.replace("S", "C")
    return ArrayImage(flat, axes or named)


def open_format(path: Path, axes: str = "") -> BaseImage:
    """Open a file of a microscope.

    Parameters
    ----------
    path : Path
        The file, of a suffix in `INSTALLED`.
    axes : str, optional
        Axes in place of those that it names.

    Returns
    -------
    BaseImage
        The first image in it, in full resolution.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    known = FORMATS[path.suffix.lower()]
    try:
        image = known.open(importlib.import_module(known.package), path, axes)
    except Exception as error:  # a reader raises what it comes across
        raise unreadable(path, error) from error
    image.name = path.stem
    return image


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
