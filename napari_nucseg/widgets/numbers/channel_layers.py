"""Further images of the same place: napari often opens each channel as a layer of its own."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

from ..layers.layers import METADATA_KEY, SHOWS
from ..layers.shown import bare
from .measurer import why_not_measured

__all__ = ["ChannelLayers"]

_TIP = "Further images of the same place, such as those of other stains"


class ChannelLayers(QPushButton):
    """Lets the person choose images beside the one that the labels belong to.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels_of, image_of : callable
        Return the chosen labels and their image, or None.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    chosen()
        Others are chosen.
    """

    chosen = Signal()

    def __init__(
        self,
        viewer: Any,
        labels_of: Callable[[], Any | None],
        image_of: Callable[[], Any | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._labels_of, self._image_of = labels_of, image_of
        self._checked: weakref.WeakSet[Any] = weakref.WeakSet()
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.offer)
        self.setMenu(self._menu)
        self.refresh()

    def layers(self) -> list[Any]:
        """Return the further images that are chosen and fit.

        Returns
        -------
        list of Image
            In the order of the viewer.
        """
        return [layer for layer in self._others() if bare(layer) in self._checked]

    def choose(self, layer: Any, wanted: bool = True) -> None:
        """Choose a further image, or no longer.

        Parameters
        ----------
        layer : Image
            The image.
        wanted : bool, optional
            Whether to choose it.
        """
        (self._checked.add if wanted else self._checked.discard)(bare(layer))
        self.refresh()
        self.chosen.emit()

    def offer(self) -> None:
        """List the images that there are now."""
        self._menu.clear()
        for layer in self._others():
            action = self._menu.addAction(layer.name)
            action.setCheckable(True)
            action.setChecked(bare(layer) in self._checked)
            action.toggled.connect(lambda wanted, layer=layer: self.choose(layer, wanted))

    def refresh(self) -> None:
        """Say how many there are."""
        count, others = len(self.layers()), self._others()
        self.setText(f"+ {count} more" if count else "more…")
        self.setEnabled(bool(others))
        self.setToolTip(_TIP if others else "There is no other image of the same shape.")

    def _others(self) -> list[Any]:
        labels, image = self._labels_of(), self._image_of()
        if labels is None or image is None:
            return []
        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image)
            and layer != image
            and SHOWS not in layer.metadata.get(METADATA_KEY, {})
            and not why_not_measured(labels, {"": layer})
        ]
