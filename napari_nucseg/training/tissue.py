"""Synthetic stains, because few images of stained tissue have labels.

The outlines of the nuclei come from any labeled image, also of fluorescence. The appearance
of the nuclei and their surroundings is random and varies more than in real tissue, so that
a network learns what all stains have in common (domain randomization, as in Billot et al.,
arXiv 2107.09559).
"""

from __future__ import annotations

import numpy as np
import scipy  # which loads its parts when they are used first

from ..pipeline import normalize

__all__ = ["optical_density", "paint_tissue", "recolor_tissue", "transmitted"]

#: Optical density in red, green and blue of the stain of the nuclei and of the other one,
#: near those of Ruifrok and Johnston (Anal Quant Cytol Histol 23, 2001).
_STAINS = {
    "eosin": np.array([(0.62, 0.72, 0.32), (0.17, 0.90, 0.25)]),
    "DAB": np.array([(0.65, 0.70, 0.29), (0.27, 0.57, 0.78)]),
    "purple": np.array([(0.70, 0.60, 0.30), (0.45, 0.80, 0.30)]),
}
_CHANCES = (0.65, 0.2, 0.15)
_HUE = 0.12
#: Part of the light that comes through the darkest pixels of an image.
_DARKEST = 0.1


def paint_tissue(
    image: np.ndarray,
    labels: np.ndarray,
    distance: np.ndarray,
    diameter: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Redraw a patch as stained tissue with a synthetic stain.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X, 1) or (Y, X, 3)
        Normalized intensities. In fluorescence, the intensity of a nucleus is sometimes
        taken as its amount of stain, so that its chromatin has a real texture.
    labels : ndarray of int, shape (Y, X)
        Instance labels, at least one.
    distance : ndarray of float32, shape (Y, X)
        Normalized distance, see `targets.target_maps`.
    diameter : float
        Typical diameter of the nuclei in pixels.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float32, shape (Y, X, 3)
        Normalized colors.
    """
    shape, inside = labels.shape, labels > 0
    nuclei = None
    if image.shape[-1] == 1 and rng.random() < 0.4:
        nuclei = _light_as_stain(image[..., 0], inside, rng)
    if nuclei is None:
        nuclei = _nuclei(labels, distance, diameter, rng)
    around = _around(shape, diameter, rng)
    around *= np.where(inside, rng.uniform(0.0, 0.8), 1.0)
    there = _tissue(shape, diameter, rng)
    name, stains = _stains(rng)
    other = np.zeros_like(nuclei)
    if name == "DAB":
        # An antibody marks nuclei, some or all of them, or else what is around them.
        marked = rng.random(int(labels.max()) + 1) < rng.uniform(-0.5, 0.7)
        marked[0] = False
        other = np.where(marked[labels], nuclei, 0.0)
        around *= rng.uniform(0.1, 0.5) if marked.any() else rng.uniform(0.5, 2.5)
    usual = float(nuclei[inside].mean())
    cytoplasm = usual * _cytoplasm(inside, diameter, rng)
    haze = rng.uniform(0.0, 0.25) * _clouds(shape, 0.3 * diameter, rng).clip(0, None)
    density = np.stack(
        [nuclei - 0.7 * other + there * (cytoplasm + haze), there * around + other], axis=-1
    )
    sigma = rng.uniform(0.5, 0.5 + 0.04 * diameter)
    density = scipy.ndimage.gaussian_filter(density, (sigma, sigma, 0), truncate=3.0)
    light = rng.uniform(0.85, 1.0, 3) * np.exp(-density @ stains)
    return normalize(light.astype(np.float32))


def recolor_tissue(
    image: np.ndarray, labels: np.ndarray, diameter: float, rng: np.random.Generator
) -> np.ndarray:
    """Give tissue the colors of two other stains.

    Labeled pixels, and pixels as dark as these, get the nuclear stain; all others get the
    other stain. The density of a pixel stays, times one factor for each stain. Often more of
    the other stain is added, and round holes are cut into the background.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X, 3)
        Normalized colors.
    labels : ndarray of int, shape (Y, X)
        Instance labels, at least one.
    diameter : float
        Typical diameter of the nuclei in pixels.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float, shape (Y, X, 3)
        Normalized colors.
    """
    darkness = optical_density(image).mean(-1)
    inside = (labels > 0).astype(np.float32)
    nuclear = mask = scipy.ndimage.gaussian_filter(inside, 0.04 * diameter, truncate=3.0)
    bright, dark = darkness[inside == 0], darkness[inside == 1]
    if rng.random() < 0.5 and bright.size and (rise := dark.mean() - bright.mean()) > 0.1:
        nuclear = ((darkness - bright.mean()) / rise).clip(0.0, 1.0)
    _, stains = _stains(rng)
    amounts = np.exp(rng.uniform((-0.4, -0.4), (0.3, 0.7))) / stains.mean(-1)
    nuclei, others = stains * amounts[:, None]
    mixture = nuclear[..., None] * (nuclei - others) + others
    density = darkness[..., None] * mixture
    if rng.random() < 0.5:
        around = _around(labels.shape, diameter, rng) * _tissue(labels.shape, diameter, rng)
        density += (around * (1.0 - rng.uniform(0.2, 1.0) * nuclear))[..., None] * stains[1]
    if rng.random() < 0.3:
        solid = _softened(_solid(labels.shape, diameter, rng))
        density *= np.maximum(solid, mask)[..., None]
    return transmitted(density)


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
    """Return the amount of nuclear stain: rims, chromatin, pale and dark nuclei."""
    usual, spread = rng.uniform(0.35, 1.6), rng.uniform(0.1, 0.6)
    amounts = usual * np.exp(spread * rng.standard_normal(int(labels.max()) + 1))
    amounts[0] = 0.0
    # Of a disk, the distance to the boundary over the radius.
    depth = 1.0 - np.sqrt(1.0 - distance)
    rim = rng.uniform(-0.3, 1.2) * np.exp(-depth / rng.uniform(0.1, 0.25))
    chromatin = rng.uniform(0.05, 0.4) * _clouds(labels.shape, diameter / 14, rng)
    chromatin += rng.uniform(0.0, 0.3) * _clouds(labels.shape, diameter / 6, rng)
    stain = 1.0 + rim + chromatin
    if rng.random() < 0.5:
        # Some nuclei are clear inside, and nucleoli are darker.
        clear = rng.random(amounts.size) < rng.uniform(0.0, 1.2)
        stain -= rng.uniform(0.2, 0.8) * (clear[labels] & (depth > 0.15))
        spots = _clouds(labels.shape, diameter / 10, rng) > rng.uniform(1.7, 2.5)
        stain += rng.uniform(0.3, 1.0) * (spots & (depth > 0.3))
    return amounts[labels] * stain.clip(0.1, None)


def _light_as_stain(
    light: np.ndarray, inside: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """Return the amount of nuclear stain, taken from the intensities of fluorescence.

    None if the nuclei are no brighter than the background.
    """
    background = 0.0 if inside.all() else np.median(light[~inside])
    rise = light[inside].mean() - background
    if rise < 0.1:
        return None
    amount = ((light - background) / rise).clip(0.0, 3.0)
    return rng.uniform(0.5, 1.4) * amount ** rng.uniform(0.5, 1.0)


def _around(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return the amount of the other stain: matrix, fibers and cells."""
    amount = rng.uniform(0.05, 0.7)
    texture = rng.uniform(0.1, 0.5) * _clouds(shape, diameter / 10, rng)
    texture += rng.uniform(0.0, 0.5) * _clouds(shape, diameter, rng)
    if rng.random() < 0.5:
        texture += rng.uniform(0.2, 1.0) * _fibers(shape, diameter, rng)
    around = amount * (1.0 + texture).clip(0.0, None)
    if rng.random() < 0.3:
        cells = _clouds(shape, rng.uniform(0.2, 0.6) * diameter, rng) > rng.uniform(1.0, 2.0)
        around += rng.uniform(0.3, 1.0) * cells
    return around


def _cytoplasm(inside: np.ndarray, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return the amount of nuclear stain in cytoplasm, relative to that in nuclei.

    The cytoplasm of cells that make much protein, as in glands, is nearly as blue as nuclei.
    """
    if rng.random() < 0.4:
        return np.zeros(inside.shape)
    region = _clouds(inside.shape, 2 * diameter, rng) > rng.uniform(-2.0, 1.0)
    texture = 1.0 + rng.uniform(0.1, 0.4) * _clouds(inside.shape, diameter / 8, rng)
    texture += rng.uniform(0.0, 0.4) * _clouds(inside.shape, diameter / 2, rng)
    amount = rng.uniform(0.05, 0.6) * scipy.ndimage.gaussian_filter(
        region.astype(np.float32), 1.5
    )
    return amount * texture.clip(0.0, None) * np.where(inside, rng.uniform(0.0, 1.0), 1.0)


def _tissue(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return where there is tissue: 1, but 0 in gaps, clefts and holes."""
    there = np.ones(shape, bool)
    if rng.random() < 0.4:
        there &= _clouds(shape, 2 * diameter, rng) > rng.uniform(-1.5, 0.5)
    if rng.random() < 0.25:
        there &= _fibers(shape, diameter, rng) > rng.uniform(-1.5, -0.3)
    if rng.random() < 0.35:
        there &= _solid(shape, diameter, rng)
    return _softened(there)


def _solid(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return True except in round holes, such as fat or mucus, up to the size of nuclei."""
    grain = rng.uniform(0.1, 0.4) * diameter
    return _clouds(shape, grain, rng) < rng.uniform(1.5, 2.7)


def _softened(mask: np.ndarray) -> np.ndarray:
    """Return 1 in the mask and 0 elsewhere, with edges blurred as by optics."""
    return scipy.ndimage.gaussian_filter(mask.astype(np.float32), 0.7)


def _fibers(shape: tuple[int, ...], diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of fibers, whose direction varies slowly."""
    straight = _clouds(shape, [diameter / rng.uniform(8, 24), diameter], rng)
    # The fibers are moved by less than the grain of that noise, or they would fold.
    grain = min(2 * diameter, min(shape) / 6)
    angle, bend = rng.uniform(0, np.pi), rng.uniform(0.0, 0.5) * grain
    y, x = np.indices(shape, np.float32)
    bent = np.stack(
        [
            np.cos(angle) * y + np.sin(angle) * x + bend * _clouds(shape, grain, rng),
            np.cos(angle) * x - np.sin(angle) * y + bend * _clouds(shape, grain, rng),
        ]
    )
    return scipy.ndimage.map_coordinates(straight, bent, order=1, mode="mirror")


def _clouds(
    shape: tuple[int, ...], grain: float | list[float], rng: np.random.Generator
) -> np.ndarray:
    """Return smooth noise with mean 0 and deviation 1; the grain is a sigma in pixels."""
    # A grain as wide as the patch would give a constant.
    sigma = np.broadcast_to(np.clip(grain, 0.3, min(shape) / 6), 2)
    # Coarse noise needs few samples.
    steps = np.maximum(1, sigma // 3).astype(int)
    samples = [-(-length // step) for length, step in zip(shape, steps, strict=True)]
    noise = rng.standard_normal(samples, dtype=np.float32)
    clouds = scipy.ndimage.gaussian_filter(noise, sigma / steps, mode="wrap", truncate=2.5)
    clouds = scipy.ndimage.zoom(clouds, steps, order=1, mode="grid-wrap", grid_mode=True)
    clouds = clouds[: shape[0], : shape[1]]
    return (clouds - clouds.mean()) / clouds.std()
