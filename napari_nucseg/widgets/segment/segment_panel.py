"""Part 1 of the dock widget: find the nuclei."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from napari.layers import Image
from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from ...pipeline import Segmentation, SegmentParameters
from ...registry import Model
from ..controls.channels import channels_in_words
from ..controls.choices import LayerChoice, ModelChoice
from ..controls.diameter import DiameterNote
from ..controls.image_choices import AxesChoice, ChannelChoice
from ..controls.parameter_form import ParameterForm
from ..jobs import JobRunner
from ..layers.layers import why_not_image
from ..layers.shown import (
    Result,
    State,
    bare,
    follow_edits,
    found_in_words,
    measured_in,
    result_of_layer,
    situation,
)
from ..panel import Fold, Panel, enable_unless, reasons_in_words
from .differences import Comparison
from .results import Results
from .segmenter import Segmenter
from .tuner import Tuner

__all__ = ["SegmentPanel"]

_DEBOUNCE = 100  # milliseconds
_SEGMENT_TIP = "Find the nuclei in the chosen image"
_CHANNEL_TIP = "All colors together, or one of them alone"
_NOT_IN_FILE = "The probability is not in the file of the labels. Click Segment to see it."
_CANCEL_TIP = "End the segmentation; nothing is changed"


class SegmentPanel(Panel):
    """Choose an image and a model, find the nuclei, and tune the labels.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    runner : JobRunner
        Runs the job; shared with the other panels.
    asked : SegmentParameters, optional
        What the form shows at first.

    Signals
    -------
    segmented(object, object)
        The new or updated Labels layer and its image layer.
    """

    segmented = Signal(object, object)

    def __init__(
        self,
        viewer: Any,
        runner: JobRunner,
        parent: QWidget | None = None,
        *,
        asked: SegmentParameters | None = None,
    ) -> None:
        super().__init__("1  Segment", parent)
        self._asked = asked or SegmentParameters()
        self._viewer = viewer
        self._runner = runner
        self._results = Results(viewer)
        self._segmenter = Segmenter(viewer, runner, self)
        self._tuner = Tuner(self._results, self._wanted, self)
        # What the status line was last told of: image, its name and channel; and the state.
        self._described: tuple[Any, ...] = ()
        self._state: State | None = None
        # Whether a person has changed a setting that the status line was not told of.
        self._moved = False
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._image_changed()

    def _make_widgets(self) -> None:
        self.image = LayerChoice(self._viewer, Image)
        self.axes = AxesChoice()
        self.channel = ChannelChoice(self._viewer)
        self.channels = QLabel()
        self.model = ModelChoice()
        self.model.setMinimumContentsLength(6)  # the button beside it has to fit, too
        self.models_button = QPushButton("Models…")
        self.models_button.setToolTip("Rename, remove, export, import or compare models")
        self.show_probability = QCheckBox("probability")
        self.show_probability.setToolTip(
            "How sure the network is of each pixel; the nuclei are outlines meanwhile"
        )
        self.show_mask = QCheckBox("binary mask")
        self.show_mask.setToolTip("All nuclei in one color")
        self._maps = {"probability": self.show_probability, "mask": self.show_mask}
        self.segment_button = QPushButton("Segment")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        # Layers tell of every stroke: what they show is looked at when they are at rest.
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_DEBOUNCE)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("image", self.image)
        form.addRow("axes", self.axes)
        channel = QHBoxLayout()
        channel.addWidget(self.channel, 1)
        channel.addWidget(self.channels)
        form.addRow("channel", channel)
        model = QHBoxLayout()
        model.addWidget(self.model, 1)
        model.addWidget(self.models_button)
        form.addRow("model", model)
        #: The parameters that need no choice of a layer.
        self.form = ParameterForm(self._asked, form)
        box = self.form.boxes["diameter"].native
        self.diameter_note = DiameterNote(box)
        row, _ = form.getWidgetPosition(box)
        form.insertRow(row + 1, self.diameter_note)
        also = QHBoxLayout()
        also.addWidget(self.show_probability)
        also.addWidget(self.show_mask)
        form.addRow("also show", also)
        self.body.addLayout(form)
        #: Two results side by side.
        self.comparison = Comparison(self._viewer)
        self.comparison.told.connect(self.told)
        self.comparison_fold = Fold("Compare two results", self.comparison)
        self.body.addWidget(self.comparison_fold)
        self.body.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.segment_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        self.actions.addLayout(buttons)
        self.actions.addWidget(self.reason)
        self.actions.addWidget(self.progress)

    def _connect(self) -> None:
        self.image.chosen.connect(self._image_changed)
        self.image.replaced.connect(self._data_replaced)
        self.axes.changed.connect(self._image_changed)
        self.axes.refused.connect(lambda reason: self.told.emit(reason, True))
        self.channel.chosen.connect(self._show_chosen)
        self.model.currentIndexChanged.connect(self._tell_situation)
        self.segment_button.clicked.connect(self._segment)
        self.cancel_button.clicked.connect(self._segmenter.cancel)
        self.form.on_change(self._settings_changed)
        self._tuner.settled.connect(self._tell_settings)
        for kind, box in self._maps.items():
            box.toggled.connect(lambda wanted, kind=kind: self._show_map(kind, wanted))
        self._runner.progress.connect(self._show_progress)
        # The sliders may have been moved while the engine was busy.
        self._runner.done.connect(lambda job: self._tuner.start())
        self._segmenter.found.connect(self._show)
        self._segmenter.changed.connect(self._data_replaced)
        self._segmenter.ended.connect(self._end)
        self._segmenter.told.connect(self.told)
        self._tuner.tuned.connect(self._tuned)
        self._tuner.left_alone.connect(self._tell_settings)
        self._tuner.expired.connect(
            lambda: self.told.emit("Click Segment to see the new settings.", False)
        )
        self._tuner.failed.connect(lambda text: self.told.emit(text, True))
        self._look.timeout.connect(self._look_again)
        layers = self._viewer.layers
        for event in (layers.events.inserted, layers.events.removed):
            event.connect(self._layers_changed)
        self._layers_changed()

    def parameters(self) -> SegmentParameters:
        """Return what the form says.

        Returns
        -------
        SegmentParameters
            The parameters of the next segmentation.
        """
        return self.form.parameters(channel=self.channel.channel())

    def channel_of(self, image: Any) -> int | None:
        """Return the channel that is chosen for an image.

        Parameters
        ----------
        image : Image
            A layer.

        Returns
        -------
        int or None
            None if another image is chosen here.
        """
        return self.channel.channel() if image == self.image.layer() else None

    def refresh(self, busy: str = "") -> None:
        """Enable what can work.

        Parameters
        ----------
        busy : str, optional
            What runs, empty if nothing does.
        """
        reason = busy or why_not_image(self.image.layer())
        if not reason and self.model.model() is None:
            reason = "There is no model. Install napari-nucseg again."
        enable_unless(self.segment_button, reason, _SEGMENT_TIP)
        nothing = "" if self._segmenter.is_busy and busy else "No image is being segmented."
        enable_unless(self.cancel_button, nothing, _CANCEL_TIP)
        self.reason.setText(reasons_in_words(self.segment_button, self.cancel_button))

    # What is chosen and shown now

    def situation(self) -> str:
        """Say what is shown of the chosen image.

        Returns
        -------
        str
            For the status line; what to do if there is no image, or if it cannot be used.
        """
        layer, model = self.image.layer(), self.model.model()
        reason = why_not_image(layer)
        if reason or layer is None:
            return reason
        name = None if model is None else model.card.name
        return situation(layer.name, self._result(), self.parameters(), name)

    def _result(self) -> Result | None:
        layer = self.image.layer()
        return None if layer is None else self._results.of(layer, self.channel.channel())

    def _image_changed(self) -> None:
        """Offer the axes and channels of the image."""
        layer = self.image.layer()
        usable = None if why_not_image(layer) else layer
        short, long = ("", "") if usable is None else channels_in_words(usable)
        # Rows that come and go would shift what a person is about to click.
        self.axes.offer(layer)
        self.axes.setEnabled(self.axes.is_needed())
        self.channel.offer(usable)
        self.channel.setEnabled(self.channel.count() > 1)
        self.channels.setText(short)
        self.channels.setVisible(bool(short))
        for widget in (self.channel, self.channels):
            widget.setToolTip(long or _CHANNEL_TIP)
        self.refresh("A job is running." if self._runner.job else "")
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Let sliders, boxes and the status line say what is shown of the chosen image."""
        layer = self.image.layer()
        self.diameter_note.show_measured(measured_in(layer))
        now = (layer, layer and layer.name, self.channel.channel())
        if now == self._described:
            return
        result = self._result()
        if result is not None:
            made = dataclasses.replace(result.parameters, channel=None)
            self.form.show(made)
            self._moved = False
        self._show_boxes()
        self._described, self._state = now, None if result is None else result.state()
        self._tell_situation()

    def _show_boxes(self) -> None:
        """Check the boxes of the maps that are there."""
        layer = self.image.layer()
        if self._result() is None:
            return  # the boxes say what is wanted with the next segmentation
        for kind, box in self._maps.items():
            with QSignalBlocker(box):
                box.setChecked(self._results.maps.is_shown(layer, kind))

    def _tell_situation(self) -> None:
        self.told.emit(self.situation(), False)

    def _settings_changed(self) -> None:
        self._moved = True
        self._tuner.start()

    def _tell_settings(self) -> None:
        """Say once what is shown, as the sliders were moved and have nothing to do."""
        if self._moved:
            self._moved = False
            self._tell_situation()

    def _layers_changed(self, event: Any = None) -> None:
        """Follow the edits of all results, also of those that an earlier widget made."""
        if not isalive(self):
            return
        for layer in self._viewer.layers:
            if result_of_layer(layer) is not None:
                follow_edits(layer, self._layer_changed)
        self._look.start()

    def _layer_changed(self, event: Any = None) -> None:
        if isalive(self):
            self._look.start()

    def _look_again(self) -> None:
        """Tell it if the shown labels have become edited, or if all edits were undone."""
        self._show_boxes()
        result = self._result()
        state = None if result is None else result.state()
        if self._runner.job is None and state != self._state:
            self._state = state
            self._tell_situation()

    def _data_replaced(self, layer: Image) -> None:
        """Forget what was found in the data that a layer had before."""
        self._results.forget(layer)
        self._segmenter.forget(layer)
        if layer == self.image.layer():
            self._described = ()
            self._image_changed()

    # Segment

    def _segment(self) -> None:
        """Give the image to the engine."""
        layer, model = self.image.layer(), self.model.model()
        if self._runner.job is not None or layer is None or model is None:
            return
        try:
            parameters = self.parameters()
        except ValueError as error:
            self.told.emit(str(error), True)
            return
        if self._segmenter.start(layer, model, parameters):
            self._tuner.stop()
            self._moved = False

    def _show_progress(self, done: int, total: int, text: str) -> None:
        if self._segmenter.is_busy:
            # A bar that moves on its own would have the whole window, with the canvas in it,
            # drawn again and again: without a graphics card that takes a processor core.
            self.progress.setRange(0, total)
            self.progress.setValue(done)

    def _end(self) -> None:
        self.progress.setRange(0, 1)
        self.progress.reset()

    def _show(self, found: Segmentation, image: Any, notes: Sequence[str]) -> None:
        """Put the labels into the viewer, where the image lies now."""
        wanted = [kind for kind, box in self._maps.items() if box.isChecked()]
        result = self._results.show(found, image)
        self._layers_changed()
        for kind in wanted:
            self._results.maps.show(result, kind)
        self.segmented.emit(result.layer, image)
        is_chosen = bare(image) is bare(self.image.layer())
        if is_chosen:
            self._state = result.state()
            self.diameter_note.show_measured(measured_in(image))
        of_image = "" if is_chosen else f"{image.name!r}: "
        text = found_in_words(result)
        if found.labels.any():
            text = f"{text[:-1]}, in {found.provenance['seconds']:.1f} s."
        self.told.emit(" ".join([f"{of_image}{text}", *notes]), False)

    # Maps and sliders

    def _show_map(self, kind: str, wanted: bool) -> None:
        image, result = self.image.layer(), self._result()
        if image is not None and not wanted:
            self._results.maps.remove(image, kind)
        elif result is not None:
            self._results.maps.show(result, kind)
            if kind == "probability" and result.probability is None:
                self._show_boxes()
                self.told.emit(_NOT_IN_FILE, False)

    def _wanted(self) -> tuple[Any | None, SegmentParameters]:
        """Return what the tuner is to do."""
        image = self.image.layer()
        can_tune = image is not None and not why_not_image(image) and self._runner.job is None
        return (image if can_tune else None), self.parameters()

    def _tuned(self, result: Result) -> None:
        if self._results.maps.is_shown(result.image, "mask"):
            self._results.maps.show(result, "mask")
        if result.image is bare(self.image.layer()):
            self._moved = False
            self._tell_situation()

    def use_model(self, model: Model | str) -> None:
        """List the models anew and choose one.

        Parameters
        ----------
        model : Model or str
            The model or its name.
        """
        self.model.refresh(model if isinstance(model, str) else model.card.name)
