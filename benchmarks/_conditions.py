"""Fields by condition: size, density, little light, haze, noise, defocus, uneven light, debris.

Simulated ones, and real ones that are made worse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from napari_nucseg.image.field import Field
from napari_nucseg.image.simulate import simulate_field

#: Height and width of a field, at least, and how many there are for each condition.
SIDE, SEEDS = 512, 2

_OFFSET = 100  # counts of the simulator's camera in the dark
_COUNTS = 16  # of a camera of 12 bits for one of 8

Degrade = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def conditions() -> dict[str, Callable[[int], Field]]:
    """Return what makes a field by the name of the condition, given a seed."""

    def simulated(degrade: Degrade | None = None, **how: Any) -> Callable[[int], Field]:
        def make(seed: int) -> Field:
            side = max(SIDE, round(6 * how.get("diameter", 0)))
            # Other seeds than those of the fields that models are trained on.
            field = simulate_field((side, side), seed=10_000 + seed, **how)
            if degrade is None:
                return field
            rng = np.random.default_rng(seed)
            return dataclasses.replace(field, image=degrade(field.image, rng))

        return make

    made = {f"diameter {d}": simulated(diameter=d) for d in (8, 12, 24, 40, 60, 80, 110)}
    made["dense"] = simulated(coverage=0.5, touching=0.9)
    made["sparse"] = simulated(coverage=0.02)
    made |= {name: simulated(degrade) for name, degrade in degrades().items()}
    return made


def degrades() -> dict[str, Degrade]:
    """Return what makes an image worse by the name of the condition."""
    return {
        "dim": dim,
        "hazy": hazy,
        "noisy": noisy,
        "out of focus": blurred,
        "uneven light": uneven,
        "debris": littered,
    }


def degraded(field: Field, degrade: Degrade, seed: int) -> Field:
    """Return a field of 8 bits as a camera of 12 bits with an offset would see it, worse."""
    plane = field.plane().astype(np.float64)
    grey = plane if plane.ndim == 2 else plane.mean(-1)
    image = degrade(grey * _COUNTS + _OFFSET, np.random.default_rng(seed))
    return dataclasses.replace(field, image=image, axes="YX")


def dim(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image with a fiftieth of the light, so that shot noise is strong."""
    counts = rng.poisson(_light(image) / 50) + rng.normal(0, 3, image.shape)
    return _camera(counts)


def hazy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image under twice as much light from out of focus."""
    light = _light(image)
    return _camera(light + 2 * ndimage.gaussian_filter(light, 40))


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image as a camera with much read noise would give it."""
    light = _light(image)
    return _camera(light + rng.normal(0, 0.25 * np.percentile(light, 99), image.shape))


def blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image out of focus."""
    return _camera(ndimage.gaussian_filter(_light(image), 3))


def uneven(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image with light that falls to a fifth from left to right."""
    return _camera(_light(image) * np.linspace(1, 0.2, image.shape[1]))


def littered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image with specks of dust, up to three times as bright as the nuclei."""
    light, specks = _light(image), np.zeros(image.shape)
    for _ in range(max(5, image.size // 8000)):
        at = tuple(int(rng.integers(length)) for length in image.shape)
        specks[at] += rng.uniform(0.5, 3.0) * np.percentile(light, 99)
    return _camera(light + 2 * np.pi * 1.2**2 * ndimage.gaussian_filter(specks, 1.2))


def _light(image: np.ndarray) -> np.ndarray:
    """Return what is above the offset of the simulator's camera."""
    return np.clip(image.astype(np.float64) - _OFFSET, 0, None)


def _camera(light: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(light + _OFFSET), 0, 65535).astype(np.uint16)
