"""A simulated section, stained, in transmitted light."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from .layout import Ground
from .packing import smooth_noise

__all__ = ["Section", "Stain", "stained"]


class Stain(enum.StrEnum):
    """How a section is made visible."""

    #: DNA glows, on black; grey.
    FLUORESCENCE = "fluorescence"
    #: Hematoxylin and eosin: blue nuclei, pink around.
    HE = "he"
    #: Hematoxylin, and an antibody in brown.
    DAB = "dab"
    #: Hematoxylin, and mucus and membranes in magenta.
    PAS = "pas"


#: Optical density for red, green and blue.
_HEMATOXYLIN = (0.65, 0.70, 0.29)
_EOSIN = (0.08, 0.70, 0.35)
_BROWN = (0.27, 0.57, 0.78)
_MAGENTA = (0.18, 0.95, 0.25)


@dataclasses.dataclass(frozen=True)
class Section:
    """What is stained.

    Attributes
    ----------
    nuclei : ndarray of float32, shape (Y, X)
        Chromatin, about 1 in a typical nucleus.
    labels : ndarray of int32, shape (Y, X)
        Which nucleus is seen.
    ground : Ground
        What lies between the nuclei.
    diameter : float
        Of a typical nucleus in pixels.
    """

    nuclei: np.ndarray
    labels: np.ndarray
    ground: Ground
    diameter: float

    def noise(self, diameters: float, rng: np.random.Generator) -> np.ndarray:
        """Return smooth noise, see `smooth_noise`.

        Parameters
        ----------
        diameters : float
            Size of its spots in diameters.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of float32, shape (Y, X)
            The noise.
        """
        return smooth_noise(self.labels.shape, max(1.0, diameters * self.diameter), rng)


def stained(section: Section, stain: Stain, rng: np.random.Generator) -> np.ndarray:
    """Return the image of a stained section.

    Parameters
    ----------
    section : Section
        What is stained.
    stain : Stain
        Any but fluorescence.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of uint8, shape (Y, X, 3)
        Red, green and blue.
    """
    around = _Around.of(section, rng)
    blue = rng.uniform(0.3, 0.75) * np.minimum(section.nuclei, 2.2)
    blue += around.cytoplasm * rng.uniform(0.02, 0.2)
    if stain is Stain.HE:
        second, color = _eosin(section, around, rng), _EOSIN
    elif stain is Stain.DAB:
        second, color = _brown(section, around, rng), _BROWN
        blue *= rng.uniform(0.5, 1.0)
    else:
        second, color = _magenta(section, around, rng), _MAGENTA
    density = blue[..., np.newaxis] * _varied(_HEMATOXYLIN, rng)
    density = density + second[..., np.newaxis] * _varied(color, rng)
    return _photographed(density, section.diameter, rng)


@dataclasses.dataclass(frozen=True)
class _Around:
    """What there is beside the nuclei, each 0 to about 1."""

    cytoplasm: np.ndarray
    fibers: np.ndarray
    borders: np.ndarray
    goblets: np.ndarray
    red_cells: np.ndarray

    @classmethod
    def of(cls, section: Section, rng: np.random.Generator) -> _Around:
        from scipy import ndimage

        ground, diameter = section.ground, section.diameter
        edge = ground.lumen + 0.1 * diameter * section.noise(0.4, rng)
        tissue = np.clip(edge / (0.06 * diameter + 1), 0, 1)
        stroma = np.clip((ground.lumen - ground.wall) / (0.3 * diameter), 0, 1)
        free = (section.labels == 0) & (tissue > 0.5)
        fibers = stroma * tissue * _fiber_texture(section, rng)
        grain = 1 + 0.2 * section.noise(0.15, rng) + 0.3 * section.noise(2.0, rng)
        tears = section.noise(1.2, rng) + 0.4 * section.noise(0.3, rng)
        torn = np.clip((tears - rng.uniform(1.3, 2.5)) * 6, 0, 1) * free
        goblets = _goblets(section, rng)
        cells, away = _cells(section)
        shrunk = rng.uniform(0, 0.8) * np.clip(0.5 + section.noise(2.0, rng), 0, 1)
        halo = shrunk * np.exp(-((away / (0.12 * diameter)) ** 2)) * (section.labels == 0)
        whole = tissue * (1 - torn) * (1 - goblets) * (1 - halo)
        return cls(
            cytoplasm=ndimage.gaussian_filter(
                whole * (1 - 0.6 * stroma) * np.clip(grain, 0.1, None), 0.7
            ),
            fibers=fibers * (1 - torn) * (1 - halo),
            borders=_borders(cells, section) * whole * (1 - stroma),
            goblets=goblets,
            red_cells=_red_cells(section, rng),
        )


def _fiber_texture(section: Section, rng: np.random.Generator) -> np.ndarray:
    """Return stripes along the fibers."""
    from scipy import ndimage

    across = section.ground.across / section.diameter
    across = across + 0.15 * section.noise(1.5, rng) + 0.05 * section.noise(0.3, rng)
    total = np.zeros(across.shape, np.float32)
    for width, weight in ((0.12, 0.5), (0.35, 1.0), (1.2, 0.6)):
        line = ndimage.gaussian_filter1d(rng.standard_normal(4096), 1.5, mode="wrap")
        place = np.mod(across / width * 2 + 50 * section.noise(8, rng) * 0.02, 4096)
        low = place.astype(int)
        part = place - low
        values = line[low % 4096] * (1 - part) + line[(low + 1) % 4096] * part
        total += weight * (values / line.std()).astype(np.float32)
    patchy = 1 + 0.35 * section.noise(2.0, rng)
    return np.clip((0.55 + 0.3 * total) * patchy, 0, 1.6)


def _cells(section: Section) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the nearest nucleus and the distance to it."""
    from scipy import ndimage

    away, nearest = ndimage.distance_transform_edt(section.labels == 0, return_indices=True)
    return section.labels[tuple(nearest)], away.astype(np.float32)


def _borders(cells: np.ndarray, section: Section) -> np.ndarray:
    """Return the borders between cells: where the nearest nucleus changes."""
    from scipy import ndimage

    border = np.zeros(cells.shape, np.float32)
    border[1:] += cells[1:] != cells[:-1]
    border[:, 1:] += cells[:, 1:] != cells[:, :-1]
    border[section.labels > 0] = 0
    return ndimage.gaussian_filter(np.minimum(border, 1), 0.02 * section.diameter + 0.4)


def _discs(shape: tuple[int, int], places: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return discs, highest in the middle: 1 minus the square of the distance."""
    total = np.zeros(shape, np.float32)
    for (row, column), radius in zip(places, radii, strict=True):
        half = int(radius) + 2
        top, left = max(0, int(row) - half), max(0, int(column) - half)
        bottom, right = int(row) + half + 1, int(column) + half + 1
        box = total[top:bottom, left:right]
        rows, columns = np.ogrid[top : top + box.shape[0], left : left + box.shape[1]]
        disc = 1 - ((rows - row) ** 2 + (columns - column) ** 2) / radius**2
        np.maximum(box, disc, out=box)
    return total


def _chosen(allowed: np.ndarray, count: float, rng: np.random.Generator) -> np.ndarray:
    """Return about `count` random pixels where they are allowed."""
    places = rng.integers(0, allowed.shape, (int(count), 2))
    return places[allowed[tuple(places.T)]]


def _goblets(section: Section, rng: np.random.Generator) -> np.ndarray:
    """Return goblets of mucus between the nuclei and the lumen."""
    ground, diameter = section.ground, section.diameter
    shape = section.labels.shape
    if ground.wall == 0 or rng.random() < 0.5:
        return np.zeros(shape, np.float32)
    inner = (ground.lumen > 0.1 * diameter) & (ground.lumen < 0.5 * ground.wall)
    inner &= section.labels == 0
    cells = section.labels.size / (np.pi / 4 * diameter**2)
    places = _chosen(inner, rng.uniform(0.2, 1.2) * cells, rng)
    discs = _discs(shape, places, diameter * rng.uniform(0.3, 0.55, len(places)))
    return np.clip(discs * 4, 0, 1) * (section.labels == 0)


def _red_cells(section: Section, rng: np.random.Generator) -> np.ndarray:
    """Return red blood cells, in crowds between the other cells and in vessels."""
    ground, diameter = section.ground, section.diameter
    shape = section.labels.shape
    if rng.random() < 0.4:
        return np.zeros(shape, np.float32)
    crowd = section.noise(3.0, rng) > rng.uniform(1.0, 2.2)
    vessel = (ground.lumen < 0) if ground.wall == 0 else np.zeros(shape, bool)
    allowed = (section.labels == 0) & ((crowd & (ground.lumen > ground.wall)) | vessel)
    places = _chosen(allowed, 1.5 * section.labels.size / diameter**2, rng)
    discs = _discs(shape, places, diameter * rng.uniform(0.3, 0.42, len(places)))
    return np.clip(discs * 3, 0, 1) * (section.labels == 0) * (1 - 0.3 * (discs > 0.7))


def _eosin(section: Section, around: _Around, rng: np.random.Generator) -> np.ndarray:
    """Return how much eosin there is."""
    pink = rng.uniform(0.1, 0.5) * around.cytoplasm
    pink += rng.uniform(0.1, 0.55) * around.fibers * (1 - 0.5 * (section.labels > 0))
    pink += rng.uniform(-0.25, 0.3) * around.borders
    return np.clip(pink, 0, None) + rng.uniform(0.6, 1.1) * around.red_cells


def _brown(section: Section, around: _Around, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the brown antibody there is: in nuclei, or around some."""
    faint = rng.uniform(0.0, 0.12) * (around.cytoplasm + around.fibers)
    numbers = section.labels.max() + 1
    share = rng.uniform(0.05, 0.7)
    positive = (rng.random(numbers) < share) * rng.uniform(0.3, 1.6, numbers)
    positive[0] = 0
    if rng.random() < 0.6:
        return faint + positive.astype(np.float32)[section.labels] * section.nuclei**0.5
    crowd = np.clip(section.noise(2.5, rng) + 0.3, 0, 1.2)
    membrane = rng.uniform(0.3, 1.0) * around.borders + 0.4 * around.cytoplasm
    return faint + crowd * membrane


def _magenta(section: Section, around: _Around, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the magenta of PAS there is: mucus, membranes, a little all over."""
    ground, diameter = section.ground, section.diameter
    pink = rng.uniform(0.05, 0.25) * around.cytoplasm + rng.uniform(0.1, 0.35) * around.fibers
    pink += (
        rng.uniform(0.5, 1.3)
        * around.goblets
        * np.clip(1 + 0.3 * section.noise(0.3, rng), 0.2, None)
    )
    width = 0.08 * diameter + 0.5
    for line in (0.05 * diameter, ground.wall):  # brush border, basement membrane
        near = np.exp(-(((ground.lumen - line) / width) ** 2)) * (ground.wall > 0)
        pink += rng.uniform(0.1, 0.7) * near
    return pink + rng.uniform(0.1, 0.4) * around.borders


def _varied(color: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Return the color of a dye as one laboratory gets it."""
    varied = np.array(color) * np.exp(rng.normal(0, 0.18, 3)) + rng.uniform(0, 0.04, 3)
    return varied.astype(np.float32)


def _photographed(density: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return the colors that the camera sees."""
    from scipy import ndimage

    white = rng.uniform(0.9, 0.99) * (1 + rng.normal(0, 0.012, 3))
    light = white * np.exp(-rng.uniform(1.2, 1.8) * density)
    blur = rng.uniform(0.6, max(1.0, 0.055 * diameter))
    light = ndimage.gaussian_filter(light.astype(np.float32), (blur, blur, 0), truncate=3)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in light.shape[:2])
    lamp = 1 - rng.uniform(0, 0.08) * (rows[:, np.newaxis] ** 2 + columns**2)
    noise = rng.uniform(0.002, 0.012) * rng.standard_normal(light.shape, dtype=np.float32)
    return np.rint(255 * (light * lamp[..., np.newaxis] + noise)).clip(0, 255).astype(np.uint8)
