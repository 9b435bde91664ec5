"""The pages of a TIFF file: reading the strips and tiles that a region touches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["read_series"]

#: What tifffile gives the pixels of a page: separate samples, depth, length, width, and
#: samples that lie beside each other.
_SAMPLES, _DEPTH, _LENGTH, _WIDTH, _BESIDE = range(5)


def read_series(series: Any, wanted: Sequence[range]) -> np.ndarray:
    """Read a part of a series of pages, and decode nothing else.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The series, in an open file.
    wanted : sequence of range
        Numbers of the pixels along each axis, none of them empty, with positive steps.

    Returns
    -------
    ndarray
        Of as many axes. What lies in the file as it is in memory, is mapped and only those
        bytes are read; of other files the strips and tiles that the part touches are
        decoded. A few rare kinds of files are read whole.
    """
    index = tuple(slice(one.start, one.stop, one.step) for one in wanted)
    mapped = _mapped(series)
    if mapped is not None:
        return np.array(mapped[index])
    page_axes = _axes_of_page(series)
    if page_axes is None:
        return np.asarray(series.asarray())[index]
    leading = len(series.shape) - len(page_axes)
    shape = [len(one) for one in wanted]
    out = np.zeros(shape, series.dtype)
    pages = itertools.product(*wanted[:leading])
    for place, target in zip(pages, np.ndindex(*shape[:leading]), strict=True):
        page = series[int(np.ravel_multi_index(place, series.shape[:leading])) if place else 0]
        if page is None:
            out[target] = series.keyframe.nodata
        else:
            out[target] = _read_page(page, page_axes, wanted[leading:])
    return out


def _mapped(series: Any) -> np.ndarray | None:
    """Map a series into memory, if it lies in its file in one piece as it is."""
    offset, page = series.dataoffset, series.keyframe
    if offset is None or series.transform is not None or not page.is_final:
        return None
    if any(one is None or one.parent is not page.parent for one in series):
        return None
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    path = page.parent.filehandle.path
    return np.memmap(path, dtype, "r", offset, tuple(series.shape))


def _axes_of_page(series: Any) -> list[int] | None:
    """Return for each of the last axes of a series which axis of a page it is.

    None if the series is not its pages one after the other.
    """
    page, shape = series.keyframe, tuple(series.shape)
    long = [axis for axis, length in enumerate(page.shaped) if length > 1]
    lengths = [page.shaped[axis] for axis in long]
    if series.transform is not None or page.jpegheader is not None:
        return None
    # Axes of length 1 are kept by some series and dropped by others.
    inner: list[int] = []
    for length in reversed(shape):
        if inner and not long:
            break
        if long and length == lengths[-1]:
            inner.append(long.pop())
            lengths.pop()
        elif length == 1:
            inner.append(-1)
        else:
            return None
    pages = math.prod(shape[: len(shape) - len(inner)])
    return inner[::-1] if not long and pages == len(series) else None


def _read_page(page: Any, page_axes: Sequence[int], wanted: Sequence[range]) -> np.ndarray:
    """Read a part of a page."""
    inside = [range(1)] * 5
    for axis, one in zip(page_axes, wanted, strict=True):
        if axis >= 0:
            inside[axis] = one
    # Read all from the first to the last, and step afterwards.
    box = [(one[0], one[-1] + 1) for one in inside]
    part = np.zeros([stop - start for start, stop in box], page.keyframe.dtype)
    for number in _segments_in(page.keyframe, box):
        _decode(page, number, box, part)
    part = part[tuple(slice(None, None, one.step) for one in inside)]
    return part.reshape([len(one) for one in wanted])


def _segments_in(page: Any, box: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Count the strips or tiles of a page that touch a box."""
    shape = page.shaped
    if page.is_tiled:
        size = (1, page.tiledepth or 1, page.tilelength, page.tilewidth)
    else:
        size = (1, 1, page.rowsperstrip or shape[_LENGTH], shape[_WIDTH])
    grid = [math.ceil(shape[axis] / size[axis]) for axis in range(_BESIDE)]
    touched = [
        range(box[axis][0] // size[axis], (box[axis][1] - 1) // size[axis] + 1)
        for axis in range(_BESIDE)
    ]
    for place in itertools.product(*touched):
        yield int(np.ravel_multi_index(place, grid))


def _decode(page: Any, number: int, box: Sequence[tuple[int, int]], part: np.ndarray) -> None:
    """Decode a strip or tile, and put what lies in a box into the array of the box."""
    keyframe, file = page.keyframe, page.parent.filehandle
    offset, count = page.dataoffsets[number], page.databytecounts[number]
    data = None
    if count:
        if file.closed:  # of an OME-TIFF in several files
            file.open()
        file.seek(offset)
        data = file.read(count)
    tables = {"jpegtables": page.jpegtables} if keyframe.compression in _JPEG else {}
    segment, (sample, *start, _), shape = keyframe.decode(data, number, **tables)
    source: list[slice] = []
    target: list[slice | int] = [sample - box[_SAMPLES][0]]
    for axis, first in zip((_DEPTH, _LENGTH, _WIDTH), start, strict=True):
        low = max(first, box[axis][0])
        high = min(first + shape[axis - 1], box[axis][1], keyframe.shaped[axis])
        source.append(slice(low - first, high - first))
        target.append(slice(low - box[axis][0], high - box[axis][0]))
    beside = slice(*box[_BESIDE])
    part[tuple(target)] = keyframe.nodata if segment is None else segment[(*source, beside)]


_JPEG = {6, 7, 34892, 33007}
