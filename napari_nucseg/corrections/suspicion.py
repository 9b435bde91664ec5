"""How suspicious every nucleus is, and why in words; where a nucleus may be missed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from ..pipeline import Maps
from .features import features_of
from .missed import missed_nuclei
from .odds import MAYBE_MISSED, MISSED, NOTHING_UNUSUAL, NUCLEI, WITHOUT_MAPS

__all__ = ["MAYBE_MISSED", "NOTHING_UNUSUAL", "Suspicions", "ranked", "suspicions"]


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
    image: np.ndarray | None = None,
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
        Shape (Y, X, M). Without them only sizes, shapes and intensities count, and there are
        no candidates.
    image : ndarray, shape (Y, X) or (Y, X, 3), optional
        Intensities.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        With which the labels were made, 0 to 1.

    Returns
    -------
    Suspicions
        A row for each nucleus, and for each candidate.
    """
    nuclei = features_of(labels, maps, diameter, image)
    if maps is None:
        return ranked(nuclei)
    return ranked(
        nuclei, missed_nuclei(labels, maps, diameter=diameter, probability=probability)
    )


def ranked(
    nuclei: dict[str, np.ndarray], missed: dict[str, np.ndarray] | None = None
) -> Suspicions:
    """Score what was measured.

    Parameters
    ----------
    nuclei : dict of str to ndarray
        Of all nuclei, see `features_of`.
    missed : dict of str to ndarray, optional
        Of all candidates, see `missed_nuclei`. None without maps.

    Returns
    -------
    Suspicions
        A row for each nucleus, and for each candidate.
    """
    score, reasons = (WITHOUT_MAPS if missed is None else NUCLEI).score(nuclei)
    columns = [nuclei["label"], nuclei["centroid_y"], nuclei["centroid_x"], nuclei["area"]]
    if missed is not None:
        more, _ = MISSED.score(missed)
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
