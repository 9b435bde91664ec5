"""Where the outlines and the middles of nuclei are, to be drawn over the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["centers_of", "outlines_of"]


def outlines_of(labels: np.ndarray, number: int) -> list[np.ndarray]:
    """Return the outlines of a nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane.
    number : int
        The label of the nucleus.

    Returns
    -------
    list of ndarray, each of shape (N, 2)
        (Y, X) in pixels, one for each piece and each hole; they run along the borders
        between pixels. Empty if there is no such nucleus.
    """
    from skimage.measure import find_contours

    mask = labels == number
    rows = np.flatnonzero(mask.any(axis=1))
    if number == 0 or rows.size == 0:
        return []
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    lines = find_contours(np.pad(part, 1).astype(np.float32), 0.5)
    corner = np.array([rows[0] - 1, columns[0] - 1])
    return [line + corner for line in lines]


def centers_of(labels: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Return the middles of nuclei.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane.
    ids : sequence of int
        Their labels.

    Returns
    -------
    ndarray of float, shape (N, 2)
        (Y, X) in pixels, of those that are there, in the order of their labels.
    """
    y, x = np.nonzero(np.isin(labels, ids))
    _, place = np.unique(labels[y, x], return_inverse=True)
    count = np.bincount(place)
    return np.stack(
        [np.bincount(place, y) / count, np.bincount(place, x) / count], axis=1
    ).reshape(-1, 2)
