"""Part 2 of the dock widget: correct the labels and keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QPushButton, QWidget

from ..training import TrainingSet
from .add_field import FieldAdder
from .brush import guard_brush, select_unused
from .choices import LayerChoice
from .editing import Editor
from .layers import why_not_drawn, why_not_labels
from .origin import Origin, origin_of
from .panel import Panel, enable_unless, hint
from .shown import bare
from .training_set_list import TrainingSetList

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
        # The labels whose image was looked for, and the image that the person chose then.
        self._paired: Any | None = None
        self._by_hand: Any | None = None
        #: The training set that is shown.
        self.training_set = TrainingSet()
        #: The only way in which our tools change labels; it tells whoever listens.
        self.editor = Editor(viewer, self)
        self._adder = FieldAdder(self.training_set, channel_of, self)
        self._make_widgets()
        self._lay_out()
        self.labels.chosen.connect(self._labels_changed)
        self.image.chosen.connect(self.refresh)
        self.image.activated.connect(lambda _: self._image_chosen_by_hand())
        for choice in (self.labels, self.image):
            choice.replaced.connect(lambda _: self.refresh())
        self.add_button.clicked.connect(self._add)
        self._connect_parts()
        self._viewer.layers.selection.events.active.connect(self._follow_mode)
        self._labels_changed()

    def _connect_parts(self) -> None:
        for part in (self.fields, self._adder):
            part.told.connect(self.told)
        self.fields.set_changed.connect(self.set_changed)
        self.fields.opened.connect(self.show_result)
        self._adder.changed.connect(self.refresh)
        self._adder.added.connect(self._added)

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
        #: What is in the training set.
        self.fields = TrainingSetList(self._viewer, self.training_set)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("labels", self.labels)
        form.addRow("of image", self.image)
        tools = QHBoxLayout()
        tools.setSpacing(3)
        for button in self.tools.values():
            tools.addWidget(button)
        self.body.addLayout(form)
        self.body.addLayout(tools)
        self.body.addWidget(self.new_button)
        self.body.addWidget(
            hint("<br>".join(f"{name} ({key}) {text}." for name, text, key in _TOOLS.values()))
        )
        self.body.addWidget(self.fields, 1)
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
        if self._adder.is_saving:
            reason = "The field is being saved."
        enable_unless(self.add_button, reason, _ADD_TIP, self.reason)
        no_labels = why_not_drawn(labels)
        for mode, button in self.tools.items():
            _, text, key = _TOOLS[mode]
            enable_unless(button, no_labels, f"{text[0].upper()}{text[1:]} (key {key})")
        enable_unless(self.new_button, no_labels, _NEW_TIP)

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

    def _origin(self) -> Origin | None:
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
        labels, image = self.labels.layer(), self.image.layer()
        reason = why_not_labels(labels, image) or self._why_another_image()
        if reason or labels is None or image is None:
            self.told.emit(reason, True)
            return
        self._adder.add(labels, image, is_own=image == self._own_image())

    def _added(self) -> None:
        self.fields.field_added()
        self.set_changed.emit()
