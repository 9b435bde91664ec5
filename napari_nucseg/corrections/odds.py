"""What makes a nucleus suspicious, and how much: the reasons to look at it, and their words."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import weights

__all__ = [
    "MAYBE_MISSED",
    "MISSED",
    "NOTHING_UNUSUAL",
    "NUCLEI",
    "WITHOUT_MAPS",
    "Odds",
    "Reason",
]

NOTHING_UNUSUAL = "nothing unusual"
MAYBE_MISSED = "maybe missed here"

#: A reason is told if it adds so much more to the logarithm of the odds than to those of the
#: other nuclei.
_LEAST_TOLD = 0.2


@dataclasses.dataclass(frozen=True)
class Reason:
    """One reason to look at a nucleus.

    Parameters
    ----------
    feature : str
        What is measured, see `features.measured` and `features.related`.
    safe, risky : float
        The risk is 0 up to the one value of the feature, 1 from the other one on, and between
        them in proportion.
    words : str
        What a person is told, with the feature in braces.
    of_whole : bool
        Whether it only says something of nuclei that the border of the image does not cut.
    is_vague : bool
        Whether it helps a person less than others: it is told only if no other one is.
    """

    feature: str
    safe: float
    risky: float
    words: str
    of_whole: bool = False
    is_vague: bool = False

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
    reasons : tuple of Reason
        What can be wrong.
    usual : float
        Logarithm of the odds that one without any risk is wrong.
    weights : tuple of float
        How much the risk of each reason adds to that.
    """

    reasons: tuple[Reason, ...]
    usual: float
    weights: tuple[float, ...]

    def score(self, features: dict[str, np.ndarray]) -> tuple[np.ndarray, list[str]]:
        """Return how suspicious each nucleus is, and why.

        Parameters
        ----------
        features : dict of str to ndarray, shape (N,)
            See `features.features_of`. Reasons whose feature is not in it do not count.

        Returns
        -------
        score : ndarray of float, shape (N,)
            Estimated chance that it is wrong, 0 to 1.
        words : list of str
            The reason that is the most unusual in this plane.
        """
        count = features["label"].size
        used = [row for row, one in enumerate(self.reasons) if one.feature in features]
        added = np.zeros((len(used), count))
        for row, reason in enumerate(used):
            added[row] = self.weights[reason] * self.reasons[reason].risk(features)
        score = 1.0 / (1.0 + np.exp(-self.usual - added.sum(axis=0)))
        if not used or not count:
            return score, [NOTHING_UNUSUAL] * count
        unusual, heads = _by_words(added, [self.reasons[row] for row in used])
        is_told = unusual >= _LEAST_TOLD
        # A vague reason comes after all others that are told.
        vague = np.array([reason.is_vague for reason in heads])
        rank = np.where(is_told, unusual + 100.0 * ~vague[:, np.newaxis], -1.0)
        words = []
        for nucleus, row in enumerate(np.argmax(rank, axis=0)):
            if is_told[row, nucleus]:
                reason = heads[row]
                value = {reason.feature: features[reason.feature][nucleus]}
                words.append(reason.words.format(**value))
            else:
                words.append(NOTHING_UNUSUAL)
        return score, words


def _by_words(added: np.ndarray, reasons: list[Reason]) -> tuple[np.ndarray, list[Reason]]:
    """Add up reasons of the same words, and take away what is usual in the plane."""
    rows: dict[str, int] = {}
    heads: list[Reason] = []
    for reason in reasons:
        if reason.words not in rows:
            rows[reason.words] = len(heads)
            heads.append(reason)
    together = np.zeros((len(heads), added.shape[1]))
    for row, reason in zip(added, reasons, strict=True):
        together[rows[reason.words]] += row
    return together - np.median(together, axis=1, keepdims=True), heads


_LARGE = "{relative_area:.1f} times the usual area"
_SMALL = "only {relative_area:.0%} of the usual area"
_DARK = "weaker stain than the others"
_FAINT = "faint"
_UNSURE = "unsure whether it is a nucleus"

#: What needs no maps.
_OUTER = (
    Reason("relative_area", 1.3, 2.0, _LARGE, True),
    Reason("relative_area", 2.0, 4.0, _LARGE, True),
    Reason("relative_area", 1.0, 0.6, _SMALL, True),
    Reason("relative_area", 0.6, 0.1, _SMALL, True),
    Reason("fullness", 0.98, 0.94, "irregular shape", True),
    Reason("fullness", 0.94, 0.8, "irregular shape", True),
    Reason("relative_brightness", 1.0, 0.6, _DARK),
    Reason("relative_brightness", 0.6, 0.2, _DARK),
    Reason("touching", 0.0, 0.5, "close to others", is_vague=True),
    Reason("at_border", 0.0, 1.0, "cut by the border of the image", is_vague=True),
)

#: A nucleus is wrong if no true one has an IoU of 0.5 with it, or if it covers two.
NUCLEI = Odds(
    (
        *_OUTER,
        Reason("confidence", 0.96, 0.85, _FAINT),
        Reason("confidence", 0.85, 0.5, _FAINT),
        Reason("probability", 0.93, 0.85, _UNSURE, is_vague=True),
        Reason("probability", 0.85, 0.7, _UNSURE, is_vague=True),
        Reason("second_peak", 0.0, 0.15, "two middles"),
        Reason("second_peak", 0.15, 0.3, "two middles"),
        Reason("neighbor_depth", 0.8, 0.55, "hardly a border to its neighbor"),
        Reason("neighbor_depth", 0.55, 0.3, "hardly a border to its neighbor"),
        Reason("contrast", 0.45, 0.15, "faint outline"),
        Reason("outline_distance", 0.1, 0.25, "outline through the inside"),
        Reason("size", 0.55, 0.15, _SMALL, True),
        Reason("around", 0.93, 0.7, "much is unsure around", is_vague=True),
    ),
    *weights.NUCLEI,
)

#: The same for labels that no network of ours has made.
WITHOUT_MAPS = Odds(_OUTER, *weights.WITHOUT_MAPS)

#: The same for candidates, which are right if a nucleus was missed there.
MISSED = Odds(
    (
        Reason("fullness", 0.7, 0.95, MAYBE_MISSED),
        Reason("probability", 0.2, 0.5, MAYBE_MISSED),
        Reason("size", 0.2, 0.6, MAYBE_MISSED),
    ),
    *weights.MISSED,
)
