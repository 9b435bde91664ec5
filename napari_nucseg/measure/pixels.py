"""The pixels of the nuclei in a window, nucleus by nucleus."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

__all__ = ["Pixels"]


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
    """

    labels: np.ndarray
    ids: np.ndarray
    corner: tuple[int, ...]

    #: Where the pixels are in the window, an array for each axis; nucleus after nucleus, and
    #: in reading order within each.
    local: tuple[np.ndarray, ...] = dataclasses.field(init=False)
    #: Of every pixel, which of `ids` it belongs to.
    rank: np.ndarray = dataclasses.field(init=False)
    #: Pixels of each nucleus, and where the first one of each is.
    counts: np.ndarray = dataclasses.field(init=False)
    starts: np.ndarray = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        where = np.nonzero(self.labels)
        rank = np.searchsorted(self.ids, self.labels[where])
        rank[rank == self.ids.size] = 0
        own = self.ids[rank] == self.labels[where] if self.ids.size else np.zeros(0, bool)
        rank = rank[own]
        order = np.argsort(rank, kind="stable")
        counts = np.bincount(rank, minlength=self.ids.size)
        for name, value in {
            "local": tuple(axis[own][order] for axis in where),
            "rank": rank[order],
            "counts": counts,
            "starts": np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def coordinates(self) -> tuple[np.ndarray, ...]:
        """Where the pixels are in the image, an array for each axis."""
        return tuple(
            axis + start for axis, start in zip(self.local, self.corner, strict=True)
        )

    @property
    def centroids(self) -> np.ndarray:
        """Mean position in the image in pixels, shape (N, axes)."""
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
            low = [axis.min() for axis in part]
            mask = np.zeros([axis.max() - first + 1 for axis, first in zip(part, low, strict=True)], bool)
            mask[tuple(axis - first for axis, first in zip(part, low, strict=True))] = True
            yield mask
