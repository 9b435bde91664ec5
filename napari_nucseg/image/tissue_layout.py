"""Where the nuclei of a simulated tissue lie: around lumina, packed, or along fibers."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from .tissue_packing import RandomField, far_enough, pack

__all__ = ["Cell", "Ground", "Nuclei", "TissueKind", "lay_out"]

_FINE = 8  # cells of the coarse grid in one diameter
_FAR = 1e3  # diameters from a lumen where there is none
_PACKED = 0.86  # share of the area under nuclei in lymphoid tissue
_PRESSED = 1.1  # how far packed outlines would reach into each other


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


class Cell(enum.IntEnum):
    """Kinds of cell."""

    EPITHELIAL = 0
    LYMPHOID = 1
    SPINDLE = 2


@dataclasses.dataclass(frozen=True)
class Nuclei:
    """The nuclei of a field, one in each row.

    Attributes
    ----------
    places : ndarray of float, shape (N, 2)
        Row and column of the centers in pixels.
    semi : ndarray of float, shape (N, 2)
        Long and short semi-axis in pixels.
    angle : ndarray of float, shape (N,)
        Direction of the long axis in radians; 0 is along a row, pi / 2 down.
    cell : ndarray of int, shape (N,)
        Kind of each cell, see `Cell`.
    """

    places: np.ndarray
    semi: np.ndarray
    angle: np.ndarray
    cell: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def take(self, index: np.ndarray) -> Nuclei:
        """Return some of the nuclei.

        Parameters
        ----------
        index : ndarray
            Of bool or of whole numbers.

        Returns
        -------
        Nuclei
            In the order of `index`.
        """
        return Nuclei(self.places[index], self.semi[index], self.angle[index], self.cell[index])

    def with_others(self, others: Nuclei) -> Nuclei:
        """Return these nuclei and others after them.

        Parameters
        ----------
        others : Nuclei
            Any number.

        Returns
        -------
        Nuclei
            All of them.
        """
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(others), strict=True)
        return Nuclei(*(np.concatenate(pair) for pair in pairs))


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

    def cut(self, margin: int) -> Ground:
        """Return the ground without a margin.

        Parameters
        ----------
        margin : int
            Pixels to cut off at each side.

        Returns
        -------
        Ground
            Of the smaller field.
        """
        inside = (slice(margin, -margin), slice(margin, -margin))
        return Ground(self.lumen[inside], self.wall, self.across[inside])


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
        nuclei, lumen, wall = _glands(field, spread=kind is TissueKind.MIXED)
        lymphocytes = rng.uniform(0.4, 1.1) if kind is TissueKind.MIXED else 0.1
        outside = lumen > wall + 0.35 * _FINE
        nuclei = _filled(field, nuclei, outside, fibers, lymphocytes)
    else:
        wall, lumen = 0.0, _vessels(field)
        nuclei = _nothing()
        if kind is TissueKind.LYMPHOID:
            nuclei = _lymphoid(field, lumen > 0.5 * _FINE)
        else:
            nuclei = _spindles(field, lumen > 0.6 * _FINE, fibers, rng.uniform(0.2, 0.5))
    step = diameter / _FINE
    return nuclei, Ground(field.fine_grained(lumen) * step, wall * step, field.fine_grained(fibers) * step)


def _nothing() -> Nuclei:
    return Nuclei(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0, int))


def _fibers(field: RandomField) -> np.ndarray:
    """Return a wavy coordinate across the fibers, on the coarse grid."""
    rng = field.rng
    tilt = rng.uniform(0, np.pi)
    rows, columns = field.grid()
    straight = np.cos(tilt) * rows + np.sin(tilt) * columns
    waves = rng.uniform(0.5, 2.0) * field.noise(6.0) + rng.uniform(0.05, 0.25) * field.noise(2)
    return straight + _FINE * waves


def _vessels(field: RandomField) -> np.ndarray:
    """Return the signed distance to a few vessels and tears, on the coarse grid."""
    from scipy import ndimage

    if field.rng.random() < 0.4:
        return np.full(field.shape, _FAR * _FINE)
    level = field.rng.uniform(1.7, 2.6)
    mask = field.noise(field.rng.uniform(3, 7)) + 0.15 * field.noise(1.0) > level
    if not mask.any():
        return np.full(field.shape, _FAR * _FINE)
    return ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)


@dataclasses.dataclass(frozen=True)
class _Wall:
    """How the epithelium of a field is built, in cells of the coarse grid."""

    layers: int
    stretch: float  # long axis by short axis
    apical: float
    jitter: float  # along the long axis, as a share of it

    @property
    def length(self) -> float:
        return _FINE * np.sqrt(self.stretch)

    @property
    def width(self) -> float:
        return _FINE / np.sqrt(self.stretch)

    @property
    def levels(self) -> np.ndarray:
        """Distances of the layers from the lumen."""
        return self.apical + self.length * (0.5 + 0.72 * np.arange(self.layers))

    @property
    def thickness(self) -> float:
        return float(self.levels[-1] + self.length * (0.5 + self.jitter) + 0.1 * _FINE)

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> _Wall:
        layers = int(rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15]))
        return cls(
            layers=layers,
            stretch=rng.uniform(1.5, 2.4),
            apical=_FINE * rng.choice([rng.uniform(0.1, 0.4), rng.uniform(0.4, 1.6)]),
            jitter=rng.uniform(0.1, 0.3),
        )


def _glands(field: RandomField, spread: bool) -> tuple[Nuclei, np.ndarray, float]:
    """Return epithelial nuclei, the distance to the lumina and the wall's thickness."""
    from scipy import ndimage

    wall = _Wall.drawn(field.rng)
    mask = _lumina(field, wall, spread)
    lumen = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    smooth = ndimage.gaussian_filter(lumen, 0.2 * _FINE)
    slope = np.gradient(smooth)
    parts = [_in_layer(field, wall, smooth, slope, level) for level in wall.levels]
    nuclei = _nothing()
    for part in parts:
        nuclei = nuclei.with_others(part)
    nuclei = nuclei.take(field.rng.permutation(len(nuclei)))
    nearest = 0.62 * 2 * nuclei.semi[:, 1]
    return nuclei.take(far_enough(nuclei.places, nearest)), lumen, wall.thickness


def _lumina(field: RandomField, wall: _Wall, spread: bool) -> np.ndarray:
    """Return where the lumina are: tubes cut across, at an angle or along."""
    rng = field.rng
    along = rng.choice([1.0, rng.uniform(1.2, 2), rng.uniform(3, 7)], p=[0.35, 0.35, 0.3])
    pitch = rng.uniform(1.15, 1.6) if spread else rng.uniform(0.85, 1.05)
    widest = _FINE * rng.choice([0.4, 1.5, 3.0])
    typical = wall.thickness + 0.6 * widest
    side = np.hypot(*field.shape)
    area = (side / along) * side
    count = max(2, int(0.95 * area / (np.pi * (pitch * typical) ** 2)))
    inner = rng.uniform(0.15 * _FINE, widest, count)
    outer = inner + wall.thickness
    box = np.array([side / along, side])
    centers = pack(rng.uniform(0, 1, (count, 2)) * box, pitch * outer, rng, steps=25)
    tilt = rng.uniform(0, np.pi)
    rows, columns = field.grid()
    rows = rows - field.shape[0] / 2 + 0.5 * _FINE * field.noise(3.0)
    columns = columns - field.shape[1] / 2 + 0.5 * _FINE * field.noise(3.0)
    length = np.cos(tilt) * columns + np.sin(tilt) * rows
    breadth = np.cos(tilt) * rows - np.sin(tilt) * columns
    mask = np.zeros(field.shape, bool)
    for (x, y), short, whole in zip(centers - box / 2, inner, outer, strict=True):
        half = max(short, whole * along - wall.thickness)
        mask |= ((length - x * along) / half) ** 2 + ((breadth - y) / short) ** 2 < 1
    if not mask.any():
        mask[field.shape[0] // 2, field.shape[1] // 2] = True
    return mask


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
        count = int(way[-1] / (0.97 * wall.width))
        if count:
            at = np.cumsum(rng.uniform(0.8, 1.2, count)) * way[-1] / count
            places.append(np.c_[np.interp(at, way, line[:, 0]), np.interp(at, way, line[:, 1])])
    if not places:
        return _nothing()
    place = np.concatenate(places)
    rows, columns = (np.clip(np.rint(place), 0, np.array(lumen.shape) - 1).astype(int)).T
    angle = np.arctan2(slope[0][rows, columns], slope[1][rows, columns])
    shift = wall.length * wall.jitter * rng.uniform(-1, 1, len(place))
    place = place + shift[:, np.newaxis] * np.c_[np.sin(angle), np.cos(angle)]
    semi = _semi_axes(rng, len(place), wall.stretch, 1.03 * _FINE, spread=0.1)
    angle = angle + rng.normal(0, 0.15, len(place))
    cells = np.full(len(place), Cell.EPITHELIAL)
    return Nuclei(place * field.step, semi * field.step, angle, cells)


def _semi_axes(
    rng: np.random.Generator, count: int, stretch: float, diameter: float, spread: float
) -> np.ndarray:
    """Return long and short semi-axes of nuclei of about the given diameter."""
    size = diameter / 2 * np.exp(np.clip(rng.normal(0, spread, count), -0.4, 0.4))
    ratio = np.sqrt(np.maximum(1.0, stretch * np.exp(rng.normal(0, 0.12, count))))
    return np.c_[size * ratio, size / ratio]


def _scattered(field: RandomField, allowed: np.ndarray, count: int) -> np.ndarray:
    """Return random places on the coarse grid where they are allowed."""
    places = field.rng.uniform(0, 1, (count, 2)) * np.array(field.shape)
    return places[_at(allowed, places)]


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the values of the coarse grid at some places."""
    rows, columns = np.clip(places.astype(int), 0, np.array(values.shape) - 1).T
    return values[rows, columns]


def _lymphoid(field: RandomField, allowed: np.ndarray, size: float = 1.0) -> Nuclei:
    """Return small round nuclei, packed, with pale centers of larger ones and some holes."""
    rng = field.rng
    zone = field.noise(rng.uniform(8, 14)) > rng.uniform(0.6, 2.5)
    mean = np.pi * (size * _FINE / 2) ** 2
    count = int(rng.uniform(0.9, 1.05) * _PACKED * allowed.size / mean)
    places = _scattered(field, allowed, count)
    growth = np.where(_at(zone, places), rng.uniform(1.15, 1.4), 1.0)
    keep = rng.random(len(places)) < growth**-2.0
    places, growth = places[keep], growth[keep]
    semi = growth[:, np.newaxis] * _semi_axes(rng, len(places), 1.15, size * _FINE, 0.1)
    places = pack(places, 1.02 * np.sqrt(semi.prod(axis=1)), rng)
    holes = field.noise(rng.uniform(1.5, 4)) > rng.uniform(1.2, 2.6)
    keep = _at(allowed & ~holes, places) & (rng.random(len(places)) > rng.uniform(0, 0.08))
    angle = rng.uniform(0, np.pi, len(places))
    cells = np.full(len(places), Cell.LYMPHOID)
    nuclei = Nuclei(places * field.step, _PRESSED * semi * field.step, angle, cells)
    return nuclei.take(keep)


def _spindles(
    field: RandomField, allowed: np.ndarray, fibers: np.ndarray, density: float
) -> Nuclei:
    """Return spindle-shaped nuclei along the fibers, in bundles."""
    rng = field.rng
    bundles = allowed & (field.noise(3.0) > rng.normal(-0.6, 0.4))
    places = _scattered(field, bundles, int(density * allowed.size / _FINE**2))
    places = pack(places, np.full(len(places), 0.55 * _FINE), rng, steps=6)
    places = places[_at(allowed, places)]
    down, right = np.gradient(fibers)
    angle = np.arctan2(_at(right, places), -_at(down, places))
    angle = angle + rng.normal(0, 0.15, len(places))
    stretch = np.exp(rng.uniform(np.log(1.3), np.log(5.0), len(places)))
    semi = _semi_axes(rng, len(places), 1.0, 0.95 * _FINE, spread=0.18)
    size, ratio = np.sqrt(semi.prod(axis=1)), np.sqrt(stretch)
    semi = np.c_[size * ratio, size / ratio]
    cells = np.full(len(places), Cell.SPINDLE)
    return Nuclei(places * field.step, semi * field.step, angle, cells)


def _filled(
    field: RandomField,
    nuclei: Nuclei,
    allowed: np.ndarray,
    fibers: np.ndarray,
    lymphocytes: float,
) -> Nuclei:
    """Return epithelial nuclei with stroma and lymphocytes where they are allowed."""
    crowds = field.noise(4.0) > 1 - 1.5 * lymphocytes
    others = _lymphoid(field, allowed & crowds, size=field.rng.uniform(0.65, 0.85))
    others = others.with_others(
        _spindles(field, allowed & ~crowds, fibers, field.rng.uniform(0.3, 0.7))
    )
    every = nuclei.with_others(others)
    return every.take(far_enough(every.places, 1.5 * every.semi[:, 1]))
