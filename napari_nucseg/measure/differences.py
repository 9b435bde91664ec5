"""Where two labels of one image differ: as a map of classes, and in numbers."""

from __future__ import annotations

import dataclasses

import numpy as np

from .metrics import THRESHOLDS, iou_of_pairs

__all__ = ["FIRST_ONLY", "OTHER_OUTLINE", "SECOND_ONLY", "Differences", "differences"]

#: The values of `Differences.map`.
FIRST_ONLY, SECOND_ONLY, OTHER_OUTLINE = 1, 2, 3

#: A nucleus that the other labels cover by less than this part was found by one only: its
#: neighbors in the other labels reach into it, but none of them is it.
_COVERED = 0.2


@dataclasses.dataclass(frozen=True, eq=False)
class Differences:
    """How two labels of one image differ.

    Two nuclei are alike if their IoU is 0.5 or more. A nucleus that is like none, and covered
    by nuclei of the other labels to a fifth or more, has another outline there: this is also
    what a split or merged nucleus is. All others were found by one only.

    Parameters
    ----------
    map : ndarray of uint8, of the shape of the labels
        0 where nothing differs, else `FIRST_ONLY`, `SECOND_ONLY` or `OTHER_OUTLINE`.
    alike : int
        Pairs of nuclei that are alike.
    first_only, second_only : int
        Nuclei that were found by one only.
    first_other, second_other : int
        Nuclei of the first and of the second labels that have another outline in the other.
    """

    map: np.ndarray
    alike: int
    first_only: int
    second_only: int
    first_other: int
    second_other: int

    @property
    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.map.any())


def differences(first: np.ndarray, second: np.ndarray) -> Differences:
    """Compare two labels of one image, nucleus by nucleus.

    Parameters
    ----------
    first, second : ndarray of int, of one shape
        Instance labels in any number of dimensions, 0 for the background.

    Returns
    -------
    Differences
        A map of classes, and how many nuclei there are of each.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"Expected two label images of one shape, got {first.shape} and {second.shape}. "
            f"Choose two that belong to the same image."
        )
    one, two = _numbers(first), _numbers(second)
    here, there = _alike(one, two)
    first_class = _classes(one, two, here, FIRST_ONLY)
    second_class = _classes(two, one, there, SECOND_ONLY)
    # An outline that differs is seen as a whole, over what one of both adds to it.
    return Differences(
        map=np.maximum(_painted(one, first_class), _painted(two, second_class)),
        alike=int(here.sum()),
        first_only=int((first_class == FIRST_ONLY).sum()),
        second_only=int((second_class == SECOND_ONLY).sum()),
        first_other=int((first_class == OTHER_OUTLINE).sum()),
        second_other=int((second_class == OTHER_OUTLINE).sum()),
    )


def _alike(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each nucleus of both, in the order of the labels, if it has a partner."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    pairs = iou_of_pairs(first, second)
    good = pairs.data >= THRESHOLDS[0]
    kept = pairs.data[good], (pairs.row[good], pairs.col[good])
    partner = maximum_bipartite_matching(csr_array(kept, shape=pairs.shape), "column")
    has_partner = np.zeros(pairs.shape[1], bool)
    has_partner[partner[partner >= 0]] = True
    return partner >= 0, has_partner


def _classes(labels: np.ndarray, other: np.ndarray, alike: np.ndarray, only: int) -> np.ndarray:
    """Return the class of each nucleus in the order of the labels, 0 if it has a partner."""
    areas = np.bincount(labels.ravel(), minlength=alike.size + 1)[1:]
    covered = np.bincount(labels[other > 0], minlength=alike.size + 1)[1:]
    classes = np.where(covered >= _COVERED * areas, OTHER_OUTLINE, only)
    return np.where(alike, 0, classes).astype(np.uint8)


def _painted(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the class of the nucleus at every pixel."""
    return np.append(np.uint8(0), classes)[labels]


def _numbers(labels: np.ndarray) -> np.ndarray:
    """Return labels that are numbered anew from 1, 0 for the background."""
    _, number = np.unique(np.append(0, labels), return_inverse=True)
    return number.ravel()[1:].reshape(labels.shape)
