"""Reviewed pixels: which part of its labels a person has looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["as_reviewed", "reviewed_area", "reviewed_labels"]

#: Width of what is reviewed around a nucleus, in parts of its diameter, and the least.
_AROUND, _LEAST_AROUND = 0.25, 3.0


def as_reviewed(reviewed: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """Check a mask of reviewed pixels against the shape of its image.

    Parameters
    ----------
    reviewed : array_like, shape (Y, X)
        True, or any number but 0, where the labels were reviewed.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    ndarray of bool, shape (Y, X), or None
        None if every pixel was reviewed.

    Raises
    ------
    TypeError
        If the mask is neither of booleans nor of integers.
    ValueError
        If the shapes differ.
    """
    array = np.asarray(reviewed)
    if array.dtype.kind not in "bui":
        raise TypeError(f"Expected a mask of reviewed pixels, got an array of {array.dtype}.")
    if array.shape != tuple(shape):
        raise ValueError(
            f"Expected a mask of reviewed pixels of the shape of its image, {tuple(shape)}, "
            f"got {array.shape}. Check that mask and image belong together."
        )
    mask = array.astype(bool, copy=False)
    return None if mask.all() else mask


def reviewed_area(
    labels: np.ndarray, ids: Iterable[int], areas: np.ndarray | None = None
) -> np.ndarray:
    """Mark what was reviewed: some nuclei with what surrounds them, and whole areas.

    Who accepts or edits a nucleus says where it ends, too. So the pixels around it are
    reviewed up to a quarter of its diameter away, but no other nucleus is.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer of its own.
    ids : iterable of int
        The nuclei that were accepted or edited.
    areas : ndarray of bool, shape (Y, X), optional
        Other pixels that were reviewed with all that is in them, such as boxes.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        True where the labels were reviewed.
    """
    from scipy import ndimage

    chosen = np.isin(labels, [label for label in ids if label > 0])
    area = np.zeros(labels.shape, bool) if areas is None else np.array(areas, bool)
    if not chosen.any():
        return area
    away, nearest = ndimage.distance_transform_edt(~chosen, return_indices=True)
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    diameters = (2 * np.sqrt(counts / np.pi))[inverse.reshape(labels.shape)]
    reach = np.maximum(_LEAST_AROUND, _AROUND * diameters[tuple(nearest)])
    around = (away <= reach) & (labels == 0)
    return area | chosen | around


def reviewed_labels(labels: np.ndarray, reviewed: np.ndarray | None) -> np.ndarray:
    """Return the labels without the nuclei that were not reviewed.

    A nucleus counts as reviewed if at least half of its pixels were. So of two nuclei of
    which one was reviewed and the other has an IoU above 0.5 with it, both count.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels, a person's or those that a model has found.
    reviewed : ndarray of bool, shape (Y, X), or None
        True where a person has reviewed the labels; None if that is everywhere.

    Returns
    -------
    ndarray of int, shape (Y, X)
        0 in the nuclei that do not count; the same array if all of them do.
    """
    if reviewed is None:
        return labels
    values, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.reshape(labels.shape)
    total = np.bincount(inverse.ravel(), minlength=len(values))
    seen = np.bincount(inverse[reviewed], minlength=len(values))
    kept = np.where(2 * seen >= total, values, 0)
    return kept[inverse].astype(labels.dtype, copy=False)
