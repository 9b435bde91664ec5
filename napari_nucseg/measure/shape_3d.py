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
        ``major_axis``, ``minor_axis`` and ``solidity`` are those of
        `skimage.measure.regionprops`; the solidity of a nucleus that is flat is 1.
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
            "solidity": _solidity(region),
        }
        for name, values in columns.items():
            values.append(float(found[name]))
    return {name: np.array(values, float) for name, values in columns.items()}


def _solidity(region: Any) -> float:
    """Return the share of the convex hull, 1 for a nucleus that is flat."""
    away = region.coords - region.coords[0]
    return float(region.solidity) if np.linalg.matrix_rank(away) == 3 else 1.0


def _surface(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    points, faces, *_ = marching_cubes(np.pad(mask, 1), 0.5, spacing=spacing)
    return float(mesh_surface_area(points, faces))
