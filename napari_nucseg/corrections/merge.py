"""Merge the nuclei along a path into one."""

from __future__ import annotations

import numpy as np
import scipy  # which loads its parts when they are used first

from .edit import Edit, edit_of, nothing
from .regions import NEIGHBORHOOD, Path, box_of, line_pixels, piece_of

__all__ = ["ids_along", "merge"]

#: Gaps up to twice as many pixels are closed; wider ones are bridged along the path.
_CLOSING = 3


def ids_along(labels: np.ndarray, path: Path) -> list[int]:
    """Return the nuclei that a path crosses.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.
    path : sequence of points, shape (N, 2)
        (Y, X) in pixels.

    Returns
    -------
    list of int
        Ids in the order of the path, each once.
    """
    passed = labels[line_pixels(path, labels.shape)]
    return [int(one) for one in dict.fromkeys(passed.tolist()) if one]


def merge(labels: np.ndarray, path: Path) -> Edit:
    """Merge the nuclei along a path into the first of them.

    Narrow gaps between them are closed. Where that does not make one piece of them, a bridge
    along the path does. Only background becomes a part of the nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    path : sequence of points, shape (N, 2)
        (Y, X) in pixels.

    Returns
    -------
    Edit
        Empty if the path does not cross two nuclei. The id of the first one is kept.
    """
    ids = ids_along(labels, path)
    if len(ids) < 2:
        return nothing("merge", labels)
    way = np.zeros(labels.shape, bool)
    way[_between(labels, path)] = True
    nuclei = way.copy()
    for one in ids:
        nuclei |= labels == one
    box = box_of(nuclei, margin=1) or (slice(0, 0), slice(0, 0))
    part, way = labels[box], way[box]
    free = part == 0
    whole = _close(np.isin(part, ids), free)
    if not _is_one_piece(whole):
        whole |= free & scipy.ndimage.binary_dilation(way & free, NEIGHBORHOOD)
    # Pieces that nothing joins to the first nucleus, such as those of before, stay as they are.
    whole = piece_of(whole, way & (part == ids[0]))
    if not (whole & (part != ids[0]) & ~free).any():
        return nothing("merge", labels)
    return edit_of("merge", labels, np.where(whole, ids[0], part), box)


def _between(labels: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of a path from the first to the last nucleus on it."""
    y, x = line_pixels(path, labels.shape)
    inside = np.flatnonzero(labels[y, x])
    part = slice(inside[0], inside[-1] + 1)
    return y[part], x[part]


def _close(mask: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the mask with its narrow gaps closed, as wide as it takes to be one piece."""
    padded = np.pad(mask, _CLOSING)
    inside = tuple(slice(_CLOSING, -_CLOSING) for _ in mask.shape)
    closed = mask
    for width in range(1, _CLOSING + 1):
        grown = scipy.ndimage.binary_closing(padded, NEIGHBORHOOD, iterations=width)
        # What is added at the outer side, where it does not join anything, is harmless.
        closed = mask | (grown[inside] & free)
        if _is_one_piece(closed):
            return closed
    return mask


def _is_one_piece(mask: np.ndarray) -> bool:
    return scipy.ndimage.label(mask, NEIGHBORHOOD)[1] == 1
