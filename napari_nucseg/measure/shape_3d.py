"""Size and shape of the nuclei of a stack, of one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from .pixels import Pixels

__all__ = ["SHAPES_3D", "shapes_3d"]

#: The columns of size and shape in three dimensions, and the power of a length of each.
SHAPES_3D = {
    "volume": 3,
    "surface": 2,
    "sphericity": 0,
    "major_axis": 1,
    "minor_axis": 1,
    "solidity": 0,
    "feret": 1,
}


def shapes_3d(pixels: Pixels, spacing: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Measure size and shape of the nuclei in a stack.

    Parameters
    ----------
    pixels : Pixels
        The nuclei, (Z, Y, X).
    spacing : tuple of float
        Depth, height and width of a voxel.

    Returns
    -------
    dict of str to ndarray of float, shape (N,)
        The columns of `SHAPES_3D`, lengths in the unit of the spacing. ``volume``,
        ``major_axis``, ``minor_axis``, ``solidity`` and ``feret`` are those of
        `skimage.measure.regionprops`; a nucleus that is flat has a solidity of 1, and the
        largest distance between two points of its own surface is its ``feret``.
        ``surface`` is the area of the mesh of marching cubes, ``sphericity`` pi^(1/3)
        (6 volume)^(2/3) / surface, at most 1.
    """
    from skimage.measure import regionprops

    columns: dict[str, list[float]] = {name: [] for name in SHAPES_3D}
    for mask in pixels.masks():
        region = regionprops(mask.astype(np.uint8), spacing=spacing)[0]
        volume, surface = float(region.area), _surface(mask, spacing)
        found = {
            "volume": volume,
            "surface": surface,
            "sphericity": min(1.0, np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / surface),
            "major_axis": region.axis_major_length,
            "minor_axis": region.axis_minor_length,
            **_of_hull(region, spacing),
        }
        for name, values in columns.items():
            values.append(float(found[name]))
    return {name: np.array(values, float) for name, values in columns.items()}


def _of_hull(region: Any, spacing: tuple[float, ...]) -> dict[str, float]:
    """Return the share of the convex hull, and its largest diameter."""
    away = region.coords - region.coords[0]
    is_flat = np.linalg.matrix_rank(away) < 3
    hull = region.image if is_flat else region.image_convex
    solidity = 1.0 if is_flat else float(region.solidity)
    return {"solidity": solidity, "feret": _diameter(hull, spacing)}


def _diameter(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Return the largest distance between two points of a surface.

    Both are corners of the convex hull, which are few: the same as among all points.
    """
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist
    from skimage.measure import marching_cubes

    points, *_ = marching_cubes(np.pad(mask, 2), 0.5)
    corners = points[ConvexHull(points).vertices] * spacing
    return float(np.sqrt(np.max(pdist(corners, "sqeuclidean"))))


def _surface(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    points, faces, *_ = marching_cubes(np.pad(mask, 1), 0.5, spacing=spacing)
    return float(mesh_surface_area(points, faces))
