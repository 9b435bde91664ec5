"""What is said beside the box of the diameter, and where its arrows start."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QLabel

from .tones import set_tone

__all__ = ["DiameterNote", "diameter_in_words"]

#: A diameter is far from the measured one if it is so many times larger or smaller.
_FAR = 2.0
_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


def diameter_in_words(chosen: float | None, measured: float | None) -> tuple[str, bool]:
    """Compare the diameter that is asked for with the measured one.

    Parameters
    ----------
    chosen : float or None
        What is asked for, in pixels; None to have it measured.
    measured : float or None
        What was measured in the image, None if nothing was.

    Returns
    -------
    text : str
        What to say.
    is_far : bool
        Whether the two differ by a factor of 2 or more.
    """
    if measured is None:
        return ("It is measured when you click Segment." if chosen is None else ""), False
    if chosen is None:
        return f"Measured in this image: {measured:.0f} px.", False
    factor = max(chosen / measured, measured / chosen)
    if factor < _FAR:
        return f"Measured in this image: {measured:.0f} px.", False
    than = "larger" if chosen > measured else "smaller"
    return f"{factor:.1f} times {than} than measured ({measured:.0f} px).", True


class DiameterNote(QLabel):
    """Says how the diameter in a box compares with the measured one.

    The first step of the arrows, away from "auto", starts from the measured diameter.

    Parameters
    ----------
    box : QDoubleSpinBox
        Its minimum stands for "auto".
    """

    def __init__(self, box: QDoubleSpinBox) -> None:
        super().__init__()
        self._box = box
        self._measured: float | None = None
        self.setTextFormat(Qt.TextFormat.RichText)
        self.linkActivated.connect(lambda _: box.setValue(box.minimum()))
        # Room for a line is always kept: what stands below must not move.
        self.setMinimumHeight(self.fontMetrics().height())
        box.valueChanged.connect(lambda _: self._tell())
        box.installEventFilter(self)
        self._tell()

    def show_measured(self, measured: float | None) -> None:
        """Compare with another diameter from now on.

        Parameters
        ----------
        measured : float or None
            In pixels; None if nothing was measured in the chosen image.
        """
        self._measured = measured
        self._tell()

    def _is_auto(self) -> bool:
        return self._box.value() <= self._box.minimum()

    def _tell(self) -> None:
        chosen = None if self._is_auto() else self._box.value()
        text, is_far = diameter_in_words(chosen, self._measured)
        if is_far:
            text += ' <a href="auto" style="color: inherit">Use auto</a>'
        self.setText(text)
        set_tone(self, "warning" if is_far else "hint")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Put the measured diameter in place of "auto" just before a step is made."""
        if self._measured is not None and self._is_step(event) and self._is_auto():
            self._box.setValue(round(self._measured, self._box.decimals()))
        return super().eventFilter(watched, event)

    def _is_step(self, event: QEvent) -> bool:
        """Return whether an event of the box is going to step it."""
        kind = event.type()
        if kind == QEvent.Type.KeyPress:
            return event.key() in _STEPS
        if kind == QEvent.Type.Wheel:
            return self._box.hasFocus()
        # The text has a widget of its own: what the box itself hears is on its arrows.
        return kind == QEvent.Type.MouseButtonPress
