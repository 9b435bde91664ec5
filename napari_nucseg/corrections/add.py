"""Add a nucleus that was missed, around a click."""

from __future__ import annotations

import math

import numpy as np

from ..pipeline import NETWORK_DIAMETER, Maps, SegmentParameters, instances_from_maps
from .edit import Edit, edit_of, nothing
from .regions import Box, Point, as_pixel, disc_along, next_ids, piece_of, square_around

__all__ = ["add"]

#: Parts of the probability that are tried one after the other.
_THRESHOLDS = (1.0, 0.7, 0.45, 0.25, 0.1)

#: The smallest and the largest plausible area, over that of a disc of the typical diameter.
_LEAST_AREA, _MOST_AREA = 0.15, 3.0

#: Half of the window that is looked at, over the diameter.
_REACH = 1.5

#: How far from the click a nucleus may begin, over the diameter.
_NEAR = 0.2


def add(
    labels: np.ndarray,
    at: Point,
    maps: Maps | None = None,
    *,
    diameter: float | None = None,
    probability: float = 0.5,
    origin: tuple[int, int] = (0, 0),
    new_id: int | None = None,
) -> Edit:
    """Add a nucleus around a point of the background.

    Its outline comes from the maps by the rules of the pipeline, at the given probability or,
    if that shows none, at lower ones. Where the maps show none at all, or there are no maps, it
    is a disc of the typical diameter.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    at : sequence of float
        The point, (Y, X) in pixels.
    maps : Maps, optional
        Shape (Y, X, M): of the whole plane, or of a part of it that the network has looked
        at again.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        Foreground probability of an outline, 0 to 1.
    origin : tuple of int, optional
        Row and column of the plane at which the maps begin.
    new_id : int, optional
        An id that is free in the whole layer; left out, in the plane.

    Returns
    -------
    Edit
        Only background is used. Empty if the point is not background.
    """
    pixel = as_pixel(at, labels.shape)
    if pixel is None or labels[pixel]:
        return nothing("add", labels)
    size = diameter or (maps.spec.diameter if maps is not None else NETWORK_DIAMETER)
    box = square_around(pixel, math.ceil(_REACH * size), labels.shape)
    free = labels[box] == 0
    in_box = (pixel[0] - box[0].start, pixel[1] - box[1].start)
    window = None if maps is None else _window(maps, origin, box, free)
    shape = None
    if window is not None:
        shape = _shape_in(window, free, in_box, diameter=size, probability=probability)
    if shape is None:
        shape = free & disc_along([pixel], size / 2, box)
    seed = np.zeros(free.shape, bool)
    seed[in_box] = True
    shape = piece_of(shape, seed if (shape & seed).any() else shape)
    new = next_ids(labels, 1, new_id)
    return edit_of("add", labels, np.where(shape, new[0], labels[box]), box, new)


def _window(maps: Maps, origin: tuple[int, int], box: Box, free: np.ndarray) -> Maps | None:
    """Return the maps in a box, without foreground where nuclei are; None if there are none."""
    values = np.zeros((*free.shape, maps.values.shape[-1]), np.float32)
    known, inside = [], []
    for part, start, length in zip(box, origin, maps.values.shape[:2], strict=True):
        low, high = max(part.start, start), min(part.stop, start + length)
        if low >= high:
            return None
        known.append(slice(low - start, high - start))
        inside.append(slice(low - part.start, high - part.start))
    values[tuple(inside)] = maps.values[tuple(known)]
    values[..., maps.spec.index("foreground")] *= free
    return Maps(values, maps.spec)


def _shape_in(
    window: Maps, free: np.ndarray, at: tuple[int, int], *, diameter: float, probability: float
) -> np.ndarray | None:
    """Return the pixels of a window that the maps show as a nucleus, None if they show none."""
    whole = (slice(0, free.shape[0]), slice(0, free.shape[1]))
    near = disc_along([at], max(_NEAR * diameter, 1.0), whole)
    most = disc_along([at], diameter, whole)
    typical = math.pi / 4 * diameter**2
    for part in _THRESHOLDS:
        rules = SegmentParameters(probability=part * probability, minimum_size=0)
        found = instances_from_maps(window, rules, diameter)
        number = found[at] or _most_common(found[near])
        # Filled holes may hold nuclei that are there already.
        shape = (found == number) & free & most
        area = np.count_nonzero(shape)
        if number and _LEAST_AREA * typical <= area <= _MOST_AREA * typical:
            return shape
    return None


def _most_common(numbers: np.ndarray) -> int:
    counts = np.bincount(numbers)
    counts[0] = 0
    return int(np.argmax(counts)) if counts.any() else 0
