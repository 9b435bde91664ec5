"""What all edits need: boxes of nuclei, pieces, paths of pixels, ids that are not used.

A nucleus is one piece if its pixels touch at sides or corners (8 neighbors), as in the
labels that the pipeline makes. The background is connected at sides only (4 neighbors).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import scipy  # which loads its parts when they are used first
from skimage.draw import polygon2mask

__all__ = [
    "NEIGHBORHOOD",
    "Box",
    "Path",
    "Point",
    "as_pixel",
    "box_of",
    "disc_along",
    "id_at",
    "largest_piece",
    "line_pixels",
    "next_id",
    "next_ids",
    "piece_of",
    "polygon_mask",
    "square_around",
    "window_of",
]

#: Rows and columns, both with a start and an end.
Box = tuple[slice, slice]

#: A point (Y, X) in pixels; the middle of the first pixel is (0, 0).
Point = Sequence[float] | np.ndarray

#: Points in the order of a gesture, shape (N, 2).
Path = Sequence[Point] | np.ndarray

#: The neighbors of a pixel of a nucleus.
NEIGHBORHOOD = np.ones((3, 3), bool)

#: The first window around a point, in pixels to each side.
_REACH = 32


def as_pixel(at: Point, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the pixel that a point lies in.

    Parameters
    ----------
    at : tuple of float
        The point, (y, x) in pixels; whole numbers are the middles of pixels.
    shape : tuple of int
        Height and width of the plane in pixels.

    Returns
    -------
    tuple of int or None
        Row and column; None outside of the image.
    """
    y, x = (int(np.floor(value + 0.5)) for value in at)
    return (y, x) if 0 <= y < shape[0] and 0 <= x < shape[1] else None


def id_at(labels: np.ndarray, at: Point) -> int:
    """Return the id at a point.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Labels of a plane, 0 is background.
    at : tuple of float
        The point, (y, x) in pixels; whole numbers are the middles of pixels.

    Returns
    -------
    int
        The id; 0 in the background and outside of the image.
    """
    pixel = as_pixel(at, labels.shape)
    return int(labels[pixel]) if pixel else 0


def next_id(labels: np.ndarray) -> int:
    """Return an id that no nucleus has.

    Parameters
    ----------
    labels : ndarray of int
        The whole layer, not only the plane that is displayed.

    Returns
    -------
    int
        One more than the largest; if the dtype ends there, the smallest that is free.

    Raises
    ------
    ValueError
        If the dtype has no number left.
    """
    return next_ids(labels, 1)[0]


def next_ids(labels: np.ndarray, count: int, first: int | None = None) -> list[int]:
    """Return ids that no nucleus has.

    Parameters
    ----------
    labels : ndarray of int
        The labels.
    count : int
        How many.
    first : int, optional
        From which on all ids are known to be free. Left out, one more than the largest.

    Returns
    -------
    list of int
        Consecutive, unless the dtype ends there.

    Raises
    ------
    ValueError
        If the dtype has no numbers left.
    """
    most = np.iinfo(labels.dtype).max
    start = first if first is not None else max(int(labels.max(initial=0)), 0) + 1
    if start + count - 1 <= most:
        return list(range(start, start + count))
    used = np.unique(labels)
    free = np.setdiff1d(np.arange(1, min(used.size + count, int(most)) + 1), used)
    if free.size < count:
        raise ValueError(
            f"Expected room for {count} more in labels of type {labels.dtype}, which end at "
            f"{most}. Convert the layer to int32."
        )
    return [int(one) for one in free[:count]]


def box_of(mask: np.ndarray, margin: int = 0) -> Box | None:
    """Return the bounding box of a mask with a margin inside the image, None if empty."""
    found = np.flatnonzero(mask.any(axis=1))
    if found.size == 0:
        return None
    top, bottom = int(found[0]), int(found[-1]) + 1
    found = np.flatnonzero(mask[top:bottom].any(axis=0))
    ends = ((top, bottom), (int(found[0]), int(found[-1]) + 1))
    rows, columns = (
        slice(max(first - margin, 0), min(last + margin, length))
        for (first, last), length in zip(ends, mask.shape, strict=True)
    )
    return rows, columns


def square_around(at: Point, reach: float, shape: tuple[int, ...]) -> Box:
    """Return the box of all pixels near a point, inside the image.

    Parameters
    ----------
    at : tuple of float
        The point, (y, x) in pixels; whole numbers are the middles of pixels.
    reach : float
        How far they are at most, in pixels.
    shape : tuple of int
        Height and width of the plane in pixels.

    Returns
    -------
    Box
        Slices of rows and columns.
    """
    rows, columns = (
        slice(
            int(np.clip(np.floor(middle - reach), 0, length)),
            int(np.clip(np.ceil(middle + reach) + 1, 0, length)),
        )
        for middle, length in zip(at, shape, strict=True)
    )
    return rows, columns


def window_of(labels: np.ndarray, at: Point, margin: int = 1) -> Box:
    """Return a box with the piece of a nucleus at a point.

    The time depends on the size of the nucleus, not on that of the image.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Labels of a plane, 0 is background.
    at : tuple of float
        The point, (y, x) in pixels; whole numbers are the middles of pixels.
    margin : int, optional
        Pixels around the nucleus that are inside the box, too.

    Returns
    -------
    Box
        Slices of rows and columns.
    """
    number = id_at(labels, at)
    reach = _REACH
    while True:
        box = square_around(at, reach, labels.shape)
        inside = labels[box] == number
        rows, columns = box
        cut_off = (
            (rows.start > 0 and inside[0].any())
            or (rows.stop < labels.shape[0] and inside[-1].any())
            or (columns.start > 0 and inside[:, 0].any())
            or (columns.stop < labels.shape[1] and inside[:, -1].any())
        )
        if not cut_off:
            break
        reach *= 2
    found = box_of(inside)
    if found is None:
        return box
    rows, columns = (
        slice(
            max(outer.start + inner.start - margin, 0),
            min(outer.start + inner.stop + margin, length),
        )
        for outer, inner, length in zip(box, found, labels.shape, strict=True)
    )
    return rows, columns


def largest_piece(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected piece of a mask, of two equal ones the first."""
    pieces, count = scipy.ndimage.label(mask, NEIGHBORHOOD)
    if count < 2:
        return mask
    return pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])


def piece_of(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """Return the piece of a mask that has most pixels in common with a seed."""
    pieces, count = scipy.ndimage.label(mask, NEIGHBORHOOD)
    if count < 2:
        return mask
    shared = np.bincount(pieces[seed], minlength=count + 1)
    shared[0] = 0
    return pieces == np.argmax(shared)


def line_pixels(path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of a path inside the image, in its order.

    Consecutive ones share a side, so that a path across a nucleus divides it.

    Parameters
    ----------
    path : sequence of tuple of float
        The points of the path, (y, x) in pixels.
    shape : tuple of int
        Height and width of the plane in pixels.

    Returns
    -------
    rows, columns : ndarray of int, shape (N,)
        The pixels.
    """
    points = np.asarray(path, float).reshape(-1, 2)
    parts = [points[:1]]
    for start, end in itertools.pairwise(points):
        steps = int(np.ceil(2 * np.abs(end - start).max())) + 1
        parts.append(start + (end - start) * np.linspace(0, 1, steps)[1:, np.newaxis])
    pixels = np.floor(np.concatenate(parts) + 0.5).astype(np.intp)
    moved = np.ones(len(pixels), bool)
    moved[1:] = (pixels[1:] != pixels[:-1]).any(axis=1)
    pixels = pixels[moved]
    # Where both coordinates change, one pixel between makes them change one by one.
    corners = np.stack([pixels[1:, 0], pixels[:-1, 1]], axis=1)
    whole = np.empty((max(2 * len(pixels) - 1, 0), 2), np.intp)
    whole[::2], whole[1::2] = pixels, corners
    inside = ((whole >= 0) & (whole < shape)).all(axis=1)
    return whole[inside, 0], whole[inside, 1]


def disc_along(path: Path, radius: float, box: Box) -> np.ndarray:
    """Return the pixels of a box that a round brush covers on its way.

    Parameters
    ----------
    path : sequence of tuple of float
        The points of the path, (y, x) in pixels.
    radius : float
        Of the brush, in pixels.
    box : Box
        Slices of rows and columns.

    Returns
    -------
    ndarray of bool, shape of the box
        Whether a pixel is covered.
    """
    y, x = np.mgrid[box]
    points = np.asarray(path, float).reshape(-1, 2)
    covered = np.zeros(y.shape, bool)
    for start, end in zip(points, [*points[1:], points[-1]], strict=True):
        dy, dx = end - start
        length = dy * dy + dx * dx
        along = ((y - start[0]) * dy + (x - start[1]) * dx) / length if length else 0.0
        along = np.clip(along, 0.0, 1.0)
        squared = (y - start[0] - along * dy) ** 2 + (x - start[1] - along * dx) ** 2
        covered |= squared <= radius * radius
    return covered


def polygon_mask(outline: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, Box] | None:
    """Return the pixels inside a closed outline.

    Parameters
    ----------
    outline : sequence of tuple of float
        The points of the outline, (y, x) in pixels.
    shape : tuple of int
        Height and width of the plane in pixels.

    Returns
    -------
    tuple of ndarray of bool and Box, or None
        The pixels in their box; None if there are none.
    """
    points = np.asarray(outline, float).reshape(-1, 2)
    if len(points) < 3:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    rows, columns = (
        slice(
            int(np.clip(np.floor(first), 0, length)),
            int(np.clip(np.ceil(last) + 1, 0, length)),
        )
        for first, last, length in zip(low, high, shape, strict=True)
    )
    size = (rows.stop - rows.start, columns.stop - columns.start)
    if 0 in size:
        return None
    mask = polygon2mask(size, points - [rows.start, columns.start])
    return (mask, (rows, columns)) if mask.any() else None
