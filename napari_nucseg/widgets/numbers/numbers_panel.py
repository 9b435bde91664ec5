"""Part 5 of the dock widget: measure the nuclei, look at their numbers, and save them."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QWidget,
)

from ...support import pluralize
from ..controls.choices import LayerChoice
from ..layers.layers import image_of
from ..layers.pairing import Pairing
from ..layers.shown import bare
from ..panel import Panel, enable_unless, reasons_in_words
from .channel_layers import ChannelLayers
from .chosen import Chosen
from .class_maker import ClassMaker
from .color_choice import ColorChoice
from .gate_plot import GatePlot
from .image_link import ImageLink
from .measured import measured_of
from .measured_mark import MeasuredMark
from .measurer import Measurer, why_not_measured
from .nucleus_table import NucleusTable
from .rows import Rows, rows_of
from .saving import Saving

__all__ = ["NumbersPanel"]

_MEASURE_TIP = "Measure position, size, shape and intensities of every nucleus"
_CANCEL_TIP = "End the measurement; nothing is changed"
_RING_TIP = (
    "Also measure intensities in a ring of this width around each nucleus, in µm, or in pixels "
    "if their size is not known"
)
_SOON = 40  # milliseconds: features are set several times in a row
_VIEWS = 190  # height of table and plot at least, in pixels


class NumbersPanel(Panel):
    """Measure labels, and see the same nuclei in a table, in a plot and in the image.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    parent : QWidget, optional
        The parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("5  Measure", parent)
        self._viewer = viewer
        self._known: Any | None = None
        #: Which nuclei are chosen.
        self.chosen = Chosen(self)
        self.measurer = Measurer(viewer, self)
        self._make_choices()
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._labels_changed()
        self._tell_chosen()

    def _make_choices(self) -> None:
        """Make what says which nuclei are measured, where, and how."""
        self.labels = LayerChoice(self._viewer, Labels)
        self.image = LayerChoice(
            self._viewer, Image, may_follow=lambda _: self.labels.layer() is None
        )
        self._pairing = Pairing(self._viewer, self.labels, self.image, self)
        self.others = ChannelLayers(self._viewer, self.labels.layer, self.image.layer)
        self.intensities = QCheckBox("intensities")
        self.intensities.setToolTip("Measure in the image, not only the shape")
        self.intensities.setChecked(True)
        self.ring = QDoubleSpinBox()
        self.ring.setRange(0, 1000)
        self.ring.setDecimals(1)
        self.ring.setSpecialValueText("no ring")
        self.ring.setToolTip(_RING_TIP)

    def _make_widgets(self) -> None:
        self.measure_button = QPushButton("Measure")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        #: How many nuclei there are, and whether the table is out of date.
        self.state = MeasuredMark()
        self.table = NucleusTable(self.chosen)
        self.count = QLabel()
        self.only_chosen = QCheckBox("only these")
        self.only_chosen.setToolTip("Show the chosen nuclei alone in the table")
        self.none_button = QPushButton("None")
        self.none_button.setToolTip("Choose no nucleus")
        self.colors = ColorChoice(self.chosen, self.labels.layer)
        self.plot = GatePlot(self.chosen)
        self.classes = ClassMaker(self.chosen, self.labels.layer)
        self.link = ImageLink(self._viewer, self.chosen, self.labels.layer, self)
        self.saving = Saving(self._viewer, self.labels.layer, self._own_image, self)
        self._fill = QTimer(self)
        self._fill.setSingleShot(True)
        self._fill.setInterval(_SOON)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("labels", self.labels)
        image = QHBoxLayout()
        image.addWidget(self.image, 1)
        image.addWidget(self.others)
        form.addRow("of image", image)
        options = QHBoxLayout()
        options.addWidget(self.intensities)
        options.addWidget(self.ring, 1)
        form.addRow("measure", options)
        self.body.addLayout(form)
        self.body.addWidget(self.state)
        self._lay_out_views()
        buttons = QHBoxLayout()
        buttons.addWidget(self.measure_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        self.actions.addLayout(buttons)
        files = QHBoxLayout()
        saving = self.saving
        for button in (saving.save_button, saving.export_button, saving.copy_button):
            files.addWidget(button, 1)
        self.actions.addLayout(files)
        self.actions.addWidget(self.reason)
        self.actions.addWidget(self.progress)

    def _lay_out_views(self) -> None:
        # One above the other, they do not fit on a small screen.
        self.views = QTabWidget()
        self.views.setDocumentMode(True)
        self.views.tabBar().setDrawBase(False)
        # What a plot would like to have is more than a small screen has.
        self.views.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.views.setMinimumHeight(_VIEWS)
        self.views.addTab(self.table, "Table")
        self.views.addTab(self.plot, "Plot")
        self.views.setTabToolTip(1, "Draw around nuclei to choose them")
        self.body.addWidget(self.views, 1)
        chosen = QHBoxLayout()
        chosen.setSpacing(4)
        chosen.addWidget(self.count, 1)
        chosen.addWidget(self.only_chosen)
        chosen.addWidget(self.none_button)
        self.body.addLayout(chosen)
        self.body.addWidget(self.classes)
        self.body.addWidget(self.colors)

    def _connect(self) -> None:
        self.labels.chosen.connect(self._labels_changed)
        self.image.chosen.connect(self.refresh)
        self.image.activated.connect(lambda _: self._image_chosen_by_hand())
        for choice in (self.labels, self.image):
            choice.replaced.connect(self.state.look_soon)
        self.intensities.toggled.connect(lambda _: self.refresh())
        self.others.chosen.connect(self.refresh)
        self.measure_button.clicked.connect(self._measure)
        self.cancel_button.clicked.connect(self._cancel)
        self.measurer.progress.connect(self._show_progress)
        self.measurer.measured.connect(self._measured)
        self.measurer.ended.connect(self._end)
        for part in (self.measurer, self.saving, self.colors, self.classes):
            part.told.connect(self.told)
        self.table.visited.connect(self.link.visit)
        self.only_chosen.toggled.connect(self.table.rows_shown.show_only_chosen)
        self.none_button.clicked.connect(self._choose_none)
        self.chosen.changed.connect(self._tell_chosen)
        self.classes.kept.connect(lambda _: self._fill_table())
        self._fill.timeout.connect(self._fill_table)

    # What is chosen

    def _labels_changed(self) -> None:
        labels = self.labels.layer()
        if labels != self._known:
            self._known = labels
            if labels is not None:
                layer = bare(labels)
                layer.events.features.connect(self._features_changed)  # once, however often
                layer.events.selected_label.connect(self._picked)
            self._fill_table(keep=False)
            self.colors.follow_layer()
            self.state.watch(labels)
        self._pairing.follow()
        self.refresh()

    def _image_chosen_by_hand(self) -> None:
        self._pairing.choose_by_hand()
        self.refresh()

    def _own_image(self) -> Any | None:
        """Return the image of the labels, None if another one is chosen by mistake."""
        return None if self._pairing.why_not() else self.image.layer()

    def _images(self) -> dict[str, Any]:
        """Return the images that intensities are measured in, by name."""
        image = self.image.layer()
        if image is None or not self.intensities.isChecked():
            return {}
        others = self.others.layers()
        if not others:
            return {"": image}
        layers = (image, *others)
        names = _column_names([layer.name for layer in layers])
        return dict(zip(names, layers, strict=True))

    def refresh(self, busy: str = "") -> None:
        """Enable what can work.

        Parameters
        ----------
        busy : str, optional
            What else runs; measuring does not mind.
        """
        self.others.refresh()
        images = self._images()
        reason = why_not_measured(self.labels.layer(), images)
        if not reason and images:
            reason = self._pairing.why_not()
        if self.measurer.is_busy:
            reason = "Nuclei are being measured."
        enable_unless(self.measure_button, reason, _MEASURE_TIP)
        nothing = "" if self.measurer.is_busy else "Nothing is being measured."
        enable_unless(self.cancel_button, nothing, _CANCEL_TIP)
        self.ring.setEnabled(bool(images))
        self.ring.setSuffix(" µm ring" if self._has_size() else " pixels ring")
        self.saving.refresh()
        self.classes.refresh()
        buttons = (self.saving.save_button, self.saving.export_button)
        self.reason.setText(reasons_in_words(self.measure_button, *buttons))

    def _has_size(self) -> bool:
        image = self.image.layer()
        try:
            return image is not None and any(image_of(image).unit)
        except (TypeError, ValueError):
            return False

    # Measuring

    def _measure(self) -> None:
        layer = self.labels.layer()
        if layer is None:
            return
        images = self._images()
        options = {"ring_width": round(self.ring.value(), 1)} if images else {}
        self.measurer.start(layer, images, options)
        self.refresh()

    def _cancel(self) -> None:
        self.measurer.cancel()

    def _show_progress(self, done: int, total: int) -> None:
        if self.measurer.is_busy:
            self.progress.setRange(0, total)
            self.progress.setValue(done)

    def _measured(self, layer: Any) -> None:
        measured = measured_of(layer)
        if measured is not None:
            table = measured.measurement.table
            count = pluralize(int(table["label"].size))
            self.told.emit(f"{count} measured, {len(table)} columns.", False)
        if layer == self.labels.layer():
            self.state.tell()
            self._fill_table()

    def _end(self) -> None:
        self.progress.setRange(0, 1)
        self.progress.reset()
        self.refresh()
        self.state.look_soon()

    # The table

    def _features_changed(self, event: Any = None) -> None:
        if isalive(self) and event is not None and event.source is bare(self._known):
            self._fill.start()

    def _fill_table(self, *, keep: bool = True) -> None:
        """Take the rows of the features."""
        self._fill.stop()
        rows = rows_of(self.labels.layer())
        if not _same(rows, self.chosen.rows):
            self.chosen.take(rows, keep=keep)
        self.refresh()

    def _picked(self, event: Any) -> None:
        """Choose the nucleus that was picked with a tool."""
        if not isalive(self) or event.source is not bare(self._known):
            return
        # A stroke of the brush selects a label, too.
        if self.isVisible() and self.link.can_be_clicked():
            number = int(event.source.selected_label)
            if number not in self.chosen.ids:
                self.chosen.choose_nucleus(number, self.link)

    def _choose_none(self) -> None:
        self.chosen.choose(np.zeros(self.chosen.rows.ids.size, bool))

    def _tell_chosen(self, by: Any = None) -> None:
        count, total = self.chosen.count, self.chosen.rows.ids.size
        part = f" ({count / total:.1%})" if total else ""
        self.count.setText(f"<b>{count}</b> of {total} chosen{part}")
        self.none_button.setEnabled(count > 0)

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw what is chosen over the image."""
        super().showEvent(event)
        self.link.draw()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw nothing over the image while another part is open."""
        super().hideEvent(event)
        self.link.draw()


def _same(one: Rows, other: Rows) -> bool:
    """Return whether rows are the same, so that nothing has to be drawn anew."""
    return (
        np.array_equal(one.ids, other.ids)
        and one.names == other.names
        and all(_alike(one.columns[name], other.columns[name]) for name in one.columns)
    )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return bool(np.array_equal(one, other, equal_nan=True))
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return [*map(str, one)] == [*map(str, other)]
    return bool(np.array_equal(one, other))


def _column_names(names: list[str]) -> list[str]:
    """Return the names of layers as parts of names of columns, no two alike."""
    given: list[str] = []
    for name in names:
        plain = unique = "_".join(name.split())
        number = 1
        while unique in given:
            number += 1
            unique = f"{plain}_{number}"
        given.append(unique)
    return given
