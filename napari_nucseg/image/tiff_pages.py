"""The pages of a TIFF file: reading the strips and tiles that a region touches."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .picture_checks import check_png
from .tiff_stored import check_mapped, check_segments, grid_of, is_missing, size_of
from .tiff_subsampled import decode_subsampled
from .unreadable import Damaged

__all__ = ["axis_of_samples", "read_series"]

Tell = Callable[[str], None]

#: What tifffile gives the pixels of a page: separate samples, depth, length, width, and
#: samples that lie beside each other.
_SAMPLES, _DEPTH, _LENGTH, _WIDTH, _BESIDE = range(5)


def read_series(series: Any, wanted: Sequence[range], tell: Tell) -> np.ndarray:
    """Read a part of a series of pages, and decode nothing else.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The series, in an open file.
    wanted : sequence of range
        Numbers of the pixels along each axis, none of them empty, with positive steps.
    tell : callable
        Called with what a person should know of it.

    Returns
    -------
    ndarray
        Of as many axes. What lies in the file as it is in memory, is mapped and only those
        bytes are read; of other files the strips and tiles that the part touches are
        decoded. A few rare kinds of files are read whole.

    Raises
    ------
    Damaged
        If less is stored than is declared.
    """
    index = tuple(slice(one.start, one.stop, one.step) for one in wanted)
    mapped = _mapped(series)
    if mapped is not None:
        return np.array(mapped[index])
    page_axes = _axes_of_page(series)
    if page_axes is None:
        _check_last(series, len(series) - 1)
        _pages_of(series, range(len(series)))
        return np.asarray(series.asarray())[index]
    leading = len(series.shape) - len(page_axes)
    outer = series.shape[:leading]
    if leading:
        last = [one[-1] for one in wanted[:leading]]
        _check_last(series, int(np.ravel_multi_index(last, outer)))
    numbers = [
        int(np.ravel_multi_index(place, outer)) if place else 0
        for place in itertools.product(*wanted[:leading])
    ]
    pages = _pages_of(series, numbers)
    read = functools.partial(
        _read_page, page_axes=page_axes, wanted=wanted[leading:], tell=tell
    )
    first = read(pages[0])  # before memory is taken for the others
    if len(pages) == 1:
        return first.reshape([len(one) for one in wanted])
    out = np.empty((len(pages), *first.shape), first.dtype)
    out[0] = first
    for place, page in enumerate(pages[1:], start=1):
        out[place] = read(page)
    return out.reshape([len(one) for one in wanted])


def _check_last(series: Any, number: int) -> None:
    """Check, before all are listed, that there are as many pages as are wanted."""
    try:
        series[number]
    except IndexError as error:
        raise Damaged(
            f"{len(series)} planes are declared, of which that with the number {number}, "
            f"counted from 0, is not stored"
        ) from error


def _pages_of(series: Any, numbers: Sequence[int]) -> list[Any]:
    """Return pages of a series, all of which are there."""
    pages = [series[number] for number in numbers]
    if any(page is None for page in pages):
        missing = next(n for n, page in zip(numbers, pages, strict=True) if page is None)
        raise Damaged(
            f"of the {len(series)} planes that it declares the one with the number {missing}, "
            f"counted from 0, is not stored"
        )
    return pages


def axis_of_samples(series: Any) -> int | None:
    """Return along which axis of a series the samples of a pixel lie.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The series, in an open file.

    Returns
    -------
    int or None
        None if a pixel has a single sample.
    """
    page, axes = series.keyframe, _axes_of_page(series)
    if page.samplesperpixel == 1:
        return None
    if axes is not None:
        separate = page.shaped[_SAMPLES] > 1
        return len(series.shape) - len(axes) + axes.index(_SAMPLES if separate else _BESIDE)
    letters = series.axes.upper()
    return letters.index("S") if "S" in letters else None


def _mapped(series: Any) -> np.ndarray | None:
    """Map a series into memory, if it lies in its file in one piece as it is."""
    offset, page = series.dataoffset, series.keyframe
    if offset is None or series.transform is not None or not page.is_final:
        return None
    if any(one is None or one.parent is not page.parent for one in series):
        return None
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    path = page.parent.filehandle.path
    check_mapped(page, offset, math.prod(series.shape) * dtype.itemsize)
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


def _read_page(
    page: Any, page_axes: Sequence[int], wanted: Sequence[range], tell: Tell
) -> np.ndarray:
    """Read a part of a page."""
    inside = [range(1)] * 5
    for axis, one in zip(page_axes, wanted, strict=True):
        if axis >= 0:
            inside[axis] = one
    # Read all from the first to the last, and step afterwards.
    box = [(one[0], one[-1] + 1) for one in inside]
    numbers = _segments_in(page, box)
    check_segments(page, numbers)
    if any(is_missing(page, number) for number in numbers):
        tell(f"Some of its strips or tiles are not stored and read as {page.keyframe.nodata}.")
    part = np.zeros([stop - start for start, stop in box], page.keyframe.dtype)
    for number in numbers:
        _decode(page, number, box, part)
    part = part[tuple(slice(None, None, one.step) for one in inside)]
    return part.reshape([len(one) for one in wanted])


def _segments_in(page: Any, box: Sequence[tuple[int, int]]) -> list[int]:
    """Count the strips or tiles of a page that touch a box."""
    grid, size = grid_of(page.keyframe), size_of(page.keyframe)
    if min(len(page.dataoffsets), len(page.databytecounts)) < math.prod(grid):
        check_segments(page, [])  # says so
    touched = [
        range(box[axis][0] // size[axis], (box[axis][1] - 1) // size[axis] + 1)
        for axis in range(_BESIDE)
    ]
    return [int(np.ravel_multi_index(place, grid)) for place in itertools.product(*touched)]


def _decode(page: Any, number: int, box: Sequence[tuple[int, int]], part: np.ndarray) -> None:
    """Decode a strip or tile, and put what lies in a box into the array of the box."""
    place = np.unravel_index(number, grid_of(page.keyframe))
    sample, *start = (
        int(one) * size for one, size in zip(place, size_of(page.keyframe), strict=True)
    )
    segment = None if is_missing(page, number) else _segment(page, number)
    source: list[slice] = []
    target: list[slice | int] = [sample - box[_SAMPLES][0]]
    lengths = size_of(page.keyframe)[1:]
    for axis, first, length in zip((_DEPTH, _LENGTH, _WIDTH), start, lengths, strict=True):
        low = max(first, box[axis][0])
        high = min(first + length, box[axis][1], page.keyframe.shaped[axis])
        source.append(slice(low - first, high - first))
        target.append(slice(low - box[axis][0], high - box[axis][0]))
    if segment is None:
        part[tuple(target)] = page.keyframe.nodata
        return
    found = segment[(*source, slice(*box[_BESIDE]))]
    if found.shape != part[tuple(target)].shape:
        raise Damaged("a strip or tile has fewer pixels than it should")
    part[tuple(target)] = found


def _segment(page: Any, number: int) -> np.ndarray:
    """Read and decode a strip or tile."""
    keyframe, file = page.keyframe, page.parent.filehandle
    if file.closed:  # of an OME-TIFF in several files
        file.open()
    file.seek(page.dataoffsets[number])
    data = file.read(page.databytecounts[number])
    if len(data) < page.databytecounts[number]:
        raise Damaged("it ends within its pixels")
    if keyframe.compression not in _JPEG:
        if keyframe.compression == _PNG:
            check_png(data)  # libpng would print what it thinks of it
        if keyframe.is_subsampled:
            return decode_subsampled(keyframe, data, number)
        return keyframe.decode(data, number)[0]
    if keyframe.jpegheader is None and _END_OF_JPEG not in data[-_TAIL:]:
        raise Damaged("a strip or tile ends before its JPEG does")
    return keyframe.decode(data, number, jpegtables=page.jpegtables)[0]


_JPEG, _PNG = {6, 7, 34892, 33007}, 34933

#: The mark at the end of a JPEG, and how many bytes some programs leave behind it.
_END_OF_JPEG, _TAIL = b"\xff\xd9", 64
