"""Labels: the check that an array can be them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_labels"]


def as_labels(labels: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Check labels against the shape of their image.

    Parameters
    ----------
    labels : array_like, shape (Y, X), or of a stack
        Instance labels of any integer or boolean dtype, or floating with whole
        numbers.
    shape : tuple of int
        Height and width of the image, of a stack what comes before them, too.

    Returns
    -------
    ndarray of int32, of the same shape
        The labels.

    Raises
    ------
    TypeError
        If the labels are not numbers.
    ValueError
        If the shapes differ, or a label is negative, too large for 32 bits or
        not a whole number.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "buif":
        raise TypeError(f"Expected labels of an integer dtype, got {array.dtype}.")
    if array.shape != tuple(shape):
        raise ValueError(
            f"Expected labels of the shape of their image, {tuple(shape)}, got "
            f"{array.shape}. Check that labels and image belong together."
        )
    if array.dtype == np.int32 and (array.size == 0 or array.min() >= 0):
        return array
    if array.dtype.kind == "f" and not (
        np.isfinite(array).all() and (array == np.floor(array)).all()
    ):
        raise ValueError(
            f"Expected labels that are whole numbers, got {array.dtype} with "
            f"fractions, NaN or infinity. Is this an image or a probability map?"
        )
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise ValueError(
            f"Expected labels from 0 to {np.iinfo(np.int32).max}, got "
            f"{array.min()} to {array.max()}. Number the nuclei from 1; the "
            f"background is 0."
        )
    return array.astype(np.int32)
