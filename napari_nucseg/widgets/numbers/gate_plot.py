"""Histogram and scatter plot of columns, with a gate that chooses nuclei."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph
from qtpy.QtCore import QPointF, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from .chosen import Chosen
from .rows import LABEL, is_number

__all__ = ["COUNT", "GatePlot"]

#: What is chosen for Y to see a histogram.
COUNT = "count"

_ALL, _CHOSEN = "#6f9fd8", "#f2a33c"
_HEIGHT, _BINS, _LIST = 100, 48, 240
_LEAST_POINTS = 3  # of a gate that goes around something

#: What is offered for X first, if it is there.
_FIRST_X = ("area_um2", "area", "volume_um3", "volume")


class _Canvas(pyqtgraph.ViewBox):
    """A plot in which a drag with the left button draws."""

    #: The way of the mouse so far, (N, 2), and whether it has ended.
    drawn = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(False, False)
        self._path: list[tuple[float, float]] = []

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802
        """Follow the mouse."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        if event.isStart():
            self._path = [self._at(event.buttonDownPos())]
        self._path.append(self._at(event.pos()))
        self.drawn.emit(np.array(self._path), event.isFinish())

    def _at(self, place: Any) -> tuple[float, float]:
        point: QPointF = self.mapToView(place)
        return float(point.x()), float(point.y())


class GatePlot(QWidget):
    """Draws two columns against each other, or a histogram of one.

    A line around points, or a range of a histogram, chooses their nuclei.

    Parameters
    ----------
    chosen : Chosen
        Which nuclei are chosen.
    parent : QWidget, optional
        The parent.
    """

    def __init__(self, chosen: Chosen, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen = chosen
        self._names: list[str] = []
        # Whether something has changed since it was drawn.
        self._is_old = True
        #: The gate: the points around it, shape (N, 2), or the two ends of a range.
        self.gate: np.ndarray | None = None
        self.x, self.y = _columns(), _columns()
        self.log = QCheckBox("log")
        self.log.setToolTip("Logarithmic axes; what is not above 0 is left out")
        self._make_plot()
        self._lay_out()
        for box in (self.x, self.y):
            box.currentIndexChanged.connect(lambda _: self._axes_changed())
        self.log.toggled.connect(lambda _: self._axes_changed())
        chosen.changed.connect(self._chosen_changed)

    def _make_plot(self) -> None:
        self.canvas = _Canvas()
        self.plot = pyqtgraph.PlotWidget(viewBox=self.canvas, background=None)
        self.plot.setMinimumHeight(_HEIGHT)
        self.plot.setMinimumWidth(100)
        self.plot.hideButtons()
        # Or it would show the background of the theme of before.
        self.plot.setCacheMode(self.plot.CacheModeFlag.CacheNone)
        options = {"pen": None, "pxMode": True, "size": 4}
        self._points = pyqtgraph.ScatterPlotItem(brush=_ALL, **options)
        self._marked = pyqtgraph.ScatterPlotItem(brush=_CHOSEN, **options)
        self._bars = pyqtgraph.BarGraphItem(x=[], height=[], width=1, brush=_ALL, pen=None)
        self._marked_bars = pyqtgraph.BarGraphItem(
            x=[], height=[], width=1, brush=_CHOSEN, pen=None
        )
        self._outline = pyqtgraph.PlotCurveItem(pen=pyqtgraph.mkPen(_CHOSEN, width=2))
        self._range = pyqtgraph.LinearRegionItem(brush=(242, 163, 60, 50), pen=_CHOSEN)
        self._range.setVisible(False)
        for item in (self._bars, self._marked_bars, self._points, self._marked):
            self.plot.addItem(item)
        for item in (self._outline, self._range):
            self.plot.addItem(item, ignoreBounds=True)
        self.canvas.drawn.connect(self._draw_gate)
        self._range.sigRegionChanged.connect(self._range_moved)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(QLabel("x"))
        row.addWidget(self.x, 1)
        row.addWidget(QLabel("y"))
        row.addWidget(self.y, 1)
        row.addWidget(self.log)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.plot, 1)

    # What is drawn

    def _is_histogram(self) -> bool:
        return self.y.currentText() == COUNT

    def _values(self, name: str) -> np.ndarray:
        """Return a column as it is drawn: its logarithms, if they are wanted."""
        rows = self._chosen.rows
        values = rows.column(name).astype(float) if name in rows.names else np.zeros(0)
        if self.log.isChecked():
            values = np.log10(values, where=values > 0, out=np.full(values.shape, np.nan))
        return values

    def _chosen_changed(self, by: Any) -> None:
        names = [name for name in self._chosen.rows.names if name != LABEL]
        names = [name for name in names if is_number(self._chosen.rows.column(name))]
        if names != self._names:
            self._offer(names)
        if by not in (self, self._chosen):
            self._forget_gate()
        self._draw_if_seen(whole=by is self._chosen)

    def _offer(self, names: list[str]) -> None:
        """Offer other columns; a choice that is among them stays."""
        self._names = names
        usual = next((name for name in _FIRST_X if name in names), names[0] if names else "")
        for box, offered, first in (
            (self.x, names, usual),
            (self.y, [COUNT, *names], COUNT),
        ):
            before = box.currentText()
            with QSignalBlocker(box):
                box.clear()
                box.addItems(offered)
                box.setCurrentText(before if before in offered else first)

    def _axes_changed(self) -> None:
        self._forget_gate()
        self._draw_if_seen()

    def _draw_if_seen(self, *, whole: bool = True) -> None:
        """Draw now, or as soon as the plot is in sight: many points take a moment."""
        if self.isVisible():
            self.draw(whole=whole)
        else:
            self._is_old = True

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw what has changed meanwhile."""
        super().showEvent(event)
        if self._is_old:
            self._is_old = False
            self.draw()

    def draw(self, *, whole: bool = True) -> None:
        """Draw the columns.

        Parameters
        ----------
        whole : bool, optional
            Whether all nuclei are drawn anew, or only which are chosen.
        """
        x, mask = self._values(self.x.currentText()), self._chosen.mask
        is_log = self.log.isChecked()
        bars = self._is_histogram()
        for items, there in (
            ((self._bars, self._marked_bars), bars),
            ((self._points, self._marked), not bars),
        ):
            for item in items:
                item.setVisible(there)
        if bars:
            self._draw_bars(x, mask)
        else:
            y = self._values(self.y.currentText())
            known = np.isfinite(x) & np.isfinite(y) if len(x) else mask
            if whole:
                self._points.setData(x[known], y[known])
            self._marked.setData(x[known & mask], y[known & mask])
        self.plot.getAxis("bottom").setLogMode(is_log)
        self.plot.getAxis("left").setLogMode(is_log and not bars)
        self.plot.setLabel("bottom", self.x.currentText())
        self.plot.setLabel("left", "" if bars else self.y.currentText())
        if whole:
            self.canvas.autoRange(padding=0.04)

    def _draw_bars(self, x: np.ndarray, mask: np.ndarray) -> None:
        known = np.isfinite(x) if len(x) else mask
        edges = np.histogram_bin_edges(x[known], _BINS) if known.any() else np.zeros(2)
        middles, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0] or 1.0
        for item, part in ((self._bars, known), (self._marked_bars, known & mask)):
            height, _ = np.histogram(x[part], edges) if known.any() else ([0], None)
            item.setOpts(x=middles, height=height, width=width, y0=0)

    # The gate

    def _forget_gate(self) -> None:
        self.gate = None
        self._outline.setData([], [])
        self._range.setVisible(False)

    def _draw_gate(self, path: np.ndarray, is_whole: bool) -> None:
        """Follow the mouse; the nuclei within are chosen at its end."""
        if self._is_histogram():
            ends = sorted((float(path[0, 0]), float(path[-1, 0])))
            with QSignalBlocker(self._range):
                self._range.setRegion(ends)
            self._range.setVisible(True)
            if is_whole:
                self._choose_range()
            return
        closed = np.concatenate([path, path[:1]])
        self._outline.setData(closed[:, 0], closed[:, 1])
        if is_whole and len(path) >= _LEAST_POINTS:
            self.choose_within(path)

    def _range_moved(self) -> None:
        if self._range.isVisible():
            self._choose_range()

    def _choose_range(self) -> None:
        low, high = self._range.getRegion()
        self.gate = np.array([low, high])
        x = self._values(self.x.currentText())
        # What is not known is in no range.
        self._chosen.choose((x >= low) & (x <= high), self)

    def choose_within(self, path: np.ndarray) -> None:
        """Choose the nuclei within a line.

        Parameters
        ----------
        path : ndarray, shape (N, 2)
            X and Y of its points, as they are drawn: logarithms on logarithmic axes.
        """
        from skimage.measure import points_in_poly

        self.gate = path
        x, y = (self._values(box.currentText()) for box in (self.x, self.y))
        points = np.nan_to_num(np.stack([x, y], axis=1), posinf=0, neginf=0)
        inside = points_in_poly(points, path)
        self._chosen.choose(inside & np.isfinite(x) & np.isfinite(y), self)

    def follow_theme(self, color: str) -> None:
        """Draw the axes in a color.

        Parameters
        ----------
        color : str
            That of text, such as ``"#ffffff"``.
        """
        for name in ("bottom", "left"):
            axis = self.plot.getAxis(name)
            axis.setPen(color)
            axis.setTextPen(color)


def _columns() -> QComboBox:
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.view().setMinimumWidth(_LIST)  # or long names are cut off in the list, too
    return box
