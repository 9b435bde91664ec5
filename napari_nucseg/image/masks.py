"""Masks to instance labels, and what may be wrong with them."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from ..support import some_of, warn_user

__all__ = [
    "MaskIssue",
    "are_outlines",
    "instances_of",
    "issue_of_background",
    "looks_like_labels",
    "warn_of_issues",
]


class MaskIssue(enum.Enum):
    """What may be wrong with a mask. The value completes the message of the warning."""

    BINARY = (
        "a binary mask, which is taken apart into its pieces: nuclei that touch become one. "
        "Give each nucleus its own value if you can."
    )
    SCATTERED_VALUES = (
        "values that lie in many pieces each, as in an image, in a map of classes, and in "
        "labels that were smoothed, resized with interpolation or do not fit into 8 bits. "
        "Give labels as they were made, of 16 bits if there are more than 255."
    )
    OUTLINES = (
        "lines around nuclei in place of their areas. Fill the outlines, so that each nucleus "
        "is an area with a value of its own."
    )
    NO_BACKGROUND = (
        "no pixel of the value 0, or a nucleus that covers most of the image and reaches all "
        "its sides. Give the background the value 0."
    )


#: Values of a mask do not stand for nuclei if the usual one has more pieces of comparable
#: size than this, or if there are more pieces than this for each value, and more than that in
#: all above one for each. A corner of this side tells.
_MANY_PIECES, _MORE_PIECES, _CORNER = 3, 20, 2048

#: A line is thinner than this many pixels, but where two cross, at so few of its pixels.
_THICKEST, _FEW = 5, 0.05

#: Pieces smaller than this part of the largest are crumbs, not nuclei.
_CRUMB = 0.2

#: How many of the neighbors that are no background have the same value in labels. Of the 594
#: images of microscopes that were looked at, the flattest, of 8 bits and dim, has 0.78, and
#: the least flat of their labels 0.97.
_FLAT = 0.9


def instances_of(mask: np.ndarray) -> tuple[np.ndarray, MaskIssue | None]:
    """Take a binary mask apart into its connected components, and look for mistakes.

    Parameters
    ----------
    mask : ndarray of int32, shape (Y, X)
        Instance labels, or a mask with a single value. A single nucleus that lies in one
        piece and three crumbs at most is not a binary mask.

    Returns
    -------
    labels : ndarray of int32, shape (Y, X)
        Instance labels.
    issue : MaskIssue or None
        What seems to be wrong, None if nothing is.
    """
    labels, issue = mask, None
    if are_outlines(mask):
        return mask, MaskIssue.OUTLINES
    top = mask.max(initial=0)
    if top and ((mask == 0) | (mask == top)).all():
        pieces = _pieces(mask)
        areas = np.sort(np.bincount(pieces.ravel())[1:])
        few_crumbs = (
            areas.size <= _MANY_PIECES + 1 and areas[:-1].max(initial=0) <= _CRUMB * areas[-1]
        )
        if not few_crumbs:
            labels, issue = pieces, MaskIssue.BINARY
    elif _is_scattered(mask):
        return mask, MaskIssue.SCATTERED_VALUES
    return labels, issue_of_background(labels) or issue


def are_outlines(labels: np.ndarray) -> bool:
    """Look whether labels are lines around nuclei in place of their areas.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels, or a binary mask.

    Returns
    -------
    bool
        Whether hardly any of the pixels lies inside of an area, and what the lines enclose is
        larger than the lines, as far as a corner of 2048 pixels tells.
    """
    from scipy import ndimage

    lines = labels[:_CORNER, :_CORNER] > 0
    side = _THICKEST - 1
    if min(lines.shape) < _THICKEST or not lines.any():
        return False
    # A square of that side fits into an area, and not into a line.
    squares = lines[:-side, :-side] & lines[side:, side:] & lines[:-side, side:]
    squares &= lines[side:, :-side] & lines[side // 2 : -side // 2, side // 2 : -side // 2]
    if np.count_nonzero(squares) > _FEW * np.count_nonzero(lines):
        return False
    enclosed = ndimage.binary_fill_holes(lines)
    return bool(np.count_nonzero(enclosed) > 2 * np.count_nonzero(lines))


def issue_of_background(labels: np.ndarray) -> MaskIssue | None:
    """Look whether the background has a value other than 0.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    MaskIssue or None
        `MaskIssue.NO_BACKGROUND`, or None if nothing is wrong. A background that covers less
        than half of the image, with holes of the value 0 in it, is not seen.
    """
    if not labels.size:
        return None
    sides = [set(side.ravel()) for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    around = set.intersection(*sides) - {0}
    covered = any(2 * np.count_nonzero(labels == value) > labels.size for value in around)
    return MaskIssue.NO_BACKGROUND if covered or labels.all() else None


def looks_like_labels(plane: np.ndarray) -> bool:
    """Look whether an image is labels or a mask, and not what they were made from.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype, or labels.

    Returns
    -------
    bool
        Whether there is a background of the value 0, and in the rest nearly all pixels that
        touch have the same value, as far as a corner of 2048 pixels tells. Never of a color
        image, nor where hardly any of these pixels touch, as where photons are counted.
    """
    corner = plane[:_CORNER, :_CORNER]
    if plane.ndim != 2 or corner.all():
        return False
    alike = inside = 0
    for one, other in ((corner[:, 1:], corner[:, :-1]), (corner[1:], corner[:-1])):
        both = (one > 0) & (other > 0)
        inside += int(np.count_nonzero(both))
        alike += int(np.count_nonzero(both & (one == other)))
    return bool(inside > np.count_nonzero(corner > 0) and alike > _FLAT * inside)


def _pieces(mask: np.ndarray) -> np.ndarray:
    """Number the connected pieces of each value."""
    from skimage.measure import label

    return label(mask, background=0, connectivity=1).astype(np.int32)


def _is_scattered(mask: np.ndarray) -> bool:
    """Whether the values lie in many pieces each."""
    corner = mask[:_CORNER, :_CORNER]
    pieces = _pieces(corner)
    areas = np.bincount(pieces.ravel())[1:]
    value_of = np.zeros(areas.size + 1, mask.dtype)
    value_of[pieces] = corner
    values, which = np.unique(value_of[1:], return_inverse=True)
    largest = np.zeros(values.size)
    np.maximum.at(largest, which, areas)
    alike = np.bincount(which[areas > _CRUMB * largest[which]], minlength=1)
    many = areas.size > max(_MANY_PIECES * values.size, values.size + _MORE_PIECES)
    return many or bool(np.median(alike) > _MANY_PIECES)


def warn_of_issues(issues: Iterable[tuple[str, MaskIssue | None]]) -> None:
    """Warn of masks that seem to be something else, once for each kind of mistake.

    Parameters
    ----------
    issues : iterable of (str, MaskIssue or None)
        What each mask is called, and what `instances_of` says of it.

    Warns
    -----
    UserWarning
        If there is something odd in any of them.
    """
    names = defaultdict(list)
    for name, issue in issues:
        if issue is not None:
            names[issue].append(name)
    for issue, masks in names.items():
        who = masks[0] if len(masks) == 1 else f"{len(masks)} masks ({some_of(masks)})"
        warn_user(
            f"Expected labels with a value for each nucleus, got in {who} {issue.value}",
        )
