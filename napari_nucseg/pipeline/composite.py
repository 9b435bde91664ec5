"""Color that was put together from fluorescence channels, and which of them shows nuclei."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

__all__ = ["COLORS", "nuclear_color", "nuclear_color_of"]

#: What the channels of a color image are called.
COLORS = ("red", "green", "blue")

#: Colors are compared on about as many pixels, and looked at in a picture of about this side.
_SAMPLES, _SIDE = 60_000, 512

#: Of the pixels that are as bright as this share of the brightest ones, the darkest color of
#: half of them is at most this share of the lightest one, where light is put on black. In 211
#: pictures of stained tissue it was 0.54 or more, in simulated composites 0.18 or less.
_LIT, _DARKEST = 0.3, 0.22

#: No color is brighter than this share of the brightest pixels everywhere.
_BLACK = 0.6

#: A color that varies by less than this share of the others shows nothing.
_FAINT = 0.1

#: Objects of another color lie inside of others, as nuclei in cells: such a part of them at
#: least, and they fill a part of those between these.
_INSIDE, _FILLED = 0.85, (0.15, 0.75)

#: How much it counts: to lie inside of others; to be far smaller without; to be
#: blue, as most nuclei are; and one object that fills more of the image than this share.
_NESTED, _TINY, _BLUE, _LARGE = 0.15, 0.2, 0.05, 0.1

#: Nuclei have at least this share of the area of the cells around them, and of that of other
#: compact objects.
_OF_CELL, _OF_OBJECT = 0.1, 0.3


def nuclear_color(plane: np.ndarray) -> int | None:
    """Tell light of several dyes on black from a stain, and find the color of the nuclei.

    In a stained section bright pixels are nearly white: each color is there. Where the
    channels of a fluorescence microscope are shown as colors, most bright pixels lack one. Of
    the colors, nuclei have that whose objects are compact and lie inside of those of another
    color; in doubt it is blue.

    Parameters
    ----------
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities.

    Returns
    -------
    int or None
        0 for red, 1 for green, 2 for blue. None if the image is grey or a stain, which is
        looked at as it is.
    """
    if plane.ndim == 2 or plane.dtype.kind == "b" or not _is_light_on_black(plane):
        return None
    step = max(1, round((plane.shape[0] * plane.shape[1]) ** 0.5 / _SIDE))
    small = np.nan_to_num(plane[::step, ::step].astype(np.float64), posinf=0, neginf=0)
    spread = np.diff(np.percentile(small, (1, 99.8), axis=(0, 1)), axis=0)[0]
    shown = [color for color in range(3) if spread[color] > _FAINT * spread.max()]
    found = {color: _Objects.of(small[..., color]) for color in shown}
    return max(shown, key=lambda color: _score(color, found), default=None)


def nuclear_color_of(planes: Sequence[np.ndarray]) -> int | None:
    """Find the color of the nuclei of several planes together.

    Parameters
    ----------
    planes : sequence of ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of planes of one stack or series.

    Returns
    -------
    int or None
        What `nuclear_color` finds in most of them, where a plane counts as much as it has
        contrast: those above and below the nuclei show only noise.
    """
    votes: dict[int | None, float] = {}
    for plane in planes:
        if plane.ndim == 2:
            continue
        light = np.nan_to_num(plane[::4, ::4].astype(np.float64), posinf=0, neginf=0)
        color = nuclear_color(plane)
        votes[color] = votes.get(color, 0.0) + float(light.std())
    return max(votes, key=lambda color: votes[color], default=None)


def _is_light_on_black(plane: np.ndarray) -> bool:
    step = max(1, int((plane.shape[0] * plane.shape[1] / _SAMPLES) ** 0.5))
    colors = plane[::step, ::step].reshape(-1, 3).astype(np.float64)
    colors = colors[np.isfinite(colors).all(axis=1)]
    if not len(colors):
        return False
    lightest, darkest = colors.max(axis=1), colors.min(axis=1)
    if darkest.min() < 0:
        return False  # no color has less than no light
    white = np.percentile(lightest, 99.8)
    black = np.percentile(colors, 0.5, axis=0).max()
    lit = lightest > _LIT * white
    if not white > 0 or not lit.any() or black > _BLACK * white:
        return False
    return bool(np.median(darkest[lit] / lightest[lit]) <= _DARKEST)


@dataclasses.dataclass(frozen=True, eq=False)
class _Objects:
    """The bright objects of one color.

    Attributes
    ----------
    mask : ndarray of bool, shape (Y, X)
        Where they are.
    solidity : float
        How convex they are, by area.
    largest : float
        Share of the image under the largest one.
    area : float
        Half of the area is in objects of at least so many pixels.
    """

    mask: np.ndarray
    solidity: float
    largest: float
    area: float

    @classmethod
    def of(cls, plane: np.ndarray) -> _Objects:
        from scipy import ndimage
        from skimage.filters import threshold_otsu
        from skimage.measure import label, regionprops_table

        smooth = ndimage.gaussian_filter(plane, 1)
        smooth = smooth.clip(*np.percentile(smooth, (1, 99.8)))
        mask = ndimage.binary_opening(smooth > threshold_otsu(smooth), np.ones((3, 3), bool))
        labels = label(mask, connectivity=1)
        table = regionprops_table(labels, properties=("area", "solidity"))
        areas, solidity = np.asarray(table["area"], float), table["solidity"]
        if not areas.size:
            return cls(mask, 0.0, 0.0, 0.0)
        ordered = np.sort(areas)
        half = np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)
        return cls(
            mask,
            float(np.average(solidity, weights=areas)),
            float(ordered[-1] / mask.size),
            float(ordered[half]),
        )

    @property
    def filled(self) -> np.ndarray:
        """The mask without holes."""
        from scipy import ndimage

        return ndimage.binary_fill_holes(self.mask)


def _score(color: int, found: dict[int, _Objects]) -> float:
    """Return how much the objects of a color are like nuclei among those of the others."""
    from scipy import ndimage

    ours = found[color]
    score = ours.solidity - 2 * max(0.0, ours.largest - _LARGE)
    score += _BLUE * (COLORS[color] == "blue")
    for other, theirs in found.items():
        if other == color:
            continue
        around = ndimage.binary_fill_holes(ndimage.binary_dilation(theirs.mask, iterations=2))
        low, high = _FILLED
        is_area = theirs.largest > _LARGE
        nested = (
            (is_area or ours.area > _OF_CELL * theirs.area)
            and _part_inside(ours.mask, around, 0.5) > _INSIDE
            and low < _part_inside(theirs.filled, ndimage.binary_dilation(ours.mask)) < high
        )
        if nested:
            score += _NESTED
        elif not is_area and ours.area < _OF_OBJECT * theirs.area:
            score -= _TINY
    return score


def _part_inside(mask: np.ndarray, others: np.ndarray, least: float = 0.0) -> float:
    """Return which part of the objects of which more than `least` is in others is in these."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    inside = np.bincount(labels[others], minlength=count + 1)[1:]
    touching = inside > least * areas
    return float(inside[touching].sum() / areas[touching].sum()) if touching.any() else 0.0
