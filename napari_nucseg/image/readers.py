"""What the packages that read files of microscopes say of a file, and parts of it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from .image import as_slice

__all__ = ["Opened", "open_czi", "open_lif", "open_nd2"]


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """The first image of an open file.

    Parameters
    ----------
    shape : tuple of int
        Lengths of its axes.
    letters : str
        A letter for each, as the package calls it; S is for the samples of a color.
    dtype : dtype
        Of the intensities.
    spacing : mapping of str to float
        Micrometers between pixels by letter, as far as they are known.
    read : callable
        Given a range for each axis, reads those pixels, with all axes.
    """

    shape: tuple[int, ...]
    letters: str
    dtype: Any
    spacing: Mapping[str, float]
    read: Callable[[Sequence[range]], np.ndarray]


@contextlib.contextmanager
def open_czi(czifile: Any, path: Path) -> Iterator[Opened]:
    """Open a CZI file; the blocks that a part touches are decoded.

    Parameters
    ----------
    czifile : module
        The package.
    path : Path
        The file.

    Yields
    ------
    Opened
        The image.
    """
    with czifile.CziFile(path) as file:
        letters = file.axes
        if "0" in letters:  # the samples of a color; S are scenes
            letters = letters.replace("S", "V").replace("0", "S")
        spacing = _spacing_of_czi(file.metadata())
        yield Opened(
            tuple(file.shape), letters, file.dtype, spacing, functools.partial(_read_czi, file)
        )


def _spacing_of_czi(metadata: str | None) -> dict[str, float]:
    """Return micrometers by letter from the metadata, which have meters."""
    spacing = {}
    with contextlib.suppress(ElementTree.ParseError):
        for scale in ElementTree.fromstring(metadata or "<none/>").iter("Distance"):
            with contextlib.suppress(TypeError, ValueError):
                spacing[str(scale.get("Id"))] = 1e6 * float(scale.findtext("Value") or "nan")
    return spacing


def _read_czi(file: Any, wanted: Sequence[range]) -> np.ndarray:
    entries = file.filtered_subblock_directory
    # The others are smaller pictures of the same.
    entries = [one for one in entries if one.stored_shape == one.shape] or entries
    out = np.zeros([len(one) for one in wanted], file.dtype)
    for entry in entries:
        starts = [one - first for one, first in zip(entry.start, file.start, strict=True)]
        target, source = [], []
        for one, start, length in zip(wanted, starts, entry.shape, strict=True):
            low = max(0, math.ceil((start - one.start) / one.step))
            high = min(len(one), math.ceil((start + length - one.start) / one.step))
            target.append(slice(low, max(low, high)))
            source.append(slice(one.start + low * one.step - start, length, one.step))
        if all(one.start < one.stop for one in target):
            part = entry.data_segment().data()[tuple(source)]
            out[tuple(target)] = part[tuple(slice(one.stop - one.start) for one in target)]
    return out


@contextlib.contextmanager
def open_lif(liffile: Any, path: Path) -> Iterator[Opened]:
    """Open a LIF file; the planes that a part touches are read, where it lies in planes.

    Parameters
    ----------
    liffile : module
        The package.
    path : Path
        The file.

    Yields
    ------
    Opened
        The image.
    """
    with liffile.LifFile(path) as file:
        image = file.images[0]
        coordinates = {axis: image.coords.get(axis, ()) for axis in "ZYX"}
        spacing = {a: 1e6 * (m[1] - m[0]) for a, m in coordinates.items() if len(m) > 1}
        yield Opened(
            tuple(image.shape),
            "".join(image.dims),
            image.dtype,
            spacing,
            functools.partial(_read_lif, image),
        )


def _read_lif(image: Any, wanted: Sequence[range]) -> np.ndarray:
    index = tuple(map(as_slice, wanted))
    try:
        frames = image.frames
        inner = [image.dims.index(dim) for dim in frames.frame_dims]
    except (AttributeError, NotImplementedError):  # older versions, and some kinds of images
        return image.asarray()[index]
    outer = [place for place in range(len(wanted)) if place not in inner]
    if len(inner) < 2 or tuple(frames.dims) != tuple(image.dims):
        return image.asarray()[index]
    out = np.empty([len(one) for one in wanted], image.dtype)
    for chosen in itertools.product(*(enumerate(wanted[place]) for place in outer)):
        target: list[int | slice] = [slice(None)] * len(wanted)
        for place, (number, _) in zip(outer, chosen, strict=True):
            target[place] = number
        frame = frames[tuple(place for _, place in chosen)]
        out[tuple(target)] = frame[tuple(index[place] for place in inner)]
    return out


@contextlib.contextmanager
def open_nd2(nd2: Any, path: Path) -> Iterator[Opened]:
    """Open an ND2 file; the planes that a part touches are read.

    Parameters
    ----------
    nd2 : module
        The package.
    path : Path
        The file.

    Yields
    ------
    Opened
        The image.
    """
    with nd2.ND2File(path) as file:
        channels = getattr(file.metadata, "channels", None)
        # Where nothing was calibrated, the size of a voxel is given as 1.
        calibrated = channels[0].volume.axesCalibrated if channels else (False,) * 3
        size = file.voxel_size()
        sizes = dict(zip("XYZ", (size.x, size.y, size.z), strict=True))
        known = dict(zip("XYZ", calibrated, strict=True))
        yield Opened(
            tuple(file.shape),
            "".join(file.sizes),
            file.dtype,
            {axis: n for axis, n in sizes.items() if known[axis]},
            lambda wanted: np.asarray(file.to_dask()[tuple(map(as_slice, wanted))]),
        )
