"""What is measured of every nucleus to tell how suspicious it is."""

from __future__ import annotations

import numpy as np
import scipy  # which loads its parts when they are used first

from ..pipeline import Maps, find_basins, heights_of
from .outlines import SIDES, shifted
from .select import ids_in

__all__ = ["background_of", "features_of", "measured", "related"]

#: Neighbors that come later in reading order, (Y, X).
_LATER = ((0, 1), (1, -1), (1, 0), (1, 1))

#: How many nuclei around are looked at.
_AROUND = 6

#: Only every so manieth row and column is looked at for the level of the background.
_STEP = 4


def features_of(
    labels: np.ndarray,
    maps: Maps | None = None,
    diameter: float | None = None,
    image: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Measure every nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps, optional
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels; the smoothing of the maps grows with it. Left
        out, that of the network.
    image : ndarray, shape (Y, X) or (Y, X, 3), optional
        Intensities.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        What `measured` and `related` return.
    """
    found = measured(labels, maps, diameter, image)
    return related(found, background_of(labels, image))


def measured(
    labels: np.ndarray,
    maps: Maps | None = None,
    diameter: float | None = None,
    image: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Measure of every nucleus what only depends on itself and on what touches it.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps, optional
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels. Left out, that of the network.
    image : ndarray, shape (Y, X) or (Y, X, 3), optional
        Intensities.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        A row for each nucleus in the order of ids. ``label``; ``centroid_y``, ``centroid_x``
        in pixels; ``area`` in pixels; ``top``, ``left``, ``bottom``, ``right``, its first and
        last rows and columns; ``fullness``, the area over that of the ellipse of the same
        moments, 1 for an ellipse; ``at_border``, whether it touches the border of the image;
        ``touching``, the part of its outline that touches other nuclei. With an image also
        ``intensity``, its mean. With maps also ``size``, the area over that of a disc of the
        typical diameter; ``confidence``, the largest foreground times distance;
        ``probability``, the mean foreground; ``second_peak``, the prominence of the second
        middle, 0 if there is none; ``neighbor_depth``, how far the height falls between its
        middle and that of a nucleus that touches it, at least, and 1 if none does;
        ``outline_distance``, the mean distance map on the outline; ``contrast``, mean
        foreground on the outline less that around it.
    """
    ids, areas = ids_in(labels)
    numbers = _numbered(labels, ids)
    y, x = np.nonzero(numbers)
    index = numbers[y, x] - 1
    features = {"label": ids, **_shapes(y, x, index, areas, labels.shape)}
    if image is not None:
        values = image[y, x].astype(np.float64)
        values = values.mean(axis=-1) if values.ndim > 1 else values
        features["intensity"] = np.bincount(index, values, ids.size) / areas
    if maps is not None:
        size = diameter or maps.spec.diameter
        features["size"] = areas / (np.pi / 4 * size * size)
        foreground, distance = maps["foreground"][y, x], maps["distance"][y, x]
        features["confidence"] = _largest(foreground * distance, index, ids.size)
        features["probability"] = np.bincount(index, foreground, ids.size) / areas
        heights = heights_of(maps, numbers > 0, diameter)
        features["second_peak"] = _second_peaks(heights, numbers, index, ids.size)
        plane = np.zeros(labels.shape, np.float32)
        plane[y, x] = heights
        peaks = _largest(heights, index, ids.size)
        features["neighbor_depth"] = _neighbor_depths(numbers, plane, peaks)
    features.update(_outlines(numbers, ids.size, maps))
    return features


def related(
    features: dict[str, np.ndarray], background: float | None = None
) -> dict[str, np.ndarray]:
    """Compare every nucleus with the others of its plane.

    Parameters
    ----------
    features : dict of str to ndarray, shape (N,)
        What `measured` returns, of all nuclei.
    background : float, optional
        See `background_of`.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Also with ``relative_area``, over the median. With intensities also
        ``relative_brightness``, how far the nucleus stands out of the background, over the
        median. With maps also ``around``, the mean confidence of the six nuclei that are next.
    """
    areas, more = features["area"], {}
    more["relative_area"] = areas / np.median(areas) if areas.size else areas * 1.0
    if background is not None and "intensity" in features:
        stands_out = features["intensity"] - background
        usual = float(np.median(stands_out)) if areas.size else 0.0
        more["relative_brightness"] = stands_out / usual if usual else np.ones(areas.size)
    if "confidence" in features:
        more["around"] = _around(features)
    return {**features, **more}


def background_of(labels: np.ndarray, image: np.ndarray | None) -> float | None:
    """Return the level of the background.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    image : ndarray, shape (Y, X) or (Y, X, 3), optional
        Intensities.

    Returns
    -------
    float or None
        Their median outside of nuclei; None without an image, or without background.
    """
    if image is None:
        return None
    some = (slice(None, None, _STEP), slice(None, None, _STEP))
    values = np.asarray(image[some])[labels[some] == 0]
    return float(np.median(values)) if values.size else None


def _around(features: dict[str, np.ndarray]) -> np.ndarray:
    """Return the mean confidence of the nuclei that are next to each."""
    confidence = features["confidence"]
    if confidence.size < 2:
        return confidence.astype(float)
    middles = np.stack([features["centroid_y"], features["centroid_x"]], axis=1)
    _, nearest = scipy.spatial.cKDTree(middles).query(
        middles, min(_AROUND + 1, confidence.size)
    )
    return confidence[nearest[:, 1:]].mean(axis=1)


def _largest(values: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Return the largest value of each nucleus."""
    largest = np.zeros(count, np.float32)
    np.maximum.at(largest, index, values)
    return largest


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
        **_boxes(y, x, index, count),
        "fullness": areas / ellipse,
        "at_border": np.bincount(index[edge], minlength=count) > 0,
    }


def _boxes(
    y: np.ndarray, x: np.ndarray, index: np.ndarray, count: int
) -> dict[str, np.ndarray]:
    """Return the first and last row and column of each nucleus. Pixels are in reading order."""
    top, bottom = np.zeros(count, np.intp), np.zeros(count, np.intp)
    left, right = np.full(count, np.iinfo(np.intp).max), np.zeros(count, np.intp)
    # The last assignment stays.
    top[index[::-1]], bottom[index] = y[::-1], y
    np.minimum.at(left, index, x)
    np.maximum.at(right, index, x)
    return {"top": top, "left": left, "bottom": bottom, "right": right}


def _second_peaks(
    heights: np.ndarray, numbers: np.ndarray, index: np.ndarray, count: int
) -> np.ndarray:
    """Return the prominence of the second middle of each nucleus."""
    _, (first, second, levels) = find_basins(heights, numbers > 0, groups=index)
    owner: dict[int, int] = {}

    def top(peak: int) -> int:
        while peak in owner:
            peak = owner[peak]
        return peak

    deepest = np.zeros(count, np.float32)
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


def _outlines(numbers: np.ndarray, count: int, maps: Maps | None) -> dict[str, np.ndarray]:
    """Measure on the outline, and on the pixels around it."""
    edge, touching = np.zeros(numbers.shape, bool), np.zeros(numbers.shape, bool)
    owner = np.zeros(numbers.shape, np.int32)
    for dy, dx in SIDES:
        beside = shifted(numbers, dy, dx)
        other = beside != numbers
        edge |= other
        touching |= other & (beside > 0)
        np.maximum(owner, beside, out=owner)
    on = np.nonzero(edge & (numbers > 0))
    around = np.nonzero(edge & (numbers == 0))

    def mean(values: np.ndarray, index: np.ndarray, default: float) -> np.ndarray:
        counts = np.bincount(index, minlength=count)
        sums = np.bincount(index, values, count)
        return np.where(counts > 0, sums / np.maximum(counts, 1), default)

    own = numbers[on] - 1
    found = {"touching": mean(touching[on], own, 0.0)}
    if maps is not None:
        outside = mean(maps["foreground"][around], owner[around] - 1, 0.0)
        found["outline_distance"] = mean(maps["distance"][on], own, 0.0)
        found["contrast"] = mean(maps["foreground"][on], own, 1.0) - outside
    return found
