"""Says what was measured, and whether the labels have changed since then."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QWidget

from ...support import pluralize
from ..controls.tones import set_tone
from ..jobs import run_in_thread
from ..layers.shown import bare, follow_edits
from .measured import Measured, measured_of

__all__ = ["MeasuredMark"]

_WAIT = 300  # milliseconds: layers tell of every stroke


class MeasuredMark(QLabel):
    """Stands above the table of the chosen labels.

    Parameters
    ----------
    parent : QWidget, optional
        The parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self._layer: Any | None = None
        self._is_looking = False
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_WAIT)
        self._look.timeout.connect(self._compare)

    def watch(self, layer: Any | None) -> None:
        """Say it of other labels from now on.

        Parameters
        ----------
        layer : Labels or None
            The labels that are chosen.
        """
        self._layer = layer
        if layer is not None:
            follow_edits(bare(layer), self.look_soon)
        self.tell()
        self.look_soon()

    def look_soon(self, event: Any = None) -> None:
        """Look in a moment whether the labels have changed."""
        if isalive(self):
            self._look.start()

    def _compare(self) -> None:
        """Compare on a thread, as large labels take a moment."""
        layer, measured = self._layer, measured_of(self._layer)
        if layer is None or measured is None or self._is_looking:
            self.tell()
            return
        data = bare(layer).data
        data = data[0] if layer.multiscale else data
        self._is_looking = True

        def looked(fits: bool) -> None:
            self._is_looking = False
            if layer == self._layer:
                self.tell(is_old=not fits)

        run_in_thread(lambda: _fits(measured, data), looked, lambda _: looked(True))

    def tell(self, *, is_old: bool = False) -> None:
        """Say what was measured.

        Parameters
        ----------
        is_old : bool, optional
            Whether the labels have changed since then.
        """
        measured = measured_of(self._layer)
        if measured is None:
            text = "Not measured yet: click Measure." if self._layer is not None else ""
        elif is_old:
            text = "The labels have changed since they were measured: click Measure again."
        else:
            table = measured.measurement.table
            text = f"{pluralize(int(table['label'].size))}, {len(table)} columns."
        set_tone(self, "warning" if is_old else "hint")
        self.setText(text)


def _fits(measured: Measured, data: Any) -> bool:
    """Return whether labels are those that were measured."""
    array, shape = np.asarray(data), measured.fingerprint.shape
    return bool(array.size == np.prod(shape)) and measured.fingerprint.fits(
        array.reshape(shape)
    )
