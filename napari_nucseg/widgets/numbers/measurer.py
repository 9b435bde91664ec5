"""Measuring in the window: on a thread, with progress, and it can be cancelled."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal

from ...image import ArrayImage, BaseImage, axes_of_names
from ...measure import LABEL_AXES, Measurement, measure_image
from ...support import Callbacks, Stopped
from ..jobs import run_in_thread
from ..layers.fingerprint import Fingerprint
from ..layers.layers import image_of, plane_of
from ..layers.shown import bare, result_of_layer
from .measured import Measured, put_measured

__all__ = ["Measurer", "labels_of", "why_not_measured"]


def labels_of(layer: Any, *, copied: bool = False) -> BaseImage:
    """Return the labels that a layer shows, with the size of a pixel, without reading them.

    Parameters
    ----------
    layer : Labels
        The layer.
    copied : bool, optional
        Whether what is in memory is copied: a person may draw on it meanwhile. What is not in
        memory nobody draws on.

    Returns
    -------
    BaseImage
        Without axes of length 1.

    Raises
    ------
    ValueError
        If it has too many axes.
    """
    data = plane_of(layer)
    ndim = len(data.shape)
    if ndim not in LABEL_AXES:
        raise ValueError(f"Expected labels of two to four axes, got {ndim}.")
    named = axes_of_names(layer.axis_labels)
    axes = named if len(named) == ndim and set(named) <= set("TZYX") else LABEL_AXES[ndim]
    first = layer.ndim - ndim
    places = {axis: at + first for at, axis in enumerate(axes)}
    unit = {
        axis: str(layer.units[at])
        for axis, at in places.items()
        if str(layer.units[at]) != "pixel" and layer.scale[at] > 0
    }
    spacing = {axis: float(layer.scale[places[axis]]) for axis in unit}
    if copied and isinstance(data, np.ndarray):
        data = np.array(data)
    return ArrayImage(data, axes, name=layer.name, spacing=spacing, unit=unit)


def why_not_measured(labels: Any | None, images: Mapping[str, Any]) -> str:
    """Say why nuclei cannot be measured.

    Parameters
    ----------
    labels : Labels or None
        The labels.
    images : mapping of str to Image
        What intensities are to be measured in.

    Returns
    -------
    str
        The reason, empty if they can.
    """
    if labels is None:
        return "Segment an image first, or add a Labels layer."
    try:
        known = labels_of(labels)
        for layer in images.values():
            image = image_of(layer)
            left = tuple(
                length
                for axis, length in zip(image.axes, image.shape, strict=True)
                if axis not in "CS"
            )
            if known.shape not in (left, image.shape):
                return (
                    f"The labels have the shape {known.shape}, the image {layer.name!r} has "
                    f"{left}. Choose the image they belong to, or none."
                )
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


class Measurer(QObject):
    """Measures one layer at a time.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers are.
    parent : QObject
        The parent.

    Signals
    -------
    progress(int, int)
        Parts that are measured, and all.
    measured(object)
        The `Labels` layer whose features have the numbers now.
    ended()
        It is done, whatever came out.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    progress = Signal(int, int)
    measured = Signal(object)
    ended = Signal()
    told = Signal(str, bool)

    def __init__(self, viewer: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._stop: threading.Event | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is measured now."""
        return self._stop is not None

    def start(self, layer: Any, images: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Measure a layer.

        Parameters
        ----------
        layer : Labels
            The labels. They may be edited meanwhile.
        images : mapping of str to Image
            What intensities are measured in, see `measure_nuclei`.
        options : mapping of str to object
            Further arguments of `measure_nuclei`.
        """
        reason = why_not_measured(layer, images)
        if reason or self.is_busy:
            self.told.emit(reason or "Something is measured already.", bool(reason))
            return
        stop = self._stop = threading.Event()
        labels = labels_of(layer, copied=True)
        sources = {name: image_of(one) for name, one in images.items()}
        given: Any = sources.get("", sources or None)
        probability = _probability_of(layer)
        relay = _Relay()
        relay.progress.connect(self.progress, Qt.ConnectionType.QueuedConnection)
        callbacks = Callbacks(relay.tell, should_stop=stop.is_set)
        kept = {name: weakref.ref(bare(one)) for name, one in images.items()}

        def work() -> Measured:
            found = measure_image(
                labels, given, probability=probability, callbacks=callbacks, **options
            )
            _check(found)
            return Measured(found, Fingerprint(np.asarray(labels)), kept, dict(options))

        run_in_thread(work, lambda found: self._show(layer, found), self._failed)
        self.told.emit(f"Measuring {layer.name!r}…", False)

    def cancel(self) -> None:
        """End it; nothing is changed."""
        if self._stop is not None:
            self._stop.set()

    def _show(self, layer: Any, found: Measured) -> None:
        stop, self._stop = self._stop, None
        if stop is not None and stop.is_set():
            self.told.emit("Cancelled. Nothing was changed.", False)
        elif layer not in self._viewer.layers:
            self.told.emit("The labels were closed meanwhile.", False)
        else:
            put_measured(layer, found)
            self.measured.emit(layer)
        self.ended.emit()

    def _failed(self, error: Exception) -> None:
        self._stop = None
        if isinstance(error, Stopped):
            self.told.emit("Cancelled. Nothing was changed.", False)
        else:
            self.told.emit(f"Not measured: {error}", True)
        self.ended.emit()


def _probability_of(layer: Any) -> np.ndarray | None:
    """Return the probability map that labels were made from, if they are as they were found."""
    result = result_of_layer(layer)
    if result is None or result.state() != "fresh":
        return None
    probability: np.ndarray | None = result.probability
    return probability


class _Relay(QObject):
    """Tells the window's thread of the progress, as long as the work lives."""

    progress = Signal(int, int)

    def tell(self, done: int, total: int, text: str) -> None:
        """Emit the progress."""
        self.progress.emit(done, total)


def _check(found: Measurement) -> None:
    """Features have one row for each label: refuse what has more."""
    ids = found.table["label"]
    if np.unique(ids).size < ids.size:
        raise ValueError(
            "Expected labels that are in one time point each, got some that are in several: "
            "napari's features have one row for each label. Use 'nucseg measure', or measure "
            "a time point alone."
        )
