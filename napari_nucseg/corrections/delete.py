"""Delete nuclei."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .edit import Edit, edit_of
from .regions import box_of

__all__ = ["delete"]

#: Up to so many ids are looked for one by one.
_FEW = 4


def delete(labels: np.ndarray, ids: Iterable[int]) -> Edit:
    """Delete nuclei: their pixels become background.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        The plane; it is not changed.
    ids : iterable of int
        Which nuclei, such as what `ids_in_box`, `ids_in_polygon`, `ids_at_border` or
        `ids_smaller_than` return. Those that are not there are ignored.

    Returns
    -------
    Edit
        One for all of them.
    """
    chosen = sorted({int(one) for one in ids} - {0})
    mask = np.zeros(labels.shape, bool)
    if len(chosen) <= _FEW:
        for one in chosen:
            mask |= labels == one
    else:
        mask = np.isin(labels, chosen)
    box = box_of(mask) or (slice(0, 0), slice(0, 0))
    after = np.where(mask[box], 0, labels[box])
    return edit_of("delete", labels, after, box)
