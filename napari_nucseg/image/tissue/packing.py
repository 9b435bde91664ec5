"""Random smooth fields on a coarse grid, and points that keep their distance."""

from __future__ import annotations

import dataclasses

import numpy as np

__all__ = ["RandomField", "far_enough", "pack", "smooth_noise"]


@dataclasses.dataclass(frozen=True)
class RandomField:
    """A coarse grid over a field, so that slow calculations do not depend on pixels.

    Parameters
    ----------
    pixels : tuple of int
        Height and width of the field in pixels.
    diameter : float
        Of a nucleus, in pixels.
    fine : int
        Cells of the grid in one diameter.
    rng : numpy.random.Generator
        Source of randomness.
    """

    pixels: tuple[int, int]
    diameter: float
    fine: int
    rng: np.random.Generator

    @property
    def step(self) -> float:
        """Pixels in one cell of the grid."""
        return self.diameter / self.fine

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the grid."""
        rows, columns = (int(np.ceil(n / self.step)) + 1 for n in self.pixels)
        return rows, columns

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column of every cell of the grid.

        Returns
        -------
        rows, columns : ndarray of float
            Two arrays of shape `shape`.
        """
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]].astype(float)
        return rows, columns

    def noise(self, diameters: float) -> np.ndarray:
        """Return smooth noise on the grid, see `smooth_noise`.

        Parameters
        ----------
        diameters : float
            Size of its spots in diameters of a nucleus.

        Returns
        -------
        ndarray of float32
            Of shape `shape`.
        """
        return smooth_noise(self.shape, diameters * self.fine, self.rng)

    def at(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return values of the grid at some places.

        Parameters
        ----------
        values : ndarray, shape `shape`
            Values on the grid.
        places : ndarray of float, shape (N, 2)
            Row and column on the grid; places outside take the value at the edge.

        Returns
        -------
        ndarray, shape (N,)
            The values.
        """
        rows, columns = np.clip(places.astype(int), 0, np.array(values.shape) - 1).T
        return values[rows, columns]

    def fine_grained(self, coarse: np.ndarray) -> np.ndarray:
        """Return values of the grid for all pixels, interpolated linearly.

        Parameters
        ----------
        coarse : ndarray, shape `shape`
            Values on the grid.

        Returns
        -------
        ndarray of float32, shape `pixels`
            Values of the pixels.
        """
        return _stretched(coarse.astype(np.float32), self.pixels, 1 / self.step)


def smooth_noise(shape: tuple[int, int], size: float, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise with mean 0 and deviation about 1.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    size : float
        Size of its spots in pixels.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float32, shape `shape`
        The noise.
    """
    from scipy import ndimage

    step = max(1.0, size / 2)
    rows, columns = (int(np.ceil(n / step)) + 2 for n in shape)
    # Made wide, so that mean and deviation do not depend on the size of the field.
    coarse = rng.standard_normal((rows + 8, columns + 8), dtype=np.float32)
    sigma = size / 2 / step
    coarse = ndimage.gaussian_filter(coarse, sigma)[4:-4, 4:-4]
    return _stretched(coarse * (2 * np.sqrt(np.pi) * sigma), shape, 1 / step)


def _stretched(coarse: np.ndarray, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Interpolate linearly: pixel p takes its value from place `scale` * p."""
    weights = []
    for length, known in zip(shape, coarse.shape, strict=True):
        at = np.minimum(np.arange(length) * scale, known - 1.001)
        low = np.maximum(at.astype(int), 0)
        weights.append((low, (at - low).astype(np.float32)))
    (rows, down), (columns, right) = weights
    down = down[:, np.newaxis]
    lines = coarse[rows] * (1 - down) + coarse[rows + 1] * down
    return lines[:, columns] * (1 - right) + lines[:, columns + 1] * right


def pack(
    points: np.ndarray, radii: np.ndarray, rng: np.random.Generator, steps: int = 15
) -> np.ndarray:
    """Push points apart until discs around them hardly overlap.

    Parameters
    ----------
    points : ndarray of float, shape (N, 2)
        Where they start.
    radii : ndarray of float, shape (N,)
        Of the discs.
    rng : numpy.random.Generator
        Source of randomness.
    steps : int, optional
        How often to push.

    Returns
    -------
    ndarray of float, shape (N, 2)
        Where they end.
    """
    from scipy.spatial import cKDTree

    points = points + rng.normal(0, 1e-3, points.shape)
    if len(points) < 2:
        return points
    for _ in range(steps):
        pairs = cKDTree(points).query_pairs(2 * radii.max(), output_type="ndarray")
        one, two = pairs.T
        apart = points[one] - points[two]
        distance = np.hypot(*apart.T)
        push = 0.5 * np.clip(radii[one] + radii[two] - distance, 0, None) / (distance + 1e-9)
        move = 0.7 * push[:, np.newaxis] * apart
        for axis in range(2):
            points[:, axis] += np.bincount(one, move[:, axis], len(points))
            points[:, axis] -= np.bincount(two, move[:, axis], len(points))
    return points


def far_enough(points: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Choose points that are not too close to an earlier one.

    Parameters
    ----------
    points : ndarray of float, shape (N, 2)
        The points; earlier ones stay.
    distances : ndarray of float, shape (N,)
        How close the next point may be; of two points the mean counts.

    Returns
    -------
    ndarray of bool, shape (N,)
        Which points stay.
    """
    from scipy.spatial import cKDTree

    stay = np.ones(len(points), bool)
    if len(points) < 2:
        return stay
    pairs = cKDTree(points).query_pairs(distances.max(), output_type="ndarray")
    one, two = np.sort(pairs, axis=1).T
    distance = np.hypot(*(points[one] - points[two]).T)
    close = distance < (distances[one] + distances[two]) / 2
    order = np.lexsort((two[close], one[close]))
    for early, late in zip(one[close][order], two[close][order], strict=True):
        if stay[early]:
            stay[late] = False
    return stay
