"""Which nuclei are meant: those in a box, in a lasso, at the border, or the small ones."""

from __future__ import annotations

import numpy as np

from .regions import Path, Point, polygon_mask

__all__ = ["ids_at_border", "ids_in", "ids_in_box", "ids_in_polygon", "ids_smaller_than"]

#: Ids up to this number, or up to the number of pixels, are counted in a table.
_TABLE = 1 << 14


def ids_in(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of all nuclei and their areas.

    Parameters
    ----------
    labels : ndarray of int
        Of any shape; 0 is background.

    Returns
    -------
    ids : ndarray of int64, shape (N,)
        In ascending order.
    areas : ndarray of int64, shape (N,)
        In pixels.
    """
    if labels.size and labels.min() >= 0 and labels.max() < max(_TABLE, labels.size):
        table = np.bincount(labels.ravel())
        table[0] = 0
        ids = np.flatnonzero(table)
        return ids, table[ids]
    ids, areas = np.unique(labels, return_counts=True)
    return ids[ids != 0].astype(np.int64), areas[ids != 0].astype(np.int64)


def ids_in_box(labels: np.ndarray, corner: Point, opposite: Point) -> list[int]:
    """Return the nuclei of which at least half lies in a box.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    corner, opposite : sequence of float
        Two opposite corners, (Y, X) in pixels.

    Returns
    -------
    list of int
        Ids in ascending order.
    """
    (top, left), (bottom, right) = np.sort([corner, opposite], axis=0)
    rows, columns = (
        slice(max(int(np.ceil(low)), 0), max(int(np.floor(high)) + 1, 0))
        for low, high in ((top, bottom), (left, right))
    )
    return _mostly_in(labels, labels[rows, columns])


def ids_in_polygon(labels: np.ndarray, outline: Path) -> list[int]:
    """Return the nuclei of which at least half lies in a lasso.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    outline : sequence of points, shape (N, 2)
        Corners of the lasso, (Y, X) in pixels. It closes itself.

    Returns
    -------
    list of int
        Ids in ascending order.
    """
    found = polygon_mask(outline, labels.shape)
    if found is None:
        return []
    mask, box = found
    return _mostly_in(labels, labels[box][mask])


def _mostly_in(labels: np.ndarray, part: np.ndarray) -> list[int]:
    """Return the nuclei of which at least half of the pixels are in a part."""
    chosen, inside = ids_in(part)
    ids, areas = ids_in(labels)
    areas = areas[np.searchsorted(ids, chosen)]
    return [int(one) for one in chosen[2 * inside >= areas]]


def ids_at_border(labels: np.ndarray) -> list[int]:
    """Return the nuclei that touch the border of the image.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Returns
    -------
    list of int
        Ids in ascending order.
    """
    edges = [labels[:1], labels[-1:], labels[:, :1], labels[:, -1:]]
    found = np.unique(np.concatenate([edge.ravel() for edge in edges]))
    return [int(one) for one in found if one]


def ids_smaller_than(labels: np.ndarray, area: float) -> list[int]:
    """Return the nuclei that are smaller than an area.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    area : float
        In pixels.

    Returns
    -------
    list of int
        Ids in ascending order; its length is the count to show before.
    """
    ids, areas = ids_in(labels)
    return [int(one) for one in ids[areas < area]]
