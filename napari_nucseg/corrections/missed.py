"""Candidates for nuclei that were missed: the maps show one, the labels none."""

from __future__ import annotations

import numpy as np

from ..pipeline import Maps, SegmentParameters, instances_from_maps
from .features import measured, related

__all__ = ["candidates_in", "missed_nuclei", "objects_of"]

#: Part of the probability at which candidates are looked for.
_THRESHOLD = 0.2

#: A candidate has at most this part of its pixels in nuclei that are there.
_MOST_SHARED = 0.4

#: The smallest area of a candidate, over that of a disc of the typical diameter.
_LEAST_AREA = 0.1


def missed_nuclei(
    labels: np.ndarray,
    maps: Maps,
    *,
    diameter: float | None = None,
    probability: float = 0.5,
) -> dict[str, np.ndarray]:
    """Find places where the maps show a nucleus at a low threshold, and the labels none.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        With which the labels were made, 0 to 1.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        What `candidates_in` and `related` return.
    """
    objects = objects_of(maps, diameter=diameter, probability=probability)
    return related(candidates_in(objects, labels, maps, diameter))


def objects_of(
    maps: Maps, *, diameter: float | None = None, probability: float = 0.5
) -> np.ndarray:
    """Return what could be a nucleus at a low threshold, whatever the labels are.

    Parameters
    ----------
    maps : Maps
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        With which the labels were made, 0 to 1.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 is background.
    """
    size = diameter or maps.spec.diameter
    rules = SegmentParameters(
        probability=_THRESHOLD * probability,
        minimum_size=round(_LEAST_AREA * np.pi / 4 * size * size),
    )
    return instances_from_maps(maps, rules, diameter)


def candidates_in(
    objects: np.ndarray, labels: np.ndarray, maps: Maps, diameter: float | None = None
) -> dict[str, np.ndarray]:
    """Measure the objects that the labels do not have.

    Parameters
    ----------
    objects : ndarray of int, shape (Y, X)
        See `objects_of`.
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps
        Shape (Y, X, M).
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        What `features.measured` returns of the part that is background, under ``label`` the
        number of the object. `add` at ``inside_y``, ``inside_x`` makes a nucleus of it: the
        pixel of background nearest to its middle.
    """
    is_there = labels != 0
    areas = np.bincount(objects.ravel())
    shared = np.bincount(objects[is_there], minlength=areas.size)
    is_new = shared <= _MOST_SHARED * areas
    is_new[0] = False
    found = np.where(is_new[objects] & ~is_there, objects, 0)
    features = measured(found, maps, diameter)
    features["inside_y"], features["inside_x"] = _middles(found, features)
    return features


def _middles(
    found: np.ndarray, features: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return of each the pixel that is nearest to its centroid."""
    ids = features["label"]
    y, x = np.nonzero(found)
    row = np.searchsorted(ids, found[y, x])
    away = (y - features["centroid_y"][row]) ** 2 + (x - features["centroid_x"][row]) ** 2
    order = np.lexsort((away, row))
    first = order[np.searchsorted(row[order], np.arange(ids.size))]
    return y[first], x[first]
