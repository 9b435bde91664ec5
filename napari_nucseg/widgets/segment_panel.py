"""Part 1 of the dock widget: find the nuclei."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from ..engine import (
    Job,
    Relabel,
    RelabelExpired,
    Segment,
    shared_engine,
)
from ..pipeline import Segmentation, SegmentParameters
from ..registry import Model
from ..support import pluralize
from .channels import channels_in_words
from .choices import AxesChoice, ChannelChoice, LayerChoice, ModelChoice
from .jobs import JobRunner
from .layers import field_of, placement_of, why_not_image
from .panel import Panel, enable_unless
from .parameter_form import ParameterForm
from .results import Results

__all__ = ["SegmentPanel"]

_DEBOUNCE = 150  # milliseconds
_SEGMENT_TIP = "Find the nuclei in the chosen image"
_CHANNEL_TIP = "All colors together, or one of them alone"
_CANCEL_TIP = "End the segmentation; nothing is changed"


class SegmentPanel(Panel):
    """Choose an image and a model, find the nuclei, and tune the labels.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    runner : JobRunner
        Runs the job; shared with the other panels.

    Signals
    -------
    segmented(object, object)
        The new or updated Labels layer and its image layer.
    """

    segmented = Signal(object, object)

    def __init__(self, viewer: Any, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("1  Segment", parent)
        self._viewer = viewer
        self._runner = runner
        self._tuner = JobRunner(self)
        self._results = Results(viewer, self._labels_edited)
        self._pending: dict[str, Any] = {}
        self._cancelled = False
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
        self.show_probability = QCheckBox("probability map")
        self.show_probability.setToolTip("How sure the network is of each pixel")
        self.show_mask = QCheckBox("binary mask")
        self.show_mask.setToolTip("All nuclei in one color")
        self._maps = {"probability": self.show_probability, "mask": self.show_mask}
        self.segment_button = QPushButton("Segment")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("image", self.image)
        form.addRow("axes", self.axes)
        channel = QHBoxLayout()
        channel.addWidget(self.channel, 1)
        channel.addWidget(self.channels)
        form.addRow("channel", channel)
        self._channel_row = channel
        form.addRow("model", self.model)
        #: The parameters that need no choice of a layer.
        self.form = ParameterForm(SegmentParameters(), form)
        self._rows = form
        also = QHBoxLayout()
        also.addWidget(self.show_probability)
        also.addWidget(self.show_mask)
        form.addRow("also show", also)
        buttons = QHBoxLayout()
        buttons.addWidget(self.segment_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        self.body.addLayout(form)
        self.body.addLayout(buttons)
        self.body.addWidget(self.progress)

    def _connect(self) -> None:
        self.image.chosen.connect(self._image_changed)
        self.image.replaced.connect(self._data_replaced)
        self.axes.changed.connect(self._image_changed)
        self.axes.refused.connect(lambda reason: self.told.emit(reason, True))
        self.segment_button.clicked.connect(self._segment)
        self.cancel_button.clicked.connect(self._cancel)
        self.form.on_change(self._tune_soon)
        self._timer.timeout.connect(self._tune)
        for kind, box in self._maps.items():
            box.toggled.connect(lambda wanted, kind=kind: self._show_map(kind, wanted))
        self._runner.progress.connect(self._show_progress)
        self._runner.done.connect(self._finish)
        self._tuner.done.connect(self._finish_tuning)

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
        nothing = "" if self._pending and busy else "No image is being segmented."
        enable_unless(self.cancel_button, nothing, _CANCEL_TIP)

    def _image_changed(self) -> None:
        """Offer the channels of the image."""
        layer = self.image.layer()
        usable = None if why_not_image(layer) else layer
        short, long = ("", "") if usable is None else channels_in_words(usable)
        self.axes.offer(layer)
        for widget in (self._rows.labelForField(self.axes), self.axes):
            widget.setVisible(self.axes.is_needed())
        self.channel.offer(usable)
        self.channels.setText(short)
        for widget in (self.channel, self.channels):
            widget.setToolTip(long or _CHANNEL_TIP)
        for widget in (
            self._rows.labelForField(self._channel_row),
            self.channel,
            self.channels,
        ):
            widget.setVisible(self.channel.count() > 1)  # of a whole row only Qt 6 can say it
        self.refresh("A job is running." if self._runner.job else "")

    def _data_replaced(self, layer: Image) -> None:
        """Forget what was found in the data that a layer had before."""
        self._results.forget(layer)
        if self._pending.get("layer") == layer:
            self._pending["layer"] = None
        if layer == self.image.layer():
            self._image_changed()

    def _segment(self) -> None:
        """Give the image to the engine."""
        layer, model = self.image.layer(), self.model.model()
        if self._runner.job is not None or layer is None or model is None:
            return
        try:
            parameters = self.parameters()
            # The other channels need not travel to the engine.
            field = field_of(layer).of_channel(parameters.channel)
        except (TypeError, ValueError) as error:
            self.told.emit(str(error), True)
            return
        self._pending = {"layer": layer, "placement": placement_of(layer), "model": model}
        self._cancelled = False
        self._timer.stop()
        busy = shared_engine().state == "busy"
        of_plane = dataclasses.replace(parameters, channel=None)
        self._runner.run(
            Segment(field, model.folder, of_plane, parameters.channel, keep_maps=True)
        )
        then = " as soon as the engine has ended what it does" if busy else ""
        self.told.emit(f"Segmenting {layer.name!r}{then}…", False)

    def _cancel(self) -> None:
        """End the job; if it ends by itself just then, nothing is changed all the same."""
        self._cancelled = True
        self._runner.cancel()

    def _show_progress(self, done: int, total: int, text: str) -> None:
        if self._pending:
            # A bar that moves on its own would have the whole window, with the canvas in it,
            # drawn again and again: without a graphics card that takes a processor core.
            self.progress.setRange(0, total)
            self.progress.setValue(done)

    def _finish(self, job: Job) -> None:
        """Show what the engine found, or say what went wrong."""
        # The sliders may have been moved while the engine was busy.
        self._tune_soon()
        if job.kind is not Segment:
            return
        pending, self._pending = self._pending, {}
        self.progress.setRange(0, 1)
        self.progress.reset()
        if self._cancelled or job.state == "stopped":
            self.told.emit("Cancelled. Nothing was changed.", False)
        elif job.state == "done":
            self._show(job.result, pending, job.warnings)
        else:
            self.told.emit(str(job.error), True)

    def _show(self, found: Segmentation, pending: dict[str, Any], notes: Sequence[str]) -> None:
        """Put the labels into the viewer."""
        image, placement = pending["layer"], pending["placement"]
        if image not in self._viewer.layers:
            text = "The image was closed or replaced meanwhile; its nuclei are not shown."
            self.told.emit(text, False)
            return
        layer = self._results.show(found, image, placement).layer
        for kind, box in self._maps.items():
            self._results.show_map(image, kind, box.isChecked())
        self.segmented.emit(layer, image)
        self.told.emit(" ".join([_in_words(found), *notes]), False)

    def _labels_edited(self) -> None:
        self.told.emit(
            "These labels are edited now: the sliders leave them alone, and Segment makes a "
            "new layer.",
            False,
        )

    def _show_map(self, kind: str, wanted: bool) -> None:
        image = self.image.layer()
        if image is not None:
            self._results.show_map(image, kind, wanted)

    def _tune_soon(self) -> None:
        self._timer.start()

    def _tune(self) -> None:
        """Ask for other labels from the kept maps."""
        image = self.image.layer()
        if image is None or why_not_image(image) or self._runner.job is not None:
            return
        if self._tuner.job is not None:
            self._timer.start()
            return
        result, parameters = self._results.of(image, unedited=True), self.parameters()
        if result is not None and not result.shows(parameters):
            self._tuner.run(Relabel(result.key, parameters))

    def _finish_tuning(self, job: Job) -> None:
        if isinstance(job.error, RelabelExpired):
            self.told.emit("Click Segment to see the new settings.", False)
        elif job.state == "failed":
            self.told.emit(str(job.error), True)
        elif job.state == "done":
            result = self._results.with_key(job.result.id)
            if result is not None:
                self._results.replace(result, job.result)
                if self.show_mask.isChecked():
                    self._results.show_map(result.image, "mask", True)
                self.told.emit(f"{pluralize(int(job.result.labels.max()))}.", False)

    def use_model(self, model: Model | str) -> None:
        """List the models anew and choose one.

        Parameters
        ----------
        model : Model or str
            The model or its name.
        """
        self.model.refresh(model if isinstance(model, str) else model.card.name)


def _in_words(found: Segmentation) -> str:
    """Say what was found."""
    if not found.labels.any():
        if found.provenance["blank"]:
            return "No nuclei found: all pixels are alike."
        return "No nuclei found. Lower the probability, or say how wide the nuclei are."
    seconds = found.provenance["seconds"]
    count = pluralize(int(found.labels.max()))
    return f"{count}, typically {found.diameter:.0f} pixels wide, in {seconds:.1f} s."
