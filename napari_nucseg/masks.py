"""Masks to instance labels, and what makes one doubt that they are right."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from .words import some_of

__all__ = ["instances_of", "warn_of_doubts"]

BINARY = (
    "a binary mask, in which nuclei that touch become one. Give each nucleus its own value "
    "if you can."
)

STREWN = (
    "values that lie in many pieces each. If it is an image, a map of classes, or labels that "
    "were smoothed, resized with interpolation or do not fit into 8 bits, give labels of 16 "
    "bits in its place."
)

COVERED = (
    "a nucleus that covers most of the image and reaches all its sides. If that is the "
    "background, give it the value 0."
)

#: Values of a mask do not stand for nuclei if there are more pieces than this for each
#: value, and more than that in all above one for each. A corner of this side tells.
_MANY_PIECES, _MORE_PIECES, _CORNER = 3, 20, 2048


def instances_of(mask: np.ndarray) -> tuple[np.ndarray, str]:
    """Take a binary mask apart into its connected components, and look for mistakes.

    Parameters
    ----------
    mask : ndarray of int32, shape (Y, X)
        Instance labels, or a mask with a single value.

    Returns
    -------
    labels : ndarray of int32, shape (Y, X)
        Instance labels.
    doubt : str
        What the mask seems to be instead of instance labels; empty if nothing is odd.
    """
    from skimage.measure import label

    values = np.unique(mask[mask > 0])
    if values.size == 1:
        labels = label(mask > 0, connectivity=1).astype(np.int32)
        doubt = BINARY if labels.max() > 1 else ""
    else:
        labels, doubt = mask, STREWN if _is_strewn(mask) else ""
    return labels, COVERED if _is_covered(labels) else doubt


def _is_strewn(mask: np.ndarray) -> bool:
    """Whether the values lie in many pieces each."""
    from skimage.measure import label

    corner = mask[:_CORNER, :_CORNER]
    values = np.unique(corner[corner > 0]).size
    pieces = int(label(corner, background=0, connectivity=1).max(initial=0))
    return pieces > max(_MANY_PIECES * values, values + _MORE_PIECES)


def _is_covered(labels: np.ndarray) -> bool:
    """Whether one nucleus covers most of the image and reaches all its sides."""
    sides = [set(side.ravel()) for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    reaching = set.intersection(*sides) - {0}
    return any(2 * np.count_nonzero(labels == value) > labels.size for value in reaching)


def warn_of_doubts(doubts: Iterable[tuple[str, str]]) -> None:
    """Warn of masks that seem to be something else, once for each kind of mistake.

    Parameters
    ----------
    doubts : iterable of (str, str)
        What each mask is called, and what `instances_of` says of it.

    Warns
    -----
    UserWarning
        If there is a doubt in any of them.
    """
    names = defaultdict(list)
    for name, doubt in doubts:
        if doubt:
            names[doubt].append(name)
    for doubt, masks in names.items():
        who = masks[0] if len(masks) == 1 else f"{len(masks)} masks ({some_of(masks)})"
        warnings.warn(
            f"Expected labels with a value for each nucleus, got in {who} {doubt}", stacklevel=3
        )
