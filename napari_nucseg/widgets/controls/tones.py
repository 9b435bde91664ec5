"""Colors of text: hints, warnings and errors that can be read on either theme of napari."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

__all__ = ["TONES", "set_tone", "style_of"]

#: By type of theme and tone. Each has a contrast of 4.5 : 1 or more to the background of a
#: panel, and of a control, in the theme.
TONES = {
    "dark": {"hint": "#c3c7cc", "warning": "#ffc35c", "error": "#ffaaa2"},
    "light": {"hint": "#55514e", "warning": "#6b4400", "error": "#9c1810"},
}

_GREY = ", ".join(
    f"Q{kind}:disabled" for kind in ("PushButton", "ComboBox", "LineEdit", "CheckBox")
)

#: Napari makes tabs too low for their text.
_TABS = "QTabBar::tab { height: 20px; padding: 5px 4px; }"


def style_of(theme: str) -> str:
    """Return the style sheet that gives the tones their colors.

    Parameters
    ----------
    theme : str
        ``"dark"`` or ``"light"``.

    Returns
    -------
    str
        For the widget whose children have tones.
    """
    rules = [
        f'QLabel[tone="{name}"] {{ color: {color}; }}' for name, color in TONES[theme].items()
    ]
    # What is grey says something, too: the axes of an image, or what a button would do.
    grey = f"{_GREY} {{ color: {TONES[theme]['hint']}; }}"
    return "\n".join([*rules, grey, _TABS])


def set_tone(widget: QWidget, tone: str) -> None:
    """Give the text of a widget a tone.

    Parameters
    ----------
    widget : QWidget
        The widget.
    tone : str
        A key of `TONES`, or empty for ordinary text.
    """
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
