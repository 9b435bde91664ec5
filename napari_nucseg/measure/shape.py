"""Size and shape of the nuclei of a plane, of all at once."""

from __future__ import annotations

import itertools

import numpy as np

from .hulls import hull_areas_and_diameters
from .pixels import Pixels

__all__ = ["SHAPES", "shapes_2d"]

#: The columns of size and shape in two dimensions, and the power of a length that each has.
SHAPES = {
    "area": 2,
    "perimeter": 1,
    "major_axis": 1,
    "minor_axis": 1,
    "orientation": 0,
    "eccentricity": 0,
    "solidity": 0,
    "circularity": 0,
    "feret": 1,
}

#: Weights of a border pixel by 1 + 2 times its direct and 10 times its diagonal neighbors that
#: are border pixels too: the perimeter of Benkrid and Crookes, as scikit-image has it.
_WEIGHTS = np.zeros(50)
_WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1
_WEIGHTS[[21, 33]] = 2**0.5
_WEIGHTS[[13, 23]] = (1 + 2**0.5) / 2

_STEPS = [step for step in itertools.product((-1, 0, 1), repeat=2) if any(step)]


def shapes_2d(pixels: Pixels) -> dict[str, np.ndarray]:
    """Measure size and shape of the nuclei in a plane, in pixels.

    Parameters
    ----------
    pixels : Pixels
        The nuclei, (Y, X).

    Returns
    -------
    dict of str to ndarray of float, shape (N,)
        The columns of `SHAPES`. They are those of `skimage.measure.regionprops`:
        ``orientation`` is the angle between rows and the major axis in radians, -pi/2 to
        pi/2, counter-clockwise; ``feret`` the largest distance between two points of the
        convex hull. ``circularity`` is 4 pi area / perimeter squared, at most 1, and 1
        where there is no perimeter.
    """
    area = pixels.counts.astype(float)
    border = _perimeter(pixels)
    hull, feret = hull_areas_and_diameters(pixels)
    with np.errstate(divide="ignore"):
        round_ = np.where(border > 0, 4 * np.pi * area / border**2, 1.0)
    return {
        "area": area,
        "perimeter": border,
        **_axes(pixels),
        "solidity": area / hull,
        "circularity": np.minimum(round_, 1.0),
        "feret": feret,
    }


def _axes(pixels: Pixels) -> dict[str, np.ndarray]:
    """Return the axes of the ellipse with the same second moments."""
    middles = (pixels.centroids - np.array(pixels.corner)).T
    y, x = (
        axis - np.repeat(middle, pixels.counts)
        for axis, middle in zip(pixels.local, middles, strict=True)
    )
    yy, xx, xy = (pixels.sum(product) / pixels.counts for product in (y * y, x * x, x * y))
    # Of the inertia tensor [[xx, -xy], [-xy, yy]].
    spread = np.hypot(xx - yy, 2 * xy) / 2
    large = np.maximum((xx + yy) / 2 + spread, 0)
    small = np.maximum((xx + yy) / 2 - spread, 0)
    share = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    diagonal = np.where(xy > 0, np.pi / 4, -np.pi / 4)
    return {
        "major_axis": 4 * np.sqrt(large),
        "minor_axis": 4 * np.sqrt(small),
        "orientation": np.where(xx == yy, diagonal, 0.5 * np.arctan2(2 * xy, yy - xx)),
        "eccentricity": np.sqrt(1 - share),
    }


def _perimeter(pixels: Pixels) -> np.ndarray:
    """Return the length of the outline, as `skimage.measure.perimeter` defines it."""
    labels = np.pad(pixels.labels, 1)
    inner = labels[1:-1, 1:-1]
    is_border = np.zeros(labels.shape, bool)
    for here in (labels[:-2, 1:-1], labels[2:, 1:-1], labels[1:-1, :-2], labels[1:-1, 2:]):
        is_border[1:-1, 1:-1] |= here != inner
    outer = is_border[1:-1, 1:-1][pixels.local]
    y, x = (axis[outer] + 1 for axis in pixels.local)
    own = labels[y, x]
    value = np.ones(own.size, np.intp)
    for dy, dx in _STEPS:
        there = y + dy, x + dx
        weight = 10 if dy and dx else 2
        value += weight * (is_border[there] & (labels[there] == own))
    return np.bincount(pixels.rank[outer], _WEIGHTS[value], minlength=pixels.ids.size)
