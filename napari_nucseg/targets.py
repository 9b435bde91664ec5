"""Labels to the maps that the network learns to predict."""

from __future__ import annotations

import numpy as np

__all__ = [
    "MAPS",
    "median_diameter",
    "nucleus_diameters",
    "target_maps",
    "touching_weights",
]

#: The maps of a prediction, in this order along its last axis.
MAPS = ("foreground", "distance", "boundary")

_TOUCHING_WEIGHT = 5.0
_GAP = 2


def target_maps(labels: np.ndarray) -> np.ndarray:
    """Return the maps that a perfect network would predict for these labels.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer of its own.

    Returns
    -------
    ndarray of float32, shape (Y, X, 3)
        Foreground, 0 or 1; distance of a pixel to the boundary of its own
        nucleus divided by the largest such distance in the nucleus, 0 to 1;
        boundary, 1 on the two pixels on either side of it.
    """
    maps = np.zeros((*labels.shape, 3), np.float32)
    maps[..., 0] = labels > 0
    if labels.any():
        boundary = _boundary(labels)
        maps[..., 1] = _distance_inside(_dense(labels), boundary)
        maps[..., 2] = boundary
    return maps


def _dense(labels: np.ndarray) -> np.ndarray:
    """Number the labels 0, 1, 2, …, with few gaps at most."""
    if labels.max() <= labels.size:
        return labels
    values, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.reshape(labels.shape).astype(np.int32)
    return inverse if values[0] == 0 else inverse + 1


def _boundary(labels: np.ndarray) -> np.ndarray:
    """Mark the pixels that have another label beside them."""
    boundary = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        first = np.moveaxis(labels, axis, 0)
        changes = first[1:] != first[:-1]
        marked = np.moveaxis(boundary, axis, 0)
        marked[1:] |= changes
        marked[:-1] |= changes
    return boundary


def _distance_inside(labels: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Return the distance to the own boundary over the nucleus's largest.

    Seen from inside a nucleus the nearest pixel of the boundary is mostly its
    own, so that one distance transform serves all nuclei.
    """
    from scipy import ndimage

    distance = ndimage.distance_transform_edt(~boundary).astype(np.float32) + 1.0
    distance[labels == 0] = 0.0
    largest = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(largest, labels.ravel(), distance.ravel())
    largest[0] = 1.0
    return distance / largest[labels]


def touching_weights(labels: np.ndarray) -> np.ndarray:
    """Weigh the pixels where two nuclei touch or nearly touch.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        5 where two nuclei lie within two pixels, 1 elsewhere.
    """
    from scipy import ndimage

    size = 2 * _GAP + 1
    highest = ndimage.maximum_filter(labels, size=size)
    without = np.where(labels > 0, labels, np.iinfo(labels.dtype).max)
    lowest = ndimage.minimum_filter(without, size=size)
    near = (highest > 0) & (lowest < highest)
    return np.where(near, np.float32(_TOUCHING_WEIGHT), np.float32(1.0))


def nucleus_diameters(labels: np.ndarray) -> np.ndarray:
    """Return the diameter of every nucleus, as that of a disk of its area.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    ndarray of float64, shape (N,)
        Diameters in pixels, one for each label that occurs, in rising order
        of the labels.
    """
    values, counts = np.unique(labels, return_counts=True)
    return 2.0 * np.sqrt(counts[values > 0] / np.pi)


def median_diameter(labels: np.ndarray) -> float | None:
    """Return the median diameter of the nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    float or None
        Diameter in pixels, None if there is no nucleus.
    """
    diameters = nucleus_diameters(labels)
    return float(np.median(diameters)) if diameters.size else None
