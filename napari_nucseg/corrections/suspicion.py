"""How suspicious every nucleus is, and why in words; where a nucleus may be missed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from ..pipeline import Maps
from .features import features_of
from .missed import missed_nuclei

__all__ = ["MAYBE_MISSED", "NOTHING_UNUSUAL", "Suspicions", "suspicions"]

NOTHING_UNUSUAL = "nothing unusual"
MAYBE_MISSED = "maybe missed here"

#: A reason is told if its risk is so much larger than that of the nuclei around.
_LEAST_TOLD = 0.15


@dataclasses.dataclass(frozen=True)
class Reason:
    """One reason to look at a nucleus.

    Parameters
    ----------
    feature : str
        What is measured, see `features_of`.
    safe, risky : float
        The risk is 0 up to the one value of the feature, 1 from the other one on, and between
        them in proportion.
    weight : float
        How much the risk adds to the logarithm of the odds that the nucleus is wrong.
    words : str
        What a person is told, with the feature in braces.
    of_whole : bool
        Whether it only says something of nuclei that the border of the image does not cut.
    """

    feature: str
    safe: float
    risky: float
    weight: float
    words: str
    of_whole: bool = False

    def risk(self, features: dict[str, np.ndarray]) -> np.ndarray:
        """Return the risk of each nucleus.

        Parameters
        ----------
        features : dict of str to ndarray, shape (N,)
            See `features.features_of`.

        Returns
        -------
        ndarray of float, shape (N,)
            0 to 1.
        """
        ramp = (features[self.feature] - self.safe) / (self.risky - self.safe)
        risk = np.clip(ramp, 0.0, 1.0)
        return np.where(features["at_border"], 0.0, risk) if self.of_whole else risk


@dataclasses.dataclass(frozen=True)
class Odds:
    """What is known of nuclei, or of candidates, in general.

    Parameters
    ----------
    usual : float
        Logarithm of the odds that one without any risk is wrong.
    reasons : tuple of Reason
        What adds to that.
    """

    usual: float
    reasons: tuple[Reason, ...]


#: Rounded from logistic regressions on what the bundled model made of training images, see
#: `benchmarks/suspicion.py`. A nucleus is wrong if no true one has an IoU of 0.5 with it.
NUCLEI = Odds(
    -3.4,
    (
        Reason("confidence", 0.95, 0.5, 1.5, "faint"),
        Reason("probability", 0.93, 0.7, 3.5, "unsure whether it is a nucleus"),
        Reason("second_peak", 0.05, 0.3, 1.0, "two middles"),
        Reason("neighbor_depth", 0.8, 0.3, 1.6, "hardly a border to its neighbor"),
        Reason("contrast", 0.45, 0.15, 0.1, "faint outline"),
        Reason("outline_distance", 0.12, 0.25, 0.8, "outline through the inside"),
        Reason(
            "relative_area", 1.5, 3.0, 0.6, "{relative_area:.1f} times the usual area", True
        ),
        Reason(
            "relative_area", 0.8, 0.15, 0.4, "only {relative_area:.0%} of the usual area", True
        ),
        Reason("fullness", 0.97, 0.8, 0.5, "irregular shape", True),
    ),
)

#: The same for candidates, which are right if a nucleus was missed there.
MISSED = Odds(
    -2.3,
    (
        Reason("confidence", 0.15, 0.6, 0.6, MAYBE_MISSED),
        Reason("fullness", 0.7, 0.95, 0.9, MAYBE_MISSED),
    ),
)


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
        Estimated chance that it is wrong, or that one was missed, 0 to 1, in descending
        order.
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
    score, reasons = _scores(nuclei, NUCLEI)
    columns = [nuclei["label"], nuclei["centroid_y"], nuclei["centroid_x"], nuclei["area"]]
    if maps is not None:
        missed = missed_nuclei(labels, maps, diameter=diameter, probability=probability)
        more, _ = _scores(missed, MISSED)
        score = np.concatenate([score, more])
        reasons += [MAYBE_MISSED] * more.size
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


def _scores(features: dict[str, np.ndarray], odds: Odds) -> tuple[np.ndarray, list[str]]:
    """Return the chance that each is wrong, and in words which risk is the most unusual."""
    used = [reason for reason in odds.reasons if reason.feature in features]
    count = features["label"].size
    if not used or not count:
        return np.full(count, 1.0 / (1.0 + np.exp(-odds.usual))), [NOTHING_UNUSUAL] * count
    risks = np.stack([reason.risk(features) for reason in used])
    weights = np.array([reason.weight for reason in used])
    score = 1.0 / (1.0 + np.exp(-odds.usual - weights @ risks))
    unusual = risks - np.median(risks, axis=1, keepdims=True)
    words = []
    for nucleus, row in enumerate(np.argmax(unusual, axis=0)):
        if unusual[row, nucleus] < _LEAST_TOLD:
            words.append(NOTHING_UNUSUAL)
        else:
            values = {used[row].feature: features[used[row].feature][nucleus]}
            words.append(used[row].words.format(**values))
    return score, words
