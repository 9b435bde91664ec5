"""The nuclei of a simulated tissue: places, sizes and directions."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

__all__ = ["Cell", "Nuclei"]


class Cell(enum.IntEnum):
    """Kinds of cell."""

    EPITHELIAL = 0
    LYMPHOID = 1
    SPINDLE = 2


@dataclasses.dataclass(frozen=True)
class Nuclei:
    """The nuclei of a field, one in each row.

    Attributes
    ----------
    places : ndarray of float, shape (N, 2)
        Row and column of the centers in pixels.
    semi : ndarray of float, shape (N, 2)
        Long and short semi-axis in pixels.
    angle : ndarray of float, shape (N,)
        Direction of the long axis in radians; 0 is along a row, pi / 2 down.
    cell : ndarray of int, shape (N,)
        Kind of each cell, see `Cell`.
    """

    places: np.ndarray
    semi: np.ndarray
    angle: np.ndarray
    cell: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def take(self, index: np.ndarray) -> Nuclei:
        """Return some of the nuclei.

        Parameters
        ----------
        index : ndarray
            Of bool or of whole numbers.

        Returns
        -------
        Nuclei
            In the order of `index`.
        """
        return Nuclei(self.places[index], self.semi[index], self.angle[index], self.cell[index])

    @classmethod
    def none(cls) -> Nuclei:
        """Return no nuclei at all.

        Returns
        -------
        Nuclei
            Of length 0.
        """
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0, int))

    def with_others(self, others: Nuclei) -> Nuclei:
        """Return these nuclei and others after them.

        Parameters
        ----------
        others : Nuclei
            Any number.

        Returns
        -------
        Nuclei
            All of them.
        """
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Nuclei(*(np.concatenate(pair) for pair in pairs))
