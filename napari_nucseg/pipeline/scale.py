"""The zoom at which the network predicts: nuclei get the size that it was trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .predictor import DEFAULT_SPEC, Maps, ModelSpec

__all__ = [
    "estimate_scale",
    "foreground_confidence",
    "high_contrast_crops",
    "inside_nuclei",
    "typical_diameter",
    "zoom_for",
]

_ZOOM_RANGE = (0.2, 4.0)

#: Two zooms that differ by less than this factor count as the same.
_NO_ZOOM = 1.25

#: A predicted size further than this from the network's own, in octaves, is clipped.
_OCTAVES = 6

#: How often the zoom is adjusted to the diameter found, at most.
_MOST_PREDICTIONS = 3

#: The zoom at which large nuclei are told from their texture.
_COARSE_ZOOM = 0.25

#: The result at the coarse zoom is used if its foreground confidence is at least the first of
#: these, and the second times that of the result at the finer zoom. At the coarse zoom,
#: fluorescence is most often at 0.46 to 0.51 and tissue below 0.42.
_MIN_CONFIDENCE, _MIN_RATIO = 0.42, 1.5

#: Given a zoom, returns the maps and the typical diameter, None if there is no nucleus.
PredictAt = Callable[[float], tuple[Maps, float | None]]


def estimate_scale(predict_at: PredictAt) -> tuple[Maps, float | None]:
    """Predict at one zoom after the other, until the zoom suits the diameter found.

    The texture of large nuclei can be taken for small nuclei. At the zoom that suits small
    nuclei there is even more of it. Therefore the network also predicts at a coarse zoom, and
    that result is used if its foreground is clearly more confident. In tissue, glands and
    other large structures are a little more confident at the coarse zoom: that is not enough.

    Parameters
    ----------
    predict_at : callable
        Given a zoom, returns `Maps` and the typical diameter of the nuclei in pixels of the
        plane, None if there are none.

    Returns
    -------
    maps : Maps
        Those of the last prediction at the zoom that is right.
    diameter : float or None
        In pixels of the plane, None if there is no nucleus.
    """
    maps, found = _refine(predict_at, 1.0)
    spec = maps.spec
    enough = max(_MIN_CONFIDENCE, _MIN_RATIO * foreground_confidence(maps))
    coarse, coarse_found = predict_at(_COARSE_ZOOM)
    if coarse_found is None or foreground_confidence(coarse) < enough:
        return maps, found
    wanted = zoom_for(coarse_found, spec)
    if _near(wanted, zoom_for(found or spec.diameter, spec)):
        return maps, found
    if not _near(wanted, _COARSE_ZOOM):
        coarse, coarse_found = _refine(predict_at, wanted)
    if foreground_confidence(coarse) >= enough:
        return coarse, coarse_found
    return maps, found


def _refine(predict_at: PredictAt, zoom: float) -> tuple[Maps, float | None]:
    """Predict at a zoom, and again at that of the diameter found as long as they differ."""
    found = None
    for _ in range(_MOST_PREDICTIONS):
        maps, diameter = predict_at(zoom)
        found = diameter or found
        wanted = zoom_for(found or maps.spec.diameter, maps.spec)
        if _near(wanted, zoom):
            break
        zoom = wanted
    return maps, found


def foreground_confidence(maps: Maps) -> float:
    """Return how confident the network is of the foreground.

    Parameters
    ----------
    maps : Maps
        Of any shape.

    Returns
    -------
    float
        The mean of probability times distance in the foreground, 0 if there is none.
    """
    foreground = maps["foreground"] > 0.5
    if not foreground.any():
        return 0.0
    return float(np.mean(maps["foreground"][foreground] * maps["distance"][foreground]))


def zoom_for(diameter: float, spec: ModelSpec = DEFAULT_SPEC) -> float:
    """Return the factor that brings nuclei to the size the network works at.

    Parameters
    ----------
    diameter : float
        In pixels.
    spec : ModelSpec, optional
        Of the model.

    Returns
    -------
    float
        1 if the diameter is near enough as it is.
    """
    zoom = float(np.clip(spec.diameter / diameter, *_ZOOM_RANGE))
    return 1.0 if _near(zoom, 1.0) else zoom


def _near(one: float, other: float) -> bool:
    """Return whether two zooms count as the same."""
    return 1 / _NO_ZOOM <= one / other <= _NO_ZOOM


def high_contrast_crops(plane: np.ndarray, size: int, number: int) -> np.ndarray:
    """Cut out the parts of a plane with most contrast.

    Parameters
    ----------
    plane : ndarray, shape (Y, X, C)
        Intensities.
    size : int
        Height and width of a part in pixels.
    number : int
        How many parts, at most.

    Returns
    -------
    ndarray, shape (N, size, size, C) or (1, Y, X, C)
        The parts, cut off where the plane is smaller; the whole plane if it has no more
        pixels than they would.
    """
    if plane.shape[0] * plane.shape[1] <= number * size * size:
        return plane[np.newaxis]
    rows, columns = (_starts(length, size) for length in plane.shape[:2])
    corners = [(y, x) for y in rows for x in columns]
    contrast = [plane[y : y + size : 4, x : x + size : 4].std() for y, x in corners]
    chosen = [corners[index] for index in np.argsort(contrast)[::-1][:number]]
    return np.stack([plane[y : y + size, x : x + size] for y, x in chosen])


def _starts(length: int, size: int) -> range:
    return range(0, max(1, length - size + 1), size)


def inside_nuclei(maps: Maps, size: np.ndarray) -> np.ndarray:
    """Return the predicted sizes that lie inside of nuclei.

    Parameters
    ----------
    maps : Maps
        Of tiles, shape (N, Y, X, M).
    size : ndarray of float, shape (N, Y / 8, X / 8) or larger
        See `Predictor.predict`.

    Returns
    -------
    ndarray, shape (K,)
        The values of `size` there.
    """
    step = maps.spec.size_stride
    nucleus = maps["foreground"][:, step // 2 :: step, step // 2 :: step] > 0.5
    return size[:, : nucleus.shape[1], : nucleus.shape[2]][nucleus]


def typical_diameter(
    sizes: list[np.ndarray], zoom: float, spec: ModelSpec = DEFAULT_SPEC
) -> float | None:
    """Return the median diameter of the nuclei.

    Parameters
    ----------
    sizes : list of ndarray, shape (K,)
        What `inside_nuclei` returns, of some tiles.
    zoom : float
        At which the network predicted.
    spec : ModelSpec, optional
        Of the model.

    Returns
    -------
    float or None
        In pixels of the plane, None if there is no nucleus.
    """
    values = np.sort(np.clip(np.concatenate(sizes), -_OCTAVES, _OCTAVES))
    if values.size == 0:
        return None
    # A large nucleus has more values than a small one, but is one nucleus.
    total = np.cumsum(4.0**-values)
    middle = float(values[np.searchsorted(total, total[-1] / 2)])
    return spec.diameter * 2.0**middle / zoom
