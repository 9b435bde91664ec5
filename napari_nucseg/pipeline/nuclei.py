"""Labels to a table of nuclei."""

from __future__ import annotations

import numpy as np

__all__ = ["nucleus_table"]


def nucleus_table(labels: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Measure every nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background and every nucleus has a positive integer.
    probability : ndarray of uint8, shape (Y, X)
        Foreground probability, 255 is 1.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Columns of equal length, a row for each nucleus in the order of the labels. Lengths
        are in pixels: ``label``; ``centroid_y`` and ``centroid_x``, the mean position of its
        pixels; ``area``; the bounding box ``top``, ``left``, ``bottom`` and ``right``, of
        which the last two are the first row and column behind it; ``mean_probability``, 0
        to 1. ``pandas.DataFrame`` takes it as it is.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if labels.shape != probability.shape:
        raise ValueError(
            f"Expected labels and probability of one shape, got {labels.shape} and "
            f"{probability.shape}."
        )
    y, x = np.nonzero(labels)
    numbers, nucleus = np.unique(labels[y, x], return_inverse=True)
    count = numbers.size
    area = np.bincount(nucleus, minlength=count)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(nucleus, values, minlength=count) / area

    top, left = np.full(count, labels.shape[0]), np.full(count, labels.shape[1])
    bottom, right = np.zeros(count, int), np.zeros(count, int)
    np.minimum.at(top, nucleus, y)
    np.minimum.at(left, nucleus, x)
    np.maximum.at(bottom, nucleus, y + 1)
    np.maximum.at(right, nucleus, x + 1)
    return {
        "label": numbers,
        "centroid_y": mean(y),
        "centroid_x": mean(x),
        "area": area,
        "top": top,
        "left": left,
        "bottom": bottom,
        "right": right,
        "mean_probability": mean(probability[y, x]) / 255,
    }
