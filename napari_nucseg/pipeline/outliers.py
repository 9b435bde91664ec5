"""Intensities that are no part of the image: hot pixels, burnt-in text, masked borders.

A few of them can decide a percentile, and with it the range of all others. They are told
from nuclei by three rules, see `find_limits`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

__all__ = [
    "MARGIN",
    "Limits",
    "find_limits",
    "find_limits_of",
    "medians_of",
    "replace_outliers",
]

#: How many pixels around a block change how its outliers are replaced.
MARGIN = 9

#: Planes of fewer pixels a side have too few of them to tell what is normal.
_SMALLEST = 32

#: Apart from a masked area, outliers are at most this share at either end.
_MOST_OUTLIERS = 0.06

#: So much of the range of the other intensities is empty between these and outliers.
_GAP = 0.8

#: A single value at the end needs a smaller gap: so often the last hundredth of the others.
_GAP_OF_ONE_VALUE = 3.0

#: If there are more specks than this share, they are no nuclei of a few pixels.
_SPECKS = 1e-4

#: A pixel differs from the mean of two on both sides of it, so far away, by more than noise and
#: uneven light explain, where there is something to see: more than so many deviations of the
#: noise, and this share of the range.
_LAG, _DEVIATIONS, _SHARE_OF_RANGE = 16, 3.0, 0.15

#: A masked area leaves one large area: this share of it is as far from the mask as this share
#: of the shorter side.
_INNER, _DEPTH = 0.5, 1 / 32

#: The others have at least so many levels of intensity.
_LEVELS = 8

#: Outliers become the mean of the others in the smallest of these windows that has any.
_WINDOWS = (3, 5, 9, 2 * MARGIN - 1)

#: Exchanges that bring the median of nine numbers into the middle.
_EXCHANGES = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What intensities of an image can be.

    Parameters
    ----------
    least, most : float, optional
        Intensities below and above are outliers.
    speck : float, optional
        So is a pixel that differs by more than this from the median of the 3 x 3 around it.
    typical : float, optional
        Median of the others, for outliers that are far from any other pixel.
    """

    least: float = -math.inf
    most: float = math.inf
    speck: float = math.inf
    typical: float = 0.0


def find_limits(plane: np.ndarray, step: int = 1) -> Limits | None:
    """Find out whether intensities are no part of the image, and which.

    What is left without them has to show more than noise and uneven light; otherwise they
    may be all that there is to see. Then outliers are

    - specks: pixels that differ from the median of the 3 x 3 around them by more than the
      whole range of these medians, if there are more than one in 10,000;
    - up to 6 in 100 pixels, or what is left of them in these medians, at either end, if
      between them and the others lies an empty gap, 0.8 times as wide as the range of the
      others. For a single value, three times the distance between the last of the others and
      their last percentile is enough;
    - any number of pixels of a single value at either end, beyond the same gap of 0.8, if the
      others are one large area: a masked border, or the empty parts of a mosaic.

    Nuclei are blurred by the microscope, so between their brightness and that of the
    background there is no gap.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.
    step : int, optional
        Every how many pixels along Y and X it is looked at.

    Returns
    -------
    Limits or None
        None if there are none.
    """
    return find_limits_of([medians_of(plane, step)], min(plane.shape[:2]), step)


def find_limits_of(
    planes: Sequence[tuple[np.ndarray, np.ndarray]], side: int, step: int = 1
) -> Limits | None:
    """Find the limits that hold for several planes together, see `find_limits`.

    Parameters
    ----------
    planes : sequence of pair of ndarray
        What `medians_of` returns of each plane; all of one shape.
    side : int
        Length of the shorter side of a plane in pixels.
    step : int, optional
        Around every how many pixels the medians were taken.

    Returns
    -------
    Limits or None
        None if there are no outliers, or none of the planes shows anything without them.
    """
    if side < _SMALLEST or planes[0][0].dtype.kind == "b":
        return None
    lag = max(1, min(_LAG, side // 8) // step)
    medians, centers = (np.stack(one) for one in zip(*planes, strict=True))
    known = _are_numbers(medians) & _are_numbers(centers)
    if not known.any():
        return None
    ends = np.sort(medians[known]).astype(np.float64)
    least, most = _gaps_in(ends, medians, known)
    kept = ends[np.searchsorted(ends, least) : np.searchsorted(ends, most, side="right")]
    speck = kept[int(0.998 * len(kept))] - kept[int(0.01 * len(kept))]
    inside = known & (medians >= least) & (medians <= most)
    differences = _differences(centers, medians)[inside]
    has_specks = np.count_nonzero(differences > speck) > _SPECKS * differences.size
    if not has_specks and math.isinf(least) and math.isinf(most):
        return None
    noise = max(1.4826 * float(np.median(differences)), _level_of(ends))
    shown = zip(medians, inside, strict=True)
    if not any(_shows_something(*one, float(speck), noise, lag) for one in shown):
        return None
    typical = float(kept[len(kept) // 2])
    return Limits(least, most, float(speck) if has_specks else math.inf, typical)


def replace_outliers(plane: np.ndarray, limits: Limits) -> np.ndarray:
    """Replace outliers by what is around them.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities.
    limits : Limits
        What is an outlier.

    Returns
    -------
    ndarray of float64, of the same shape
        NaN stays NaN. What lies within `MARGIN` pixels decides about a pixel.
    """
    from scipy import ndimage

    values = plane.astype(np.float64)
    outside = (plane < limits.least) | (plane > limits.most)
    if math.isfinite(limits.speck):
        outside |= _differences(plane, medians_of(plane)[0]) > limits.speck
    good = ~outside & np.isfinite(values)
    weights = good.astype(np.float64)
    known = np.where(good, values, 0.0)
    values[outside] = limits.typical
    for size in _WINDOWS:
        window = (size, size, 1)[: plane.ndim]
        # A running sum leaves rounding errors, which must not become a weight.
        weight = ndimage.uniform_filter(weights, window, mode="constant")
        total = ndimage.uniform_filter(known, window, mode="constant")
        filled = outside & (weight > 0.5 / size**2)
        values[filled] = total[filled] / weight[filled]
        outside &= ~filled
    return values


def medians_of(plane: np.ndarray, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the medians of 3 x 3 pixels.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities.
    step : int, optional
        Around every how many pixels.

    Returns
    -------
    medians, centers : ndarray, shape (Y / step, X / step) or (Y / step, X / step, 3)
        The medians, and the pixels around which they were taken. At the edges the outermost
        pixels count twice; with a step they are left out, so that no large plane is copied.
    """
    if step == 1:
        plane = np.pad(plane, ((1, 1), (1, 1), (0, 0))[: plane.ndim], mode="edge")
    rows, columns = plane.shape[0] - 2, plane.shape[1] - 2
    nine = [
        plane[row : rows + row : step, column : columns + column : step]
        for row in range(3)
        for column in range(3)
    ]
    center = nine[4]
    for low, high in _EXCHANGES:
        nine[low], nine[high] = (
            np.minimum(nine[low], nine[high]),
            np.maximum(nine[low], nine[high]),
        )
    return nine[4], center


def _are_numbers(values: np.ndarray) -> np.ndarray:
    """Return where floats are neither NaN nor as large as to overflow what follows."""
    if values.dtype.kind != "f":
        return np.ones(values.shape, bool)
    with np.errstate(invalid="ignore"):
        return np.abs(values) < np.finfo(np.float32).max / 4


def _differences(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return absolute differences, also of unsigned integers."""
    if one.dtype.kind == "u":
        return np.maximum(one, two) - np.minimum(one, two)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(one.astype(np.float64) - two)


def _gaps_in(ends: np.ndarray, medians: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Return the middles of the gaps below and above which outliers lie, or infinity.

    Outliers at one end hide those at the other end, so each end is looked at twice.
    """
    least, most = -math.inf, math.inf
    for _ in range(2):
        above = _gap_above(ends)
        below = _gap_above(-ends[::-1])
        if above is not None:
            most, ends = above, ends[ends <= above]
        if below is not None:
            least, ends = -below, ends[ends >= -below]
    if math.isinf(most) and math.isinf(least):
        for sign in (1, -1):
            value = _masked_above(sign * ends if sign > 0 else -ends[::-1])
            if value is None:
                continue
            inside = known & (medians < value if sign > 0 else medians > -value)
            if all(map(_is_one_large_area, inside)):
                least, most = (least, value) if sign > 0 else (-value, most)
    return least, most


def _gap_above(ends: np.ndarray) -> float | None:
    """Return the middle of the lowest gap in the upper part of sorted intensities."""
    count = len(ends)
    first = max(1, int((1 - _MOST_OUTLIERS) * count))
    low = ends[int(0.01 * count)]
    below, above = ends[first - 1 : -1], ends[first:]
    gaps = above - below
    level = _level_of(ends)
    wide = gaps > _GAP * np.maximum(below - low, _LEVELS * level)
    # The last hundredth of what is below the last gap, if all above it is one value.
    last = np.searchsorted(ends, ends[-1])
    if last >= first and last > 1:
        tail = ends[last - 1] - ends[int(0.99 * last)]
        needed = _GAP_OF_ONE_VALUE * max(tail, _LEVELS * level)
        wide[last - first] |= gaps[last - first] > needed
    if not wide.any():
        return None
    at = int(np.argmax(wide))
    return float(below[at] + gaps[at] / 2)


def _masked_above(ends: np.ndarray) -> float | None:
    """Return the middle of the gap below the highest value, if many pixels have that."""
    count = len(ends)
    last = int(np.searchsorted(ends, ends[-1]))
    if last in (0, count) or count - last <= _MOST_OUTLIERS * count:
        return None
    below = ends[last - 1]
    gap = ends[-1] - below
    spread = max(below - ends[int(0.01 * last)], _LEVELS * _level_of(ends))
    return float(below + gap / 2) if gap > _GAP * spread else None


def _level_of(ends: np.ndarray) -> float:
    """Return the smallest distance between two of the sorted intensities."""
    distances = np.diff(ends)
    distances = distances[distances > 0]
    return float(distances.min()) if distances.size else 0.0


def _is_one_large_area(inside: np.ndarray) -> bool:
    """Tell an image with a mask around it from nuclei on a background of one value."""
    from scipy import ndimage

    if inside.ndim == 3:
        inside = np.asarray(inside.any(axis=-1))
    depth = max(1, int(min(inside.shape) * _DEPTH))
    inner = ndimage.minimum_filter(inside, 2 * depth + 1, mode="nearest")
    return bool(np.count_nonzero(inner) >= _INNER * np.count_nonzero(inside) > 0)


def _shows_something(
    medians: np.ndarray, inside: np.ndarray, spread: float, noise: float, lag: int
) -> bool:
    """Whether there is more than noise and uneven light."""
    parts = []
    for _ in range(2):
        known = inside[2 * lag :] & inside[lag:-lag] & inside[: -2 * lag]
        sides = medians[2 * lag :].astype(np.float64) + medians[: -2 * lag]
        parts.append(np.abs(sides[known] / 2 - medians[lag:-lag][known]))
        medians, inside = medians.swapaxes(0, 1), inside.swapaxes(0, 1)
    differences = np.concatenate(parts)
    if differences.size == 0:
        return False
    largest = float(np.percentile(differences, 99))
    return largest > max(_DEVIATIONS * noise, _SHARE_OF_RANGE * spread, 0)
