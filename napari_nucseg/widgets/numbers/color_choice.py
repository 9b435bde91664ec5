"""Color nuclei by a column, and back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..jobs import run_in_thread
from ..layers.shown import bare
from .chosen import Chosen
from .coloring import Coloring, color_back, coloring_of, colors_of, why_not_colored
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
    """

    told = Signal(str, bool)

    def __init__(
        self,
        chosen: Chosen,
        layer_of: Callable[[], Any | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._chosen, self._layer_of = chosen, layer_of
        # The layer that the box is about.
        self._layer: Callable[[], Any | None] = lambda: None
        # The layer and the column whose colors are made now.
        self._asked: tuple[Any, str] | None = None
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

    def follow_layer(self) -> None:
        """Say how the labels that are chosen now are colored."""
        self._asked = None
        layer = bare(self._layer_of())
        self._layer = (lambda: None) if layer is None else weakref.ref(layer)
        colors = colors_of(self._layer_of())
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(max(0, self.box.findText(colors.column) if colors else 0))
        self.legend.setText(colors.legend if colors else "")
        self.legend.setVisible(colors is not None)

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
        if bare(self._layer_of()) is not self._layer():
            self.follow_layer()
        elif by is self._chosen:
            self._follow()

    def _follow(self) -> None:
        """Color the labels by the column that is chosen."""
        layer, column, rows = self._layer_of(), self.box.currentText(), self._chosen.rows
        if layer is None:
            return
        if column == USUAL:
            color_back(layer)
            self.follow_layer()
            return
        reason = why_not_colored(rows)
        if reason:
            self.told.emit(reason, True)
            self.follow_layer()
            return
        shown, values = colors_of(layer), rows.column(column)
        if shown is not None and shown.column == column and _same(shown.values, values):
            return
        asked = self._asked = (layer, column)
        # Thousands of colors take napari a moment.
        run_in_thread(
            lambda: coloring_of(rows, column),
            lambda found: self._show(asked, found),
            lambda error: self.told.emit(f"Not colored: {error}", True),
        )

    def _show(self, asked: tuple[Any, str], found: Coloring) -> None:
        if self._asked is asked:  # no other column or layer was chosen meanwhile
            found.show(asked[0])
            self.follow_layer()


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two columns have the same values."""
    if one.shape != other.shape:
        return False
    if one.dtype.kind in "biuf" and other.dtype.kind in "biuf":
        return bool(
            np.array_equal(one, other, equal_nan="f" in (one.dtype.kind, other.dtype.kind))
        )
    return [*map(str, one)] == [*map(str, other)]
