"""Which nuclei are chosen: the same in the table, in the plot and in the image."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject, Signal

from .rows import Rows

__all__ = ["Chosen"]


class Chosen(QObject):
    """Knows which rows are chosen, and tells it.

    Parameters
    ----------
    parent : QObject, optional
        The parent.

    Signals
    -------
    changed(object)
        Others are chosen; says who did it.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        #: All rows.
        self.rows = Rows(np.zeros(0, np.int64), {})
        #: Of each, whether it is chosen.
        self.mask = np.zeros(0, bool)

    @property
    def ids(self) -> np.ndarray:
        """Labels of the chosen nuclei."""
        return self.rows.ids[self.mask]

    @property
    def count(self) -> int:
        """How many are chosen."""
        return int(np.count_nonzero(self.mask))

    def take(self, rows: Rows, *, keep: bool = True) -> None:
        """Choose among other rows from now on.

        Parameters
        ----------
        rows : Rows
            All rows.
        keep : bool, optional
            Whether the nuclei that are chosen stay chosen, if they are among the rows.
        """
        before = self.ids
        self.rows = rows
        self.mask = np.isin(rows.ids, before) if keep else np.zeros(rows.ids.size, bool)
        self.changed.emit(self)

    def choose(self, mask: np.ndarray, by: QObject | None = None) -> None:
        """Choose rows.

        Parameters
        ----------
        mask : ndarray of bool, shape (N,)
            Of each row, whether it is chosen.
        by : QObject, optional
            Who does it.
        """
        if not np.array_equal(mask, self.mask):
            self.mask = np.array(mask, bool)
            self.changed.emit(by)

    def choose_nucleus(self, number: int, by: QObject | None = None) -> bool:
        """Choose one nucleus.

        Parameters
        ----------
        number : int
            Its label.
        by : QObject, optional
            Who does it.

        Returns
        -------
        bool
            False if it has no row; then nothing changes.
        """
        row = self.rows.row_of(number)
        if row is None:
            return False
        mask = np.zeros(self.rows.ids.size, bool)
        mask[row] = True
        self.choose(mask, by)
        return True
