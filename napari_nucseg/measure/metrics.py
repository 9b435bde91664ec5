"""Labels against labels: AP, F1, PQ, Dice and IoU."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import coo_array

__all__ = [
    "THRESHOLDS",
    "Counts",
    "Scores",
    "compare",
    "iou_of_pairs",
    "match_counts",
    "summarize",
]

#: IoU thresholds at which a predicted and a true nucleus count as the same.
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)

#: So many pixels are looked at in one go.
_PIXELS = 1 << 22


@dataclasses.dataclass(frozen=True)
class Counts:
    """The counts of one image, from which scores are calculated.

    Parameters
    ----------
    matched : tuple of int
        Matched pairs of nuclei at each of `THRESHOLDS`.
    matched_iou : float
        Sum of the IoU of the pairs matched at 0.5.
    predicted, true : int
        Number of predicted and of true nuclei.
    overlap, predicted_area, true_area : int
        Pixels of the foreground: in both, in the prediction, in the truth.
    """

    matched: tuple[int, ...]
    matched_iou: float
    predicted: int
    true: int
    overlap: int
    predicted_area: int
    true_area: int


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of a set of images; every score lies between 0 and 1.

    Parameters
    ----------
    images, predicted, true : int
        How many images, predicted nuclei and true nuclei.
    ap_pooled : dict of float to float
        TP / (TP + FP + FN) by IoU threshold, counts summed over all images.
    ap_per_image : dict of float to float
        The same for each image, then the mean over the images.
    f1 : float
        2 TP / (2 TP + FP + FN) at IoU 0.5, pooled.
    panoptic_quality : float
        F1 at IoU 0.5 times the mean IoU of the matched pairs, pooled
        (Kirillov et al., arXiv 1801.00868).
    dice, iou : float
        Overlap of the foreground, pooled.
    """

    images: int
    predicted: int
    true: int
    ap_pooled: dict[float, float]
    ap_per_image: dict[float, float]
    f1: float
    panoptic_quality: float
    dice: float
    iou: float

    @property
    def mean_ap(self) -> float:
        """Mean of `ap_per_image` over all thresholds."""
        return float(np.mean(list(self.ap_per_image.values())))

    def as_dict(self) -> dict[str, object]:
        """Return all scores by name, ready for JSON.

        Returns
        -------
        dict
            The fields and ``mean_ap``; thresholds are written as text.
        """
        values = dataclasses.asdict(self)
        for key in ("ap_pooled", "ap_per_image"):
            values[key] = {f"{at:.2f}": score for at, score in values[key].items()}
        return {**values, "mean_ap": self.mean_ap}


def compare(predicted: np.ndarray, true: np.ndarray) -> Scores:
    """Score the labels of one image.

    Parameters
    ----------
    predicted, true : ndarray of int, shape (Y, X)
        Instance labels, 0 for the background.

    Returns
    -------
    Scores
        The scores of this image alone.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return summarize([match_counts(predicted, true)])


def match_counts(predicted: np.ndarray, true: np.ndarray) -> Counts:
    """Match the nuclei of one image.

    At every threshold as many pairs as possible are matched, each nucleus at
    most once (maximum bipartite matching).

    Parameters
    ----------
    predicted, true : ndarray of int, shape (Y, X)
        Instance labels, 0 for the background.

    Returns
    -------
    Counts
        The counts of this image.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if predicted.shape != true.shape:
        raise ValueError(
            f"Expected two label images of one shape, got {predicted.shape} and "
            f"{true.shape}. Check that they belong to the same image."
        )
    pairs = iou_of_pairs(predicted, true)
    matched, matched_iou = [], 0.0
    for threshold in THRESHOLDS:
        good = pairs.data >= threshold
        kept = pairs.data[good], (pairs.row[good], pairs.col[good])
        table = csr_array(kept, shape=pairs.shape)
        partner = maximum_bipartite_matching(table, perm_type="column")
        found = np.flatnonzero(partner >= 0)
        matched.append(len(found))
        if threshold == THRESHOLDS[0]:
            matched_iou = float(sum(table[row, partner[row]] for row in found))
    foreground, truth = predicted > 0, true > 0
    return Counts(
        matched=tuple(matched),
        matched_iou=matched_iou,
        predicted=pairs.shape[0],
        true=pairs.shape[1],
        overlap=int((foreground & truth).sum()),
        predicted_area=int(foreground.sum()),
        true_area=int(truth.sum()),
    )


def iou_of_pairs(predicted: np.ndarray, true: np.ndarray) -> coo_array:
    """Return the IoU of all pairs of nuclei that overlap.

    Parameters
    ----------
    predicted, true : ndarray of int, of one shape
        Instance labels, 0 for the background.

    Returns
    -------
    scipy.sparse.coo_array, shape (predicted nuclei, true nuclei)
        Rows and columns are in the order of the labels.
    """
    from scipy.sparse import coo_array, csr_array

    # Some pixels at a time: their places in the table take many times more memory than the
    # labels.
    parts = [slice(start, start + _PIXELS) for start in range(0, predicted.size, _PIXELS)]
    found, truth = predicted.ravel(), true.ravel()
    rows, columns = (_ids(labels, parts) for labels in (found, truth))
    shape = rows.size, columns.size
    pixels = csr_array(shape, dtype=np.int64)
    for part in parts:
        places = np.searchsorted(rows, found[part]), np.searchsorted(columns, truth[part])
        place, counts = np.unique(np.ravel_multi_index(places, shape), return_counts=True)
        pixels += csr_array((counts, np.unravel_index(place, shape)), shape=shape)
    areas = pixels.sum(axis=1)[1:], pixels.sum(axis=0)[1:]
    overlap = coo_array(pixels[1:, 1:])
    either = areas[0][overlap.row] + areas[1][overlap.col] - overlap.data
    return coo_array((overlap.data / either, (overlap.row, overlap.col)), shape=overlap.shape)


def _ids(labels: np.ndarray, parts: Sequence[slice]) -> np.ndarray:
    """Return 0 and the ids that occur, in ascending order."""
    ids = np.zeros(1, labels.dtype)
    for part in parts:
        ids = np.union1d(ids, labels[part])
    return ids


def summarize(counts: Sequence[Counts]) -> Scores:
    """Calculate the scores of several images from their counts.

    Parameters
    ----------
    counts : sequence of Counts
        One for each image, at least one.

    Returns
    -------
    Scores
        The scores of the whole set.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if not counts:
        raise ValueError("Expected at least one image to score, got none.")
    matched = np.array([c.matched for c in counts])
    predicted = np.array([c.predicted for c in counts])
    true = np.array([c.true for c in counts])
    per_image = [_ap(*row) for row in zip(matched, predicted, true, strict=True)]
    pooled = _ap(matched.sum(0), predicted.sum(), true.sum())
    pairs, nuclei = int(matched[:, 0].sum()), int(predicted.sum() + true.sum())
    overlap = sum(c.overlap for c in counts)
    area = sum(c.predicted_area + c.true_area for c in counts)
    return Scores(
        images=len(counts),
        predicted=int(predicted.sum()),
        true=int(true.sum()),
        ap_pooled=_by_threshold(pooled),
        ap_per_image=_by_threshold(np.mean(per_image, axis=0)),
        f1=_ratio(2 * pairs, nuclei),
        panoptic_quality=_ratio(2 * sum(c.matched_iou for c in counts), nuclei),
        dice=_ratio(2 * overlap, area),
        iou=_ratio(overlap, area - overlap),
    )


def _ap(matched: np.ndarray, predicted: int, true: int) -> np.ndarray:
    """Return TP / (TP + FP + FN); 1 where there is nothing to find and none found."""
    nuclei = predicted + true - matched
    return np.where(nuclei > 0, matched / np.maximum(nuclei, 1), 1.0)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _by_threshold(values: np.ndarray) -> dict[float, float]:
    return {at: float(value) for at, value in zip(THRESHOLDS, values, strict=True)}
