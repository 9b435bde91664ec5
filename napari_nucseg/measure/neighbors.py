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
    labels = pixels.labels
    found = [np.empty((0, 2), np.int64)]
    # Of two opposite steps one is enough, as a pair is noted for both.
    for step in itertools.product((-1, 0, 1), repeat=labels.ndim):
        if step <= (0,) * labels.ndim:
            continue
        here = labels[tuple(slice(max(-by, 0), -by if by > 0 else None) for by in step)]
        there = labels[tuple(slice(max(by, 0), by if by < 0 else None) for by in step)]
        touching = (here != there) & (here > 0) & (there > 0)
        pairs = np.stack([here[touching], there[touching]], axis=1).astype(np.int64)
        found.append(np.unique(pairs, axis=0))
    pairs = np.concatenate(found)
    both = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    rank = pixels.rank_of(both[:, 0])
    return np.bincount(rank[rank >= 0], minlength=pixels.ids.size)


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
