"""A small simulator of stacks: nuclei in three dimensions whose labels are known.

Nuclei are bumpy ellipsoids. Their light goes through a microscope, which blurs more along z
than across, gets weaker with depth, and ends in a camera that counts photons.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .array import ArrayImage

__all__ = ["SimulatedStack", "simulate_stack"]

_MICROMETERS = 10.0  # diameter of a typical nucleus
_BUMPS, _BUMP_HEIGHT = 4, 0.07  # how many waves are on a surface, and their height
_SIZES, _SHAPES = 0.12, 0.12  # spread of the logarithm of sizes, and of single axes
_OVERLAP = 0.1  # share of a nucleus that may lie in its neighbors, which cut it off there
_TRIES = 30  # places in a row that are taken before the stack is called full
_BLUR, _BLUR_Z = 0.05, 0.14  # sigma of the microscope, in diameters
_BACKGROUND, _HAZE = 0.05, 0.15
_READ_NOISE, _OFFSET = 2.0, 100.0
_RANGES = {
    "depth": (0.25, 16),
    "diameter": (6, 1000),
    "coverage": (0, 0.5),
    "photons": (1, 1e6),
    "attenuation": (0, 0.95),
}


@dataclasses.dataclass(frozen=True, eq=False)
class SimulatedStack:
    """A stack and the truth about it.

    Parameters
    ----------
    image : ArrayImage
        Intensities of dtype uint16, axes ZYX, with the spacing in micrometers.
    labels : ndarray of int32, shape (Z, Y, X)
        0 is background, every nucleus has a number of its own.
    """

    image: ArrayImage
    labels: np.ndarray


def simulate_stack(
    shape: tuple[int, int, int] = (24, 128, 128),
    *,
    depth: float = 2.0,
    diameter: float = 20.0,
    coverage: float = 0.15,
    photons: float = 200.0,
    attenuation: float = 0.3,
    seed: int = 0,
) -> SimulatedStack:
    """Simulate a stack of nuclei under a fluorescence microscope.

    Parameters
    ----------
    shape : tuple of int, optional
        Planes, rows and columns.
    depth : float, optional
        How many times the distance between planes is that between pixels, 0.25 to 16.
    diameter : float, optional
        Typical diameter of a nucleus in pixels, 6 or more.
    coverage : float, optional
        Share of the volume inside of nuclei, 0 to 0.5; less if no more fit in. From about
        0.2 on many of them touch.
    photons : float, optional
        Counted in a pixel of a usual nucleus; the fewer, the more noise.
    attenuation : float, optional
        Part of the light that is lost on the way to the last plane, 0 to 0.95.
    seed : int, optional
        The same seed gives the same stack.

    Returns
    -------
    SimulatedStack
        Image and labels. Every label is one connected piece.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    values = {"depth": depth, "diameter": diameter, "coverage": coverage}
    _check(shape, {**values, "photons": photons, "attenuation": attenuation})
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    light = np.zeros(shape, np.float32)
    nucleus_volume = math.pi / 6 * diameter**3 / depth
    wanted, missed, count = coverage * labels.size, 0, 0
    while np.count_nonzero(labels) + nucleus_volume / 2 < wanted and missed < _TRIES:
        box, inside = _nucleus(shape, depth, diameter, rng)
        free = inside & (labels[box] == 0)
        if not inside.any() or np.count_nonzero(free) < (1 - _OVERLAP) * inside.sum():
            missed += 1
            continue
        missed, count = 0, count + 1
        free = _largest_piece(free)
        labels[box][free] = count
        light[box][free] = rng.lognormal(0.0, 0.2)
    light *= 1 + 0.25 * _texture(shape, depth, diameter, rng)
    image = _microscope(light, depth, diameter, attenuation)
    spacing = _MICROMETERS / diameter
    return SimulatedStack(
        ArrayImage(
            _camera(image * photons, rng),
            "ZYX",
            name="simulated stack",
            spacing={"Z": depth * spacing, "Y": spacing, "X": spacing},
            unit=dict.fromkeys("ZYX", "micrometer"),
        ),
        labels,
    )


def _check(shape: tuple[int, ...], values: dict[str, float]) -> None:
    """Raise ValueError if an argument is out of its range."""
    if len(shape) != 3 or any(int(n) != n or n < 1 for n in shape):
        raise ValueError(f"Expected a shape of planes, rows and columns, got {shape}.")
    for name, value in values.items():
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise ValueError(f"Expected {name} from {low} to {high}, got {value}.")


def _nucleus(
    shape: tuple[int, int, int], depth: float, diameter: float, rng: np.random.Generator
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Return a box of the stack, and the voxels of a nucleus in it."""
    scale = np.array([depth, 1.0, 1.0])
    extent = np.array(shape) * scale
    axes = diameter / 2 * np.exp(rng.normal(0, _SIZES) + rng.normal(0, _SHAPES, 3))
    reach = 1.25 * axes.max()
    # Some lie half outside, so that there are as many at the edge as in the middle.
    center = rng.uniform(-0.4 * diameter, extent + 0.4 * diameter)
    low = np.clip(np.floor((center - reach) / scale), 0, shape).astype(int)
    high = np.clip(np.ceil((center + reach) / scale) + 1, 0, shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    grid = [
        (np.arange(a, b) + 0.5) * s - c
        for a, b, s, c in zip(low, high, scale, center, strict=True)
    ]
    points = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1)
    turned = points @ _rotation(rng) / axes
    radius = np.linalg.norm(turned, axis=-1)
    surface = np.ones_like(radius)
    directions = turned / np.maximum(radius, 1e-9)[..., np.newaxis]
    for _ in range(_BUMPS):
        way, phase = rng.normal(0, 2.0, 3), rng.uniform(0, 2 * np.pi)
        surface += _BUMP_HEIGHT * np.cos(directions @ way + phase)
    return box, radius < surface


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """Return a rotation at random."""
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return turned


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    pieces, count = ndimage.label(mask)
    return mask if count < 2 else pieces == np.argmax(np.bincount(pieces[pieces > 0]))


def _texture(
    shape: tuple[int, int, int], depth: float, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Return smooth noise of mean 0 and deviation 1."""
    from scipy import ndimage

    sigma = 0.12 * diameter
    noise = ndimage.gaussian_filter(
        rng.standard_normal(shape, np.float32), (sigma / depth, sigma, sigma)
    )
    return noise / max(float(noise.std()), 1e-9)


def _microscope(
    light: np.ndarray, depth: float, diameter: float, attenuation: float
) -> np.ndarray:
    """Blur the light, add haze, and let it get weaker with depth."""
    from scipy import ndimage

    blur, blur_z, wide = _BLUR * diameter, _BLUR_Z * diameter, 0.8 * diameter
    sharp = ndimage.gaussian_filter(light, (blur_z / depth, blur, blur), mode="nearest")
    haze = ndimage.gaussian_filter(light, (wide / depth, wide, wide), mode="nearest")
    seen = np.maximum((1 - _HAZE) * sharp + _HAZE * haze, 0)
    left = (1 - attenuation) ** np.linspace(0, 1, len(light))
    return _BACKGROUND + seen * left[:, np.newaxis, np.newaxis].astype(np.float32)


def _camera(photons: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Count photons, with an offset and read noise."""
    counts = rng.poisson(photons) + rng.normal(_OFFSET, _READ_NOISE, photons.shape)
    return np.clip(np.round(counts), 0, np.iinfo(np.uint16).max).astype(np.uint16)
