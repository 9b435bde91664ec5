"""The list of the training set: what is in it, remove, undo, open."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...corrections import States
from ...support import pluralize
from ...training import Entry, TrainingSet
from ..controls.set_choice import SetChoice
from ..layers.field_layer import add_field
from ..layers.layer_states import put_states
from ..layers.layers import METADATA_KEY, placement_of
from ..layers.origin import note_origin
from ..panel import enable_unless, hint, reasons_in_words
from .thumbnails import Thumbnails

__all__ = ["TrainingSetList", "date_in_words", "is_corrected", "was_partly_reviewed"]

#: What is kept of where labels came from when a field is opened again.
_KEPT = ("model", "weights_sha256", "corrected")

#: In the metadata of labels: whether they were opened from a field that was partly reviewed.
_PARTLY = "partly reviewed"


class TrainingSetList(QWidget):
    """Shows the fields of a training set, removes them, and opens them as layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Where a field is opened.
    training_set : TrainingSet
        What is shown.

    Signals
    -------
    set_changed()
        A field was removed from the training set, or put back.
    opened(object, object)
        A field was opened: its layers of labels and of the image.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    set_changed = Signal()
    opened = Signal(object, object)
    told = Signal(str, bool)

    def __init__(
        self, viewer: Any, training_set: TrainingSet, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.training_set = training_set
        # The field that was removed last, until the next is added.
        self._removed: Entry | None = None
        #: Which set is shown.
        self.set_choice = SetChoice(training_set)
        self.remove_button = QPushButton("Remove")
        self.undo_button = QPushButton("Undo remove")
        #: Why buttons below the list cannot be clicked.
        self.reason = hint("")
        self.entries = QListWidget()
        # It takes the height that is left over, and is scrolled where that is little.
        self.entries.setMinimumHeight(100)
        self.entries.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.entries.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._thumbnails = Thumbnails(self.entries)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self._lay_out()
        self.undo_button.clicked.connect(self._undo_remove)
        self.entries.itemDoubleClicked.connect(self._open_field)
        self.remove_button.clicked.connect(self._remove)
        self.entries.itemSelectionChanged.connect(self.refresh)
        self.set_choice.told.connect(self.told)
        self.set_choice.changed.connect(self._show_other_set)
        self.list_entries()

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.addWidget(self.undo_button)
        below.addWidget(self.remove_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.set_choice)
        column.addWidget(self.summary)
        column.addWidget(self.entries, 1)
        column.addLayout(below)
        column.addWidget(self.reason)

    def refresh(self) -> None:
        """Enable what can work."""
        nothing = "" if self.entries.selectedItems() else "Select a field in the list."
        enable_unless(self.remove_button, nothing, "Remove the field from the training set")
        nothing = "" if self._removed else "No field was removed."
        enable_unless(self.undo_button, nothing, "Put back the field that was removed last")
        self.reason.setText(reasons_in_words(None, self.undo_button, self.remove_button))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """List the fields anew if another window has changed them."""
        super().showEvent(event)
        role = Qt.ItemDataRole.UserRole
        listed = [self.entries.item(row).data(role) for row in range(self.entries.count())]
        if listed != [entry.key for entry in self.training_set.entries()]:
            self.list_entries()
            self.set_changed.emit()

    def _show_other_set(self) -> None:
        self.field_added()
        self.set_changed.emit()

    def field_added(self) -> None:
        """Show a field that was added."""
        self._removed = None
        self.list_entries()

    def list_entries(self) -> None:
        """Show what is in the training set."""
        self.entries.clear()
        entries = self.training_set.entries()
        raw = {entry.key for entry in entries if not is_corrected(entry)}
        for entry in entries:
            item = QListWidgetItem(_about(entry))
            item.setData(Qt.ItemDataRole.UserRole, entry.key)
            item.setToolTip(
                f"{entry.name}: {entry.shape[0]} x {entry.shape[1]} pixels. Double click to "
                f"open it."
            )
            self.entries.addItem(item)
        self._thumbnails.show(self.training_set, raw)
        nuclei = sum(entry.nuclei for entry in entries)
        text = f"Training set: {pluralize(entries, 'field')}, {pluralize(nuclei)}"
        self.summary.setText(f"{text}; {len(raw)} not corrected" if raw else text)
        self.refresh()

    def _remove(self) -> None:
        """Take the selected field out of the set, and offer to undo that."""
        for item in self.entries.selectedItems():
            try:
                removed = self.training_set.remove(item.data(Qt.ItemDataRole.UserRole))
            except (KeyError, OSError) as error:
                self.told.emit(f"Not removed: {error}", True)
            else:
                self._removed = removed
                self.told.emit(f"Removed {removed.name!r} from the training set.", False)
        self.list_entries()
        self.set_changed.emit()

    def _undo_remove(self) -> None:
        """Put back the field that was removed last."""
        removed, self._removed = self._removed, None
        if removed is not None:
            try:
                self.training_set.restore(removed.key)
            except (KeyError, OSError) as error:
                self.told.emit(f"Not put back: {error}", True)
            else:
                self.told.emit(f"Put {removed.name!r} back into the training set.", False)
        self.list_entries()
        self.set_changed.emit()

    def _open_field(self, item: QListWidgetItem) -> None:
        """Show a field of the training set as layers, to be corrected further."""
        key = item.data(Qt.ItemDataRole.UserRole)
        try:
            field = self.training_set.read(key)
            states = self.training_set.states(key)
            (source,) = [e.source for e in self.training_set.entries() if e.key == key]
        except (KeyError, OSError, ValueError) as error:
            self.told.emit(f"Not opened: {error}", True)
            return
        image = add_field(self._viewer, field)
        labels = self._viewer.add_labels(
            np.array(field.known_labels, np.int32),
            name=f"{field.name} nuclei",
            metadata={METADATA_KEY: _about_source(source, field.name)},
            **placement_of(image),
        )
        labels.metadata[METADATA_KEY][_PARTLY] = field.reviewed is not None
        put_states(labels, States(states))
        note_origin(labels, image)
        self.opened.emit(labels, image)
        self.told.emit(f"Opened {field.name!r} of the training set.", False)


def is_corrected(entry: Entry) -> bool:
    """Return whether a person has changed the labels of a field.

    Parameters
    ----------
    entry : Entry
        The field.

    Returns
    -------
    bool
        False if they were added as a model had found them. True for those that were drawn by
        hand or come from elsewhere.
    """
    return entry.source.get("corrected") is not False


def was_partly_reviewed(labels: Any) -> bool:
    """Return whether labels were opened from a field of which only a part was reviewed.

    Parameters
    ----------
    labels : Labels
        The layer.

    Returns
    -------
    bool
        False for all other labels.
    """
    return bool(labels.metadata.get(METADATA_KEY, {}).get(_PARTLY))


def _about(entry: Entry) -> str:
    """Return the text of a field in the list."""
    model = entry.source.get("model")
    made = f"corrected from model {model!r}" if model else "drawn by hand"
    if not is_corrected(entry):
        made = f"not corrected, from model {model!r}"
    return f"{entry.name}\n{pluralize(entry.nuclei)}, {date_in_words(entry.added)}\n{made}"


def _about_source(source: dict[str, Any], image: str) -> dict[str, Any]:
    """Return the metadata of labels that are opened: what is known, without a channel."""
    return {**{name: source[name] for name in _KEPT if name in source}, "image": image}


def date_in_words(added: str) -> str:
    """Return an ISO date and time as people write it.

    Parameters
    ----------
    added : str
        Such as ``"2026-01-31T12:30:59"``.

    Returns
    -------
    str
        Without the seconds.
    """
    return added[:16].replace("T", " ")
