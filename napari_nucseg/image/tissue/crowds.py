"""Nuclei in crowds: lymphocytes, packed, and spindles along fibers."""

from __future__ import annotations

import numpy as np

from .nuclei import Cell, Nuclei
from .packing import RandomField, pack

__all__ = ["lymphoid", "semi_axes", "spindles"]

_PACKED = 0.86  # share of the area under nuclei in lymphoid tissue
_PRESSED = 1.1  # how far packed outlines would reach into each other


def lymphoid(field: RandomField, allowed: np.ndarray, size: float = 1.0) -> Nuclei:
    """Pack small round nuclei, larger ones in germinal centers, with some holes.

    Parameters
    ----------
    field : RandomField
        Where.
    allowed : ndarray of bool, shape of the coarse grid
        Where the nuclei may lie.
    size : float, optional
        Their diameter as a share of the field's.

    Returns
    -------
    Nuclei
        In pixels.
    """
    rng = field.rng
    zone = field.noise(rng.uniform(8, 14)) > rng.uniform(0.6, 2.5)
    mean = np.pi * (size * field.fine / 2) ** 2
    count = int(rng.uniform(0.8, 1.05) * _PACKED * allowed.size / mean)
    places = _scattered(field, allowed, count)
    growth = np.where(field.at(zone, places), rng.uniform(1.15, 1.4), 1.0)
    keep = rng.random(len(places)) < growth**-2.0
    places, growth = places[keep], growth[keep]
    semi = growth[:, np.newaxis] * semi_axes(rng, len(places), 1.15, size * field.fine, 0.1)
    places = pack(places, 1.02 * np.sqrt(semi.prod(axis=1)), rng)
    holes = field.noise(rng.uniform(1.5, 4)) > rng.uniform(1.2, 2.6)
    keep = field.at(allowed & ~holes, places) & (rng.random(len(places)) > rng.uniform(0, 0.08))
    angle = rng.uniform(0, np.pi, len(places))
    cells = np.full(len(places), Cell.LYMPHOID)
    nuclei = Nuclei(places * field.step, _PRESSED * semi * field.step, angle, cells)
    return nuclei.take(keep)


def spindles(
    field: RandomField, allowed: np.ndarray, fibers: np.ndarray, density: float
) -> Nuclei:
    """Scatter spindle-shaped nuclei along the fibers, in bundles.

    Parameters
    ----------
    field : RandomField
        Where.
    allowed : ndarray of bool, shape of the coarse grid
        Where the nuclei may lie.
    fibers : ndarray of float, shape of the coarse grid
        Coordinate across the fibers.
    density : float
        Nuclei in the square of a diameter.

    Returns
    -------
    Nuclei
        In pixels.
    """
    rng = field.rng
    bundles = allowed & (field.noise(3.0) > rng.normal(-1.0, 0.5))
    places = _scattered(field, bundles, int(density * allowed.size / field.fine**2))
    places = pack(places, np.full(len(places), 0.6 * field.fine), rng, steps=6)
    places = places[field.at(allowed, places)]
    down, right = np.gradient(fibers)
    angle = np.arctan2(field.at(right, places), -field.at(down, places))
    angle = angle + rng.normal(0, 0.15, len(places))
    stretch = np.exp(rng.uniform(np.log(1.3), np.log(5.0), len(places)))
    semi = semi_axes(rng, len(places), stretch, 1.08 * field.fine, spread=0.18)
    cells = np.full(len(places), Cell.SPINDLE)
    return Nuclei(places * field.step, semi * field.step, angle, cells)


def semi_axes(
    rng: np.random.Generator,
    count: int,
    stretch: float | np.ndarray,
    diameter: float,
    spread: float,
) -> np.ndarray:
    """Draw long and short semi-axes of nuclei.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        How many.
    stretch : float or ndarray of float, shape (count,)
        Long axis by short axis.
    diameter : float
        Of a circle with the area of a typical nucleus.
    spread : float
        Deviation of the logarithm of their diameters.

    Returns
    -------
    ndarray of float, shape (count, 2)
        Long and short semi-axis, in the unit of `diameter`.
    """
    size = diameter / 2 * np.exp(np.clip(rng.normal(0, spread, count), -0.4, 0.4))
    ratio = np.sqrt(np.maximum(1.0, stretch * np.exp(rng.normal(0, 0.12, count))))
    return np.c_[size * ratio, size / ratio]


def _scattered(field: RandomField, allowed: np.ndarray, count: int) -> np.ndarray:
    """Return random places on the coarse grid where they are allowed."""
    places = field.rng.uniform(0, 1, (count, 2)) * np.array(field.shape)
    return places[field.at(allowed, places)]
