"""The live curves of a training run."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph
from qtpy.QtWidgets import QWidget

from ...support import Epoch

__all__ = ["Curves"]

_COLORS = {"loss": "#4c9be8", "score": "#f2a33c"}

#: Around the axes, so that their dots are not cut off.
_ROOM = 0.05


class _Epochs(pyqtgraph.AxisItem):
    """An axis that counts: it has no half epochs, and none before the first."""

    def tickValues(self, low: float, high: float, size: float) -> list[Any]:  # noqa: N802
        """Return what pyqtgraph would write below the axis, but whole numbers only."""
        levels = super().tickValues(low, high, size)
        return [
            (step, [value for value in values if value >= 0 and float(value).is_integer()])
            for step, values in levels
        ]


class Curves(pyqtgraph.GraphicsLayoutWidget):
    """Loss and score by epoch, side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setBackground(None)
        self.setFixedHeight(110)
        self.setMinimumWidth(100)
        self.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._epochs: list[Epoch] = []
        self._curves = {}
        for name, title in (("loss", "loss"), ("score", "held-out score")):
            plot = self.addPlot(
                title=f"<span style='font-size: 8pt'>{title}</span>",
                axisItems={"bottom": _Epochs("bottom")},
            )
            plot.setLimits(xMin=-_ROOM, minXRange=1 + 2 * _ROOM, yMin=-_ROOM)
            if name == "score":
                plot.setLimits(yMax=1 + _ROOM)
            plot.setMouseEnabled(False, False)
            plot.hideButtons()
            plot.setMenuEnabled(False)
            pen = pyqtgraph.mkPen(_COLORS[name], width=2)
            self._curves[name] = plot.plot(
                pen=pen,
                symbol="o",
                symbolSize=5,
                symbolBrush=_COLORS[name],
                symbolPen=None,
            )

    def clear_epochs(self) -> None:
        """Start with empty curves."""
        self._epochs = []
        self._draw()

    def add(self, epoch: Epoch) -> None:
        """Draw one more epoch.

        Parameters
        ----------
        epoch : Epoch
            The epoch that has ended.
        """
        self._epochs.append(epoch)
        self._draw()

    def _draw(self) -> None:
        for name, curve in self._curves.items():
            points = [(e.epoch, getattr(e, name)) for e in self._epochs]
            points = [point for point in points if math.isfinite(point[1])]
            curve.setData([x for x, _ in points], [y for _, y in points])
