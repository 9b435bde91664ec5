"""The tool in hand: it gets the mouse over the labels, and shows what it is about to do."""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from ...corrections import Plane
from ..layers.canvas import Mark, Overlay, camera_of, canvas_of, has_grid, screen_matrix
from ..layers.outlines import centers_of, outlines_of
from ..layers.shown import bare
from .brush import guard_brush, select_quietly, select_unused
from .editing import Editor

__all__ = ["Hand", "Pointer", "Tool"]

#: Napari's mode while one of our tools is in hand: it selects what is clicked, as ours do,
#: and does not move the camera. Every other button and key of napari leaves it.
_MODE = "pick"

_SELECTED, _HOVERED = "#ffffff", "#ffe08a"
_FEW = 12


@dataclasses.dataclass(frozen=True)
class Pointer:
    """Where the mouse is.

    Parameters
    ----------
    at : tuple of float
        (Y, X) in pixels of the plane.
    pixel : float
        How many pixels of the plane a pixel of the screen is.
    alt : bool, optional
        Whether Alt is held.
    """

    at: tuple[float, float]
    pixel: float
    alt: bool = False


class Tool:
    """What is done with the mouse. The base does nothing.

    Parameters
    ----------
    hand : Hand
        The hand that holds it.
    """

    #: On the button; the key; what it does; and how, while it is in hand.
    name, key, tip, hint = "", "", "", ""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand

    def press(self, pointer: Pointer) -> None:
        """Begin a gesture.

        Parameters
        ----------
        pointer : Pointer
            Where.
        """

    def drag(self, pointer: Pointer) -> None:
        """Go on with it.

        Parameters
        ----------
        pointer : Pointer
            Where the mouse is now.
        """

    def release(self, pointer: Pointer) -> None:
        """End it, and change the labels.

        Parameters
        ----------
        pointer : Pointer
            Where.
        """

    def hover(self, pointer: Pointer) -> None:
        """Show what would be meant.

        Parameters
        ----------
        pointer : Pointer
            Where the mouse is, with no button held.
        """
        self.hand.point_at(pointer)

    def leave(self) -> None:
        """Forget what would be meant: the mouse has left the canvas."""
        self.hand.point_at(None)

    def cancel(self) -> None:
        """Forget a gesture that has begun."""

    def keys(self) -> dict[str, Callable[[], None]]:
        """Return what keys do while it is in hand.

        Returns
        -------
        dict of str to callable
            By the name of the key.
        """
        return {}


class Hand(QObject):
    """Holds one tool for one layer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    editor : Editor
        Does what the tools want.
    home : QWidget
        A widget of the dock; also the parent.

    Signals
    -------
    changed()
        Another tool is in hand, or none.
    told(str, bool)
        What was done, or why not.
    """

    changed = Signal()
    told = Signal(str, bool)

    def __init__(self, viewer: Any, editor: Editor, home: QWidget) -> None:
        super().__init__(home)
        self._viewer = viewer
        self._home = home
        self.editor = editor
        #: The tool, None if there is none.
        self.tool: Tool | None = None
        #: The selected nucleus, 0 if there is none, and the one under the mouse.
        self.selected, self.hovered = 0, 0
        self._layer: weakref.ref[Any] | None = None
        self._overlay: Overlay | None = None
        self._marks: tuple[Mark, ...] = ()
        # By label, until the labels or the plane change.
        self._outlines: dict[int, list[np.ndarray]] = {}
        self._is_moving_view = False
        self._callbacks = _callbacks(weakref.ref(self))
        viewer.layers.events.removed.connect(self._layer_removed)
        viewer.dims.events.current_step.connect(self._forget_place)
        viewer.dims.events.ndisplay.connect(self._forget_place)
        camera = camera_of(viewer)
        for event in (camera.events.center, camera.events.zoom):
            event.connect(self._redraw)

    @property
    def layer(self) -> Any | None:
        """The layer that the tool is for, itself and not wrapped; None if it is gone."""
        return self._layer() if self._layer is not None else None

    def take(self, tool: Tool, layer: Any) -> None:
        """Take a tool.

        Parameters
        ----------
        tool : Tool
            The tool.
        layer : Labels
            Whose nuclei it changes. It becomes the active layer.
        """
        self.attend(layer)
        if self.tool is not None:
            self._let_go()
        layer = bare(layer)
        self._viewer.layers.selection.active = layer
        layer.visible = True
        guard_brush(layer)
        layer.mode = _MODE
        for callbacks, callback in zip(
            (layer.mouse_drag_callbacks, layer.mouse_move_callbacks),
            self._callbacks,
            strict=True,
        ):
            callbacks.append(callback)
        layer.bind_key("Escape", _cancelling(weakref.ref(self)), overwrite=True)
        layer.bind_key("Space", _moving(weakref.ref(self)), overwrite=True)
        for key, work in tool.keys().items():
            layer.bind_key(key, lambda layer, work=work: work(), overwrite=True)
        layer.events.mode.connect(self._mode_changed)
        self.tool = tool
        self._look_at_canvas()
        self.changed.emit()

    def attend(self, layer: Any) -> None:
        """Let the selected nucleus be one of this layer.

        Parameters
        ----------
        layer : Labels or None
            The layer that is corrected.
        """
        if bare(layer) is self.layer:
            return
        self.put_down()
        self._outlines.clear()
        self.selected = self.hovered = 0
        for event in self._events():
            event.disconnect(self._labels_changed)
        self._layer = None if layer is None else weakref.ref(bare(layer))
        for event in self._events():
            event.connect(self._labels_changed)
        self._show()

    def _events(self) -> list[Any]:
        """Return what tells of other labels; ``paint`` comes before they are there."""
        layer = self.layer
        return [] if layer is None else [layer.events.set_data, layer.events.labels_update]

    def put_down(self) -> None:
        """Hold no tool."""
        if self.tool is not None:
            self._let_go()
            self.changed.emit()

    def _let_go(self) -> None:
        tool, self.tool = self.tool, None
        if tool is not None:
            tool.cancel()
        layer = self.layer
        if layer is not None:
            if not self.selected:
                # Napari has selected what was clicked last, perhaps the background.
                select_unused(layer)
            layer.events.mode.disconnect(self._mode_changed)
            for callbacks, callback in zip(
                (layer.mouse_drag_callbacks, layer.mouse_move_callbacks),
                self._callbacks,
                strict=True,
            ):
                with contextlib.suppress(ValueError):
                    callbacks.remove(callback)
            for key in ("Escape", "Space", *(tool.keys() if tool is not None else ())):
                layer.bind_key(key, None, overwrite=True)
        self._marks, self.hovered = (), 0
        self._show()

    def is_active(self) -> bool:
        """Return whether a tool is in hand and its layer is the one that the mouse works on.

        Returns
        -------
        bool
            False while another layer is selected.
        """
        if self.tool is None or self.layer is None:
            return False
        return bool(self._viewer.layers.selection.active == self.layer)

    def plane(self) -> Plane:
        """Return the displayed plane of the layer.

        Returns
        -------
        Plane
            See `Editor.plane`.

        Raises
        ------
        ValueError
            If nothing of it can be edited now.
        """
        if self.layer is None:
            raise ValueError("Expected labels to correct. Choose a layer of labels.")
        return self.editor.plane(self.layer)

    def select(self, number: int) -> None:
        """Select a nucleus, which keys and buttons then mean.

        Parameters
        ----------
        number : int
            Its label; 0 selects none.
        """
        layer = self.layer
        if layer is not None:
            self.selected = int(number)
            # The brush begins new nuclei all the same.
            select_quietly(layer, self.selected or layer.selected_label)
            self._show()

    def target(self, *, by_key: bool) -> int:
        """Return which nucleus is meant now.

        Parameters
        ----------
        by_key : bool
            Whether a key was pressed: then the nucleus under the mouse comes first.

        Returns
        -------
        int
            The label of the nucleus under the mouse, or else of the selected one; 0 if there
            is none.
        """
        plane = self.plane()
        self._look_at_canvas()
        if by_key and self._overlay is not None and self._overlay.has_mouse:
            layer: Any = self.layer
            position = self._viewer.cursor.position
            number = _id_at(plane, plane.point(layer.world_to_data(position)))
            if number:
                return number
        return self.selected if (plane.labels == self.selected).any() else 0

    def point_at(self, pointer: Pointer | None) -> None:
        """Mark the nucleus under the mouse.

        Parameters
        ----------
        pointer : Pointer or None
            Where the mouse is; None if it is somewhere else.
        """
        number = 0 if pointer is None else _id_at(self.plane(), pointer.at)
        if number != self.hovered:
            self.hovered = number
            self._show()

    def show(self, marks: Sequence[Mark]) -> None:
        """Show what a gesture is about to do.

        Parameters
        ----------
        marks : sequence of Mark
            Shown beside the selected nucleus, in place of those of before.
        """
        self._look_at_canvas()
        self._marks = tuple(marks)
        self._show()

    def marks_of(self, ids: Iterable[int], color: str) -> list[Mark]:
        """Return the marks of nuclei: outlines, or dots if there are many.

        Parameters
        ----------
        ids : iterable of int
            Their labels.
        color : str
            The color of the marks.

        Returns
        -------
        list of Mark
            To be shown.
        """
        labels, chosen = self.plane().labels, [one for one in ids if one]
        if len(chosen) > _FEW:
            return [Mark(centers_of(labels, chosen), color, dots=True)]
        return [
            Mark(line, color, closed=True)
            for one in chosen
            for line in outlines_of(labels, one)
        ]

    def _show(self, event: Any = None) -> None:
        """Draw the selected nucleus, the one under the mouse, and the marks of the gesture."""
        if not isalive(self) or self._overlay is None or not isalive(self._overlay):
            return
        marks = list(self._marks)
        if self.layer is not None and self.tool is not None and self.is_active():
            with contextlib.suppress(ValueError):
                if not marks and self.hovered not in (0, self.selected):
                    marks += [
                        dataclasses.replace(mark, dashed=True)
                        for mark in self.marks_of([self.hovered], _HOVERED)
                    ]
                marks = self.marks_of([self.selected], _SELECTED) + marks
        self._overlay.draw(marks)

    def _redraw(self, event: Any = None) -> None:
        if isalive(self) and self._overlay is not None and isalive(self._overlay):
            self._overlay.update()

    def _labels_changed(self, event: Any = None) -> None:
        """Draw anew after undo, the brush and the like."""
        if isalive(self):
            self._outlines.clear()
            if self.selected or self.hovered:
                self._show()

    def _look_at_canvas(self) -> None:
        if self._overlay is None or not isalive(self._overlay):
            canvas = canvas_of(self._home)
            if canvas is not None:
                self._overlay = Overlay(canvas, self._matrix)
                self._overlay.left.connect(self._mouse_left)

    def _mouse_left(self) -> None:
        if self.tool is not None:
            self.tool.leave()

    def _matrix(self, size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
        if not isalive(self) or self.layer is None or has_grid(self._viewer):
            return None
        try:
            return screen_matrix(self._viewer, self.layer, self.plane(), size)
        except ValueError:
            return None

    def _mode_changed(self, event: Any = None) -> None:
        if isalive(self) and self.layer is not None and self.layer.mode != _MODE:
            self.put_down()

    def _layer_removed(self, event: Any) -> None:
        if isalive(self) and event.value == self.layer:
            self.attend(None)

    def _forget_place(self, event: Any = None) -> None:
        """Another plane is displayed: a gesture that has begun does not hold for it."""
        if isalive(self):
            if self.tool is not None:
                self.tool.cancel()
            self._outlines.clear()
            self.selected = self.hovered = 0
            self.show(())

    def pointer(self, event: Any) -> Pointer:
        """Return where a mouse event of napari is.

        Parameters
        ----------
        event : NapariMouseEvent
            The event.

        Returns
        -------
        Pointer
            In the displayed plane.

        Raises
        ------
        ValueError
            If nothing of the layer can be edited now.
        """
        layer: Any = self.layer
        plane = self.plane()
        at = plane.point(layer.world_to_data(event.position))
        aside = np.array(event.position, float)
        aside[self._viewer.dims.displayed[-1]] += 1 / float(event.camera_zoom)
        moved = plane.point(layer.world_to_data(aside))
        pixel = float(np.hypot(moved[0] - at[0], moved[1] - at[1]))
        return Pointer(at, pixel, "Alt" in event.modifiers)

    def gesture(self, event: Any) -> Generator[None]:
        """Give a gesture to the tool, from press to release.

        Parameters
        ----------
        event : NapariMouseEvent
            It changes while the gesture goes on.

        Yields
        ------
        None
            At every event.
        """
        tool = self.tool
        if tool is None or event.button != 1 or self._is_moving_view:
            return
        try:
            tool.press(self.pointer(event))
            yield
            while event.type == "mouse_move":
                if self.tool is tool:
                    tool.drag(self.pointer(event))
                yield
            if self.tool is tool:
                tool.release(self.pointer(event))
        except ValueError as error:
            tool.cancel()
            self.told.emit(str(error), True)

    def moved(self, event: Any) -> None:
        """Tell the tool where the mouse is.

        Parameters
        ----------
        event : NapariMouseEvent
            With no button held.
        """
        if self.tool is not None and not self._is_moving_view:
            with contextlib.suppress(ValueError):
                self.tool.hover(self.pointer(event))

    def move_view(self, wanted: bool) -> None:
        """Let the mouse move the camera instead, or not any more.

        Parameters
        ----------
        wanted : bool
            Whether it does.
        """
        self._is_moving_view = wanted
        if self.layer is not None:
            self.layer.mouse_pan = wanted and self.tool is not None

    def escape(self) -> None:
        """Cancel the gesture, or else select nothing."""
        if self.tool is not None:
            self.tool.cancel()
            self.select(0)
            self.show(())


def _id_at(plane: Plane, at: tuple[float, float]) -> int:
    y, x = (round(one) for one in at)
    height, width = plane.labels.shape
    return int(plane.labels[y, x]) if 0 <= y < height and 0 <= x < width else 0


def _callbacks(hand: weakref.ref[Hand]) -> tuple[Any, Any]:
    """Return what napari calls for the mouse; it must not keep the window alive."""

    def drag(layer: Any, event: Any) -> Generator[None]:
        held = hand()
        if held is not None and isalive(held):
            yield from held.gesture(event)

    def move(layer: Any, event: Any) -> None:
        held = hand()
        if held is not None and isalive(held):
            held.moved(event)

    return drag, move


def _cancelling(hand: weakref.ref[Hand]) -> Any:
    def cancel(layer: Any) -> None:
        held = hand()
        if held is not None and isalive(held):
            held.escape()

    return cancel


def _moving(hand: weakref.ref[Hand]) -> Any:
    def move(layer: Any) -> Generator[None]:
        held = hand()
        if held is not None and isalive(held):
            held.move_view(True)
            yield
            held.move_view(False)

    return move
