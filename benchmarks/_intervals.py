"""Scores of a set of images with the interval that another draw of images may give."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from napari_nucseg.measure.metrics import Counts, summarize

__all__ = ["MEASURES", "Interval", "intervals"]

#: What is measured: mean AP is that over the IoU thresholds .5 to .9.
MEASURES = ("ap50_per_image", "mean_ap_per_image", "ap50_pooled", "mean_ap_pooled")

_RESAMPLES = 2000
_PERCENTILES = (2.5, 97.5)


@dataclasses.dataclass(frozen=True)
class Interval:
    """A score and its 95 % interval.

    Parameters
    ----------
    value, low, high : float
        0 to 1.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.2f}-{self.high:.2f})"


def intervals(counts: Sequence[Counts], seed: int = 0) -> dict[str, Interval]:
    """Calculate the scores of a set of images.

    The intervals are percentiles of the scores of sets drawn anew from the images
    (bootstrap). Images of one slide are alike, and so the true ones are wider.

    Parameters
    ----------
    counts : sequence of Counts
        One for each image, at least one.
    seed : int, optional
        Of the draws.

    Returns
    -------
    dict of str to Interval
        By the names in `MEASURES`.
    """
    scores = summarize(counts)
    per_image, pooled = list(scores.ap_per_image.values()), list(scores.ap_pooled.values())
    values = np.array([per_image[0], np.mean(per_image), pooled[0], np.mean(pooled)])
    lows, highs = np.percentile(_resampled(counts, seed), _PERCENTILES, axis=0)
    return {
        name: Interval(float(value), float(low), float(high))
        for name, value, low, high in zip(MEASURES, values, lows, highs, strict=True)
    }


def _resampled(counts: Sequence[Counts], seed: int) -> np.ndarray:
    """Return the four measures of each of the sets drawn, shape (draws, 4)."""
    matched = np.array([c.matched for c in counts])
    either = np.array([c.predicted + c.true for c in counts])[:, np.newaxis] - matched
    ap = _ap(matched, either)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(counts), size=(_RESAMPLES, len(counts)))
    per_image = ap[drawn].mean(1)
    pooled = _ap(matched[drawn].sum(1), either[drawn].sum(1))
    columns = per_image[:, 0], per_image.mean(1), pooled[:, 0], pooled.mean(1)
    return np.stack(columns, axis=1)


def _ap(matched: np.ndarray, either: np.ndarray) -> np.ndarray:
    """Return matched pairs over all nuclei, 1 where there is none, as `summarize` does."""
    return np.where(either > 0, matched / np.maximum(either, 1), 1.0)
