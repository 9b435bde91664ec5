"""Epithelia: nuclei side by side in layers around lumina."""

from __future__ import annotations

import dataclasses

import numpy as np

from .crowds import lymphoid, semi_axes
from .nuclei import Cell, Nuclei
from .packing import RandomField, far_enough, pack

__all__ = ["glands"]

_NEAREST = 1.16  # how close nuclei may be, in short semi-axes


@dataclasses.dataclass(frozen=True)
class _Wall:
    """How the epithelium of a field is built; lengths in cells of the coarse grid."""

    unit: float  # one diameter
    layers: int
    stretch: float  # long axis by short axis
    apical: float  # from the lumen to the nuclei
    spacing: float  # of neighbors, in short axes
    jitter: float  # along the long axis, as a share of it

    @property
    def length(self) -> float:
        return self.unit * float(np.sqrt(self.stretch))

    @property
    def width(self) -> float:
        return self.unit / float(np.sqrt(self.stretch))

    @property
    def levels(self) -> np.ndarray:
        """Distances of the layers from the lumen."""
        return self.apical + self.length * (0.5 + 0.72 * np.arange(self.layers))

    @property
    def thickness(self) -> float:
        return float(self.levels[-1] + self.length * (0.5 + self.jitter) + 0.1 * self.unit)

    @classmethod
    def drawn(cls, unit: float, rng: np.random.Generator) -> _Wall:
        return cls(
            unit=unit,
            layers=int(rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15])),
            stretch=rng.uniform(1.5, 2.4),
            apical=unit * rng.choice([rng.uniform(0.1, 0.4), rng.uniform(0.4, 1.6)]),
            spacing=rng.uniform(0.85, 1.0),
            jitter=rng.uniform(0.1, 0.35),
        )


def glands(field: RandomField, spread: bool) -> tuple[Nuclei, np.ndarray, float]:
    """Build the epithelium of glands, crypts or tubules, cut at any angle.

    Parameters
    ----------
    field : RandomField
        Where.
    spread : bool
        Whether there is room between the glands.

    Returns
    -------
    nuclei : Nuclei
        Of the epithelium.
    lumen : ndarray of float, shape of the coarse grid
        Distance to the nearest lumen in cells of the grid, negative inside of it.
    wall : float
        Thickness of the epithelium in cells of the grid.
    """
    from scipy import ndimage

    wall = _Wall.drawn(field.fine, field.rng)
    mask = _lumina(field, wall, spread)
    lumen = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    smooth = ndimage.gaussian_filter(lumen, 0.2 * field.fine)
    slope = np.gradient(smooth)
    nuclei = Nuclei.none()
    for level in wall.levels:
        nuclei = nuclei.with_others(_in_layer(field, wall, smooth, slope, level))
    # Where the section only grazes a wall, its nuclei are seen from below: round, packed.
    grazed = (field.noise(5.0) > field.rng.uniform(1.0, 3.0)) & (lumen < wall.thickness)
    nuclei = nuclei.take(~field.at(grazed, nuclei.places / field.step))
    nuclei = nuclei.with_others(lymphoid(field, grazed & (lumen > 0), size=0.95))
    nuclei = nuclei.take(field.rng.permutation(len(nuclei)))
    apart = far_enough(nuclei.places, _NEAREST * nuclei.semi[:, 1])
    return nuclei.take(apart), lumen, wall.thickness


def _lumina(field: RandomField, wall: _Wall, spread: bool) -> np.ndarray:
    """Return where the lumina are: tubes cut across, at an angle or along."""
    rng = field.rng
    along = rng.choice([1.0, rng.uniform(1.2, 2), rng.uniform(3, 7)], p=[0.35, 0.35, 0.3])
    pitch = rng.uniform(1.1, 1.5) if spread else rng.uniform(0.8, 1.0)
    widest = field.fine * rng.choice([0.8, 2.0, 3.5])
    typical = pitch * (wall.thickness + 0.4 * widest)
    # Ellipses are packed as discs, where everything is squeezed along their long axes.
    side = np.hypot(*field.shape)
    box = np.array([side / along, side])
    count = max(2, int(0.95 * box.prod() / (np.pi * typical**2)))
    short = np.exp(rng.uniform(np.log(0.12 * field.fine), np.log(widest), count))
    outer = short + wall.thickness
    centers = pack(rng.uniform(0, 1, (count, 2)) * box, pitch * outer, rng, steps=25)
    centers = (centers - box / 2) * (along, 1)
    long = np.maximum(short, outer * along - wall.thickness)
    length, breadth = _turned_grid(field)
    mask = np.zeros(field.shape, bool)
    for (x, y), a, b in zip(centers, long, short, strict=True):
        mask |= ((length - x) / a) ** 2 + ((breadth - y) / b) ** 2 < 1
    if not mask.any():
        mask[field.shape[0] // 2, field.shape[1] // 2] = True
    return mask


def _turned_grid(field: RandomField) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates along and across a random direction, bent at random."""
    tilt = field.rng.uniform(0, np.pi)
    wobble = field.fine * field.rng.uniform(0.3, 1.2)
    rows, columns = (
        places - size / 2 + wobble * field.noise(4.0)
        for places, size in zip(field.grid(), field.shape, strict=True)
    )
    along = np.cos(tilt) * columns + np.sin(tilt) * rows
    return along, np.cos(tilt) * rows - np.sin(tilt) * columns


def _in_layer(
    field: RandomField,
    wall: _Wall,
    lumen: np.ndarray,
    slope: list[np.ndarray],
    level: float,
) -> Nuclei:
    """Return the nuclei of one layer, with their long axes pointing to the lumen."""
    from skimage.measure import find_contours

    rng, places = field.rng, []
    for line in find_contours(lumen, level):
        way = np.r_[0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
        count = int(way[-1] / (wall.spacing * wall.width))
        if count:
            at = np.cumsum(rng.uniform(0.7, 1.3, count)) * way[-1] / count
            places.append(np.c_[np.interp(at, way, line[:, 0]), np.interp(at, way, line[:, 1])])
    if not places:
        return Nuclei.none()
    place = np.concatenate(places)
    angle = np.arctan2(field.at(slope[0], place), field.at(slope[1], place))
    shift = wall.length * wall.jitter * rng.uniform(-1, 1, len(place))
    place = place + shift[:, np.newaxis] * np.c_[np.sin(angle), np.cos(angle)]
    semi = semi_axes(rng, len(place), wall.stretch, 1.13 * field.fine, spread=0.14)
    angle = angle + rng.normal(0, 0.2, len(place))
    cells = np.full(len(place), Cell.EPITHELIAL)
    return Nuclei(place * field.step, semi * field.step, angle, cells)
