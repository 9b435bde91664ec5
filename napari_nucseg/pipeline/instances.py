"""Maps to labels: every nucleus becomes an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from .parameters import SegmentParameters
from .predictor import Maps, ModelSpec

__all__ = [
    "CUT_OFF",
    "MIN_PROMINENCE",
    "find_basins",
    "heights_of",
    "instances_from_maps",
    "join_shallow",
    "number_in_order",
    "smoothing_for",
]

#: How far the height must fall between two peaks for them to be two nuclei: the prominence of
#: a peak. Of 0.15 to 0.35 this scored highest on the images that the bundled model was trained
#: and validated on. It was chosen together with the defaults of `SegmentParameters`.
MIN_PROMINENCE = 0.3

#: Where the network is not sure of what it sees, the peaks are low and so is everything between
#: them: a fall by this part of the lower peak is enough then, if it is more than noise.
_PART_OF_PEAK = 0.5
_NOISE = 0.05

#: Part of the confidence that is enough at the edge of the image. Of 0.4 to 1 this was best
#: on the validation images.
CUT_OFF = 0.5

#: Sigma of the Gaussian filter at the scale of the network, in pixels, and where it is cut off.
_SMOOTHING = 1.5
_TRUNCATE = 3.0

#: Rows of a band, and pixels of a part, that are worked on at a time, to take little memory.
_ROWS, _PIXELS = 512, 1 << 20

#: The four directions, (Y, X), of the neighbors that come later in reading order.
_NEIGHBORS = ((0, 1), (1, -1), (1, 0), (1, 1))


def instances_from_maps(
    maps: Maps,
    parameters: SegmentParameters,
    diameter: float | None = None,
    *,
    least_confidence: float | None = None,
) -> np.ndarray:
    """Turn predicted maps into labels.

    A watershed within the foreground. The height of a pixel is its distance times one minus
    its boundary probability, smoothed. A peak is a nucleus of its own if it is prominent: on
    the way to any higher peak the height falls by `MIN_PROMINENCE`, or by half of the peak if
    that is less. The time is linear in the number of pixels: every pixel follows its steepest
    ascent to a peak, then peaks of less prominence are joined to their neighbors, from the
    highest saddle downwards.

    The confidence of an object is the largest product in it of foreground probability and
    distance. An object is kept if its confidence reaches the probability that is asked for.
    The middle of a nucleus may lie outside of the image, where the edge cuts it off: half of
    that probability is enough then. Holes in a nucleus are filled if they are smaller than
    the rest of it.

    Parameters
    ----------
    maps : Maps
        Foreground, distance and boundary, shape (Y, X, M).
    parameters : SegmentParameters
        Of these the probability and the minimum size are used. Foreground is where the
        probability is larger than the one asked for.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; the smoothing grows with it. Left out, that
        of the network.
    least_confidence : float, optional
        Confidence that an object must reach, in place of the probability.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 is background, nuclei are numbered from 1 in reading order.
    """
    least = parameters.probability if least_confidence is None else least_confidence
    foreground = maps["foreground"] > parameters.probability
    heights = heights_of(maps, foreground, diameter)
    peaks, saddles = find_basins(heights, foreground)
    owners = join_shallow(heights, saddles, peaks)
    del heights, peaks
    kept = np.bincount(owners, minlength=owners.size) >= max(parameters.minimum_size, 1)
    kept &= _are_confident(owners, maps, foreground, least)
    labels = np.zeros(foreground.shape, np.int32)
    labels[foreground] = number_in_order(owners, kept)
    _fill_holes(labels)
    return labels


def heights_of(maps: Maps, inside: np.ndarray, diameter: float | None = None) -> np.ndarray:
    """Return the heights of the watershed: distance times one minus boundary, smoothed.

    Parameters
    ----------
    maps : Maps
        Distance and boundary, shape (Y, X, M).
    inside : ndarray of bool, shape (Y, X)
        Where they are wanted.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; the smoothing grows with it. Left out, that
        of the network.

    Returns
    -------
    ndarray of float32, shape (N,)
        For the pixels inside, in reading order.
    """
    return _heights(maps, inside, smoothing_for(maps.spec, diameter))


def smoothing_for(spec: ModelSpec, diameter: float | None = None) -> float:
    """Return how much heights are smoothed.

    Parameters
    ----------
    spec : ModelSpec
        Of the model.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.

    Returns
    -------
    float
        Sigma of the Gaussian filter in pixels.
    """
    return _SMOOTHING * (diameter or spec.diameter) / spec.diameter


def find_basins(
    heights: np.ndarray, inside: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[list[int], list[int], list[float]]]:
    """Find the basins of a watershed: every pixel follows its steepest ascent to a peak.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Of the pixels inside, in reading order.
    inside : ndarray of bool, shape (Y, X) or (Z, Y, X)
        The pixels that belong to basins. In a plane those that share a corner are neighbors,
        in a stack those that share a face.
    groups : ndarray of int, shape (N,), optional
        Pixels of different groups are not neighbors, so that no basin is in two groups.

    Returns
    -------
    peaks : ndarray of int32, shape (N,)
        For every pixel the peak that its ascent ends on, by its rank among the pixels inside.
    saddles : tuple of list
        Of each pair of basins that touch: one peak, the other peak, and the height of the
        highest saddle between them. The highest saddle comes first.
    """
    neighbors = _neighbors(inside) if inside.ndim == 2 else _neighbors_in_stack(inside)
    if groups is not None:
        for after in neighbors:
            after[groups[after] != groups] = -1
    peaks = _climb(heights, neighbors)
    return peaks, _saddles(heights, neighbors, peaks)


def _by_rows(work: Callable[[int], Any], height: int) -> list[Any]:
    """Return the results of the work, given the first row of every band of `_ROWS` rows.

    Two bands are worked on at the same time.
    """
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(work, range(0, height, _ROWS)))


def _heights(maps: Maps, foreground: np.ndarray, sigma: float) -> np.ndarray:
    """Return the heights of the watershed, for the pixels of the foreground."""
    from scipy import ndimage

    distance, boundary = maps["distance"], maps["boundary"]
    reach = int(_TRUNCATE * sigma + 0.5)

    def smooth(first: int) -> np.ndarray:
        above = min(first, reach)
        band = slice(first - above, first + _ROWS + reach)
        height = np.subtract(1.0, boundary[band], dtype=np.float32)
        height *= distance[band]
        height = ndimage.gaussian_filter(height, sigma, mode="nearest", truncate=_TRUNCATE)
        return height[above : above + _ROWS][foreground[first : first + _ROWS]]

    return np.concatenate(_by_rows(smooth, foreground.shape[0]))


def _neighbors(foreground: np.ndarray) -> list[np.ndarray]:
    """Return for each pixel of the foreground its later neighbors, in four directions.

    They are given by their rank in the foreground, -1 where there is background.
    """
    # A border of background, so that every pixel of the foreground has all neighbors.
    foreground = np.pad(foreground, 1)
    height, width = foreground.shape
    before = np.concatenate([[0], np.cumsum(foreground.sum(axis=1))])

    neighbors = [np.empty(before[-1], np.int32) for _ in _NEIGHBORS]

    def fill(first: int) -> None:
        rows = foreground[first : first + _ROWS + 1].ravel()
        rank = np.where(rows, np.cumsum(rows, dtype=np.int32) + np.int32(before[first] - 1), -1)
        # The last row only has the neighbors of the row above it.
        pixels = np.flatnonzero(rows[:-width])
        for after, (dy, dx) in zip(neighbors, _NEIGHBORS, strict=True):
            after[before[first] :][: pixels.size] = rank[pixels + (dy * width + dx)]

    _by_rows(fill, height - 1)
    return neighbors


def _neighbors_in_stack(foreground: np.ndarray) -> list[np.ndarray]:
    """Return for each voxel of the foreground its later neighbors along X, Y and Z.

    They are given by their rank in the foreground, -1 where there is background.
    """
    counts = np.count_nonzero(foreground, axis=(1, 2))
    before = np.concatenate([[0], np.cumsum(counts)])
    neighbors = [np.full(before[-1], -1, np.int32) for _ in range(3)]
    rank = above = np.zeros(0, np.int32)
    for z in range(len(foreground) - 1, -1, -1):
        plane = foreground[z]
        rank = np.full(plane.shape, -1, np.int32)
        rank[plane] = np.arange(before[z], before[z + 1], dtype=np.int32)
        along_x, along_y, along_z = (after[before[z] : before[z + 1]] for after in neighbors)
        along_x[:] = np.pad(rank[:, 1:], ((0, 0), (0, 1)), constant_values=-1)[plane]
        along_y[:] = np.pad(rank[1:], ((0, 1), (0, 0)), constant_values=-1)[plane]
        if above.size:
            along_z[:] = above[plane]
        above = rank
    return neighbors


def _pairs(neighbors: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pixels and their neighbors in one direction after the other, some at a time."""
    for after in neighbors:
        for first in range(0, max(after.size, 1), _PIXELS):
            part = after[first : first + _PIXELS]
            here = np.flatnonzero(part >= 0).astype(np.int32)
            yield here + np.int32(first), part[here]


def _climb(heights: np.ndarray, neighbors: list[np.ndarray]) -> np.ndarray:
    """Return for every pixel the peak that its steepest ascent ends on."""
    target = np.arange(heights.size, dtype=np.int32)
    best = heights.copy()
    for here, there in _pairs(neighbors):
        # Equal heights are ordered by position, so that a plateau has one peak.
        for pixels, others, is_higher in (
            (here, there, np.greater_equal),
            (there, here, np.greater),
        ):
            height = heights[others]
            up = np.flatnonzero(is_higher(height, best[pixels]))
            rising = pixels[up]
            best[rising] = height[up]
            target[rising] = others[up]
    del best
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further


def join_shallow(
    heights: np.ndarray,
    saddles: tuple[list[int], list[int], list[float]],
    peaks: np.ndarray,
    part: float = 1.0,
) -> np.ndarray:
    """Join basins whose peak is not prominent enough over a saddle.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        See `find_basins`.
    saddles, peaks
        What `find_basins` returns.
    part : float, optional
        Part of the usual prominence that is enough.

    Returns
    -------
    ndarray of int32, shape (N,)
        For every pixel the highest peak of its nucleus.
    """
    #: From a peak to the higher one that it was joined to.
    higher: dict[int, int] = {}

    def top(peak: int) -> int:
        while peak in higher:
            above = higher[peak]
            # Halve the path, so that the next search from here is shorter.
            if above in higher:
                higher[peak] = higher[above]
            peak = above
        return peak

    for a, b, level in zip(*saddles, strict=True):
        high, low = top(a), top(b)
        if high == low:
            continue
        if (heights[low], low) > (heights[high], high):
            high, low = low, high
        if heights[low] - level < part * _least_fall(heights[low]):
            higher[low] = high
    owner = np.arange(heights.size, dtype=np.int32)
    for peak in higher:
        owner[peak] = top(peak)
    return owner[peaks]


def _least_fall(peak: float) -> float:
    """Return the prominence that a peak of this height needs to be a nucleus of its own."""
    return min(MIN_PROMINENCE, max(_NOISE, _PART_OF_PEAK * peak))


def _saddles(
    heights: np.ndarray, neighbors: list[np.ndarray], peaks: np.ndarray
) -> tuple[list[int], list[int], list[float]]:
    """Return the pairs of basins that touch and their highest saddle, the highest first."""
    first, second, level = [], [], []
    for here, there in _pairs(neighbors):
        apart = peaks[here] != peaks[there]
        one, other = here[apart], there[apart]
        first.append(np.minimum(peaks[one], peaks[other]))
        second.append(np.maximum(peaks[one], peaks[other]))
        level.append(np.minimum(heights[one], heights[other]))
    one, two, levels = (np.concatenate(parts) for parts in (first, second, level))
    order = np.lexsort((-levels, two, one))
    one, two, levels = one[order], two[order], levels[order]
    new = np.ones(one.size, bool)
    new[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    one, two, levels = one[new], two[new], levels[new]
    order = np.argsort(-levels, kind="stable")
    return one[order].tolist(), two[order].tolist(), levels[order].tolist()


def _are_confident(
    owners: np.ndarray, maps: Maps, foreground: np.ndarray, probability: float
) -> np.ndarray:
    """Return of every object whether its confidence reaches the probability.

    In debris and in pieces of texture, hardly any pixel has both a high probability and a
    large distance. The largest value in an object counts: with a lower threshold the object
    has more pixels, and its largest value cannot become less. At the edge of the image a part
    of the probability is enough.
    """
    confidence = maps["foreground"][foreground]
    confidence *= maps["distance"][foreground]
    enough, nearly, cut_off = (np.zeros(owners.size, bool) for _ in range(3))
    enough[owners[confidence >= probability]] = True
    nearly[owners[confidence >= CUT_OFF * probability]] = True
    edge = np.ones(foreground.shape, bool)
    edge[1:-1, 1:-1] = False
    cut_off[owners[edge[foreground]]] = True
    return enough | (nearly & cut_off)


def _with_gaps(labels: np.ndarray) -> np.ndarray:
    """Return the objects that have a gap in a row of pixels: only these can have holes."""

    def find_gaps(first: int) -> np.ndarray:
        rows = labels[first : first + _ROWS].ravel()
        found = np.flatnonzero(rows)
        numbers = rows[found]
        return numbers[1:][(numbers[1:] == numbers[:-1]) & (np.diff(found) > 1)]

    return np.unique(np.concatenate(_by_rows(find_gaps, labels.shape[0])))


def _fill_holes(labels: np.ndarray) -> None:
    """Fill the holes of an object if they are smaller than the object."""
    from scipy import ndimage

    suspects = _with_gaps(labels)
    boxes = ndimage.find_objects(labels) if suspects.size else []
    for number in suspects:
        part = labels[boxes[number - 1]]
        nucleus = part == number
        holes = ndimage.binary_fill_holes(nucleus) & (part == 0)
        if np.count_nonzero(holes) < np.count_nonzero(nucleus):
            part[holes] = number


def number_in_order(owners: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Number the owners that are kept from 1 in reading order, the others 0.

    Parameters
    ----------
    owners : ndarray of int, shape (N,)
        For every pixel the one that its nucleus is known by.
    kept : ndarray of bool, shape (N,)
        By owner.

    Returns
    -------
    ndarray of int32, shape (N,)
        For every pixel the number of its nucleus.
    """
    new = np.ones(owners.size, bool)
    new[1:] = owners[1:] != owners[:-1]
    starts = np.flatnonzero(new).astype(np.int32)
    first = np.zeros(owners.size, np.int32)
    # In reverse order, so that the last assignment to an owner is that of its first pixel.
    first[owners[starts[::-1]]] = starts[::-1]
    numbers = np.zeros(owners.size, np.int32)
    order = np.flatnonzero(kept)
    numbers[order[np.argsort(first[order])]] = np.arange(1, order.size + 1)
    return numbers[owners]
