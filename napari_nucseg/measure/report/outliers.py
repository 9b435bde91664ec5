"""Values that are far from all others."""

from __future__ import annotations

import numpy as np

__all__ = ["distances_from_most"]

#: The median absolute deviation times this is the standard deviation of a normal distribution.
_NORMAL = 1.4826


def distances_from_most(values: np.ndarray) -> np.ndarray:
    """Return how far values are from the median, in robust standard deviations.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
        Any; NaN is at distance 0.

    Returns
    -------
    ndarray of float, shape (N,)
        Negative below the median. All 0 if more than half of the values are equal, or if
        there are less than five: nothing can be said then.
    """
    known = values[np.isfinite(values)]
    if known.size < 5:
        return np.zeros(values.shape)
    middle = np.median(known)
    spread = _NORMAL * np.median(np.abs(known - middle))
    if not spread:
        return np.zeros(values.shape)
    return np.nan_to_num((values - middle) / spread)
