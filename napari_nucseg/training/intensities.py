"""Intensity augmentation: other microscopes, stains and exposures."""

from __future__ import annotations

import io

import numpy as np
import scipy  # which loads its parts when they are used first
from PIL import Image

from .tissue import optical_density, transmitted

__all__ = ["change_intensities", "dim_nuclei"]


def dim_nuclei(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dim every nucleus by a factor of its own, so that bright ones touch faint ones.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X, C)
        Normalized intensities.
    labels : ndarray of int, shape (Y, X)
        Instance labels.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float32, shape (Y, X, C)
        The image with dimmer nuclei.
    """
    factors = np.exp(rng.uniform(np.log(0.25), 0.0, int(labels.max()) + 1))
    factors[0] = 1.0
    factor = scipy.ndimage.gaussian_filter(factors[labels].astype(np.float32), 1.0)
    return image * factor[..., None]


def change_intensities(
    image: np.ndarray, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Change the intensities of a patch, and leave its nuclei where they are.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X, 1) or (Y, X, 3)
        Normalized intensities of fluorescence, or of a color image.
    diameter : float
        Typical diameter of the nuclei in pixels.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float, shape (Y, X, 1) or (Y, X, 3)
        Other intensities, -0.5 to 1.5.
    """
    if image.shape[-1] == 3:
        image = _other_stain(image, rng)
    else:
        image = _other_light(image, diameter, rng)
    if rng.random() < 0.25:
        image = image * _shading(image.shape, rng) + rng.uniform(0, 0.15) * _shading(
            image.shape, rng
        )
    image = _other_contrast(image, rng)
    if image.shape[-1] == 1 and rng.random() < 0.05:
        image = 1.0 - image
    if rng.random() < 0.25:
        # The blur at which a nucleus can still be seen depends on its size.
        most = 0.09 * diameter if image.shape[-1] == 3 else 0.22 * diameter
        sigma = rng.uniform(0.4, np.clip(most, 1.0, 12.0))
        image = scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=3.0)
    if rng.random() < 0.5:
        image = image + _noise(image, rng)
    if image.shape[-1] == 3:
        image = _scanner(image, rng)
    return np.clip(image, -0.5, 1.5)


def _other_stain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a color image as another stain, or a grey camera, would give it."""
    if rng.random() < 0.8:
        image = _stain(image, rng)
    if rng.random() < 0.1:
        image = np.repeat(image.mean(-1, keepdims=True), 3, axis=-1)
    return image


def _scanner(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a color image as scanners of slides store it: sharpened, compressed."""
    if rng.random() < 0.15:
        sigma = rng.uniform(0.7, 2.0)
        blurred = scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=3.0)
        image = image + rng.uniform(0.3, 1.2) * (image - blurred)
    if rng.random() < 0.25:
        low, high = -0.1, 1.1
        bytes_ = (255 * (image - low) / (high - low)).clip(0, 255).round().astype(np.uint8)
        stored = io.BytesIO()
        Image.fromarray(bytes_).save(stored, "JPEG", quality=int(rng.integers(25, 90)))
        image = low + (high - low) / 255 * np.asarray(Image.open(stored))
    return image


def _other_light(image: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return fluorescence with another gamma, haze, blurred nuclei or debris."""
    if rng.random() < 0.4:
        gamma = np.exp(rng.uniform(np.log(0.6), np.log(1.6)))
        image = np.clip(image, 0, None) ** gamma + np.clip(image, None, 0)
    if rng.random() < 0.2:
        image = _haze(image, rng)
    if rng.random() < 0.1:
        image = _other_plane(image, diameter, rng)
    if rng.random() < 0.15:
        image = _debris(image, diameter, rng)
    return image


def _other_contrast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image with another gain and offset, sometimes with little contrast.

    The colors of a stain tell where nuclei are, so they change less than fluorescence.
    """
    if image.shape[-1] == 3:
        return image * (1 + rng.uniform(-0.2, 0.2)) + rng.uniform(-0.1, 0.1)
    gain = rng.uniform(0.6, 1.4)
    if rng.random() < 0.15:
        # As if a few saturated pixels had set the range.
        gain = np.exp(rng.uniform(np.log(0.2), np.log(0.6)))
    return image * gain + rng.uniform(-0.2, 0.2)


def _stain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a color image with other amounts of slightly other stains.

    In transmitted light the optical densities of stains add up, and each is proportional to
    the amount of stain.
    """
    amount = np.diag(np.exp(rng.uniform(-0.35, 0.35) + rng.uniform(-0.2, 0.2, 3)))
    hue = rng.uniform(-0.1, 0.1, (3, 3))
    return transmitted(optical_density(image) @ (amount + hue))


def _haze(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image with out-of-focus light, which is strongest around bright nuclei."""
    share, width = rng.uniform(0.1, 0.5), int(rng.integers(20, 80))
    haze = image
    for _ in range(2):
        haze = scipy.ndimage.uniform_filter(haze, (width, width, 0))
    return (1 - share) * image + share * haze


def _other_plane(image: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return the image with blurred nuclei of another plane added."""
    sigma = rng.uniform(0.3, 0.6) * min(diameter, image.shape[0] / 4)
    other = scipy.ndimage.gaussian_filter(image[::-1], (sigma, sigma, 0), truncate=3.0)
    return image + rng.uniform(0.2, 0.8) * other


def _debris(image: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return the image with bright specks, smaller and sometimes brighter than any nucleus."""
    image = image.copy()
    for _ in range(int(rng.integers(1, 16))):
        sigma = rng.uniform(0.5, np.clip(0.08 * diameter, 0.6, 3.0))
        light = np.exp(rng.uniform(np.log(0.3), np.log(2.0)))
        half = int(np.ceil(3 * sigma))
        center = [int(rng.integers(half, length - half)) for length in image.shape[:2]]
        y, x = np.mgrid[-half : half + 1, -half : half + 1]
        speck = light * np.exp(-(y * y + rng.uniform(0.4, 2.5) * x * x) / (2 * sigma**2))
        rows, columns = (slice(c - half, c + half + 1) for c in center)
        image[rows, columns] += speck[..., None].astype(np.float32)
    return image


def _shading(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return uneven illumination: a factor around 1 that changes slowly."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    slope = rng.uniform(-0.5, 0.5, 2)
    bend = rng.uniform(-0.3, 0.0)
    factor = 1.0 + slope[0] * y + slope[1] * x + bend * (y * y + x * x)
    return np.clip(factor, 0.2, None)[..., None].astype(np.float32)


def _noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return camera noise, sometimes as coarse as compression makes it.

    Read noise is everywhere the same, shot noise grows with the root of the light.
    """
    strength = rng.uniform(0.0, 0.12)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.3:
        noise = scipy.ndimage.gaussian_filter(noise, (1, 1, 0), truncate=3.0) * 3.5
    if rng.random() < 0.5:
        noise = noise * np.sqrt(np.clip(image, 0.05, 1.5))
    return strength * noise
