"""A simulated tissue under a fluorescence microscope."""

from __future__ import annotations

import dataclasses

import numpy as np

from .packing import smooth_noise

__all__ = ["Exposure", "fluorescence", "out_of_focus"]


@dataclasses.dataclass(frozen=True)
class Exposure:
    """A microscope and a camera.

    Attributes
    ----------
    blur : float
        Deviation of the point spread in pixels.
    haze : float
        Light from out of focus, as a share of the nuclei's.
    background : float
        Light where there is nothing, as a share of a typical nucleus.
    cytoplasm : float
        Light of the cells around the nuclei, as such a share.
    shade : float
        How much darker the corners are, 0 to 1.
    photons : float
        From a pixel of a typical nucleus.
    bits : int
        Depth of the image, 8, 12 or 16.
    """

    blur: float
    haze: float
    background: float
    cytoplasm: float
    shade: float
    photons: float
    bits: int

    @classmethod
    def drawn(cls, diameter: float, bits: int, rng: np.random.Generator) -> Exposure:
        """Draw a microscope and its setting.

        Parameters
        ----------
        diameter : float
            Of a typical nucleus in pixels.
        bits : int
            Depth of the image.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        Exposure
            The setting.
        """
        return cls(
            blur=rng.uniform(0.6, max(1.3, 0.08 * diameter)),
            haze=rng.choice([rng.uniform(0.0, 0.2), rng.uniform(0.1, 0.7)]),
            background=np.exp(rng.uniform(np.log(0.005), np.log(0.15))),
            cytoplasm=np.exp(rng.uniform(np.log(0.01), np.log(0.15))),
            shade=rng.uniform(0, 0.4),
            photons=np.exp(rng.uniform(np.log(25), np.log(4000))),
            bits=bits,
        )


def out_of_focus(
    amounts: np.ndarray, labels: np.ndarray, blurs: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """Blur each nucleus by as much as it is out of focus.

    Parameters
    ----------
    amounts : ndarray of float32, shape (Y, X)
        Light of the nuclei.
    labels : ndarray of int32, shape (Y, X)
        Number n is nucleus n - 1.
    blurs : ndarray of float, shape (N,)
        Of each nucleus, from 0 for the first of the levels to 1 for the last.
    levels : tuple of float
        Deviations of Gaussians in pixels, between which is interpolated.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        The light as it arrives.
    """
    from scipy import ndimage

    place = np.r_[0, blurs * (len(levels) - 1)].astype(np.float32)[labels]
    total = np.zeros_like(amounts)
    for index, sigma in enumerate(levels):
        part = amounts * np.clip(1 - np.abs(place - index), 0, None)
        total += ndimage.gaussian_filter(part, sigma, truncate=3) if sigma > 0 else part
    return total


def fluorescence(
    light: np.ndarray,
    cells: np.ndarray,
    diameter: float,
    exposure: Exposure,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the camera's image of a tissue.

    Parameters
    ----------
    light : ndarray of float32, shape (Y, X)
        Light of the nuclei, 1 from a typical one.
    cells : ndarray of float32, shape (Y, X)
        Where there is tissue between the nuclei, 0 to 1.
    diameter : float
        Of a typical nucleus in pixels.
    exposure : Exposure
        Microscope and camera.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of uint8 or uint16, shape (Y, X)
        The image.
    """
    from scipy import ndimage

    grain = 1 + 0.3 * smooth_noise(light.shape, 0.3 * diameter, rng)
    around = exposure.cytoplasm * cells * np.clip(grain, 0.2, None)
    sharp = ndimage.gaussian_filter(light + around, exposure.blur, truncate=3)
    width = max(3, round(1.5 * diameter))
    haze = ndimage.uniform_filter(ndimage.uniform_filter(light, width), width)
    uneven = np.clip(1 + 0.4 * smooth_noise(light.shape, 10 * diameter, rng), 0.3, 2)
    whole = sharp + uneven * (exposure.haze * haze + exposure.background)
    return _camera(whole * _lamp(light.shape, exposure.shade, rng), exposure, rng)


def _lamp(shape: tuple[int, int], shade: float, rng: np.random.Generator) -> np.ndarray:
    """Return the lamp's light, brightest at a random place."""
    middle = rng.uniform(-0.6, 0.6, 2)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    away = (rows[:, np.newaxis] - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return np.clip(1 - shade * away / 2, 0.2, 1)


def _camera(light: np.ndarray, exposure: Exposure, rng: np.random.Generator) -> np.ndarray:
    """Return counts: shot noise, read noise, offset, gain, and white where it is too much."""
    photons = rng.poisson(np.clip(exposure.photons * light, 0, None)).astype(np.float32)
    photons += rng.uniform(0.5, 4) * rng.standard_normal(light.shape, dtype=np.float32)
    most = 2**exposure.bits - 1
    bright = np.percentile(photons, 99.8) + 1
    filled = rng.uniform(0.5, 1.15) if exposure.bits == 8 else rng.uniform(0.1, 1.05)
    counts = photons * (filled * most / bright) + rng.uniform(0, 0.03) * most
    return np.rint(counts).clip(0, most).astype(np.uint8 if exposure.bits == 8 else np.uint16)
