"""In which scale to look at a plane: that in which its nuclei are as wide as trained for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .instances import NETWORK_DIAMETER

__all__ = [
    "estimate_scale",
    "foreground_confidence",
    "high_contrast_crops",
    "inside_nuclei",
    "typical_diameter",
    "zoom_for",
]

_ZOOM_RANGE = (0.2, 4.0)
_NO_ZOOM = 1.25
_OCTAVES = 6  # A size further than this from the network's own is not one of a nucleus.
_LOOKS = 3
_FAR = 0.25
# How much like nuclei the foreground has to look from further away, by itself and over how it
# looks near by. In fluorescence it is most often at 0.46 to 0.51, in tissue below 0.42.
_LIKE_NUCLEI, _CLEARLY = 0.42, 1.5

#: Given a zoom, returns the maps seen, and the diameter, None where there is no nucleus.
Look = Callable[[float], tuple[np.ndarray, float | None]]


def estimate_scale(look: Look) -> tuple[np.ndarray, float | None]:
    """Look until the scale suits the diameter found.

    Texture of large nuclei can pass for small nuclei, and the closer look that suits these
    shows more of it. So there is a look from further away, which decides if what it sees
    looks clearly more like nuclei. Glands and other large parts of tissue do so a little.

    Parameters
    ----------
    look : callable
        Given a zoom, returns maps, shape (..., 3), and the typical diameter of the nuclei in
        pixels of the plane, None if there are none.

    Returns
    -------
    maps : ndarray, shape (..., 3)
        The last ones that were seen in the scale that is right.
    diameter : float or None
        In pixels of the plane, None if there is no nucleus.
    """
    maps, found = _approach(look, 1.0)
    enough = max(_LIKE_NUCLEI, _CLEARLY * foreground_confidence(maps))
    far, seen = look(_FAR)
    if seen is None or foreground_confidence(far) < enough:
        return maps, found
    wanted = zoom_for(seen)
    if _near(wanted, zoom_for(found or NETWORK_DIAMETER)):
        return maps, found
    others, other = (far, seen) if _near(wanted, _FAR) else _approach(look, wanted)
    return (others, other) if foreground_confidence(others) >= enough else (maps, found)


def _approach(look: Look, zoom: float) -> tuple[np.ndarray, float | None]:
    """Look in one scale, and in that of the diameter found, as long as they differ."""
    found = None
    for _ in range(_LOOKS):
        maps, diameter = look(zoom)
        found = diameter or found
        wanted = zoom_for(found or NETWORK_DIAMETER)
        if _near(wanted, zoom):
            break
        zoom = wanted
    return maps, found


def foreground_confidence(maps: np.ndarray) -> float:
    """Tell how much the foreground looks like nuclei.

    Parameters
    ----------
    maps : ndarray of float, shape (..., 3)
        Foreground probability, normalized distance, boundary probability.

    Returns
    -------
    float
        The mean of probability times distance in the foreground, 0 if there is none.
    """
    foreground = maps[..., 0] > 0.5
    if not foreground.any():
        return 0.0
    return float(np.mean(maps[..., 0][foreground] * maps[..., 1][foreground]))


def zoom_for(diameter: float) -> float:
    """Return the factor that brings nuclei to the size the network works at.

    Parameters
    ----------
    diameter : float
        In pixels.

    Returns
    -------
    float
        1 where the diameter is near enough as it is.
    """
    zoom = float(np.clip(NETWORK_DIAMETER / diameter, *_ZOOM_RANGE))
    return 1.0 if _near(zoom, 1.0) else zoom


def _near(one: float, other: float) -> bool:
    """Return whether it makes no difference in which of two scales the network looks."""
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
    liveliest = [corners[index] for index in np.argsort(contrast)[::-1][:number]]
    return np.stack([plane[y : y + size, x : x + size] for y, x in liveliest])


def _starts(length: int, size: int) -> range:
    return range(0, max(1, length - size + 1), size)


def inside_nuclei(maps: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return what the network says of the size where there is a nucleus.

    Parameters
    ----------
    maps : ndarray of float, shape (N, Y, X, 3)
        Foreground probability, normalized distance, boundary probability.
    size : ndarray of float, shape (N, Y / 8, X / 8) or larger
        Binary logarithm of the diameter over `NETWORK_DIAMETER`.

    Returns
    -------
    ndarray, shape (K,)
        The values of `size` there.
    """
    nucleus = maps[:, 4::8, 4::8, 0] > 0.5
    return size[:, : nucleus.shape[1], : nucleus.shape[2]][nucleus]


def typical_diameter(sizes: list[np.ndarray], zoom: float) -> float | None:
    """Return the median diameter of the nuclei.

    Parameters
    ----------
    sizes : list of ndarray, shape (K,)
        What `inside_nuclei` returns, of some tiles.
    zoom : float
        How much larger the tiles were than in the plane.

    Returns
    -------
    float or None
        In pixels of the plane, None if there is no nucleus.
    """
    values = np.sort(np.clip(np.concatenate(sizes), -_OCTAVES, _OCTAVES))
    if values.size == 0:
        return None
    # Large nuclei cover more places, but are not more nuclei.
    total = np.cumsum(4.0**-values)
    middle = float(values[np.searchsorted(total, total[-1] / 2)])
    return NETWORK_DIAMETER * 2.0**middle / zoom
