"""A small simulator: fluorescence fields of nuclei whose labels are known.

Nuclei are drawn one by one on small patches, then the whole field goes through a
microscope (blur, haze, uneven light) and a camera (shot noise, read noise, offset).
"""

from __future__ import annotations

import dataclasses
import math
import numbers

import numpy as np

from .field import Field

__all__ = ["simulate_field"]

_GAP = 2.0  # pixels between nuclei that do not touch
_OVERLAP = 0.06  # share of a nucleus that may lie under its neighbours
_TRIES = 40  # positions tried for one nucleus
_PATIENCE = 20  # nuclei in a row without a place before the field is called full

_MICROMETERS = 12.0  # diameter of a typical nucleus
_PHOTONS = 500.0  # from a pixel of a nucleus of usual brightness
_BACKGROUND = 0.06  # of that
_READ_NOISE = 3.0  # photons
_COUNTS_PER_PHOTON = 2.0
_OFFSET = 100.0  # counts of the dark camera


def simulate_field(
    shape: tuple[int, int] = (512, 512),
    *,
    diameter: float = 24.0,
    coverage: float = 0.2,
    touching: float = 0.3,
    seed: int = 0,
) -> Field:
    """Simulate a field of nuclei under a fluorescence microscope.

    Parameters
    ----------
    shape : tuple of int, optional
        Height and width in pixels.
    diameter : float, optional
        Typical diameter of a nucleus in pixels, 4 or more.
    coverage : float, optional
        Share of the field under nuclei, 0 to 0.6; less if no more fit in.
    touching : float, optional
        Share of the nuclei that are put against another one, 0 to 1.
    seed : int, optional
        The same seed gives the same field.

    Returns
    -------
    Field
        Image of dtype uint16 and its true labels: touching nuclei have labels of
        their own, and every label is one connected piece.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    height, width = _checked_shape(shape)
    _check_range("diameter", diameter, 4, 1000)
    _check_range("coverage", coverage, 0, 0.6)
    _check_range("touching", touching, 0, 1)
    rng = np.random.default_rng(seed)
    canvas = _Canvas.empty(height, width, diameter, rng)
    _fill(canvas, coverage * height * width, diameter, touching)
    light = _microscope(canvas.inside(canvas.light), diameter)
    pixel = _MICROMETERS / diameter
    return Field(
        _camera(light, rng),
        axes="YX",
        name="simulated nuclei",
        pixel_size=(pixel, pixel),
        unit="micrometer",
        labels=np.ascontiguousarray(canvas.inside(canvas.labels)),
    )


@dataclasses.dataclass
class _Nucleus:
    """One nucleus on a square patch: depth in pixels below its outline, brightness."""

    depth: np.ndarray
    light: np.ndarray


@dataclasses.dataclass
class _Canvas:
    """The field while it is filled, with a margin so that no patch is cut off.

    The margin's labels are -1, which keeps nuclei out without counting as nuclei.
    """

    labels: np.ndarray
    light: np.ndarray
    texture: np.ndarray
    margin: int
    centers: list[tuple[int, int]]
    rng: np.random.Generator

    @classmethod
    def empty(
        cls, height: int, width: int, diameter: float, rng: np.random.Generator
    ) -> _Canvas:
        margin = math.ceil(1.5 * diameter) + 4
        padded = height + 2 * margin, width + 2 * margin
        canvas = cls(
            labels=np.full(padded, -1, np.int32),
            light=np.zeros(padded, np.float32),
            texture=_chromatin(diameter, 6 * margin, rng),
            margin=margin,
            centers=[],
            rng=rng,
        )
        canvas.inside(canvas.labels)[...] = 0
        return canvas

    def inside(self, array: np.ndarray) -> np.ndarray:
        """Return an array of the canvas without the margin."""
        margin = self.margin
        return array[margin:-margin, margin:-margin]


def _fill(canvas: _Canvas, area: float, diameter: float, touching: float) -> None:
    """Put nuclei on the canvas until they cover `area` pixels."""
    covered, failures = 0, 0
    while covered < area and failures < _PATIENCE:
        nucleus = _nucleus(canvas, diameter)
        if canvas.centers and canvas.rng.random() < touching:
            center = _place_beside(canvas, nucleus, diameter)
        else:
            center = _place_apart(canvas, nucleus)
        drawn = 0 if center is None else _draw(canvas, nucleus, center)
        covered += drawn
        failures = 0 if drawn else failures + 1


def _nucleus(canvas: _Canvas, diameter: float) -> _Nucleus:
    """Return an ellipse with a wavy outline and uneven chromatin."""
    rng = canvas.rng
    size = diameter / 2 * np.exp(np.clip(rng.normal(0, 0.15), -0.35, 0.35))
    stretch = np.sqrt(rng.uniform(1.0, 1.8))
    tilt, *phases = rng.uniform(0, 2 * np.pi, 4)
    waves = rng.normal(0, 1, 3).clip(-2, 2) * (0.04, 0.03, 0.015)
    half = math.ceil(size * stretch * (1 + np.abs(waves).sum())) + 3
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    y += rng.uniform(-0.5, 0.5)
    x += rng.uniform(-0.5, 0.5)
    angle = np.arctan2(y, x)
    radius = size / np.hypot(np.cos(angle - tilt) / stretch, np.sin(angle - tilt) * stretch)
    for turns, wave, phase in zip((2, 3, 5), waves, phases, strict=True):
        radius *= 1 + wave * np.cos(turns * angle + phase)
    depth = radius - np.hypot(y, x)
    thickness = np.sqrt(np.clip(depth / radius * (2 - depth / radius), 0, 1))
    row, column = rng.integers(0, canvas.texture.shape[0] - len(depth), 2)
    chromatin = canvas.texture[row : row + len(depth), column : column + len(depth)]
    brightness = np.exp(rng.normal(0, 0.3))
    light = brightness * (0.6 + 0.4 * thickness) * (1 + rng.uniform(0.1, 0.3) * chromatin)
    # The outline runs through pixels; half-covered ones get half the light.
    return _Nucleus(depth, (light * np.clip(depth + 0.5, 0, 1)).clip(0))


def _place_apart(canvas: _Canvas, nucleus: _Nucleus) -> tuple[int, int] | None:
    """Return a random free place with a gap all around, or None."""
    height, width = canvas.labels.shape
    margin = canvas.margin
    surroundings = nucleus.depth > -_GAP
    for _ in range(_TRIES):
        center = (
            int(canvas.rng.integers(margin, height - margin)),
            int(canvas.rng.integers(margin, width - margin)),
        )
        if not (canvas.labels[_patch(nucleus, center)][surroundings] > 0).any():
            return center
    return None


def _place_beside(
    canvas: _Canvas, nucleus: _Nucleus, diameter: float
) -> tuple[int, int] | None:
    """Return a place where the nucleus just touches one that is there, or None."""
    height, width = canvas.labels.shape
    margin = canvas.margin
    body = nucleus.depth > 0
    allowed = _OVERLAP * body.sum()
    for _ in range(_TRIES // 4):
        row, column = canvas.centers[canvas.rng.integers(len(canvas.centers))]
        direction = canvas.rng.uniform(0, 2 * np.pi)
        for distance in range(int(diameter / 2), int(2 * diameter) + 1):
            center = (
                round(row + distance * math.sin(direction)),
                round(column + distance * math.cos(direction)),
            )
            if not (
                margin <= center[0] < height - margin and margin <= center[1] < width - margin
            ):
                break
            under = np.count_nonzero(canvas.labels[_patch(nucleus, center)][body] > 0)
            if under <= allowed:
                return center
    return None


def _draw(canvas: _Canvas, nucleus: _Nucleus, center: tuple[int, int]) -> int:
    """Draw a nucleus and return how many pixels are labeled, 0 if it does not fit."""
    from scipy import ndimage

    patch = _patch(nucleus, center)
    labels = canvas.labels[patch]
    pieces, _ = ndimage.label((nucleus.depth > 0) & (labels == 0))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    # A neighbour must not cut a nucleus into pieces; what remains is one of them.
    if sizes.max() < 0.9 * sizes.sum() or not sizes.any():
        return 0
    canvas.centers.append(center)
    labels[pieces == sizes.argmax()] = len(canvas.centers)
    canvas.light[patch] += nucleus.light
    return int(sizes.max())


def _patch(nucleus: _Nucleus, center: tuple[int, int]) -> tuple[slice, slice]:
    """Return where the patch of a nucleus lies on the canvas."""
    half = len(nucleus.depth) // 2
    row, column = center
    return slice(row - half, row + half + 1), slice(column - half, column + half + 1)


def _chromatin(diameter: float, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return a texture with mean 0 and deviation 1 to cut the nuclei from."""
    from scipy import ndimage

    texture = np.zeros((side, side), np.float32)
    for grain, weight in ((diameter / 24, 0.6), (diameter / 8, 1.0)):
        noise = rng.standard_normal((side, side), dtype=np.float32)
        layer = ndimage.gaussian_filter(noise, grain, mode="wrap")
        texture += weight * layer / layer.std()
    return (texture - texture.mean()) / texture.std()


def _microscope(light: np.ndarray, diameter: float) -> np.ndarray:
    """Return the light of the nuclei as it arrives at the camera, in photons."""
    from scipy import ndimage

    sharp = ndimage.gaussian_filter(light, max(0.7, diameter / 24))
    # Two box filters are a good Gaussian here, and their time does not grow with width.
    width = max(3, round(1.5 * diameter))
    haze = ndimage.uniform_filter(ndimage.uniform_filter(light, width), width)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in light.shape)
    lamp = 1 - 0.15 * (rows[:, np.newaxis] - 0.2) ** 2 - 0.15 * (columns + 0.1) ** 2
    return _PHOTONS * lamp * (0.9 * sharp + 0.2 * haze + _BACKGROUND)


def _camera(photons: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the camera's counts for the light that falls on it."""
    counts = rng.poisson(photons).astype(np.float32)
    counts += _READ_NOISE * rng.standard_normal(photons.shape, dtype=np.float32)
    counts = np.rint(_COUNTS_PER_PHOTON * counts + _OFFSET)
    return counts.clip(0, np.iinfo(np.uint16).max).astype(np.uint16)


def _checked_shape(shape: tuple[int, int]) -> tuple[int, int]:
    if len(shape) != 2 or not all(isinstance(n, numbers.Integral) and n > 0 for n in shape):
        raise ValueError(
            f"Expected a shape of two positive whole numbers, height and width, got {shape!r}."
        )
    return int(shape[0]), int(shape[1])


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"Expected {name} from {low:g} to {high:g}, got {value!r}.")
