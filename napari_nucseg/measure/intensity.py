"""Intensities of nuclei, and of the rings around them."""

from __future__ import annotations

import numpy as np

from .pixels import Pixels

__all__ = ["INTENSITIES", "background_of", "intensities", "ring_labels"]

#: What is measured of the intensities.
INTENSITIES = ("mean", "median", "std", "sum", "min", "max")

#: The background is measured on about so many pixels.
_SAMPLES = 1 << 20


def intensities(pixels: Pixels, image: np.ndarray) -> dict[str, np.ndarray]:
    """Measure the intensities of every nucleus in one channel.

    Parameters
    ----------
    pixels : Pixels
        The nuclei.
    image : ndarray of real numbers, shape of the window
        The channel.

    Returns
    -------
    dict of str to ndarray of float, shape (N,)
        The columns of `INTENSITIES`; where a nucleus has no pixel, a sum of 0 and NaN for the
        others.
    """
    values = image[pixels.local].astype(float)
    counts, starts = pixels.counts, pixels.starts
    found = {name: np.full(counts.size, np.nan) for name in INTENSITIES}
    found["sum"] = np.zeros(counts.size)
    there = counts > 0
    if not there.any():
        return found
    first = starts[there]
    total = np.add.reduceat(values, first)
    mean = total / counts[there]
    away = values - np.repeat(mean, counts[there])
    found["sum"][there] = total
    found["mean"][there] = mean
    found["std"][there] = np.sqrt(np.add.reduceat(away * away, first) / counts[there])
    found["min"][there] = np.minimum.reduceat(values, first)
    found["max"][there] = np.maximum.reduceat(values, first)
    found["median"][there] = [
        _median(values[start : start + count])
        for start, count in zip(first, counts[there], strict=True)
    ]
    return found


def _median(values: np.ndarray) -> float:
    """Return the median, NaN if a value is; that of NumPy takes four times as long for few."""
    upper = values.size // 2
    lower = (values.size - 1) // 2
    # NaN comes last.
    parted = np.partition(values, (lower, upper, values.size - 1))
    return float(parted[-1] if np.isnan(parted[-1]) else (parted[lower] + parted[upper]) / 2)


def ring_labels(labels: np.ndarray, width: float, spacing: tuple[float, ...]) -> np.ndarray:
    """Return the rings around nuclei: the background that is near to them.

    Parameters
    ----------
    labels : ndarray of int, shape of the window
        All nuclei of the window. Around it there is nothing nearer than the width, or its
        outermost rings are cut off.
    width : float
        Of the ring, in the unit of the spacing.
    spacing : tuple of float
        Size of a pixel along each axis.

    Returns
    -------
    ndarray of int, shape of the window
        A pixel of the background that is at most so far away belongs to the ring of the
        nearest nucleus; 0 everywhere else, also within nuclei.
    """
    from skimage.segmentation import expand_labels

    rings = expand_labels(labels, width, spacing=spacing)
    rings[labels > 0] = 0
    return rings


def background_of(image: np.ndarray, labels: np.ndarray) -> float:
    """Return the intensity of the background: the median of the pixels without a nucleus.

    Parameters
    ----------
    image : array_like of real numbers, shape (Y, X) or (Z, Y, X)
        The channel.
    labels : array_like of int, same shape
        The nuclei.

    Returns
    -------
    float
        Of about a million pixels on a grid, whatever the size of the image; 0 if there is
        no background.
    """
    step = max(1, int((np.prod(image.shape, dtype=float) / _SAMPLES) ** (1 / image.ndim)))
    grid = (slice(None, None, step),) * image.ndim
    values = np.asarray(image[grid])[np.asarray(labels[grid]) == 0]
    return float(np.median(values)) if values.size else 0.0
