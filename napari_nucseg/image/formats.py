"""Files of microscopes: which package reads which, where it is installed."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .array import ArrayImage
from .base import BaseImage
from .microns import MICROMETER, is_plausible
from .unreadable import unreadable

__all__ = ["FORMATS", "INSTALLED", "image_of_letters", "open_format", "why_not_installed"]


#: An array, a letter for each of its axes, and micrometers by letter as far as they are known.
Opened = tuple[Any, str, dict[str, float]]


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
    open: Callable[[Any, Path], Opened]


def _open_czi(czifile: Any, path: Path) -> Opened:
    with czifile.CziFile(path) as file:
        letters = file.axes
        if "0" in letters:  # the samples of a color; S are scenes
            letters = letters.replace("S", "V").replace("0", "S")
        return file.asarray(), letters, {}


def _open_lif(liffile: Any, path: Path) -> Opened:
    with liffile.LifFile(path) as file:
        image = file.images[0]
        coordinates = {axis: image.coords.get(axis, ()) for axis in "ZYX"}
        spacing = {a: 1e6 * (m[1] - m[0]) for a, m in coordinates.items() if len(m) > 1}
        return image.asarray(), "".join(image.dims), spacing


def _open_nd2(nd2: Any, path: Path) -> Opened:
    with nd2.ND2File(path) as file:
        size, letters = file.voxel_size(), "".join(file.sizes)
    return nd2.imread(path, dask=True), letters, {"Z": size.z, "Y": size.y, "X": size.x}


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


def image_of_letters(
    array: Any, letters: str, axes: str = "", spacing: Mapping[str, float] | None = None
) -> ArrayImage:
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
    spacing : mapping of str to float, optional
        Micrometers between pixels by letter; what cannot be true is left out.

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
    known = {axis: float(n) for axis, n in (spacing or {}).items() if is_plausible([n])}
    unit = dict.fromkeys(known, MICROMETER)
    return ArrayImage(flat, axes or named, spacing=known, unit=unit)


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
        If it cannot be read, or has axes that are not known.
    """
    known = FORMATS[path.suffix.lower()]
    try:
        array, letters, spacing = known.open(importlib.import_module(known.package), path)
    except Exception as error:  # a reader raises what it comes across
        raise unreadable(path, error) from error
    image = image_of_letters(array, letters, axes, spacing)
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
