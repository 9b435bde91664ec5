"""Part 1 of the dock widget: find the nuclei."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from ..engine import Job
from ..engine_child import RelabelExpired, SegmentationReply
from ..model_store import Model
from ..segmentation import SegmentParameters
from .choices import LayerChoice, ModelChoice
from .jobs import JobRunner
from .layers import field_of, placement_of, why_not_image
from .panel import Panel, enable_unless

__all__ = ["METADATA_KEY", "SegmentPanel"]

#: Where a layer of ours carries its provenance in ``layer.metadata``.
METADATA_KEY = "nucseg"

_DEBOUNCE = 150  # milliseconds
_SEGMENT_TIP = "Find the nuclei in the chosen image"
_CANCEL_TIP = "End the segmentation; nothing is changed"


@dataclasses.dataclass(eq=False)
class _Shown:
    """Labels that the engine still has the maps of."""

    layer: Any
    copy: np.ndarray
    key: str
    provenance: dict[str, Any]
    image: Any
    edited: bool = False

    def is_edited(self) -> bool:
        """Return whether a person or a script has changed the labels."""
        return self.edited or not np.array_equal(self.layer.data, self.copy)

    def shows(self, parameters: SegmentParameters) -> bool:
        """Return whether the labels are those that the sliders ask for."""
        made = self.provenance["parameters"]
        return (made["probability"], made["minimum_size"]) == (
            parameters.probability,
            parameters.minimum_size,
        )


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
        self._shown: list[_Shown] = []
        self._pending: dict[str, Any] = {}
        self._extras: dict[str, tuple[Any, Any]] = {}
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._image_changed()

    def _make_widgets(self) -> None:
        defaults = SegmentParameters()
        about = {field.name: field.metadata for field in dataclasses.fields(defaults)}
        self.image = LayerChoice(self._viewer, Image)
        self.channel = QComboBox()
        self.channel.setToolTip(about["channel"]["description"])
        self.model = ModelChoice()
        self.diameter = QSpinBox()
        # One below what can be given stands for "not given".
        self.diameter.setRange(about["diameter"]["minimum"] - 1, about["diameter"]["maximum"])
        self.diameter.setSpecialValueText("auto")
        self.diameter.setSuffix(" px")
        self.diameter.setToolTip(about["diameter"]["description"])
        self.probability = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.probability.setRange(0.01, 0.99)
        self.probability.setSingleStep(0.01)  # type: ignore[arg-type]
        self.probability.setDecimals(2)
        self.probability.setValue(defaults.probability)
        self.probability.setToolTip(about["probability"]["description"])
        self.minimum_size = QSpinBox()
        self.minimum_size.setRange(0, 100_000)
        self.minimum_size.setValue(defaults.minimum_size)
        self.minimum_size.setSuffix(" px²")
        self.minimum_size.setToolTip(about["minimum_size"]["description"])
        self.show_probability = QCheckBox("probability map")
        self.show_probability.setToolTip(
            "From the next Segment on, also show how sure the network is of each pixel"
        )
        self.show_mask = QCheckBox("binary mask")
        self.show_mask.setToolTip("From the next Segment on, all nuclei in one color")
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
        form.addRow("channel", self.channel)
        form.addRow("model", self.model)
        form.addRow("nucleus diameter", self.diameter)
        form.addRow("probability", self.probability)
        form.addRow("minimum size", self.minimum_size)
        self._form = form
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
        self.segment_button.clicked.connect(self._segment)
        self.cancel_button.clicked.connect(self._runner.cancel)
        self.probability.valueChanged.connect(self._tune_soon)
        self.minimum_size.valueChanged.connect(self._tune_soon)
        self._timer.timeout.connect(self._tune)
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
        diameter = self.diameter.value()
        return SegmentParameters(
            channel=self.channel.currentData(),
            diameter=None if diameter == self.diameter.minimum() else diameter,
            probability=round(self.probability.value(), 2),
            minimum_size=self.minimum_size.value(),
        )

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
        return self.channel.currentData() if image == self.image.layer() else None

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
        layer, before = self.image.layer(), self.channel.currentText()
        self.channel.clear()
        self.channel.addItem("as it is", None)
        if layer is not None and not why_not_image(layer):
            field = field_of(layer)
            if field.channels > 1:
                if not field.is_color:
                    self.channel.clear()
                for index in range(field.channels):
                    name = ["red", "green", "blue", "alpha"][index] if field.is_color else index
                    self.channel.addItem(str(name), index)
        # Other layers come and go; the choice stays where it still makes sense.
        self.channel.setCurrentIndex(max(0, self.channel.findText(before)))
        self._form.setRowVisible(self.channel, self.channel.count() > 1)
        self.refresh("A job is running." if self._runner.job else "")

    def _segment(self) -> None:
        """Give the image to the engine."""
        layer, model = self.image.layer(), self.model.model()
        if self._runner.job is not None or layer is None or model is None:
            return
        try:
            field, parameters = field_of(layer), self.parameters()
        except (TypeError, ValueError) as error:
            self.told.emit(str(error), True)
            return
        self._pending = {"layer": layer, "placement": placement_of(layer), "model": model}
        self._timer.stop()
        self._runner.run(
            "segment",
            {"field": field, "model": str(model.folder), "parameters": parameters},
        )
        self.progress.setRange(0, 0)
        self.told.emit(f"Segmenting {layer.name!r}…", False)

    def _show_progress(self, done: int, total: int, text: str) -> None:
        if self._pending:
            # A bar that moves on its own says more than one that stands at 0.
            self.progress.setRange(0, total if done else 0)
            self.progress.setValue(done)

    def _finish(self, job: Job) -> None:
        """Show what the engine found, or say what went wrong."""
        # The sliders may have been moved while the engine was busy.
        self._tune_soon()
        if job.task != "segment":
            return
        pending, self._pending = self._pending, {}
        self.progress.setRange(0, 1)
        self.progress.reset()
        if job.state == "done":
            self._show(job.result, pending)
        elif job.state == "stopped":
            self.told.emit("Cancelled. Nothing was changed.", False)
        else:
            self.told.emit(str(job.error), True)

    def _show(self, reply: SegmentationReply, pending: dict[str, Any]) -> None:
        """Put the labels into the viewer."""
        image, placement = pending["layer"], pending["placement"]
        if image not in self._viewer.layers:
            self.told.emit("The image was closed meanwhile; its nuclei are not shown.", False)
            return
        name = f"{image.name} nuclei"
        metadata = {METADATA_KEY: reply.provenance}
        shown = self._unedited(image, reply.labels.shape)
        if shown is None:
            layer = self._viewer.add_labels(
                reply.labels, name=name, metadata=metadata, **placement
            )
            shown = _Shown(layer, reply.labels.copy(), reply.key, reply.provenance, image)
            self._shown.append(shown)
            layer.events.paint.connect(lambda event, shown=shown: self._mark_edited(shown))
        else:
            self._replace(shown, reply)
            _place(shown.layer, placement)
        self._show_extras(reply, shown, placement)
        self.segmented.emit(shown.layer, image)
        count = int(reply.labels.max())
        self.told.emit(
            f"{count} nuclei, typically {reply.diameter:.0f} pixels wide, in "
            f"{reply.provenance['seconds']:.1f} s.",
            False,
        )

    def _unedited(self, image: Any, shape: tuple[int, ...]) -> _Shown | None:
        """Return our labels of an image if nobody has changed them."""
        self._shown = [s for s in self._shown if s.layer in self._viewer.layers]
        for shown in reversed(self._shown):
            if shown.image == image and not shown.is_edited():
                return shown if shown.copy.shape == shape else None
        return None

    def _replace(self, shown: _Shown, reply: SegmentationReply) -> None:
        """Put other labels into a layer of ours."""
        shown.copy, shown.key, shown.provenance = (
            reply.labels.copy(),
            reply.key,
            reply.provenance,
        )
        shown.layer.data = reply.labels
        shown.layer.metadata = {**shown.layer.metadata, METADATA_KEY: reply.provenance}

    def _mark_edited(self, shown: _Shown) -> None:
        if not shown.edited:
            shown.edited = True
            self.told.emit(
                "These labels are edited now: the sliders leave them alone, and Segment "
                "makes a new layer.",
                False,
            )

    def _show_extras(
        self, reply: SegmentationReply, shown: _Shown, placement: dict[str, Any]
    ) -> None:
        """Show the probability map and the binary mask, if wanted."""
        name, chosen = shown.image.name, self.image.layer()
        layers = self._viewer.layers
        active, count = layers.selection.active, len(layers)
        if self.show_probability.isChecked() and reply.probability.size:
            self._put(
                f"{name} probability",
                reply.probability,
                lambda **options: self._viewer.add_image(
                    reply.probability,
                    colormap="inferno",
                    opacity=0.6,
                    blending="additive",
                    contrast_limits=(0, 255),
                    **options,
                ),
                placement,
            )
        if self.show_mask.isChecked():
            mask = (reply.labels > 0).astype(np.uint8)
            self._put(
                f"{name} mask",
                mask,
                lambda **options: self._viewer.add_labels(mask, opacity=0.4, **options),
                placement,
            )
        if len(layers) == count:
            return
        # The new layers made themselves the active ones, and what follows that went along.
        layers.selection.active = shown.layer
        layers.selection.active = active
        if chosen is not None:
            self.image.choose(chosen)

    def _put(self, name: str, data: np.ndarray, add: Any, placement: dict[str, Any]) -> None:
        """Renew the layer we made of it, unless somebody changed that; else make one."""
        kept = self._extras.get(name)
        if kept and kept[0] in self._viewer.layers and np.array_equal(kept[0].data, kept[1]):
            layer = kept[0]
            layer.data = data
            _place(layer, placement)
        else:
            layer = add(name=name, **placement)
        self._extras[name] = layer, data.copy()

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
        shown = self._unedited(image, field_of(image).shape)
        if shown is None or shown.shows(self.parameters()):
            return
        self._tuner.run("relabel", {"key": shown.key, "parameters": self.parameters()})

    def _finish_tuning(self, job: Job) -> None:
        if isinstance(job.error, RelabelExpired):
            self.told.emit("Click Segment to see the new settings.", False)
        elif job.state == "failed":
            self.told.emit(str(job.error), True)
        elif job.state == "done":
            for shown in self._shown:
                if shown.key == job.result.key and not shown.is_edited():
                    self._replace(shown, job.result)
                    self._show_extras(job.result, shown, placement_of(shown.layer))
                    self.told.emit(f"{int(job.result.labels.max())} nuclei.", False)

    def use_model(self, model: Model | str) -> None:
        """List the models anew and choose one.

        Parameters
        ----------
        model : Model or str
            The model or its name.
        """
        self.model.refresh(model if isinstance(model, str) else model.card.name)


def _place(layer: Any, placement: dict[str, Any]) -> None:
    """Put a layer that is there already to where another one is."""
    now = placement_of(layer)
    for name, value in placement.items():
        if not np.all(now[name] == value):
            setattr(layer, name, value)
