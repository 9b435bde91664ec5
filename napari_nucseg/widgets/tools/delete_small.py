"""The small window that deletes all nuclei smaller than an area, which it shows before."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...corrections import ids_smaller_than
from ...support import pluralize
from .hand import Hand
from .nucleus_actions import NucleusActions

__all__ = ["SmallNuclei"]

_COLOR = "#ff6b6b"
_MOST = 1_000_000


class SmallNuclei(QDialog):
    """Asks for an area, marks what is smaller, and deletes it.

    Parameters
    ----------
    hand : Hand
        Which knows the layer.
    actions : NucleusActions
        Which delete.
    home : QWidget
        Over which it opens.
    """

    def __init__(self, hand: Hand, actions: NucleusActions, home: QWidget) -> None:
        super().__init__(home, Qt.WindowType.Tool)
        self.setWindowTitle("Delete small nuclei")
        self._hand, self._actions = hand, actions
        self.area = QSpinBox()
        self.area.setRange(1, _MOST)
        self.area.setValue(30)
        self.area.setSuffix(" pixels")
        self.count = QLabel()
        buttons = QDialogButtonBox()
        self.delete_button = buttons.addButton("Delete", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        row = QHBoxLayout()
        row.addWidget(QLabel("All smaller than"))
        row.addWidget(self.area, 1)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(self.count)
        column.addWidget(buttons)
        self.area.valueChanged.connect(self.look)
        buttons.accepted.connect(self._delete)
        buttons.rejected.connect(self.reject)
        self.finished.connect(lambda _: hand.show(()))

    def look(self) -> None:
        """Count and mark what would be deleted."""
        ids = self._ids()
        self.count.setText(f"{pluralize(ids)} in the plane that is shown.")
        self.delete_button.setEnabled(bool(ids))
        self._hand.show(self._hand.marks_of(ids, _COLOR) if ids else ())

    def _ids(self) -> list[int]:
        try:
            return ids_smaller_than(self._hand.plane().labels, self.area.value())
        except ValueError:
            return []

    def _delete(self) -> None:
        self._actions.delete_all(self._ids())
        self.accept()
