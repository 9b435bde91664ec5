"""Image to float32 planes at the range the network expects."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from .composite import nuclear_color
from .outliers import Limits, find_limits_of, medians_of, replace_outliers

__all__ = [
    "CLIP",
    "HIGH",
    "LOW",
    "IntensityRange",
    "is_blank",
    "measure_range",
    "measure_range_of",
    "normalize",
]

#: Percentiles of the intensities that become 0 and 1.
LOW, HIGH = 1.0, 99.8

#: Normalized intensities outside of this are clipped.
CLIP = (-0.5, 1.5)

#: Percentiles of a large plane are measured on about as many pixels.
_MOST_SAMPLES = 500_000


@dataclasses.dataclass(frozen=True)
class IntensityRange:
    """The intensities that become 0 and 1.

    Parameters
    ----------
    low, high : float
        Intensities of an image. If they are equal, all intensities become 0.
    limits : Limits, optional
        What intensities can be, if there are outliers, which are replaced by what is around
        them.
    color : int, optional
        Which color of a color image is looked at alone; None if all of them are.
    """

    low: float
    high: float
    limits: Limits | None = None
    color: int | None = None


def measure_range(plane: np.ndarray) -> IntensityRange:
    """Measure the range of the intensities of a plane.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.

    Returns
    -------
    IntensityRange
        The percentiles `LOW` and `HIGH` of the finite intensities; if these are equal, the
        lowest and the highest intensity. One range for all colors, so that a color stays
        a color. 0 and 0 if no intensity is finite. If there are outliers (`find_limits`), the
        percentiles are those of the others, each the median of 3 x 3 pixels. Of light of
        several dyes on black (`nuclear_color`), the range is that of the color of the nuclei.
    """
    color = nuclear_color(plane)
    if color is not None:
        return dataclasses.replace(measure_range(plane[..., color]), color=color)
    return measure_range_of([plane])


def measure_range_of(planes: Iterable[np.ndarray]) -> IntensityRange:
    """Measure the range of the intensities of several planes together.

    Parameters
    ----------
    planes : iterable of ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype, all of one shape. They are looked at one after the other.

    Returns
    -------
    IntensityRange
        The percentiles `LOW` and `HIGH` of all of them; if these are equal, the lowest and the
        highest intensity. 0 and 0 if no intensity is finite. If there are outliers, as
        `measure_range`; all colors are looked at.
    """
    samples, medians, side, step = [], [], 0, 1
    for plane in planes:
        side, step = min(plane.shape[:2]), _step(plane)
        samples.append(_sample(plane))
        medians.append(medians_of(plane, step))
    sample = np.concatenate(samples) if samples else np.zeros(0)
    if sample.size == 0:
        return IntensityRange(0.0, 0.0)
    limits = find_limits_of(medians, side, step)
    if limits is not None:
        sample = np.concatenate([_finite(one) for one, _ in medians])
        sample = sample[(sample >= limits.least) & (sample <= limits.most)]
    low, high = np.percentile(sample, (LOW, HIGH))
    if not high > low:
        low, high = sample.min(), sample.max()
    return IntensityRange(float(low), float(high), limits)


def normalize(plane: np.ndarray, intensities: IntensityRange | None = None) -> np.ndarray:
    """Bring intensities to a common range.

    The ends of the range become 0 and 1, and what lies far outside is clipped. NaN and
    infinity become 0. Outliers, which are no part of the image, become the mean of the pixels
    around them. Of light of several dyes on black the color of the nuclei is taken, as grey.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.
    intensities : IntensityRange, optional
        What becomes 0 and 1; left out, it is measured on the plane. The blocks of an image
        are given that of the whole image. If it has limits, they need `outliers.MARGIN` pixels
        more on each side to come out as a part of the whole.

    Returns
    -------
    ndarray of float32, shape (Y, X, 3)
        Values between -0.5 and 1.5, not to be written to: a grey image is repeated
        three times without taking more memory. An image of one intensity becomes
        zeros.
    """
    intensities = intensities or measure_range(plane)
    if intensities.color is not None:
        plane = plane[..., intensities.color]
    low, high = intensities.low, intensities.high
    scale = 1.0 / (high - low) if high > low else math.inf
    if math.isinf(scale):
        return np.broadcast_to(np.float32(0), (*plane.shape[:2], 3))
    if intensities.limits is not None:
        plane = replace_outliers(plane, intensities.limits)
    # A float32 holds 24 bits: enough for 16-bit cameras, not for what has more.
    values = plane.astype(np.float32 if plane.dtype.itemsize <= 2 else np.float64)
    if plane.dtype.kind == "f":
        values[~np.isfinite(values)] = low
    with np.errstate(over="ignore"):  # what is too large for a float is clipped
        np.subtract(values, low, out=values)
        np.multiply(values, scale, out=values)
    values = np.clip(values, *CLIP, out=values).astype(np.float32, copy=False)
    if values.ndim == 2:
        return np.broadcast_to(values[..., np.newaxis], (*values.shape, 3))
    # As for grey, so that nobody writes to one kind and fails with the other.
    values.flags.writeable = False
    return values


def is_blank(plane: np.ndarray) -> bool:
    """Return whether all pixels of a plane are alike.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.

    Returns
    -------
    bool
        True if no color varies, in the pixels that `measure_range` takes into account.
    """
    colors = [plane] if plane.ndim == 2 else [plane[..., color] for color in range(3)]
    samples = map(_sample, colors)
    return all(sample.size == 0 or np.ptp(sample) == 0 for sample in samples)


def _sample(plane: np.ndarray) -> np.ndarray:
    """Return the finite intensities, of a regular subsample if the plane is large."""
    step = _step(plane)
    return _finite(plane[::step, ::step])


def _step(plane: np.ndarray) -> int:
    """Return every how many pixels of a large plane are enough."""
    return max(1, int((plane.shape[0] * plane.shape[1] / _MOST_SAMPLES) ** 0.5))


def _finite(values: np.ndarray) -> np.ndarray:
    sample = values.astype(np.float64).ravel()
    if values.dtype.kind == "f":
        limit = np.finfo(np.float32).max / 4
        sample = sample[np.isfinite(sample) & (np.abs(sample) < limit)]
    return sample
