"""Two models on the same nuclei: how much better is one, and how sure is that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from .metrics import THRESHOLDS, iou_of_pairs

__all__ = ["Outcomes", "interval_of_difference", "outcomes_of", "pooled_mean_ap"]

_DRAWS = 400
_INTERVAL = (2.5, 97.5)


@dataclasses.dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of every true nucleus at each of `THRESHOLDS`.

    Parameters
    ----------
    found : ndarray of bool, shape (N, 9)
        Whether a predicted nucleus matches it.
    false : ndarray of int, shape (N, 9)
        How many predicted nuclei that match none are nearer to it than to any other one. So
        what is false is drawn together with the nucleus beside it.
    """

    found: np.ndarray
    false: np.ndarray


def outcomes_of(predicted: np.ndarray, true: np.ndarray) -> Outcomes:
    """Say what became of every true nucleus.

    Parameters
    ----------
    predicted, true : ndarray of int, shape (Y, X)
        Instance labels of one image, 0 for the background.

    Returns
    -------
    Outcomes
        In rising order of the true labels. Where no nucleus is labelled, nothing is said.
    """
    from scipy import ndimage

    pairs = iou_of_pairs(predicted, true)
    count = pairs.shape[1]
    levels = np.array(THRESHOLDS)
    # Two nuclei of one image cannot both have an IoU above 0.5 with the same other one.
    best, best_true = np.zeros(pairs.shape[0]), np.zeros(count)
    np.maximum.at(best, pairs.row, pairs.data)
    np.maximum.at(best_true, pairs.col, pairs.data)
    false = np.zeros((count, len(levels)), int)
    if count and pairs.shape[0]:
        nearest = ndimage.distance_transform_edt(
            true == 0, return_distances=False, return_indices=True
        )
        ids = np.unique(predicted[predicted > 0])
        middles = np.rint(ndimage.center_of_mass(predicted > 0, predicted, ids)).astype(int)
        owners = true[tuple(nearest[:, middles[:, 0], middles[:, 1]])]
        owners = np.searchsorted(np.unique(true[true > 0]), owners)
        np.add.at(false, owners, best[:, None] < levels)
    return Outcomes(best_true[:, None] >= levels, false)


def pooled_mean_ap(outcomes: Sequence[Outcomes]) -> float:
    """Return the mean AP of some images, counts summed over all of them.

    Parameters
    ----------
    outcomes : sequence of Outcomes
        One for each image.

    Returns
    -------
    float
        Mean over `THRESHOLDS` of TP / (TP + FP + FN); NaN if there is no nucleus.
    """
    found, false = _together(outcomes)
    return _mean_ap(found, false) if len(found) else float("nan")


def interval_of_difference(
    before: Sequence[Outcomes], after: Sequence[Outcomes], seed: int = 0
) -> tuple[float, float]:
    """Return how far the difference between two models could be luck: a paired bootstrap.

    The same nuclei are drawn for both models, with replacement.

    Parameters
    ----------
    before, after : sequence of Outcomes
        Of both models on the same images.
    seed : int, optional
        Seed of the draws.

    Returns
    -------
    low, high : float
        The interval that holds 95 in 100 of the differences of `pooled_mean_ap`; NaN if
        there is no nucleus.
    """
    first, second = _together(before), _together(after)
    count = len(first[0])
    if not count:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, count, count) for _ in range(_DRAWS))
    differences = [
        _mean_ap(*(part[chosen] for part in second))
        - _mean_ap(*(part[chosen] for part in first))
        for chosen in drawn
    ]
    low, high = np.percentile(differences, _INTERVAL)
    return float(low), float(high)


def _together(outcomes: Sequence[Outcomes]) -> tuple[np.ndarray, np.ndarray]:
    empty = np.zeros((0, len(THRESHOLDS)), int)
    found = np.concatenate([empty, *(one.found for one in outcomes)])
    return found, np.concatenate([empty, *(one.false for one in outcomes)])


def _mean_ap(found: np.ndarray, false: np.ndarray) -> float:
    return float(np.mean(found.sum(0) / (len(found) + false.sum(0))))
