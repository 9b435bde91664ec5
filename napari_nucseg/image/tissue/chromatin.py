"""How much DNA, or dye, each pixel of a nucleus shows."""

from __future__ import annotations

import dataclasses

import numpy as np

from .nuclei import Nuclei

__all__ = ["Chromatin", "Texture"]


@dataclasses.dataclass(frozen=True)
class Chromatin:
    """How nuclei look inside; every strength is a share of their mean brightness.

    Attributes
    ----------
    mottle : float
        Strength of the uneven, smooth chromatin.
    spots : float
        Strength of chromocenters, bright spots of the mouse.
    nucleoli : float
        Strength of nucleoli: below 0 dark holes, above 0 dark-stained grains.
    rim : float
        Strength of the heterochromatin along the outline.
    dome : float
        How much thinner nuclei are toward their outline.
    gap : float
        Greatest loss of light where two nuclei touch, 0 to 1.
    pale : float
        Share of the nuclei that are vesicular: pale, with a clear rim.
    """

    mottle: float
    spots: float
    nucleoli: float
    rim: float
    dome: float
    gap: float
    pale: float


@dataclasses.dataclass(frozen=True)
class Texture:
    """Periodic textures that every nucleus cuts its own piece from.

    Parameters
    ----------
    layers : ndarray of float32, shape (S, S, 3)
        Mottle with mean 0; chromocenters and nucleoli, 0 to about 1.
    """

    layers: np.ndarray

    @classmethod
    def drawn(cls, diameter: float, rng: np.random.Generator) -> Texture:
        """Make the textures.

        Parameters
        ----------
        diameter : float
            Of a typical nucleus in pixels.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        Texture
            For nuclei of that size.
        """
        side = max(96, int(7 * diameter))
        mottle = sum(
            weight * _periodic(side, max(size * diameter, 0.5), rng)
            for size, weight in ((0.03, 0.6), (0.08, 0.8), (0.2, 0.4))
        )
        spots = _dots(side, diameter, rng.uniform(6, 18), (0.035, 0.075), rng)
        nucleoli = _dots(side, diameter, rng.uniform(0.8, 2.5), (0.07, 0.13), rng)
        return cls(np.stack([mottle / np.std(mottle), spots, nucleoli], axis=-1))

    def amounts(
        self,
        labels: np.ndarray,
        depth: np.ndarray,
        nuclei: Nuclei,
        look: Chromatin,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return how much each pixel of the nuclei shows, about 1 in the mean.

        Parameters
        ----------
        labels : ndarray of int32, shape (Y, X)
            Number n is nucleus n - 1.
        depth : ndarray of float32, shape (Y, X)
            Pixels to the outline, see `edge_depth`.
        nuclei : Nuclei
            The nuclei.
        look : Chromatin
            How they look.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of float32, shape (Y, X)
            0 in the background.
        """
        count = len(nuclei)
        rows, columns = np.nonzero(labels)
        if not len(rows):
            return np.zeros(labels.shape, np.float32)
        number = labels[rows, columns] - 1
        inside = depth[rows, columns]
        short = nuclei.semi[number, 1].astype(np.float32)
        mottle, spots, nucleoli = self._cut(rows, columns, number, count, rng)
        pale = rng.random(count) < look.pale
        own = rng.uniform(0.4, 1.4, (4, count)).astype(np.float32)
        shallow = np.clip(inside / short, 0, 1)
        deep = np.clip((shallow - 0.15) / 0.2, 0, 1)
        flat = np.sqrt(np.clip(shallow * (2 - shallow), 0, 1))
        body = 1 - look.dome * (1 - flat)
        body *= np.where(pale, rng.uniform(0.25, 0.6, count), 1)[number]
        rim = look.rim + np.where(pale, 1.5 * look.rim + 0.1, 0)[number]
        value = body * (1 + look.mottle * own[0][number] * mottle)
        value += rim * own[1][number] * np.exp(-((inside / np.maximum(1.0, 0.2 * short)) ** 2))
        value += look.spots * own[2][number] * spots * np.clip(3 * shallow, 0, 1)
        value += look.nucleoli * own[3][number] * nucleoli * deep
        width = rng.uniform(0.4, 0.5 + 0.06 * np.median(nuclei.semi), count)
        loss = look.gap * rng.uniform(0, 1, count)
        value *= 1 - loss[number] * np.exp(-((inside / width[number]) ** 2))
        amounts = np.zeros(labels.shape, np.float32)
        amounts[rows, columns] = np.clip(value, 0.05, None)
        return amounts

    def _cut(
        self,
        rows: np.ndarray,
        columns: np.ndarray,
        number: np.ndarray,
        count: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return the textures at some pixels, shifted and mirrored for each nucleus."""
        side = len(self.layers)
        shift = rng.integers(0, side, (2, count))
        mirror = rng.choice([-1, 1], (2, count))
        row = (mirror[0][number] * rows + shift[0][number]) % side
        column = (mirror[1][number] * columns + shift[1][number]) % side
        return self.layers[row, column].T


def _periodic(side: int, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return periodic noise with deviation 1."""
    from scipy import ndimage

    noise = rng.standard_normal((side, side), dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, size, mode="wrap")
    return noise / noise.std()


def _dots(
    side: int,
    diameter: float,
    each: float,
    radii: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return round spots, about `each` in a nucleus, with radii in diameters."""
    from scipy import ndimage

    total = np.zeros((side, side), np.float32)
    count = int(each * side**2 / (np.pi / 4 * diameter**2) / 2)
    for radius in radii:
        sigma = max(0.5, radius * diameter)
        points = np.zeros((side, side), np.float32)
        rows, columns = rng.integers(0, side, (2, count))
        points[rows, columns] = rng.uniform(0.4, 1.2, count)
        spread = ndimage.gaussian_filter(points, sigma / 1.5, mode="wrap")
        total = np.maximum(total, spread * 2 * np.pi * (sigma / 1.5) ** 2)
    return np.minimum(total, 1.3)
