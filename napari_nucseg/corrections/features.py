"""What is measured of every nucleus to tell how suspicious it is."""

from __future__ import annotations

import numpy as np

from ..pipeline import Maps, find_basins, heights_of
from .outlines import SIDES, shifted
from .select import ids_in

__all__ = ["features_of"]

#: Neighbors that come later in reading order, (Y, X).
_LATER = ((0, 1), (1, -1), (1, 0), (1, 1))


def features_of(
    labels: np.ndarray, maps: Maps | None = None, diameter: float | None = None
) -> dict[str, np.ndarray]:
    """Measure every nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps, optional
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels; the smoothing of the maps grows with it.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        A row for each nucleus in the order of ids. ``label``; ``centroid_y``, ``centroid_x``
        in pixels; ``area`` in pixels; ``relative_area``, over the median; ``fullness``, the
        area over that of the ellipse of the same moments, 1 for an ellipse; ``at_border``,
        whether it touches the border of the image. With maps also ``confidence``, the
        largest foreground times distance; ``probability``, the mean foreground;
        ``second_peak``, the prominence of the second middle, 0 if there is none;
        ``neighbor_depth``, how far the height falls between its middle and that of a nucleus
        that touches it, at least, and 1 if none does; ``outline_distance``, the mean distance
        map on the outline; ``contrast``, mean foreground on the outline less that around it.
    """
    ids, areas = ids_in(labels)
    numbers = _numbered(labels, ids)
    y, x = np.nonzero(numbers)
    index = numbers[y, x] - 1
    features = {"label": ids, **_shapes(y, x, index, areas, labels.shape)}
    if maps is None or ids.size == 0:
        return features
    foreground, distance = maps["foreground"][y, x], maps["distance"][y, x]
    confidence = np.zeros(ids.size, np.float32)
    np.maximum.at(confidence, index, foreground * distance)
    features["confidence"] = confidence
    features["probability"] = np.bincount(index, foreground, ids.size) / areas
    heights = heights_of(maps, numbers > 0, diameter)
    peaks = np.zeros(ids.size, np.float32)
    np.maximum.at(peaks, index, heights)
    features["second_peak"] = _second_peaks(heights, numbers, index)
    plane = np.zeros(labels.shape, np.float32)
    plane[y, x] = heights
    features["neighbor_depth"] = _neighbor_depths(numbers, plane, peaks)
    features.update(_outlines(numbers, ids.size, maps))
    return features


def _numbered(labels: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return labels with the rank of each nucleus from 1 on in place of its id."""
    if ids.size and ids[-1] < 64 * labels.size:
        table = np.zeros(ids[-1] + 1, np.int32)
        table[ids] = np.arange(1, ids.size + 1)
        return table[labels]
    ranks = np.searchsorted(ids, labels).astype(np.int32) + 1
    ranks[labels == 0] = 0
    return ranks


def _shapes(
    y: np.ndarray, x: np.ndarray, index: np.ndarray, areas: np.ndarray, shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    count = areas.size

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(index, values, count) / areas

    middle_y, middle_x = mean(y), mean(x)
    dy, dx = y - middle_y[index], x - middle_x[index]
    # A pixel is a square: its own variance is a twelfth.
    variance_y, variance_x = mean(dy * dy) + 1 / 12, mean(dx * dx) + 1 / 12
    ellipse = 4 * np.pi * np.sqrt(variance_y * variance_x - mean(dy * dx) ** 2)
    edge = (y == 0) | (x == 0) | (y == shape[0] - 1) | (x == shape[1] - 1)
    return {
        "centroid_y": middle_y,
        "centroid_x": middle_x,
        "area": areas,
        "relative_area": areas / max(float(np.median(areas)), 1.0) if count else areas * 1.0,
        "fullness": areas / ellipse,
        "at_border": np.bincount(index[edge], minlength=count) > 0,
    }


def _second_peaks(heights: np.ndarray, numbers: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the prominence of the second middle of each nucleus."""
    _, (first, second, levels) = find_basins(heights, numbers > 0, groups=index)
    owner: dict[int, int] = {}

    def top(peak: int) -> int:
        while peak in owner:
            peak = owner[peak]
        return peak

    deepest = np.zeros(numbers.max(initial=0), np.float32)
    for a, b, level in zip(first, second, levels, strict=True):
        high, low = top(a), top(b)
        if high == low:
            continue
        if heights[low] > heights[high]:
            high, low = low, high
        owner[low] = high
        nucleus = index[low]
        deepest[nucleus] = max(deepest[nucleus], heights[low] - level)
    return deepest


def _neighbor_depths(numbers: np.ndarray, plane: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Return how far the height falls at least on the way to a nucleus that touches."""
    keys, levels = [], []
    height, width = numbers.shape
    for dy, dx in _LATER:
        here = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(dy, height), slice(max(dx, 0), width - max(-dx, 0)))
        one, other = numbers[here], numbers[there]
        at = np.nonzero((one != other) & (one > 0) & (other > 0))
        a, b = one[at].astype(np.int64) - 1, other[at].astype(np.int64) - 1
        keys.append(np.minimum(a, b) * peaks.size + np.maximum(a, b))
        levels.append(np.minimum(plane[here][at], plane[there][at]))
    pairs, pair = np.unique(np.concatenate(keys), return_inverse=True)
    highest = np.zeros(pairs.size, np.float32)
    np.maximum.at(highest, pair, np.concatenate(levels))
    depths = np.ones(peaks.size, np.float32)
    a, b = np.divmod(pairs, peaks.size)
    fall = np.minimum(peaks[a], peaks[b]) - highest
    np.minimum.at(depths, a, fall)
    np.minimum.at(depths, b, fall)
    return depths


def _outlines(numbers: np.ndarray, count: int, maps: Maps) -> dict[str, np.ndarray]:
    """Return the mean distance on the outline, and how much the foreground falls there."""
    inside = np.zeros(numbers.shape, bool)
    owner = np.zeros(numbers.shape, np.int32)
    for dy, dx in SIDES:
        beside = shifted(numbers, dy, dx)
        inside |= beside != numbers
        np.maximum(owner, beside, out=owner)
    on = np.nonzero(inside & (numbers > 0))
    around = np.nonzero(inside & (numbers == 0))

    def mean(
        at: tuple[np.ndarray, ...], owners: np.ndarray, name: str, default: float
    ) -> np.ndarray:
        index = owners[at] - 1
        sums = np.bincount(index, maps[name][at], count)
        counts = np.bincount(index, minlength=count)
        return np.where(counts > 0, sums / np.maximum(counts, 1), default)

    outside = mean(around, owner, "foreground", 0.0)
    return {
        "outline_distance": mean(on, numbers, "distance", 0.0),
        "contrast": mean(on, numbers, "foreground", 1.0) - outside,
    }
