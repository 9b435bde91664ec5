"""The buttons and keys of the tools that correct labels."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QGridLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from ..layers.layers import why_not_drawn
from ..layers.shown import bare
from ..panel import bind_keys, enable_unless, hint
from .brush import guard_brush, select_unused
from .delete_small import SmallNuclei
from .hand import Hand, Tool
from .nucleus_actions import ACTIONS, Action, NucleusActions

__all__ = ["ToolBox"]

#: By napari's mode: the name of a tool, what it does, and napari's key for it.
_NAPARI = {
    "paint": ("Brush", "adds to a nucleus, or begins one on background", "2"),
    "erase": ("Eraser", "wipes out what is no nucleus", "1"),
    "fill": ("Fill", "gives a nucleus the selected label; 0 deletes", "4"),
    "pick": ("Picker", "selects the label of a nucleus to go on with", "5"),
}
_NEW_TIP = "Paint with a label that no nucleus has yet (key M)"
_COLUMNS = 5
#: Kept free for the hint, so that nothing below it moves.
_LINES = 4
_NOTHING = "Choose a tool. Correct (Q) does nearly all. Ctrl+Z takes back whatever was done."


class ToolBox(QWidget):
    """Shows the tools, and takes and puts them down.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose keys are bound.
    hand : Hand
        What holds our tools.
    tools : mapping of str to Tool
        Our tools, by name; ``"correct"`` is the first.
    layer_of : callable
        Returns the chosen labels, or None.
    """

    def __init__(
        self,
        viewer: Any,
        hand: Hand,
        tools: Mapping[str, Tool],
        layer_of: Callable[[], Any | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._hand, self._layer_of = viewer, hand, layer_of
        self._followed: weakref.WeakSet[Any] = weakref.WeakSet()
        self.actions = NucleusActions(hand)
        #: Our tools, by name.
        self.tools = tools
        #: Buttons: of our tools by name, of napari's by mode, of actions by name.
        self.buttons: dict[str, QPushButton] = {}
        self._make_buttons()
        self._make_menu()
        self.small = SmallNuclei(hand, self.actions, self)
        self.text = hint(_NOTHING)
        self.text.setFixedHeight(_LINES * self.text.fontMetrics().lineSpacing())
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out()
        self._bind_keys()
        hand.changed.connect(self.follow)
        viewer.layers.selection.events.active.connect(self.follow)

    def _make_buttons(self) -> None:
        for name, tool in self.tools.items():
            button = QPushButton(tool.name)
            button.setCheckable(True)
            button.clicked.connect(lambda _, name=name: self._toggle(name))
            self.buttons[name] = button
        for mode, (name, _, _) in _NAPARI.items():
            button = QPushButton(name)
            button.setCheckable(True)
            button.clicked.connect(lambda _, mode=mode: self.use_napari(mode))
            self.buttons[mode] = button
        for name, action in ACTIONS.items():
            button = QPushButton(action.name)
            button.clicked.connect(lambda _, action=action: self._act(action))
            self.buttons[f"{name} one"] = button
        self.new_button = QPushButton("New")
        self.new_button.clicked.connect(self._new_nucleus)
        self.more_button = QPushButton("More")

    def _make_menu(self) -> None:
        menu = QMenu(self.more_button)
        for action in ACTIONS.values():
            entry = menu.addAction(f"{action.name} all\tShift+{action.key}")
            entry.triggered.connect(lambda _, action=action: self._act(action, everywhere=True))
        menu.addSeparator()
        for text, work in (
            ("Delete the selected\tDelete", lambda: self._delete(by_key=False)),
            ("Delete in a box\tShift+D", lambda: self.use("box")),
            ("Delete all touching the border", self._delete_at_border),
            ("Delete all smaller than …", self._delete_small),
            ("Separate loose pieces", self._separate),
        ):
            menu.addAction(text).triggered.connect(lambda _, work=work: work())
        menu.addSeparator()
        menu.addAction("Undo\tCtrl+Z").triggered.connect(lambda _: self._step("undo"))
        menu.addAction("Redo\tCtrl+Shift+Z").triggered.connect(lambda _: self._step("redo"))
        self.more_button.setMenu(menu)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(3)
        ours = [self.buttons[name] for name in self.tools if name != "box"]
        napari = [*(self.buttons[mode] for mode in _NAPARI), self.new_button]
        actions = [*(self.buttons[f"{name} one"] for name in ACTIONS), self.more_button]
        for row, buttons in enumerate((ours, actions, napari)):
            for column, button in enumerate(buttons):
                grid.addWidget(button, row, column)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        self.buttons["box"].hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(grid)
        column.addWidget(self.text)

    def refresh(self) -> None:
        """Enable what can work with the chosen labels, and follow them."""
        layer = self._layer_of()
        self._hand.attend(layer)
        if layer is not None and bare(layer) not in self._followed:
            self._followed.add(bare(layer))
            layer.events.mode.connect(self.follow)
        reason = why_not_drawn(layer)
        for name, tool in self.tools.items():
            enable_unless(self.buttons[name], reason, f"{tool.tip} (key {_shown(tool.key)})")
        for mode, (_, text, key) in _NAPARI.items():
            tip = f"{text[0].upper()}{text[1:]} (napari's key {key})"
            enable_unless(self.buttons[mode], reason, tip)
        for name, action in ACTIONS.items():
            tip = (
                f"{action.tip}: of the selected nucleus, or with the key {action.key} of that "
                f"under the mouse. With Shift: all nuclei"
            )
            enable_unless(self.buttons[f"{name} one"], reason, tip)
        enable_unless(self.new_button, reason, _NEW_TIP)
        enable_unless(self.more_button, reason, "More tools, for many nuclei at once")
        self.follow()

    def follow(self, event: Any = None) -> None:
        """Show which tool is in hand, also if it was taken with a button or key of napari.

        Parameters
        ----------
        event : Event, optional
            What napari tells; it is not looked at.
        """
        if not isalive(self):
            return
        layer = self._layer_of()
        is_active = layer is not None and layer == self._viewer.layers.selection.active
        held = self._hand.tool if self._hand.is_active() else None
        mode = layer.mode if layer is not None and is_active and held is None else ""
        text = _NOTHING
        for name, tool in self.tools.items():
            self.buttons[name].setChecked(held is tool)
            text = tool.hint if held is tool else text
        for one, (name, does, _) in _NAPARI.items():
            self.buttons[one].setChecked(one == mode)
            text = f"<b>{name}</b> {does}." if one == mode else text
        self.text.setText(text)

    def _toggle(self, name: str) -> None:
        if self._hand.tool is self.tools[name] and self._hand.is_active():
            self.drop()
        else:
            self.use(name)

    def use(self, name: str) -> None:
        """Take one of our tools.

        Parameters
        ----------
        name : str
            Its name.
        """
        layer = self._layer_of()
        if layer is not None and not why_not_drawn(layer):
            self._hand.take(self.tools[name], layer)
        self.follow()

    def drop(self) -> None:
        """Put the tool down: the mouse moves the view again."""
        layer = self._hand.layer
        self._hand.put_down()
        if layer is not None:
            layer.mode = "pan_zoom"
        self.follow()

    def use_napari(self, mode: str) -> None:
        """Take a tool of napari.

        Parameters
        ----------
        mode : str
            Napari's name for it.
        """
        layer = self._layer_of()
        if layer is not None:
            self._hand.put_down()
            self._viewer.layers.selection.active = layer
            layer.visible = True
            guard_brush(bare(layer))
            layer.mode = mode
        self.follow()

    def _new_nucleus(self) -> None:
        layer = self._layer_of()
        if layer is not None:
            self.use_napari("paint")
            select_unused(bare(layer), for_stroke=True)

    def _act(self, action: Action, *, everywhere: bool = False, by_key: bool = False) -> None:
        held = QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        everywhere = everywhere or (bool(held) and not by_key)
        if self._can_work():
            self.actions.act(action, everywhere=everywhere, by_key=by_key)

    def _delete(self, *, by_key: bool) -> None:
        if self._can_work():
            self.actions.delete_one(by_key=by_key)

    def _delete_at_border(self) -> None:
        if self._can_work():
            self.actions.delete_at_border()

    def _delete_small(self) -> None:
        if self._can_work():
            self.small.show()
            self.small.look()

    def _separate(self) -> None:
        if self._can_work():
            self.actions.separate_pieces()

    def _step(self, way: str) -> None:
        """Undo or redo, as the keys of napari do."""
        if self._can_work():
            getattr(self._layer_of(), way)()

    def _can_work(self) -> bool:
        """Return whether there are labels to change, and say why if there are none."""
        reason = why_not_drawn(self._layer_of())
        if reason:
            self._hand.told.emit(reason, False)
        return not reason

    def _bind_keys(self) -> None:
        """Bind the keys to the viewer, so that they work whatever layer is active."""
        works: dict[str, Callable[[ToolBox], None]] = {
            tool.key: (lambda box, name=name: box._toggle(name))  # type: ignore[misc]
            for name, tool in self.tools.items()
        }
        for action in ACTIONS.values():
            works[action.key] = lambda box, action=action: box._act(action, by_key=True)  # type: ignore[misc]
            works[f"Shift-{action.key}"] = lambda box, action=action: box._act(  # type: ignore[misc]
                action, everywhere=True, by_key=True
            )
        for key in ("Delete", "Backspace"):
            works[key] = lambda box: box._delete(by_key=True)
        bind_keys(self._viewer, self, works)


def _shown(key: str) -> str:
    return key.replace("-", "+")
