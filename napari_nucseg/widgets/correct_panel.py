"""Part 2 of the dock widget: correct the labels and keep them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QWidget,
)

from ..image import Field, MaskIssue, instances_of
from ..support import pluralize
from ..training import Entry, TrainingSet
from .brush import guard_brush, pieces_of, select_unused
from .choices import LayerChoice
from .jobs import run_in_thread
from .layers import (
    METADATA_KEY,
    field_of,
    placement_of,
    plane_of,
    why_not_drawn,
    why_not_labels,
)
from .origin import MadeFrom, note_origin, origin_of
from .panel import Panel, enable_unless, hint
from .shown import bare, result_of_layer

__all__ = ["CorrectPanel"]

#: By napari's mode: the name of a tool, what it does, and napari's key for it.
_TOOLS = {
    "paint": ("Brush", "adds to a nucleus, or begins one on background", "2"),
    "erase": ("Eraser", "wipes out what is no nucleus", "1"),
    "fill": ("Fill", "gives a nucleus the selected label; 0 deletes", "4"),
    "pick": ("Picker", "selects the label of a nucleus to go on with", "5"),
}
_NEW_TIP = "Paint with a label that no nucleus has yet (key M)"
_ADD_TIP = "Save the image and its corrected labels; what you saved is safe on the disk"


class CorrectPanel(Panel):
    """Edit labels with napari's tools and add them to the training set.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    channel_of : callable
        Given an image layer, returns the channel that is chosen for it, or None.

    Signals
    -------
    set_changed()
        A field was added to the training set, or removed.
    """

    set_changed = Signal()

    def __init__(
        self,
        viewer: Any,
        channel_of: Callable[[Any], int | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("2  Correct", parent)
        self._viewer = viewer
        self._channel_of = channel_of
        # The labels whose image was looked for, and the image that the person chose then.
        self._paired: Any | None = None
        self._by_hand: Any | None = None
        self._saving = False
        # The field that was removed last, until the next is added.
        self._removed: Entry | None = None
        #: The training set that is shown.
        self.training_set = TrainingSet()
        self._make_widgets()
        self._lay_out()
        self.labels.chosen.connect(self._labels_changed)
        self.image.chosen.connect(self.refresh)
        self.image.activated.connect(lambda _: self._image_chosen_by_hand())
        for choice in (self.labels, self.image):
            choice.replaced.connect(lambda _: self.refresh())
        self.add_button.clicked.connect(self._add)
        self.undo_button.clicked.connect(self._undo_remove)
        self.entries.itemDoubleClicked.connect(self._open_field)
        self.remove_button.clicked.connect(self._remove)
        self.entries.itemSelectionChanged.connect(self.refresh)
        self._viewer.layers.selection.events.active.connect(self._follow_mode)
        self._labels_changed()
        self.list_entries()

    def _make_widgets(self) -> None:
        self.labels = LayerChoice(self._viewer, Labels)
        self.image = LayerChoice(
            self._viewer, Image, may_follow=lambda image: self._own_image() in (None, image)
        )
        self.tools = {}
        for mode, (name, _, _) in _TOOLS.items():
            button = QPushButton(name)
            button.setCheckable(True)
            button.clicked.connect(lambda _, mode=mode: self._use_tool(mode))
            self.tools[mode] = button
        self.new_button = QPushButton("New nucleus")
        self.new_button.clicked.connect(self._new_nucleus)
        self.add_button = QPushButton("Add to training set")
        self.remove_button = QPushButton("Remove")
        self.undo_button = QPushButton("Undo remove")
        self.entries = QListWidget()
        self.entries.setMinimumHeight(64)
        self.summary = QLabel()
        self.summary.setWordWrap(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("labels", self.labels)
        form.addRow("of image", self.image)
        tools = QHBoxLayout()
        tools.setSpacing(3)
        for button in self.tools.values():
            tools.addWidget(button)
        below = QHBoxLayout()
        below.addWidget(self.undo_button)
        below.addWidget(self.remove_button)
        self.body.addLayout(form)
        self.body.addLayout(tools)
        self.body.addWidget(self.new_button)
        self.body.addWidget(
            hint("<br>".join(f"{name} ({key}) {text}." for name, text, key in _TOOLS.values()))
        )
        self.body.addWidget(self.summary)
        self.body.addWidget(self.entries, 1)
        self.body.addLayout(below)
        self.actions.addWidget(self.add_button)
        self.actions.addWidget(self.reason)

    def show_result(self, labels: Any, image: Any) -> None:
        """Make new labels the ones to correct.

        Parameters
        ----------
        labels : Labels
            The labels.
        image : Image
            Their image.
        """
        self._viewer.layers.selection.active = labels
        self.labels.choose(labels)
        self._by_hand = None
        self.image.choose(image)
        self.refresh()

    def refresh(self) -> None:
        """Enable what can work."""
        labels = self.labels.layer()
        reason = why_not_labels(labels, self.image.layer()) or self._why_another_image()
        if self._saving:
            reason = "The field is being saved."
        enable_unless(self.add_button, reason, _ADD_TIP, self.reason)
        no_labels = why_not_drawn(labels)
        for mode, button in self.tools.items():
            _, text, key = _TOOLS[mode]
            enable_unless(button, no_labels, f"{text[0].upper()}{text[1:]} (key {key})")
        enable_unless(self.new_button, no_labels, _NEW_TIP)
        nothing = "" if self.entries.selectedItems() else "Select a field in the list."
        enable_unless(self.remove_button, nothing, "Remove the field from the training set")
        nothing = "" if self._removed else "No field was removed."
        enable_unless(self.undo_button, nothing, "Put back the field that was removed last")

    def _follow_mode(self, event: Any = None) -> None:
        """Show which tool is in hand, also if it was taken with a button or key of napari."""
        if not isalive(self):
            return
        layer = self.labels.layer()
        is_active = layer is not None and layer == self._viewer.layers.selection.active
        in_hand = layer.mode if is_active and layer is not None else ""
        for mode, button in self.tools.items():
            button.setChecked(in_hand == mode)

    def _labels_changed(self) -> None:
        """Choose the image that the labels were made from, unless a person chose another."""
        labels = self.labels.layer()
        if labels != self._paired:
            self._paired, self._by_hand = labels, None
            if labels is not None:
                labels.events.mode.connect(self._follow_mode)  # once, however often
        own = self._own_image()
        if own is not None and self._by_hand is None:
            self.image.choose(own)
        self._follow_mode()
        self.refresh()

    def _origin(self) -> MadeFrom | None:
        """Return what the chosen labels were made from, if that is known."""
        labels = self.labels.layer()
        return None if labels is None else origin_of(labels, self._viewer)

    def _own_image(self) -> Any | None:
        """Return the image that the chosen labels were made from, if it still shows that."""
        origin = self._origin()
        return origin.image() if origin is not None and origin.is_same else None

    def _image_chosen_by_hand(self) -> None:
        self._by_hand = self.image.layer()
        self.refresh()

    def _why_another_image(self) -> str:
        """Say why the chosen image cannot be that of the labels, unless a person said so."""
        image, origin = self.image.layer(), self._origin()
        if origin is None or image is None or image in (self._own_image(), self._by_hand):
            return ""
        closed = ""
        if not origin.is_same:
            closed = ", which shows something else now"
        elif origin.image() not in self._viewer.layers:
            closed = ", which was closed"
        return (
            f"The labels were made from {origin.name!r}{closed}. If they belong to "
            f"{image.name!r}, choose that once more."
        )

    def _use_tool(self, mode: str) -> None:
        layer = self.labels.layer()
        if layer is not None:
            self._viewer.layers.selection.active = layer
            layer.visible = True
            guard_brush(bare(layer))
            layer.mode = mode
        self._follow_mode()

    def _new_nucleus(self) -> None:
        layer = self.labels.layer()
        if layer is not None:
            self._use_tool("paint")
            select_unused(bare(layer), for_stroke=True)

    def _add(self) -> None:
        """Save the field, on a thread because the disk may be slow."""
        labels, image = self.labels.layer(), self.image.layer()
        reason = why_not_labels(labels, image) or self._why_another_image()
        if reason or labels is None or image is None:
            self.told.emit(reason, True)
            return
        source = dict(labels.metadata.get(METADATA_KEY, {}))
        own = image == self._own_image()
        channel = source.get("parameters", {}).get("channel") if own else None
        try:
            field = field_of(image, np.array(plane_of(labels)))
        except (TypeError, ValueError) as error:
            self.told.emit(str(error), True)
            return
        if channel is None and field.channels > 1 and not field.is_color:
            # Labels drawn by hand do not say what they were drawn on.
            channel = self._channel_of(image)
            if channel is None:
                text = f"Choose the image {image.name!r} in part 1, and its channel."
                self.told.emit(text, True)
                return
        field = field.of_channel(channel)
        doubts = self._doubts(field, labels)
        if doubts and not self.confirm("Add to training set", doubts, "Add"):
            self.told.emit("Not added. Nothing was changed.", False)
            return
        self._saving = True
        self.refresh()
        run_in_thread(
            lambda: self._save(field, source),
            self._added,
            self._not_added,
        )

    def _doubts(self, field: Field, labels: Any) -> str:
        """Say what a person should know before she adds a field, empty if there is nothing."""
        doubts = []
        result = result_of_layer(labels)
        if result is not None and result.state() == "fresh":
            doubts.append(
                "Nobody has corrected these labels: a model that learns from its own errors "
                "keeps them."
            )
        before = self.training_set.version_of(field)
        if before is not None:
            doubts.append(
                f"It replaces the {pluralize(before.nuclei)} of {before.name!r} that were "
                f"added {_date(before.added)}. They are kept as an older version."
            )
        pieces = pieces_of(np.asarray(field.known_labels))
        # Labels with a single value are taken apart, which is told when it is done.
        if pieces and len(np.unique(field.known_labels)) > 2:
            shown = ", ".join(str(number) for number in pieces[:5])
            more = ", …" if len(pieces) > 5 else ""
            doubts.append(
                f"{pluralize(len(pieces), 'label')} in several pieces ({shown}{more}): each "
                f"counts as one nucleus. The first is selected; redraw it if it is two."
            )
            bare(labels).selected_label = pieces[0]
        return "\n\n".join(doubts)

    def confirm(self, title: str, text: str, verb: str) -> bool:
        """Ask before something is done.

        Parameters
        ----------
        title, text : str
            The question.
        verb : str
            What is on the button that does it.

        Returns
        -------
        bool
            True to do it.
        """
        box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=self)
        do = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return bool(box.clickedButton() is do)

    def _save(self, field: Field, source: dict[str, Any]) -> tuple[Entry, MaskIssue | None]:
        """Save a field; of labels with a single value, each piece is a nucleus."""
        labels, issue = instances_of(field.known_labels)
        entry = self.training_set.add(dataclasses.replace(field, labels=labels), source)
        return entry, issue

    def _added(self, saved: tuple[Entry, MaskIssue | None]) -> None:
        entry, issue = saved
        self._saving = False
        self._removed = None
        self.list_entries()
        self.set_changed.emit()
        text = f"Saved {entry.name!r} with {pluralize(entry.nuclei)}."
        if issue:
            text += f" In place of a value for each nucleus it has {issue.value}"
        self.told.emit(text, issue is not None)

    def _not_added(self, error: Exception) -> None:
        self._saving = False
        self.refresh()
        self.told.emit(f"Not added: {error}", True)

    def list_entries(self) -> None:
        """Show what is in the training set."""
        self.entries.clear()
        entries = self.training_set.entries()
        for entry in entries:
            item = QListWidgetItem(f"{entry.name}: {pluralize(entry.nuclei)}")
            item.setData(Qt.ItemDataRole.UserRole, entry.key)
            model = entry.source.get("model")
            made = f"corrected from model {model!r}" if model else "drawn by hand"
            item.setText(f"{item.text()}\n{_date(entry.added)}, {made}")
            item.setToolTip(
                f"{entry.shape[0]} x {entry.shape[1]} pixels. Double click to open it."
            )
            self.entries.addItem(item)
        nuclei = sum(entry.nuclei for entry in entries)
        self.summary.setText(
            f"Training set: {pluralize(entries, 'field')}, {pluralize(nuclei)}"
        )
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
        try:
            field = self.training_set.read(item.data(Qt.ItemDataRole.UserRole))
        except (KeyError, OSError, ValueError) as error:
            self.told.emit(f"Not opened: {error}", True)
            return
        scale = field.pixel_size
        units = (field.unit,) * 2 if field.unit and scale else None
        # As many axes as the image has: channels come first.
        image = self._viewer.add_image(
            np.asarray(field.image),
            name=field.name,
            rgb=field.is_color,
            **(_placed(field, scale, units)),
        )
        labels = self._viewer.add_labels(
            np.array(field.known_labels, np.int32),
            name=f"{field.name} nuclei",
            metadata={METADATA_KEY: {"image": field.name}},
            **placement_of(image),
        )
        note_origin(labels, image)
        self.show_result(labels, image)
        self.told.emit(f"Opened {field.name!r} of the training set.", False)


def _placed(field: Field, scale: Any, units: Any) -> dict[str, Any]:
    """Return where to put the image of a field of the training set."""
    axes = [axis for axis in field.axes if axis != "S"]
    placed: dict[str, Any] = {"axis_labels": tuple(axis.lower() for axis in axes)}
    if scale and units:
        by_axis = dict(zip("YX", zip(scale, units, strict=True), strict=True))
        placed["scale"] = tuple(by_axis.get(axis, (1.0, ""))[0] for axis in axes)
        placed["units"] = tuple(by_axis.get(axis, (1.0, "pixel"))[1] for axis in axes)
    return placed


def _date(added: str) -> str:
    """Return an ISO date and time as people write it."""
    return added[:16].replace("T", " ")
