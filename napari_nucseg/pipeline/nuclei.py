"""Labels to a table of nuclei."""

from __future__ import annotations

import numpy as np

__all__ = ["nucleus_table", "stack_table"]


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


def stack_table(
    labels: np.ndarray, probability: np.ndarray, axes: str
) -> dict[str, np.ndarray]:
    """Tabulate the nuclei of a stack or a series.

    Parameters
    ----------
    labels : ndarray of int32, shape (Z, Y, X), (T, Y, X) or (T, Z, Y, X)
        The nuclei; 0 is background.
    probability : ndarray of uint8, of the same shape
        Foreground probability, 255 is 1.
    axes : str
        A letter for each axis.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Columns of equal length, a row for each nucleus and time point. Lengths are in pixels,
        planes and time points are counted from 0: ``t`` for a series; ``label``; ``centroid_z``
        for a stack, ``centroid_y`` and ``centroid_x``; ``area``, or ``voxels`` for a stack;
        ``mean_probability``, 0 to 1.
    """
    frames = labels if "T" in axes else labels[np.newaxis]
    chances = probability if "T" in axes else probability[np.newaxis]
    parts = [_frame_table(one, chance) for one, chance in zip(frames, chances, strict=True)]
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if "T" not in axes:
        return table
    rows = [len(part["label"]) for part in parts]
    return {"t": np.repeat(np.arange(len(parts)), rows), **table}


def _frame_table(labels: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Tabulate the nuclei of a time point, (Y, X) or (Z, Y, X)."""
    count = int(labels.max(initial=0)) + 1
    names = "zyx"[3 - labels.ndim :]
    size, chance = np.zeros(count, int), np.zeros(count)
    sums = {name: np.zeros(count) for name in names}
    for z, plane in enumerate(labels if labels.ndim == 3 else labels[np.newaxis]):
        y, x = np.nonzero(plane)
        nucleus = plane[y, x]
        here = np.bincount(nucleus, minlength=count)
        size += here
        values = probability[z][y, x] if labels.ndim == 3 else probability[y, x]
        chance += np.bincount(nucleus, values, minlength=count)
        for name, along in (("y", y), ("x", x)):
            sums[name] += np.bincount(nucleus, along, minlength=count)
        if labels.ndim == 3:
            sums["z"] += z * here
    found = np.flatnonzero(size)
    return {
        "label": found.astype(labels.dtype),
        **{f"centroid_{name}": sums[name][found] / size[found] for name in names},
        "voxels" if labels.ndim == 3 else "area": size[found],
        "mean_probability": chance[found] / size[found] / 255,
    }
