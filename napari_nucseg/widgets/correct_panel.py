"""Part 2 of the dock widget: correct the labels and keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QPushButton, QWidget

from ..corrections import warm_up
from ..registry import Model
from ..training import TrainingSet
from .add_field import FieldAdder
from .add_nucleus import NucleusAdder
from .choices import LayerChoice
from .editing import Editor
from .hand import Hand
from .jobs import run_in_thread
from .journal_keeper import keeper_of
from .kept_maps import KeptMaps
from .label_importer import IMPORT_TIP, LabelImporter
from .layers import why_not_image, why_not_labels
from .look import Looker
from .origin import Origin, origin_of
from .panel import Panel, enable_unless
from .review_bar import ReviewBar
from .tool_box import ToolBox
from .tools import Correct, DeleteInBox, DeleteInLasso, Push, Redraw, Split
from .training_set_list import TrainingSetList

__all__ = ["CorrectPanel"]

_ADD_TIP = "Save the image and its corrected labels; what you saved is safe on the disk"


class CorrectPanel(Panel):
    """Edit labels with tools and add them to the training set.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    channel_of : callable
        Given an image layer, returns the channel that is chosen for it, or None.
    model_of : callable
        Returns the model that is chosen, or None.

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
        model_of: Callable[[], Model | None],
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
        self._make_tools(channel_of, model_of)
        self._lay_out()
        self.labels.chosen.connect(self._labels_changed)
        self.image.chosen.connect(self.refresh)
        self.image.activated.connect(lambda _: self._image_chosen_by_hand())
        for choice in (self.labels, self.image):
            choice.replaced.connect(lambda _: self.refresh())
        self.add_button.clicked.connect(self._add)
        self._connect_parts()
        self._labels_changed()

    def _connect_parts(self) -> None:
        for part in (self.fields, self._adder, self.hand, self.importer, self.review):
            part.told.connect(self.told)
        self.fields.set_changed.connect(self.set_changed)
        self.fields.opened.connect(self.show_result)
        self._adder.changed.connect(self.refresh)
        self._adder.added.connect(self._added)
        self._adder.saved.connect(keeper_of(self._viewer).note_saved)
        self.import_button.clicked.connect(lambda: self.importer.ask(self.image.layer()))
        self.importer.imported.connect(self.show_result)

    def _make_widgets(self) -> None:
        self.labels = LayerChoice(self._viewer, Labels)
        self.image = LayerChoice(
            self._viewer, Image, may_follow=lambda image: self._own_image() in (None, image)
        )
        #: Brings in labels of other programs.
        self.importer = LabelImporter(self._viewer, self)
        self.import_button = QPushButton("Import…")
        self.add_button = QPushButton("Add to training set")
        #: What is in the training set.
        self.fields = TrainingSetList(self._viewer, self.training_set)

    def _make_tools(
        self, channel_of: Callable[[Any], int | None], model_of: Callable[[], Model | None]
    ) -> None:
        #: The tool in hand, and the nucleus that is selected.
        self.hand = Hand(self._viewer, self.editor, self)
        self._maps = KeptMaps(self)
        looker = Looker(model_of, channel_of, self)
        self.adder = NucleusAdder(self.hand, self._maps, looker, self.image.layer)
        tools = {
            "correct": Correct(self.hand, self.adder.add_at),
            "split": Split(self.hand, self.adder.maps_and_diameter),
            "redraw": Redraw(self.hand),
            "push": Push(self.hand),
            "lasso": DeleteInLasso(self.hand),
            "box": DeleteInBox(self.hand),
        }
        #: Buttons and keys of the tools.
        self.tools = ToolBox(self._viewer, self.hand, tools, self.labels.layer)
        #: Leads through the nuclei, the most suspicious first.
        self.review = ReviewBar(
            self._viewer,
            self.hand,
            self.labels.layer,
            image_of=self._own_image,
            maps_and_diameter=self.adder.maps_and_diameter,
        )
        self._maps.arrived.connect(self.review.measure_again)
        run_in_thread(warm_up, _nothing, _nothing)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self.labels, 1)
        row.addWidget(self.import_button)
        form.addRow("labels", row)
        form.addRow("of image", self.image)
        self.body.addLayout(form)
        self.body.addWidget(self.tools)
        self.body.addWidget(self.review)
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
        enable_unless(self.import_button, why_not_image(self.image.layer()), IMPORT_TIP)
        self.tools.refresh()
        self.review.refresh()

    def _labels_changed(self) -> None:
        """Choose the image that the labels were made from, unless a person chose another."""
        labels = self.labels.layer()
        if labels != self._paired:
            self._paired, self._by_hand = labels, None
            self._maps.load(labels)
        own = self._own_image()
        if own is not None and self._by_hand is None:
            self.image.choose(own)
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


def _nothing(outcome: Any) -> None:
    """Do nothing when the edits are warm, or could not be: the first one takes longer then."""
