"""What of an image is segmented: its axes and its channel, in step with the slider."""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QWidget

from ..layers.layers import field_of, image_of, plane_of, set_axes, why_not_image
from .channels import show_channel, shown_channel

__all__ = ["AxesChoice", "ChannelChoice"]

_AXES_TIP = (
    "A letter for each axis: T (time), C (channel), Z (depth), Y, X. If they are wrong, type "
    "the right ones and press Enter; empty, they are guessed again."
)


class ChannelChoice(QComboBox):
    """Lets the person choose a channel of an image, in step with the slider of the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    chosen()
        Another channel is chosen, here or with the slider.
    """

    chosen = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Image | None = None
        self.currentIndexChanged.connect(self._turn_slider)
        self.currentIndexChanged.connect(lambda _: self.chosen.emit())
        dims = viewer.dims.events
        dims.current_step.connect(self._follow_slider)
        # In 3-D there is no slider to turn: it is turned when it is there again.
        for event in (dims.ndisplay, dims.order):
            event.connect(self._turn_slider)

    def channel(self) -> int | None:
        """Return the chosen channel.

        Returns
        -------
        int or None
            Counted from 0, None for the image as it is.
        """
        return self.currentData()

    def offer(self, layer: Image | None) -> None:
        """Offer the channels of an image, and keep the choice where it still makes sense.

        Parameters
        ----------
        layer : Image or None
            An image that can be segmented, if there is one.
        """
        self._layer = layer
        before = self.currentText()
        with QSignalBlocker(self):
            self.clear()
            for name, channel in _channels_of(layer):
                self.addItem(name, channel)
            # It is offered anew when any layer comes or goes, which must not undo the choice.
            self.setCurrentIndex(max(0, self.findText(before)))
        self._follow_slider()

    def _image(self) -> Image | None:
        """Return the image if it still is in the viewer and can be segmented."""
        layer = self._layer
        there = layer is not None and layer in self._viewer.layers
        return layer if there and not why_not_image(layer) else None

    def _follow_slider(self, event: Any = None) -> None:
        """Choose the channel that the viewer shows."""
        if not isalive(self):  # the widget was closed, the viewer was not
            return
        layer = self._image()
        channel = None if layer is None else shown_channel(self._viewer, layer)
        if channel is not None and channel != self.channel():
            with QSignalBlocker(self):  # or the slider would jump to a whole channel
                self.setCurrentIndex(self.findData(channel))
            self.chosen.emit()

    def _turn_slider(self, event: Any = None) -> None:
        """Let the viewer show the channel that is chosen."""
        if not isalive(self):
            return
        layer, channel = self._image(), self.channel()
        if layer is not None and channel is not None:
            show_channel(self._viewer, layer, channel)


def _channels_of(layer: Image | None) -> list[tuple[str, int | None]]:
    """Return the names and numbers of what can be chosen; None is the image as it is."""
    whole: list[tuple[str, int | None]] = [("as it is", None)]
    field = None if layer is None else field_of(layer)
    if field is None or field.channels == 1:
        return whole
    if field.is_color:
        colors = ["red", "green", "blue", "alpha"]
        return [*whole, *zip(colors, range(field.channels), strict=False)]
    return [(str(index), index) for index in range(field.channels)]


class AxesChoice(QLineEdit):
    """Shows the axes of an image, and lets the person name them.

    What she types is kept in the axis labels of the layer, where it holds for all that is
    done with the image.

    Parameters
    ----------
    parent : QWidget, optional
        The parent.

    Signals
    -------
    changed()
        The axes of the image have another name.
    refused(str)
        What was typed cannot be the axes; says why.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layer: Image | None = None
        self._shown = ""
        self.setPlaceholderText("such as TZYX")
        self.setMaxLength(12)
        self.editingFinished.connect(self._name_axes)

    def offer(self, layer: Image | None) -> None:
        """Show the axes of an image.

        Parameters
        ----------
        layer : Image or None
            An image, whether it can be segmented or not, if there is one.
        """
        if self._layer is not None:
            self._layer.events.axis_labels.disconnect(self._axes_named)
        self._layer = layer
        text, tip = "", _AXES_TIP
        if layer is not None:
            layer.events.axis_labels.connect(self._axes_named)
            try:
                image = image_of(layer)
            except (TypeError, ValueError) as error:
                tip = f"{error} {tip}"
            else:
                text = image.axes
                tip = f"{'Guessed: ' if image.guessed else ''}{image.describe()}. {tip}"
        self._shown = text
        self.setText(text)
        self.setToolTip(tip)

    def is_needed(self) -> bool:
        """Tell if there is anything to name.

        Returns
        -------
        bool
            Whether the image has other axes than those of one grey or color plane.
        """
        layer = self._layer
        return layer is not None and len(plane_of(layer).shape) > (3 if layer.rgb else 2)

    def _axes_named(self, event: Any = None) -> None:
        if isalive(self):
            self.offer(self._layer)
            self.changed.emit()

    def _name_axes(self) -> None:
        """Name the axes as they were typed."""
        layer, axes = self._layer, self.text().strip().upper()
        if layer is None:
            return
        try:
            if axes != self._shown:
                set_axes(layer, axes)
        except ValueError as error:
            self.refused.emit(str(error))
        self.offer(layer)
