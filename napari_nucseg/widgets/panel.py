"""What the panels have in common."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from qtpy.compat import isalive
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from .controls.tones import set_tone

__all__ = ["Fold", "Panel", "bind_keys", "enable_unless", "hint", "reasons_in_words"]

W = TypeVar("W", bound=QWidget)

_MARGIN = 8
#: Lines of text that are always kept free for the reason, so that nothing below it moves.
_LINES = 2


class Panel(QWidget):
    """One part of the dock widget: what can be scrolled, and below it what always is in sight.

    Parameters
    ----------
    title : str
        Number and name of the part.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: Number and name.
        self.title = title
        inner = QWidget()
        #: What can be scrolled.
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, 0)
        self.body.setSpacing(6)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        #: What is always in sight: buttons, progress, and the reason.
        self.actions = QVBoxLayout()
        self.actions.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        self.actions.setSpacing(5)
        #: Why buttons below cannot be clicked, see `reasons_in_words`.
        self.reason = hint("")
        self.reason.setMinimumHeight(_LINES * self.reason.fontMetrics().lineSpacing())
        self.reason.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(scroll, 1)
        column.addLayout(self.actions)


def hint(text: str) -> QLabel:
    """Make a text that explains something.

    Parameters
    ----------
    text : str
        The text; it is wrapped.

    Returns
    -------
    QLabel
        In the color of hints.
    """
    label = QLabel(text)
    label.setWordWrap(True)
    set_tone(label, "hint")
    return label


class Fold(QWidget):
    """A widget behind a title that opens and closes it. It is closed at first.

    Parameters
    ----------
    title : str
        What is behind it.
    content : QWidget
        The widget; it may become higher at any time.
    parent : QWidget, optional
        The parent.
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._content = title, content
        self.button = QPushButton()
        self.button.setCheckable(True)
        self.button.setStyleSheet("text-align: left; padding-left: 5px;")
        self.button.toggled.connect(self._show_content)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.button)
        column.addWidget(content)
        self._show_content(False)

    def expand(self) -> None:
        """Open it."""
        self.button.setChecked(True)

    def _show_content(self, is_open: bool) -> None:
        self.button.setText(f"{'▾' if is_open else '▸'} {self._title}")
        self._content.setVisible(is_open)


def bind_keys(viewer: Any, widget: W, works: Mapping[str, Callable[[W], None]]) -> None:
    """Bind keys of a viewer to what a widget does, for as long as the widget lives.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer. Keys that are bound to something else are taken over.
    widget : QWidget
        It is not kept alive.
    works : mapping of str to callable
        By the name of the key: called with the widget.
    """
    ref = weakref.ref(widget)

    def pressed(work: Callable[[W], None]) -> Callable[[Any], None]:
        def call(viewer: Any) -> None:
            held = ref()
            if held is not None and isalive(held):
                work(held)

        return call

    for key, work in works.items():
        viewer.bind_key(key, pressed(work), overwrite=True)


def enable_unless(
    button: QPushButton, reason: str, tooltip: str, label: QLabel | None = None
) -> None:
    """Enable a button, or disable it and say why.

    Parameters
    ----------
    button : QPushButton
        The button.
    reason : str
        Why it cannot work, empty if it can.
    tooltip : str
        What it does.
    label : QLabel, optional
        Where the reason stands to be read; it is a tooltip as well.
    """
    button.setEnabled(not reason)
    button.setToolTip(reason or tooltip)
    if label is not None:
        label.setText(reason)


def reasons_in_words(main: QPushButton | None, *others: QPushButton) -> str:
    """Say why buttons cannot be clicked, where they stand.

    Parameters
    ----------
    main : QPushButton or None
        The button that the person most likely wants: while it is grey, only its reason is
        told.
    *others : QPushButton
        Further buttons.

    Returns
    -------
    str
        The reasons, as `enable_unless` put them into the tooltips, with the buttons they are
        of; empty if all can be clicked.
    """
    if main is not None and not main.isEnabled():
        return main.toolTip()
    grey: dict[str, list[str]] = {}
    for button in others:
        if not button.isEnabled():
            grey.setdefault(button.toolTip(), []).append(button.text())
    return " ".join(
        f"{_listed(names)}: {reason[0].lower()}{reason[1:]}"
        for reason, names in grey.items()
        if reason
    )


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
