"""Where the nuclei of a simulated tissue lie, and what lies between them."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from .crowds import lymphoid, spindles
from .glands import glands
from .nuclei import Nuclei
from .packing import RandomField, far_enough

__all__ = ["Ground", "TissueKind", "lay_out"]

_FINE = 8  # cells of the coarse grid in one diameter
_FAR = 1e3  # diameters from a lumen where there is none


class TissueKind(enum.StrEnum):
    """Kinds of tissue that can be simulated."""

    #: Elongated nuclei side by side in layers around lumina.
    EPITHELIUM = "epithelium"
    #: Small, round nuclei, densely packed.
    LYMPHOID = "lymphoid"
    #: Sparse, spindle-shaped nuclei along wavy fibers.
    STROMA = "stroma"
    #: Glands, and between them stroma and lymphocytes, as in the gut.
    MIXED = "mixed"


@dataclasses.dataclass(frozen=True)
class Ground:
    """What lies between the nuclei.

    Attributes
    ----------
    lumen : ndarray of float32, shape (Y, X)
        Distance to the nearest lumen in pixels, negative inside of it.
    wall : float
        Thickness of the epithelium in pixels; 0 where lumina are vessels or tears.
    across : ndarray of float32, shape (Y, X)
        Coordinate across the fibers in pixels: fibers run where it is constant.
    """

    lumen: np.ndarray
    wall: float
    across: np.ndarray


def lay_out(
    kind: TissueKind, shape: tuple[int, int], diameter: float, rng: np.random.Generator
) -> tuple[Nuclei, Ground]:
    """Choose the places, sizes and directions of the nuclei of a tissue.

    Parameters
    ----------
    kind : TissueKind
        What tissue.
    shape : tuple of int
        Height and width in pixels.
    diameter : float
        Of a circle with the area of a typical nucleus, in pixels.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Nuclei
        All nuclei, some of them across the edge.
    Ground
        What lies between them.
    """
    field = RandomField(shape, diameter, _FINE, rng)
    fibers = _fibers(field)
    if kind in (TissueKind.EPITHELIUM, TissueKind.MIXED):
        nuclei, lumen, wall = glands(field, spread=kind is TissueKind.MIXED)
        lymphocytes = rng.uniform(0.4, 1.1) if kind is TissueKind.MIXED else 0.1
        outside = lumen > wall + 0.35 * field.fine
        nuclei = _filled(field, nuclei, outside, fibers, lymphocytes)
    else:
        wall, lumen = 0.0, _vessels(field)
        if kind is TissueKind.LYMPHOID:
            nuclei = lymphoid(field, lumen > 0.5 * field.fine)
        else:
            nuclei = spindles(field, lumen > 0.6 * field.fine, fibers, rng.uniform(0.2, 0.5))
    step = diameter / field.fine
    away, across = (field.fine_grained(values) * step for values in (lumen, fibers))
    return nuclei, Ground(away, wall * step, across)


def _filled(
    field: RandomField,
    nuclei: Nuclei,
    allowed: np.ndarray,
    fibers: np.ndarray,
    lymphocytes: float,
) -> Nuclei:
    """Return epithelial nuclei with stroma and lymphocytes where they are allowed."""
    crowds = field.noise(4.0) > 1 - 1.5 * lymphocytes
    others = lymphoid(field, allowed & crowds, size=field.rng.uniform(0.7, 0.9))
    others = others.with_others(
        spindles(field, allowed & ~crowds, fibers, field.rng.uniform(0.3, 0.7))
    )
    every = nuclei.with_others(others)
    return every.take(far_enough(every.places, 1.5 * every.semi[:, 1]))


def _fibers(field: RandomField) -> np.ndarray:
    """Return a wavy coordinate across the fibers, on the coarse grid."""
    rng = field.rng
    tilt = rng.uniform(0, np.pi)
    rows, columns = field.grid()
    straight = np.cos(tilt) * rows + np.sin(tilt) * columns
    waves = rng.uniform(0.5, 2.0) * field.noise(6.0) + rng.uniform(0.05, 0.25) * field.noise(2)
    return straight + field.fine * waves


def _vessels(field: RandomField) -> np.ndarray:
    """Return the signed distance to a few vessels and tears, on the coarse grid."""
    from scipy import ndimage

    if field.rng.random() < 0.4:
        return np.full(field.shape, _FAR * field.fine)
    level = field.rng.uniform(1.7, 2.6)
    mask = field.noise(field.rng.uniform(3, 7)) + 0.15 * field.noise(1.0) > level
    if not mask.any():
        return np.full(field.shape, _FAR * field.fine)
    return ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
