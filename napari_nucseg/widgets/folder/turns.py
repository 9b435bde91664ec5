"""Changes of the list of layers one after the other, each drawn before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget

from ..layers.canvas import canvas_of

__all__ = ["Turns"]

#: Milliseconds after which the next change is made though the canvas was not painted, as when
#: the window is hidden.
_PATIENCE = 250


class Turns(QObject):
    """Does things one by one. Between two of them the canvas is painted.

    Each takes its time, in which a person waits; all together would block the window for as
    long. And Mesa's OpenGL crashes if layers go and come before it has drawn any of it.

    Parameters
    ----------
    widget : QWidget
        In the window whose canvas is looked at; also the parent.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._left: list[Callable[[], None]] = []
        self._canvas: QWidget | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def run(self, steps: Sequence[Callable[[], None]]) -> None:
        """Do things; the first one now.

        Parameters
        ----------
        steps : sequence of callable
            What is to be done. If one raises, the others are done all the same.
        """
        self._left += steps
        self._next()

    def _next(self) -> None:
        self._look_away()
        if not self._left:
            return
        step = self._left.pop(0)
        self._timer.start(_PATIENCE)
        self._canvas = canvas_of(self._widget)
        step()
        if self._canvas is not None:
            self._canvas.installEventFilter(self)
            self._canvas.update()

    def _look_away(self) -> None:
        canvas, self._canvas = self._canvas, None
        if canvas is not None and isalive(canvas):
            canvas.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Go on when the canvas has been painted."""
        if event.type() == QEvent.Type.Paint and watched is getattr(self, "_canvas", None):
            self._look_away()
            self._timer.start(0)
        return bool(super().eventFilter(watched, event))
