"""Before and after: two labels of one image, and a layer in colors of where they differ."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...measure import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, Differences, differences
from ...support import pluralize
from ..controls.choices import LayerChoice
from ..jobs import run_in_thread
from ..layers.fingerprint import Fingerprint
from ..layers.layers import METADATA_KEY, SHOWS
from ..layers.origin import origin_of
from ..layers.shown import bare, follow_edits
from ..panel import enable_unless, hint

__all__ = ["COLORS", "Comparison", "legend", "show_differences", "why_not_compared"]

#: Of the classes; they can be told apart by those who do not see red and green.
COLORS: dict[int | None, str] = {
    FIRST_ONLY: "#56b4e9",
    SECOND_ONLY: "#e69f00",
    OTHER_OUTLINE: "#d55fb4",
}

_TIP = "Add a layer in colors: found by one only, or with another outline (IoU below 0.5)"
#: Width of the outlines of the labels that are compared, in pixels.
_CONTOUR = 1
_WAIT = 300  # milliseconds: layers tell of every stroke

#: By the layers of differences: the two labels that were compared.
_compared: weakref.WeakKeyDictionary[Any, tuple[weakref.ref[Any], weakref.ref[Any]]] = (
    weakref.WeakKeyDictionary()
)


def why_not_compared(first: Any | None, second: Any | None, viewer: Any) -> str:
    """Say why two layers of labels cannot be compared.

    Parameters
    ----------
    first, second : Labels or None
        The layers.
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    str
        The reason, empty if they can.
    """
    if first is None or second is None or first == second:
        return "Needs two layers of labels: segment with another model, or open the labels."
    if first.multiscale or second.multiscale:
        return "Labels of several resolutions cannot be compared."
    if first.data.shape != second.data.shape:
        return f"Their shapes differ: {first.data.shape} and {second.data.shape}."
    origins = [origin_of(layer, viewer) for layer in (first, second)]
    images = [origin.image() for origin in origins if origin is not None]
    if len(images) == 2 and images[0] is not images[1]:
        return "They were made from different images."
    return ""


def show_differences(viewer: Any, first: Any, second: Any, found: Differences) -> Any:
    """Put differences into the viewer, in place of those of the same two layers.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    first, second : Labels
        What was compared.
    found : Differences
        The differences.

    Returns
    -------
    Labels
        The layer that shows them, where the first labels lie. Both labels are drawn as
        outlines, so that its colors are seen.
    """
    placed = _placement(first)
    pair = bare(first), bare(second)
    for layer in viewer.layers:
        before = tuple(one() for one in _compared.get(bare(layer), ()))
        if before in (pair, pair[::-1]):
            viewer.layers.remove(layer)
            break
    active = viewer.layers.selection.active
    colors: dict[int | None, str] = {None: "transparent", 0: "transparent", **COLORS}
    layer = viewer.add_labels(
        found.map,
        name=f"differences: {first.name}, {second.name}",
        metadata={METADATA_KEY: {SHOWS: "differences"}},
        opacity=0.8,
        colormap=DirectLabelColormap(color_dict=colors),
        **placed,
    )
    # A new layer makes itself the active one.
    viewer.layers.selection.active = active
    _compared[bare(layer)] = weakref.ref(pair[0]), weakref.ref(pair[1])
    for labels in pair:
        labels.contour = _CONTOUR
    return layer


def _placement(layer: Any) -> dict[str, Any]:
    """Return what puts a layer of as many axes exactly over another one."""
    names = ("scale", "translate", "rotate", "shear", "units", "axis_labels")
    return {
        **{name: getattr(layer, name) for name in names},
        "affine": np.array(layer.affine.affine_matrix),
    }


class Comparison(QWidget):
    """Lets the person choose two layers of labels, and shows how they differ.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._is_busy = False
        # Of the labels that the legend is about.
        self._shown: list[tuple[weakref.ref[Any], Fingerprint]] = []
        self._counts = ""
        self.first = LayerChoice(viewer, Labels, may_follow=lambda _: False)
        self.second = LayerChoice(viewer, Labels, may_follow=lambda _: False)
        self.button = QPushButton("Show differences")
        #: Why the button cannot be clicked.
        self.reason = hint("")
        #: What the colors mean, and how many nuclei there are of each.
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self._lay_out()
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_WAIT)
        self._look.timeout.connect(self._tell_if_old)
        for choice in (self.first, self.second):
            choice.chosen.connect(self.refresh)
            choice.replaced.connect(lambda _: self.refresh())
        self.button.clicked.connect(self._compare)
        viewer.layers.events.removed.connect(self._fill_again)
        self.refresh()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("compare", self.first)
        form.addRow("with", self.second)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(form)
        column.addWidget(self.button)
        column.addWidget(self.reason)
        column.addWidget(self.legend)

    def refresh(self) -> None:
        """Enable what can work."""
        self._choose_two()
        reason = why_not_compared(self.first.layer(), self.second.layer(), self._viewer)
        if self._is_busy:
            reason = "The labels are being compared."
        enable_unless(self.button, reason, _TIP, self.reason)
        self.reason.setVisible(bool(reason))
        chosen = [bare(choice.layer()) for choice in (self.first, self.second)]
        is_of_these = chosen == [layer() for layer, _ in self._shown]
        self.legend.setVisible(bool(self._counts) and is_of_these)

    def _choose_two(self) -> None:
        """Choose another layer as the second where both are the same one."""
        if self.first.layer() == self.second.layer():
            others = [
                row for row in range(self.second.count()) if row != self.first.currentIndex()
            ]
            if others:
                self.second.setCurrentIndex(others[0])

    def _compare(self) -> None:
        """Compare copies on a thread: the labels may be edited meanwhile."""
        first, second = self.first.layer(), self.second.layer()
        reason = why_not_compared(first, second, self._viewer)
        if reason or first is None or second is None:
            self.told.emit(reason, True)
            return
        data = np.array(first.data), np.array(second.data)
        self._is_busy = True
        self.refresh()
        run_in_thread(
            lambda: (differences(*data), [Fingerprint(labels) for labels in data]),
            lambda found: self._show(first, second, *found),
            self._failed,
        )

    def _failed(self, error: Exception) -> None:
        self._is_busy = False
        self.refresh()
        self.told.emit(f"Not compared: {error}", True)

    def _show(
        self, first: Any, second: Any, found: Differences, prints: list[Fingerprint]
    ) -> None:
        self._is_busy = False
        layers = self._viewer.layers
        if first not in layers or second not in layers:
            self.told.emit("Labels were closed meanwhile; nothing is shown.", False)
        elif first.data.shape != found.map.shape:
            self.told.emit("Labels have another shape meanwhile; nothing is shown.", False)
        else:
            show_differences(self._viewer, first, second, found)
            self._counts = legend(found)
            self._shown = [
                (weakref.ref(bare(layer)), before)
                for layer, before in zip((first, second), prints, strict=True)
            ]
            for layer in (first, second):
                follow_edits(layer, self._changed)
            self._tell_if_old()
        self.refresh()

    def _fill_again(self, event: Any) -> None:
        """Draw labels filled again when their differences are taken away."""
        for labels in _compared.get(bare(event.value), ()):
            layer = labels()
            if layer is not None:
                layer.contour = 0

    def _changed(self, event: Any = None) -> None:
        if isalive(self):
            self._look.start()

    def _tell_if_old(self) -> None:
        """Say it if the labels are no longer those that were compared."""
        old = ""
        for layer, before in self._shown:
            labels = layer()
            if labels is None or not before.fits(labels.data):
                old = "<br>The labels have changed since then: show the differences again."
        self.legend.setText(self._counts + old)


def legend(found: Differences) -> str:
    """Return what the colors mean, and how many nuclei there are of each.

    Parameters
    ----------
    found : Differences
        How two labels differ.

    Returns
    -------
    str
        Lines of rich text.
    """
    if not found.any:
        return f"No differences: all {pluralize(found.alike)} are alike."
    others = f"{found.first_other} of the first, {found.second_other} of the second"
    lines = {
        FIRST_ONLY: f"only in the first: {found.first_only}",
        SECOND_ONLY: f"only in the second: {found.second_only}",
        OTHER_OUTLINE: f"other outline: {others}",
    }
    colored = [
        f'<span style="color: {COLORS[kind]};">■</span> {text}' for kind, text in lines.items()
    ]
    return "<br>".join([*colored, f"alike in both: {found.alike}"])
