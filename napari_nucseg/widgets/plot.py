"""The live curves of a training run."""

from __future__ import annotations

import math

import pyqtgraph
from qtpy.QtWidgets import QWidget

from ..support import Epoch

__all__ = ["Curves"]

_COLORS = {"loss": "#4c9be8", "score": "#f2a33c"}


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
            plot = self.addPlot(title=f"<span style='font-size: 8pt'>{title}</span>")
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
