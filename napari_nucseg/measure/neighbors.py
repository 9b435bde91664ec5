"""How nuclei lie to each other."""

from __future__ import annotations

import itertools

import numpy as np

from .pixels import Pixels

__all__ = ["nearest_distances", "neighbor_counts"]


def neighbor_counts(pixels: Pixels) -> np.ndarray:
    """Count the nuclei that touch each nucleus, by a side or by a corner of a pixel.

    Parameters
    ----------
    pixels : Pixels
        The nuclei, in a window that has a pixel more on every side where there is one.

    Returns
    -------
    ndarray of int, shape (N,)
        How many.
    """
    labels = np.pad(pixels.labels, 1).astype(np.int64)
    here = tuple(axis + 1 for axis in pixels.local)
    own = labels[here]
    pairs = [np.empty((0, 2), np.int64)]
    for step in itertools.product((-1, 0, 1), repeat=labels.ndim):
        other = labels[tuple(axis + by for axis, by in zip(here, step, strict=True))]
        touching = (other != own) & (other > 0)
        pairs.append(np.unique(np.stack([pixels.rank[touching], other[touching]], 1), axis=0))
    unique = np.unique(np.concatenate(pairs), axis=0)
    return np.bincount(unique[:, 0], minlength=pixels.ids.size)


def nearest_distances(points: np.ndarray) -> np.ndarray:
    """Return the distance from every point to the nearest other one.

    Parameters
    ----------
    points : ndarray of float, shape (N, axes)
        Centroids.

    Returns
    -------
    ndarray of float, shape (N,)
        NaN if there is no other one.
    """
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return np.full(len(points), np.nan)
    return cKDTree(points).query(points, k=2)[0][:, 1]
