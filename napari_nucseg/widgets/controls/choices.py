"""Combo boxes that follow the layers of the viewer, and the models on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from ...registry import DEFAULT_MODEL, Model, list_models
from ..layers.layers import METADATA_KEY, SHOWS

__all__ = ["LayerChoice", "ModelChoice"]


class LayerChoice(QComboBox):
    """Lets the person choose a layer of one kind.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers.
    kind : type
        Class of the layers.
    parent : QWidget, optional
        The parent.
    may_follow : callable, optional
        Asked whether a layer that the person makes the active one is to be chosen.

    Signals
    -------
    chosen()
        Another layer is chosen, or its name has changed.
    replaced(object)
        A layer of the kind was given other data.
    """

    chosen = Signal()
    replaced = Signal(object)

    def __init__(
        self,
        viewer: Any,
        kind: type,
        parent: QWidget | None = None,
        *,
        may_follow: Callable[[Any], bool] = lambda layer: True,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._kind = kind
        self._may_follow = may_follow
        self._layers: list[Any] = []
        # Whether nothing is chosen until the person does it.
        self._is_open = False
        self._followed: Any | None = None
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(12)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(self._refresh)
        viewer.layers.selection.events.active.connect(self._follow_active)
        self.currentIndexChanged.connect(lambda _: self.chosen.emit())
        self._refresh()
        self._follow_active()

    def layer(self) -> Any | None:
        """Return the chosen layer.

        Returns
        -------
        Layer or None
            None if there is none of the kind.
        """
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def choose(self, layer: Any) -> None:
        """Choose a layer.

        Parameters
        ----------
        layer : Layer
            One of the viewer's.
        """
        for index, known in enumerate(self._layers):
            if known == layer:
                self._is_open = False
                self.setCurrentIndex(index)

    def ask(self) -> None:
        """Choose no layer, until the person chooses one."""
        self._is_open = True
        self.setPlaceholderText("Choose …")
        self.setCurrentIndex(-1)

    def _refresh(self, event: Any = None) -> None:
        """List the layers anew, and keep the choice if it is still there."""
        if not isalive(self):  # the widget was closed, the viewer was not
            return
        before = self.layer()
        # The newest is what the person has just opened.
        newest_first = reversed(self._viewer.layers)
        self._layers = [layer for layer in newest_first if self._is_offered(layer)]
        for layer in self._layers:
            layer.events.data.connect(self._data_replaced)  # once, however often it is asked
        with QSignalBlocker(self):
            self.clear()
            self.addItems([layer.name for layer in self._layers])
            if before is not None:
                self.choose(before)
            elif self._is_open:
                self.setCurrentIndex(-1)
        self.chosen.emit()

    def _is_offered(self, layer: Any) -> bool:
        """Return whether a layer is of the kind, and no map, which is there to be looked at."""
        is_map = SHOWS in layer.metadata.get(METADATA_KEY, {})
        return isinstance(layer, self._kind) and not is_map

    def _data_replaced(self, event: Any) -> None:
        if isalive(self):
            self.replaced.emit(event.source)

    def _follow_active(self, event: Any = None) -> None:
        if not isalive(self):
            return
        active = self._viewer.layers.selection.active
        if active is None or SHOWS in active.metadata.get(METADATA_KEY, {}):
            return
        is_new = isinstance(active, self._kind) and active != self._followed
        if is_new and self._may_follow(active):
            self.choose(active)
        self._followed = active


class ModelChoice(QComboBox):
    """Lets the person choose a model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(12)
        self.refresh()

    def model(self) -> Model | None:
        """Return the chosen model.

        Returns
        -------
        Model or None
            None if there is none.
        """
        return self.currentData()

    def choose(self, name: str | None) -> None:
        """Choose a model if it is still there.

        Parameters
        ----------
        name : str or None
            Its name.
        """
        index = self.findText(name) if name else -1
        if index >= 0:
            self.setCurrentIndex(index)

    def showPopup(self) -> None:  # noqa: N802 (Qt's name)
        """List the models anew: another window may have made one."""
        self.refresh()
        super().showPopup()

    def refresh(self, name: str | None = None) -> None:
        """List the models anew.

        Parameters
        ----------
        name : str, optional
            Model to choose; left out, the choice stays.
        """
        name = name or self.currentText() or DEFAULT_MODEL
        with QSignalBlocker(self):
            self.clear()
            for model in list_models():
                self.addItem(model.card.name, model)
                about = model.card.description or "No description."
                self.setItemData(self.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(max(0, self.findText(name)))
