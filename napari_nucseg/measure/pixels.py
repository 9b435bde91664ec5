"""The pixels of the nuclei in a window, nucleus by nucleus."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

__all__ = ["Pixels", "grouped"]

#: As many things can be sorted by an integer of 16 bits, which is many times faster.
_FEW = 1 << 16


def grouped(values: np.ndarray, most: int) -> np.ndarray:
    """Return the order that brings equal numbers together and keeps it among these.

    Parameters
    ----------
    values : ndarray of int, shape (P,)
        Numbers from 0.
    most : int
        None is larger.

    Returns
    -------
    ndarray of int, shape (P,)
        Places in rising order of their numbers.
    """
    kind = np.uint16 if most < _FEW else np.int64
    return np.argsort(values.astype(kind), kind="stable")


@dataclasses.dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of some nuclei of a window, sorted by nucleus.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X) or (Z, Y, X)
        The window; other nuclei may be in it.
    ids : ndarray of int, shape (N,)
        The nuclei, in rising order. All of their pixels are in the window.
    corner : tuple of int
        Where the window begins in the image.

    Attributes
    ----------
    local : tuple of ndarray of int, shape (P,)
        Where the pixels are in the window, an array for each axis; nucleus after nucleus,
        and in reading order within each.
    rank : ndarray of int, shape (P,)
        Of every pixel, which of `ids` it belongs to.
    counts, starts : ndarray of int, shape (N,)
        Pixels of each nucleus, and where the first one of each is.
    """

    labels: np.ndarray
    ids: np.ndarray
    corner: tuple[int, ...]

    local: tuple[np.ndarray, ...] = dataclasses.field(init=False)
    rank: np.ndarray = dataclasses.field(init=False)
    counts: np.ndarray = dataclasses.field(init=False)
    starts: np.ndarray = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        where = np.nonzero(self.labels)
        rank = self.rank_of(self.labels[where])
        own = rank >= 0
        rank = rank[own]
        order = grouped(rank, self.ids.size)
        counts = np.bincount(rank, minlength=self.ids.size)
        for name, value in {
            "local": tuple(axis[own][order] for axis in where),
            "rank": rank[order],
            "counts": counts,
            "starts": (np.cumsum(counts) - counts).astype(np.intp),
        }.items():
            object.__setattr__(self, name, value)

    def rank_of(self, labels: np.ndarray) -> np.ndarray:
        """Return which of the nuclei labels belong to.

        Parameters
        ----------
        labels : ndarray of int
            Any labels.

        Returns
        -------
        ndarray of int, of the same shape
            Places in `ids`, -1 for others and the background.
        """
        if not self.ids.size:
            return np.full(labels.shape, -1)
        rank = np.searchsorted(self.ids, labels)
        rank[rank == self.ids.size] = 0
        rank[self.ids[rank] != labels] = -1
        return rank

    @property
    def coordinates(self) -> tuple[np.ndarray, ...]:
        """Where the pixels are in the image, an array for each axis."""
        return tuple(axis + start for axis, start in zip(self.local, self.corner, strict=True))

    @property
    def centroids(self) -> np.ndarray:
        """Mean position in the image in pixels, shape (N, axes)."""
        # Whole numbers are summed up, so that the window makes no difference.
        return np.stack([self.sum(axis) / self.counts for axis in self.coordinates], axis=1)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum up a value of every pixel for each nucleus.

        Parameters
        ----------
        values : ndarray, shape (P,)
            Of the pixels, in their order.

        Returns
        -------
        ndarray of float, shape (N,)
            The sums.
        """
        return np.bincount(self.rank, values, minlength=self.ids.size)

    def masks(self) -> Iterator[np.ndarray]:
        """Yield each nucleus in its bounding box.

        Yields
        ------
        ndarray of bool
            As large as the bounding box.
        """
        for start, count in zip(self.starts, self.counts, strict=True):
            part = tuple(axis[start : start + count] for axis in self.local)
            low = [int(axis.min()) for axis in part]
            high = [int(axis.max()) + 1 for axis in part]
            mask = np.zeros([end - first for first, end in zip(low, high, strict=True)], bool)
            mask[tuple(axis - first for axis, first in zip(part, low, strict=True))] = True
            yield mask
