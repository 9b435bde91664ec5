"""Tissue in made-up stains, as there are few images of stained tissue with known nuclei.

Where the nuclei are is known from any image, fluorescence too. What lies around them and what
they look like is made up, more various than real tissue, so that a network learns to
find nuclei by what is common to all stains (domain randomization, as in Billot et al., arXiv
2107.09559).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..normalize import normalize

__all__ = ["optical_density", "paint_tissue", "recolor_tissue", "transmitted"]

#: Optical density in red, green and blue of the stain of the nuclei and of the other one,
#: near those of Ruifrok and Johnston (Anal Quant Cytol Histol 23, 2001).
_STAINS = {
    "eosin": np.array([(0.65, 0.70, 0.29), (0.17, 0.90, 0.20)]),
    "DAB": np.array([(0.65, 0.70, 0.29), (0.27, 0.57, 0.78)]),
    "purple": np.array([(0.70, 0.60, 0.30), (0.45, 0.80, 0.30)]),
}
_CHANCES = (0.55, 0.25, 0.2)
_HUE = 0.1
#: Part of the light that comes through the darkest pixels of an image.
_DARKEST = 0.1


def paint_tissue(
    labels: np.ndarray, distance: np.ndarray, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Paint nuclei as they look in stained tissue.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.
    distance : ndarray of float32, shape (Y, X)
        Inwards over the largest in the nucleus, see `targets.target_maps`.
    diameter : float
        Typical diameter of the nuclei in pixels.
    rng : numpy.random.Generator
        What is painted follows from it.

    Returns
    -------
    ndarray of float32, shape (Y, X, 3)
        Normalized colors.
    """
    nuclei = _nuclei(labels, distance, diameter, rng)
    around = _around(labels.shape, diameter, rng)
    around = np.where(labels > 0, rng.uniform(0.0, 0.7), 1.0) * around
    haze = rng.uniform(0.0, 0.25) * _clouds(labels.shape, 0.3 * diameter, rng).clip(0, None)
    name, stains = _stains(rng)
    other = np.zeros_like(nuclei)
    if name == "DAB":
        # An antibody marks nuclei, some or all of them, or else what is around them.
        marked = rng.random(int(labels.max()) + 1) < rng.uniform(-0.5, 0.7)
        other = np.where(marked[labels], nuclei, 0.0)
        around *= rng.uniform(0.1, 0.5) if marked.any() else rng.uniform(0.5, 2.5)
    density = np.stack([nuclei - 0.7 * other + haze, around + other], axis=-1)
    sigma = rng.uniform(0.5, 0.5 + 0.04 * diameter)
    density = ndimage.gaussian_filter(density, (sigma, sigma, 0), truncate=3.0)
    light = rng.uniform(0.85, 1.0, 3) * np.exp(-density @ stains)
    return normalize(light.astype(np.float32))


def recolor_tissue(
    image: np.ndarray, labels: np.ndarray, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Give tissue the colors of two other stains.

    The stain of the nuclei goes where the labels are, or where it is as dark as there, and
    the other one elsewhere. Each is as dense as its pixel was, times a factor of its own.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X, 3)
        Normalized colors.
    labels : ndarray of int, shape (Y, X)
        Instance labels, at least one.
    diameter : float
        Typical diameter of the nuclei in pixels.
    rng : numpy.random.Generator
        The stains follow from it.

    Returns
    -------
    ndarray of float, shape (Y, X, 3)
        Normalized colors.
    """
    darkness = optical_density(image).mean(-1)
    inside = (labels > 0).astype(np.float32)
    nuclear = ndimage.gaussian_filter(inside, 0.04 * diameter, truncate=3.0)
    bright, dark = darkness[inside == 0], darkness[inside == 1]
    if rng.random() < 0.5 and bright.size and (rise := dark.mean() - bright.mean()) > 0.1:
        nuclear = ((darkness - bright.mean()) / rise).clip(0.0, 1.0)
    _, stains = _stains(rng)
    amounts = np.exp(rng.uniform((-0.4, -0.4), (0.3, 0.7))) / stains.mean(-1)
    nuclei, others = stains * amounts[:, None]
    mixture = nuclear[..., None] * (nuclei - others) + others
    return transmitted(darkness[..., None] * mixture)


def optical_density(image: np.ndarray) -> np.ndarray:
    """Return how dense a tissue of these colors is.

    Parameters
    ----------
    image : ndarray of float, shape (Y, X, 3)
        Normalized colors.

    Returns
    -------
    ndarray of float, shape (Y, X, 3)
        Optical density in red, green and blue, about 0 where the tissue is clear.
    """
    return -np.log(_DARKEST + (1 - _DARKEST) * np.clip(image, 0.0, 1.2))


def transmitted(density: np.ndarray) -> np.ndarray:
    """Return the colors of a tissue, the inverse of `optical_density`.

    Parameters
    ----------
    density : ndarray of float, shape (Y, X, 3)
        Optical density in red, green and blue.

    Returns
    -------
    ndarray of float, shape (Y, X, 3)
        Normalized colors.
    """
    return (np.exp(-density) - _DARKEST) / (1 - _DARKEST)


def _stains(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Choose the stain of the nuclei and the other one; return their name and colors."""
    name = str(rng.choice(list(_STAINS), p=_CHANCES))
    colors = _STAINS[name]
    return name, (colors + rng.uniform(-_HUE, _HUE, colors.shape)).clip(0.02, None)


def _nuclei(
    labels: np.ndarray, distance: np.ndarray, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Return how much of the nuclear stain there is: rims, chromatin, pale and dark nuclei."""
    usual, spread = rng.uniform(0.35, 1.6), rng.uniform(0.1, 0.45)
    amounts = usual * np.exp(spread * rng.standard_normal(int(labels.max()) + 1))
    amounts[0] = 0.0
    # Of a disk, the distance to the boundary over the radius.
    depth = 1.0 - np.sqrt(1.0 - distance)
    rim = rng.uniform(-0.3, 1.0) * np.exp(-depth / 0.2)
    chromatin = rng.uniform(0.05, 0.4) * _clouds(labels.shape, diameter / 14, rng)
    chromatin += rng.uniform(0.0, 0.3) * _clouds(labels.shape, diameter / 6, rng)
    return amounts[labels] * (1.0 + rim + chromatin).clip(0.1, None)


def _around(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the other stain there is: matrix, fibers, cells and gaps."""
    amount = rng.uniform(0.05, 0.6)
    texture = rng.uniform(0.1, 0.5) * _clouds(shape, diameter / 10, rng)
    texture += rng.uniform(0.0, 0.5) * _clouds(shape, diameter, rng)
    if rng.random() < 0.4:
        fibers = [diameter / 20, diameter / 2]
        rng.shuffle(fibers)
        texture += rng.uniform(0.2, 0.7) * _clouds(shape, fibers, rng)
    around = amount * (1.0 + texture).clip(0.0, None)
    if rng.random() < 0.3:
        cells = _clouds(shape, rng.uniform(0.2, 0.6) * diameter, rng) > rng.uniform(1.0, 2.0)
        around += rng.uniform(0.3, 1.0) * cells
    if rng.random() < 0.5:
        around *= _clouds(shape, 2 * diameter, rng) > rng.uniform(-1.5, 0.5)
    return around


def _clouds(
    shape: tuple[int, ...], grain: float | list[float], rng: np.random.Generator
) -> np.ndarray:
    """Return noise of a grain in pixels, with mean 0 and deviation 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    # A grain as wide as the patch would be no cloud, and take long.
    sigma = np.clip(grain, 0.3, min(shape) / 6)
    clouds = ndimage.gaussian_filter(noise, sigma, mode="wrap", truncate=2.5)
    return (clouds - clouds.mean()) / clouds.std()
