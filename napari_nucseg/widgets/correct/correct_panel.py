"""Part 2 of the dock widget: correct the labels and keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QPushButton, QWidget

from ...corrections import warm_up
from ...registry import Model
from ...training import TrainingSet
from ..controls.choices import LayerChoice
from ..jobs import run_in_thread
from ..journal.journal_keeper import keeper_of
from ..layers.layer_states import states_in
from ..layers.layers import why_not_drawn, why_not_image, why_not_labels
from ..layers.pairing import Pairing
from ..panel import Panel, enable_unless
from ..review.review_bar import ReviewBar
from ..tools.add_nucleus import NucleusAdder
from ..tools.editing import Editor
from ..tools.hand import Hand
from ..tools.kept_maps import KeptMaps
from ..tools.look import Looker
from ..tools.tool_box import ToolBox
from ..tools.tools import Correct, DeleteInBox, DeleteInLasso, Push, Redraw, Split
from .add_field import FieldAdder
from .corrected_mark import CorrectedMark
from .label_importer import IMPORT_TIP, LabelImporter
from .training_set_list import TrainingSetList, was_partly_reviewed

__all__ = ["CorrectPanel"]

_ADD_TIP = "Save the image and its corrected labels; what you saved is safe on the disk"
_ONLY_TIP = (
    "Learn only from accepted and edited nuclei, and what is right around them. Without it, "
    "the whole field counts: what has no label is learned as background."
)


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
    training_set : TrainingSet
        Where fields are added.

    Signals
    -------
    set_changed()
        A field was added to the training set, or removed.
    saved(object, object)
        A `Labels` layer whose labels are in the training set, and the labels.
    ended()
        Saving a field has ended, whatever came out.
    """

    set_changed = Signal()
    saved = Signal(object, object)
    ended = Signal()

    def __init__(
        self,
        viewer: Any,
        channel_of: Callable[[Any], int | None],
        model_of: Callable[[], Model | None],
        training_set: TrainingSet,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("2  Correct", parent)
        self._viewer = viewer
        # The labels that were chosen last.
        self._known: Any | None = None
        #: The training set that is shown.
        self.training_set = training_set
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
        self.add_button.clicked.connect(self.add)
        self._connect_parts()
        self._labels_changed()

    def _connect_parts(self) -> None:
        for part in (self.fields, self._adder, self.hand, self.importer, self.review):
            part.told.connect(self.told)
        self.fields.set_changed.connect(self.set_changed)
        self.fields.opened.connect(self.show_result)
        self._adder.added.connect(self._added)
        self._adder.saved.connect(keeper_of(self._viewer).note_saved)
        self._adder.saved.connect(self.saved)
        self._adder.changed.connect(self._adding_changed)
        self.import_button.clicked.connect(lambda: self.importer.ask(self.image.layer()))
        self.importer.imported.connect(self.show_result)

    def _make_widgets(self) -> None:
        self.labels = LayerChoice(self._viewer, Labels)
        self.labels.setMinimumContentsLength(6)  # the mark and the button have to fit, too
        #: Says it if nobody has corrected the chosen labels.
        self.mark = CorrectedMark()
        # The image follows the labels, not what is active: see `Pairing`.
        self.image = LayerChoice(
            self._viewer, Image, may_follow=lambda _: self.labels.layer() is None
        )
        self._pairing = Pairing(self._viewer, self.labels, self.image, self)
        #: Brings in labels of other programs.
        self.importer = LabelImporter(self._viewer, self)
        self.import_button = QPushButton("Import…")
        self.add_button = QPushButton("Add to training set")
        #: Whether only accepted and edited nuclei count.
        self.reviewed_only = QCheckBox("reviewed only")
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
            image_of=self._pairing.own_image,
            maps_and_diameter=self.adder.maps_and_diameter_of_result,
        )
        self._maps.arrived.connect(self.review.measure_again)
        # If that fails, the first edit takes longer.
        run_in_thread(warm_up)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self.labels, 1)
        row.addWidget(self.mark)
        row.addWidget(self.import_button)
        form.addRow("labels", row)
        form.addRow("of image", self.image)
        self.body.addLayout(form)
        self.body.addWidget(self.tools)
        self.body.addWidget(self.review)
        self.body.addWidget(self.fields, 1)
        add = QHBoxLayout()
        add.addWidget(self.add_button, 1)
        add.addWidget(self.reviewed_only)
        self.actions.addLayout(add)
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
        self._pairing.settle(image)
        self.mark.watch(labels)  # that they are a result is known now
        self.refresh()
        can = self.reviewed_only.isEnabled()
        self.reviewed_only.setChecked(can and was_partly_reviewed(labels))

    def refresh(self) -> None:
        """Enable what can work."""
        labels = self.labels.layer()
        reason = self._why_not(labels, self.image.layer())
        if self._adder.is_saving:
            reason = "The field is being saved."
        enable_unless(self.add_button, reason, _ADD_TIP, self.reason)
        self._offer_reviewed_only(labels)
        enable_unless(self.import_button, why_not_image(self.image.layer()), IMPORT_TIP)
        self.tools.refresh()
        self.review.refresh()

    def _offer_reviewed_only(self, labels: Any | None) -> None:
        can = labels is not None and bool(states_in(labels).reviewed())
        self.reviewed_only.setEnabled(can)
        self.reviewed_only.setToolTip(_ONLY_TIP if can else "No nucleus was reviewed yet.")
        if not can:
            self.reviewed_only.setChecked(False)

    def _states_changed(self, event: Any = None) -> None:
        if isalive(self):
            self._offer_reviewed_only(self.labels.layer())

    def _labels_changed(self) -> None:
        """Choose the image that the labels were made from, unless a person chose another."""
        labels = self.labels.layer()
        if labels != self._known:
            self._known = labels
            if labels is not None:
                labels.events.features.connect(self._states_changed)  # once, however often
                self.reviewed_only.setChecked(was_partly_reviewed(labels))
            self._maps.load(labels)
        self.mark.watch(labels)
        self._pairing.follow()
        self.refresh()

    def _image_chosen_by_hand(self) -> None:
        self._pairing.choose_by_hand()
        self.refresh()

    def _why_not(self, labels: Any | None, image: Any | None) -> str:
        """Say why labels and image cannot be added, empty if they can."""
        return why_not_drawn(labels) or self._pairing.why_not() or why_not_labels(labels, image)

    def _adding_changed(self) -> None:
        self.refresh()
        if not self._adder.is_saving:
            self.ended.emit()

    def why_not_added(self) -> str:
        """Say why the chosen labels cannot be added to the training set.

        Returns
        -------
        str
            The reason, empty if they can.
        """
        return "" if self.add_button.isEnabled() else self.add_button.toolTip()

    def add(self) -> bool:
        """Add the chosen labels and their image to the training set.

        Returns
        -------
        bool
            Whether they are being saved; if not, the reason was told.
        """
        labels, image = self.labels.layer(), self.image.layer()
        reason = self._why_not(labels, image)
        if reason or labels is None or image is None:
            self.told.emit(reason, True)
            return False
        return self._adder.add(
            labels,
            image,
            is_own=image == self._pairing.own_image(),
            only_reviewed=self.reviewed_only.isChecked(),
        )

    def _added(self) -> None:
        self.fields.field_added()
        self.set_changed.emit()
