"""How suspicious every nucleus is, and why in words; where a nucleus may be missed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from ..pipeline import Maps
from .features import features_of
from .missed import missed_nuclei

__all__ = ["NOTHING_UNUSUAL", "Suspicions", "suspicions"]

NOTHING_UNUSUAL = "nothing unusual"


@dataclasses.dataclass(frozen=True)
class _Reason:
    """One reason to look at a nucleus.

    The risk is 0 up to one value of the feature, and the weight from another value on.
    """

    feature: str
    safe: float
    risky: float
    weight: float
    words: str

    def risk(self, features: dict[str, np.ndarray]) -> np.ndarray:
        values = features[self.feature]
        ramp = np.clip((values - self.safe) / (self.risky - self.safe), 0.0, 1.0)
        return self.weight * ramp


#: Of a nucleus that touches the border of the image, these features say nothing.
_NOT_AT_BORDER = ("relative_area", "fullness")

_OF_NUCLEI = (
    _Reason("confidence", 0.9, 0.5, 0.9, "faint"),
    _Reason("probability", 0.92, 0.6, 0.6, "unsure whether it is a nucleus"),
    _Reason("second_peak", 0.05, 0.3, 0.8, "two middles"),
    _Reason("neighbor_depth", 0.6, 0.3, 0.7, "hardly a border to its neighbor"),
    _Reason("contrast", 0.45, 0.1, 0.5, "faint outline"),
    _Reason("outline_distance", 0.25, 0.55, 0.6, "outline through the inside"),
    _Reason("relative_area", 1.6, 3.0, 0.6, "{relative_area:.1f} times the usual area"),
    _Reason("relative_area", 0.5, 0.15, 0.7, "only {relative_area:.0%} of the usual area"),
    _Reason("fullness", 0.95, 0.8, 0.7, "irregular shape"),
)

_OF_MISSED = (_Reason("confidence", 0.15, 0.5, 0.8, "maybe missed here"),)


@dataclasses.dataclass(frozen=True, eq=False)
class Suspicions:
    """A queue of places to look at, the most suspicious first.

    Parameters
    ----------
    ids : ndarray of int, shape (N,)
        The nucleus; 0 where one may be missed.
    y, x : ndarray of float, shape (N,)
        Its middle in pixels; of a candidate, the pixel of the background to click on.
    diameter : ndarray of float, shape (N,)
        Of a disc of the same area, in pixels.
    score : ndarray of float, shape (N,)
        0 to 1, in descending order.
    reasons : list of str
        Why, in words.
    """

    ids: np.ndarray
    y: np.ndarray
    x: np.ndarray
    diameter: np.ndarray
    score: np.ndarray
    reasons: list[str]

    def __len__(self) -> int:
        return self.ids.size

    def first(self, done: Collection[int] = (), passed: Collection[int] = ()) -> int | None:
        """Return the place to look at next.

        Parameters
        ----------
        done : collection of int
            Nuclei that need no look: accepted, edited, or not there any more.
        passed : collection of int
            Positions in this queue that were shown already.

        Returns
        -------
        int or None
            A position in this queue; None at its end.
        """
        skip = np.isin(self.ids, [one for one in done if one])
        skip[[*passed]] = True
        left = np.flatnonzero(~skip)
        return int(left[0]) if left.size else None


def suspicions(
    labels: np.ndarray,
    maps: Maps | None = None,
    *,
    diameter: float | None = None,
    probability: float = 0.5,
) -> Suspicions:
    """Score all nuclei and candidates.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    maps : Maps, optional
        Shape (Y, X, M). Without them only sizes and shapes count, and there are no
        candidates.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        With which the labels were made, 0 to 1.

    Returns
    -------
    Suspicions
        A row for each nucleus, and for each candidate.
    """
    nuclei = features_of(labels, maps, diameter)
    score, reasons = _scores(nuclei, _OF_NUCLEI)
    columns = [nuclei["label"], nuclei["centroid_y"], nuclei["centroid_x"], nuclei["area"]]
    if maps is not None:
        missed = missed_nuclei(labels, maps, diameter=diameter, probability=probability)
        more, words = _scores(missed, _OF_MISSED)
        score, reasons = np.concatenate([score, more]), reasons + words
        others = [
            np.zeros_like(missed["label"]),
            missed["inside_y"],
            missed["inside_x"],
            missed["area"],
        ]
        columns = [np.concatenate(pair) for pair in zip(columns, others, strict=True)]
    order = np.argsort(-score, kind="stable")
    ids, y, x, area = (column[order] for column in columns)
    return Suspicions(
        ids, y, x, np.sqrt(4 / np.pi * area), score[order], [reasons[row] for row in order]
    )


def _scores(
    features: dict[str, np.ndarray], reasons: tuple[_Reason, ...]
) -> tuple[np.ndarray, list[str]]:
    """Return the chance that any of the risks is true, and the largest risk in words."""
    used = [reason for reason in reasons if reason.feature in features]
    count = features["label"].size
    risks = np.zeros((len(used), count))
    for row, reason in enumerate(used):
        risks[row] = reason.risk(features)
        if reason.feature in _NOT_AT_BORDER:
            risks[row, features["at_border"]] = 0.0
    score = 1.0 - np.prod(1.0 - risks, axis=0)
    if not used:
        return score, [NOTHING_UNUSUAL] * count
    words = [
        _in_words(used[most], features, nucleus)
        if risks[most, nucleus] > 0
        else NOTHING_UNUSUAL
        for nucleus, most in enumerate(np.argmax(risks, axis=0))
    ]
    return score, words


def _in_words(reason: _Reason, features: dict[str, np.ndarray], nucleus: int) -> str:
    return reason.words.format(**{reason.feature: features[reason.feature][nucleus]})
