"""Candidates for nuclei that were missed: the maps show one, the labels none."""

from __future__ import annotations

import numpy as np

from ..pipeline import Maps, SegmentParameters, instances_from_maps
from .features import features_of

__all__ = ["missed_nuclei"]

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
        What `features_of` measures of each, under ``label`` its rank. `add` at ``inside_y``,
        ``inside_x`` makes a nucleus of it: the pixel of background nearest to its middle.
    """
    size = diameter or maps.spec.diameter
    rules = SegmentParameters(
        probability=_THRESHOLD * probability,
        minimum_size=round(_LEAST_AREA * np.pi / 4 * size * size),
    )
    found = instances_from_maps(maps, rules, diameter)
    areas = np.bincount(found.ravel())
    shared = np.bincount(found[labels != 0], minlength=areas.size)
    is_new = shared <= _MOST_SHARED * areas
    is_new[0] = False
    found = np.where(is_new[found] & (labels == 0), found, 0)
    features = features_of(found, maps, diameter)
    features["inside_y"], features["inside_x"] = _middles(found, features)
    features["label"] = np.arange(1, features["label"].size + 1)
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
