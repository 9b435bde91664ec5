"""Keep the chosen nuclei as a class: a column that a person names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from ...support import pluralize
from ..layers.layer_states import INDEX, REASON, STATE, SUSPICION, put_columns
from ..layers.shown import bare
from ..panel import enable_unless
from .chosen import Chosen
from .measured import measured_of

__all__ = ["ClassMaker"]

_TIP = (
    "Write the class of the chosen nuclei into the table. It is kept with the layer until that "
    "is closed, and saved with the table and with exports"
)
_OURS = (INDEX, "label", STATE, SUSPICION, REASON)


class ClassMaker(QWidget):
    """Writes the name of a class into a column of the features.

    Parameters
    ----------
    chosen : Chosen
        Which nuclei are chosen.
    layer_of : callable
        Returns the labels, or None.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    kept(str)
        A class was written; says the name of the column.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    kept = Signal(str)
    told = Signal(str, bool)

    def __init__(
        self,
        chosen: Chosen,
        layer_of: Callable[[], Any | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._chosen, self._layer_of = chosen, layer_of
        self.column, self.value = QLineEdit("class"), QLineEdit("positive")
        self.column.setToolTip("Name of the column")
        self.value.setToolTip("Name of the class; another one in the same column is beside it")
        for box in (self.column, self.value):
            box.setMaxLength(40)
            box.setMinimumWidth(50)
            box.textChanged.connect(lambda _: self.refresh())
        self.button = QPushButton("Keep as class")
        self.button.clicked.connect(self._keep)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.column, 1)
        row.addWidget(QLabel("="))
        row.addWidget(self.value, 1)
        row.addWidget(self.button)
        chosen.changed.connect(lambda by: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Enable what can work."""
        enable_unless(self.button, self._why_not(), _TIP)

    def _why_not(self) -> str:
        name, layer = self.column.text().strip(), self._layer_of()
        measured = measured_of(layer)
        if layer is None or not self._chosen.count:
            return "Choose nuclei first: in the plot, the table or the image."
        if not name or not self.value.text().strip():
            return "Give the column and the class a name."
        if name in _OURS or (measured is not None and name in measured.measurement.table):
            return f"There is a column {name!r} that is no class. Give another name."
        return ""

    def _keep(self) -> None:
        """Write the class; nuclei that are not chosen keep theirs, if it is another one."""
        layer = self._layer_of()
        reason = self._why_not()
        if reason or layer is None:
            self.told.emit(reason, True)
            return
        name, value = self.column.text().strip(), self.value.text().strip()
        rows = self._chosen.rows
        words = np.full(rows.ids.size, "", object)
        if name in rows.columns:
            before = np.array([str(one) for one in rows.columns[name]], object)
            # What has this class is told anew.
            words = np.where(np.isin(before, [value, "nan", "None"]), "", before)
        words[self._chosen.mask] = value
        put_columns(bare(layer), rows.ids, {name: words})
        self.kept.emit(name)
        count = pluralize(self._chosen.count)
        self.told.emit(f"{count}: {name} = {value}.", False)
