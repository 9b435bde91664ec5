"""Image to float32 planes at the range the network expects."""

from __future__ import annotations

import numpy as np

__all__ = ["HIGH", "LOW", "is_blank", "normalize"]

#: Percentiles of the intensities that become 0 and 1.
LOW, HIGH = 1.0, 99.8

_RANGE = (-0.5, 1.5)
_MOST_SAMPLES = 500_000


def normalize(plane: np.ndarray) -> np.ndarray:
    """Bring intensities to a common range.

    The percentiles `LOW` and `HIGH` of the finite intensities become 0 and 1,
    the same for all colors so that a color stays a color, and what lies far
    outside is clipped. NaN and infinity become the darkest of these, 0.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.

    Returns
    -------
    ndarray of float32, shape (Y, X, 3)
        Values between -0.5 and 1.5, not to be written to: a grey image is repeated
        three times without taking more memory. An image of one intensity becomes
        zeros.
    """
    low, high = _percentiles(plane)
    if not high > low:
        return np.broadcast_to(np.float32(0), (*plane.shape[:2], 3))
    scale = 1.0 / (high - low)
    # A float32 holds 24 bits: enough for 16-bit cameras, not for what has more.
    values = plane.astype(np.float32 if plane.dtype.itemsize <= 2 else np.float64)
    if plane.dtype.kind == "f":
        values[~np.isfinite(values)] = low
    np.subtract(values, low, out=values)
    np.multiply(values, scale, out=values)
    values = np.clip(values, *_RANGE, out=values).astype(np.float32, copy=False)
    if values.ndim == 2:
        return np.broadcast_to(values[..., np.newaxis], (*values.shape, 3))
    # As for grey, so that nobody writes to one kind and fails with the other.
    values.flags.writeable = False
    return values


def is_blank(plane: np.ndarray) -> bool:
    """Return whether there is nothing to see in a plane.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.

    Returns
    -------
    bool
        Whether of all that `normalize` goes by no color varies.
    """
    colors = [plane] if plane.ndim == 2 else [plane[..., color] for color in range(3)]
    samples = map(_sample, colors)
    return all(sample.size == 0 or np.ptp(sample) == 0 for sample in samples)


def _percentiles(plane: np.ndarray) -> tuple[float, float]:
    """Return the two percentiles, or if they are one, the lowest and highest intensity."""
    sample = _sample(plane)
    if sample.size == 0:
        return 0.0, 0.0
    low, high = np.percentile(sample, (LOW, HIGH))
    if not high > low:
        low, high = sample.min(), sample.max()
    return float(low), float(high)


def _sample(plane: np.ndarray) -> np.ndarray:
    """Return the finite intensities, of a regular subsample if the plane is large."""
    step = max(1, int((plane.shape[0] * plane.shape[1] / _MOST_SAMPLES) ** 0.5))
    sample = plane[::step, ::step].astype(np.float64).ravel()
    if plane.dtype.kind == "f":
        limit = np.finfo(np.float32).max / 4
        sample = sample[np.isfinite(sample) & (np.abs(sample) < limit)]
    return sample
