"""Color nuclei by a column, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..jobs import run_in_thread
from .chosen import Chosen
from .coloring import Coloring, color_back, coloring_of, is_colored, why_not_colored
from .rows import LABEL

__all__ = ["USUAL", "ColorChoice"]

USUAL = "usual colors"


class ColorChoice(QWidget):
    """Lets the person choose a column whose values color the labels.

    Parameters
    ----------
    chosen : Chosen
        Has the rows.
    layer_of : callable
        Returns the labels, or None.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    colored()
        The labels have the colors that were chosen.
    """

    told = Signal(str, bool)
    colored = Signal()

    def __init__(
        self,
        chosen: Chosen,
        layer_of: Callable[[], Any | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._chosen, self._layer_of = chosen, layer_of
        #: What is shown now: the layer, the column and its values.
        self._shown: tuple[Any, str, np.ndarray] | None = None
        self.box = QComboBox()
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(10)
        self.box.addItem(USUAL)
        self.box.setToolTip("Color the nuclei by a column; the first entry takes it back")
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.legend.setVisible(False)
        row = QHBoxLayout()
        row.addWidget(QLabel("color by"))
        row.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.legend)
        self.box.currentIndexChanged.connect(lambda _: self._follow())
        chosen.changed.connect(self._rows_changed)

    def choose(self, column: str) -> None:
        """Color by a column.

        Parameters
        ----------
        column : str
            Its name, or `USUAL`.
        """
        self.box.setCurrentIndex(max(0, self.box.findText(column)))

    def forget(self) -> None:
        """Choose nothing, as other labels are chosen; those of before keep their colors."""
        self._shown = None
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(0)
        self.legend.setVisible(False)

    def _rows_changed(self, by: Any) -> None:
        """Offer the columns that there are, and color anew where the chosen one has changed."""
        names = [USUAL, *(name for name in self._chosen.rows.names if name != LABEL)]
        offered = [self.box.itemText(at) for at in range(self.box.count())]
        if names != offered:
            before = self.box.currentText()
            with QSignalBlocker(self.box):
                self.box.clear()
                self.box.addItems(names)
                self.box.setCurrentIndex(max(0, self.box.findText(before)))
        if by is self._chosen:
            self._follow()

    def _follow(self) -> None:
        """Color the labels by the column that is chosen."""
        layer, column, rows = self._layer_of(), self.box.currentText(), self._chosen.rows
        if layer is None:
            return
        if column == USUAL:
            if self._shown is not None or self.legend.isVisible():
                color_back(layer)
            self.forget()
            return
        reason = why_not_colored(rows)
        if reason:
            self.told.emit(reason, True)
            self.forget()
            return
        values = rows.column(column)
        now = (layer, column, values)
        if self._shown is not None and is_colored(layer) and _same(now, self._shown):
            return
        self._shown = now
        # Thousands of colors take napari a moment.
        run_in_thread(
            lambda: coloring_of(rows, column),
            lambda found: self._show(now, found),
            lambda error: self.told.emit(f"Not colored: {error}", True),
        )

    def _show(self, asked: Any, found: Coloring) -> None:
        if self._shown is not asked:
            return  # another column was chosen meanwhile
        found.show(asked[0])
        self.legend.setText(found.legend)
        self.legend.setVisible(True)
        self.colored.emit()


def _same(one: tuple[Any, str, np.ndarray], other: tuple[Any, str, np.ndarray]) -> bool:
    """Return whether the colors are the same already."""
    if one[:2] != other[:2] or one[2].shape != other[2].shape:
        return False
    if one[2].dtype.kind in "biuf" and other[2].dtype.kind in "biuf":
        return bool(np.array_equal(one[2], other[2], equal_nan=one[2].dtype.kind == "f"))
    return [*map(str, one[2])] == [*map(str, other[2])]
