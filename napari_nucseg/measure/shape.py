"""Size and shape of nuclei in a window, all at once where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .pixels import Pixels

__all__ = ["SHAPES", "shapes_2d", "shapes_3d"]

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

_DIRECT = ((-1, 0), (1, 0), (0, -1), (0, 1))
_DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))


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
    hull, feret = _hulls(pixels)
    with np.errstate(divide="ignore", invalid="ignore"):
        round_ = np.where(border > 0, 4 * np.pi * area / border**2, 1.0)
    return {
        "area": area,
        "perimeter": border,
        **_axes_2d(pixels),
        "solidity": area / hull,
        "circularity": np.minimum(round_, 1.0),
        "feret": feret,
    }


def _axes_2d(pixels: Pixels) -> dict[str, np.ndarray]:
    """Return the axes of the ellipse with the same second moments."""
    y, x = (
        axis - np.repeat(middle, pixels.counts)
        for axis, middle in zip(pixels.coordinates, pixels.centroids.T, strict=True)
    )
    yy, xx, xy = (pixels.sum(product) / pixels.counts for product in (y * y, x * x, x * y))
    # Of the inertia tensor [[xx, -xy], [-xy, yy]].
    spread = np.hypot(xx - yy, 2 * xy) / 2
    large = np.maximum((xx + yy) / 2 + spread, 0)
    small = np.clip((xx + yy) / 2 - spread, 0, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        eccentricity = np.where(large > 0, np.sqrt(1 - small / large), 0.0)
    turned = np.where(xy > 0, -np.pi / 4, np.pi / 4)
    orientation = np.where(xx == yy, turned, 0.5 * np.arctan2(2 * xy, yy - xx))
    return {
        "major_axis": 4 * np.sqrt(large),
        "minor_axis": 4 * np.sqrt(small),
        "orientation": orientation,
        "eccentricity": eccentricity,
    }


def _perimeter(pixels: Pixels) -> np.ndarray:
    """Return the length of the outline, as `skimage.measure.perimeter` defines it."""
    labels = np.pad(pixels.labels, 1)
    y, x = (axis + 1 for axis in pixels.local)
    own = labels[y, x]
    is_border = np.zeros(labels.shape, bool)
    outer = np.zeros(own.size, bool)
    for dy, dx in _DIRECT:
        outer |= labels[y + dy, x + dx] != own
    y, x, own = y[outer], x[outer], own[outer]
    is_border[y, x] = True
    value = np.ones(own.size, int)
    for steps, weight in ((_DIRECT, 2), (_DIAGONAL, 10)):
        for dy, dx in steps:
            there = y + dy, x + dx
            value += weight * (is_border[there] & (labels[there] == own))
    lengths = _WEIGHTS[value]
    return np.bincount(pixels.rank[outer], lengths, minlength=pixels.ids.size)


def _hulls(pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of the convex hull and the largest diameter of every nucleus."""
    from skimage.morphology import convex_hull_image

    area, feret = np.empty(pixels.ids.size), np.empty(pixels.ids.size)
    for index, mask in enumerate(pixels.masks()):
        hull = mask if min(mask.shape) == 1 and mask.all() else convex_hull_image(mask)
        area[index] = np.count_nonzero(hull)
        feret[index] = _widest(hull)
    return area, feret


def _widest(hull: np.ndarray) -> float:
    """Return the largest distance between points half a pixel outside of a convex mask."""
    from scipy.spatial.distance import pdist

    height, width = hull.shape
    rows, columns = np.arange(height), np.arange(width)
    left, right = hull.argmax(axis=1), width - 1 - hull[:, ::-1].argmax(axis=1)
    top, bottom = hull.argmax(axis=0), height - 1 - hull[::-1].argmax(axis=0)
    points = np.concatenate(
        [
            np.stack([rows, left - 0.5], 1),
            np.stack([rows, right + 0.5], 1),
            np.stack([top - 0.5, columns], 1),
            np.stack([bottom + 0.5, columns], 1),
        ]
    )
    return float(np.sqrt(pdist(points, "sqeuclidean").max()))


def shapes_3d(pixels: Pixels, spacing: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Measure size and shape of the nuclei in a stack.

    Parameters
    ----------
    pixels : Pixels
        The nuclei, (Z, Y, X).
    spacing : tuple of float
        Height, width and depth of a voxel in the order of the axes.

    Returns
    -------
    dict of str to ndarray of float, shape (N,)
        ``volume``, ``major_axis``, ``minor_axis``, ``solidity``, ``surface`` (area of the
        mesh of marching cubes) and ``sphericity``, pi^(1/3) (6 volume)^(2/3) / surface, at
        most 1. Lengths are in the unit of the spacing.
    """
    from skimage.measure import regionprops

    columns: dict[str, list[float]] = {name: [] for name in _SHAPES_3D}
    for mask in pixels.masks():
        region = regionprops(mask.astype(np.uint8), spacing=spacing)[0]
        surface = _surface(mask, spacing)
        found: dict[str, float] = {
            "volume": region.area,
            "surface": surface,
            "sphericity": min(1.0, np.pi ** (1 / 3) * (6 * region.area) ** (2 / 3) / surface),
        }
        for name, read in _FROM_REGION.items():
            found[name] = read(region)
        for name, values in columns.items():
            values.append(float(found[name]))
    return {name: np.array(values, float) for name, values in columns.items()}


_SHAPES_3D = ("volume", "surface", "sphericity", "major_axis", "minor_axis", "solidity")
_FROM_REGION: dict[str, Callable[[Any], float]] = {
    "major_axis": lambda region: region.axis_major_length,
    "minor_axis": lambda region: region.axis_minor_length,
    "solidity": lambda region: _solidity(region),
}


def _solidity(region: Any) -> float:
    """Return the share of the convex hull, 1 for a nucleus that is flat or a line."""
    if min(region.image.shape) == 1:
        return 1.0
    return float(region.solidity) if region.area_convex else 1.0


def _surface(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    points, faces, *_ = marching_cubes(np.pad(mask, 1), 0.5, spacing=spacing)
    return float(mesh_surface_area(points, faces))
