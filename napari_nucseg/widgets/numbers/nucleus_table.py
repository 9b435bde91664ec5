"""The table of nuclei: quick with many rows, sorted by any column."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from .chosen import Chosen
from .rows import Rows, is_number

__all__ = ["NucleusModel", "NucleusTable"]

#: Behind the rows that are chosen; it can be told from the background of either theme.
_TINT = QColor(242, 163, 60, 90)

_Role = Qt.ItemDataRole
#: Widths of columns in pixels, and of how many rows contents are measured.
_LEAST, _MOST, _MEASURED = 44, 150, 30


class NucleusModel(QAbstractTableModel):
    """The rows in the order in which they are shown.

    Parameters
    ----------
    parent : QObject, optional
        The parent.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows = Rows(np.zeros(0, np.int64), {})
        self.mask = np.zeros(0, bool)
        #: Of each line of the table, which row it shows.
        self.order = np.zeros(0, np.intp)
        self._line_of = np.zeros(0, np.intp)
        self._sorted_by, self._falls = "", False
        #: Whether the chosen rows are shown alone.
        self.only_chosen = False

    def take(self, rows: Rows, mask: np.ndarray) -> None:
        """Show other rows, sorted by the same column.

        Parameters
        ----------
        rows : Rows
            All rows.
        mask : ndarray of bool, shape (N,)
            Which are chosen.
        """
        self.beginResetModel()
        self.rows, self.mask = rows, mask
        self._arrange()
        self.endResetModel()

    def show_chosen(self, mask: np.ndarray) -> None:
        """Mark other rows as chosen.

        Parameters
        ----------
        mask : ndarray of bool, shape (N,)
            Which are chosen.
        """
        if self.only_chosen:
            self.take(self.rows, mask)
            return
        self.mask = mask
        if self.order.size:
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last, [_Role.BackgroundRole])

    def show_only_chosen(self, only: bool) -> None:
        """Show the chosen rows alone, or all.

        Parameters
        ----------
        only : bool
            Whether to.
        """
        self.only_chosen = only
        self.take(self.rows, self.mask)

    def line_of(self, row: int) -> int | None:
        """Return in which line a row is shown.

        Parameters
        ----------
        row : int
            The row.

        Returns
        -------
        int or None
            None if it is not shown.
        """
        line = int(self._line_of[row])
        return None if line < 0 else line

    def sort(self, column: int, order: Any = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what has no number comes last.

        Parameters
        ----------
        column : int
            Number of the column.
        order : Qt.SortOrder, optional
            Whether values rise or fall.
        """
        names = self.rows.names
        self._sorted_by = names[column] if 0 <= column < len(names) else ""
        self._falls = order == Qt.SortOrder.DescendingOrder
        self.take(self.rows, self.mask)

    def _arrange(self) -> None:
        """Put the rows in their order."""
        order = np.arange(self.rows.ids.size)
        if self._sorted_by in self.rows.names:
            order = _sorted(self.rows.column(self._sorted_by), falls=self._falls)
        if self.only_chosen:
            order = order[self.mask[order]]
        self.order = order
        self._line_of = np.full(self.rows.ids.size, -1, np.intp)
        self._line_of[order] = np.arange(order.size)

    # What Qt asks

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Return how many lines there are.

        Parameters
        ----------
        parent : QModelIndex, optional
            A cell has none in it.

        Returns
        -------
        int
            The number of rows that are shown.
        """
        return 0 if parent.isValid() else int(self.order.size)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Return how many columns there are.

        Parameters
        ----------
        parent : QModelIndex, optional
            A cell has none in it.

        Returns
        -------
        int
            That of the labels is one of them.
        """
        return 0 if parent.isValid() else len(self.rows.names)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """Return the name of a column.

        Parameters
        ----------
        section : int
            Number of the column.
        orientation : Qt.Orientation
            Lines have no names.
        role : int, optional
            What Qt wants to know.

        Returns
        -------
        str or None
            None if there is nothing to say.
        """
        if orientation != Qt.Orientation.Horizontal or section >= self.columnCount():
            return None
        wanted = (_Role.DisplayRole, _Role.ToolTipRole)
        return self.rows.names[section] if role in wanted else None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return what a cell shows.

        Parameters
        ----------
        index : QModelIndex
            The cell.
        role : int, optional
            What Qt wants to know.

        Returns
        -------
        object or None
            A text, an alignment or a color; None if there is nothing to say.
        """
        if not index.isValid() or index.row() >= self.order.size:
            return None
        row = self.order[index.row()]
        if role == _Role.BackgroundRole:
            return _TINT if self.mask[row] else None
        values = self.rows.column(self.rows.names[index.column()])
        if role == _Role.DisplayRole:
            return _in_words(values[row])
        if role == _Role.TextAlignmentRole and is_number(values):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class NucleusTable(QTableView):
    """Shows the rows; who selects lines chooses their nuclei.

    Parameters
    ----------
    chosen : Chosen
        Which nuclei are chosen.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    visited(int)
        The person wants to see this nucleus: its label.
    """

    visited = Signal(int)

    def __init__(self, chosen: Chosen, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen = chosen
        self._names: list[str] = []
        self.rows_shown = NucleusModel(self)
        self.setModel(self.rows_shown)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        lines, heads = self.verticalHeader(), self.horizontalHeader()
        lines.setVisible(False)
        # Of one height, or Qt asks for that of each.
        lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        lines.setDefaultSectionSize(self.fontMetrics().lineSpacing() + 6)
        heads.setResizeContentsPrecision(_MEASURED)
        heads.setMinimumSectionSize(_LEAST)
        # To draw a name in bold, Qt would ask whether each line of the column is selected.
        for header in (heads, lines):
            header.setHighlightSections(False)
        heads.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.selectionModel().selectionChanged.connect(self._lines_selected)
        self.rows_shown.modelReset.connect(self._select_chosen)
        chosen.changed.connect(self._show_chosen)

    def selectAll(self) -> None:  # noqa: N802 (Qt's name)
        """Choose all nuclei. Their lines are only marked: Qt takes long to select so many."""
        self._chosen.choose(np.ones(self._chosen.rows.ids.size, bool))

    def _lines_selected(self, *_: Any) -> None:
        """Choose the nuclei of the lines that are selected now."""
        lines = [
            np.arange(part.top(), part.bottom() + 1)
            for part in self.selectionModel().selection()
        ]
        rows = self.rows_shown.order[np.concatenate(lines)] if lines else np.zeros(0, np.intp)
        if not self.rows_shown.only_chosen:
            mask = np.zeros(self._chosen.rows.ids.size, bool)
            mask[rows] = True
            self._chosen.choose(mask, self)
        now = self.currentIndex().row()
        if len(rows) and 0 <= now < self.rows_shown.order.size:
            self.visited.emit(int(self.rows_shown.rows.ids[self.rows_shown.order[now]]))

    def _show_chosen(self, by: Any) -> None:
        """Mark what is chosen, and bring it into sight if somebody else has chosen it."""
        chosen = self._chosen
        if chosen.rows is not self.rows_shown.rows:
            self._show_rows(chosen)
        else:
            self.rows_shown.show_chosen(chosen.mask)
        if by is not self:
            self._select_chosen()

    def _show_rows(self, chosen: Chosen) -> None:
        self.rows_shown.take(chosen.rows, chosen.mask)
        if chosen.rows.names != self._names:
            self._names = chosen.rows.names
            self.resizeColumnsToContents()
            for column in range(len(self._names)):
                self.setColumnWidth(column, min(_MOST, self.columnWidth(column)))

    def _select_chosen(self) -> None:
        """Select the line of the one nucleus that is chosen; many are only marked."""
        lines = [
            self.rows_shown.line_of(int(row)) for row in np.flatnonzero(self._chosen.mask)[:1]
        ]
        first = lines[0] if lines else None
        model = self.selectionModel()
        with QSignalBlocker(model):
            model.clear()
            if first is not None and self._chosen.count == 1:
                line = self.rows_shown.index(first, 0)
                rows = QItemSelectionModel.SelectionFlag.Rows
                select = QItemSelectionModel.SelectionFlag.Select
                model.select(QItemSelection(line, line), select | rows)
                model.setCurrentIndex(line, QItemSelectionModel.SelectionFlag.NoUpdate)
        if first is not None:
            column = max(0, self.columnAt(0))
            self.scrollTo(self.rows_shown.index(first, column))
        self.viewport().update()


def _sorted(values: np.ndarray, *, falls: bool) -> np.ndarray:
    """Return the order of values; what has no number comes last."""
    if values.dtype.kind not in "biuf":
        values = np.array([_in_words(value) for value in values])
    order = np.argsort(values, kind="stable")
    if falls:
        order = order[::-1]
    if values.dtype.kind == "f":
        has_none = np.isnan(values[order])
        order = np.concatenate([order[~has_none], order[has_none]])
    return order


def _in_words(value: Any) -> str:
    """Write a value for people: of a number four digits, or all before the point."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return ""
        return f"{number:.4g}" if abs(number) < 1e4 else f"{number:.0f}"
    return "" if value is None else str(value)
