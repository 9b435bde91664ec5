"""The tools that work with the mouse: correct, split, redraw, push, delete in an area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...corrections import (
    Edit,
    Gesture,
    Meaning,
    Plane,
    begin_push,
    combine,
    delete,
    ids_along,
    ids_in_box,
    ids_in_polygon,
    meaning_of,
    merge,
    push,
    redraw,
    split_along,
    split_at,
)
from ...pipeline import Maps
from ...support import pluralize
from ..layers.canvas import Mark
from ..layers.outlines import outlines_of
from .hand import Hand, Pointer, Tool

__all__ = ["Correct", "DeleteInBox", "DeleteInLasso", "Push", "Redraw", "Split"]

#: A gesture that stays within so many pixels of the screen is a click.
_CLICK = 4.0

_COLORS = {
    Meaning.MERGE: "#4be38a",
    Meaning.SPLIT: "#ffb347",
    Meaning.ADD: "#5cc8ff",
    Meaning.DELETE: "#ff6b6b",
    Meaning.REDRAW: "#5cc8ff",
    Meaning.SELECT: "#ffffff",
    Meaning.NOTHING: "#d0d0d0",
}
#: How much a key changes the size of the brush.
_STEP = 1.25

_DELETE, _DRAW, _SPLIT = _COLORS[Meaning.DELETE], "#5cc8ff", _COLORS[Meaning.SPLIT]


class _Stroke(Tool):
    """A tool whose gesture is a line."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        self.path: list[tuple[float, float]] = []
        self.plane: Plane | None = None

    def press(self, pointer: Pointer) -> None:
        self.plane, self.path = self.hand.plane(), [pointer.at]
        self._preview(pointer)

    def drag(self, pointer: Pointer) -> None:
        if self.plane is not None and pointer.at != self.path[-1]:
            self.path.append(pointer.at)
            self._preview(pointer)

    def release(self, pointer: Pointer) -> None:
        if self.plane is not None:
            if self.plane.labels.shape != self.hand.plane().labels.shape:
                self.cancel()  # the layer has other data than at the press
                return
            self.drag(pointer)
            path, self.plane, self.path = self.path, None, []
            self.hand.show(())
            self._finish(path, pointer)

    def cancel(self) -> None:
        self.plane, self.path = None, []
        self._forget()
        self.hand.show(())

    def _preview(self, pointer: Pointer) -> None:
        """Show what the line is about to do."""

    def _forget(self) -> None:
        """Forget what belongs to the gesture."""

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        """Do what the line asks for."""

    def _do(self, edit: Edit, text: str, nothing: str) -> bool:
        """Do an edit of the displayed plane, and tell what was done."""
        hand = self.hand
        done = hand.layer is not None and hand.editor.do(hand.layer, hand.plane(), edit)
        hand.told.emit(text if done else nothing, False)
        return done

    def _new_id(self) -> int:
        """Return a free id; ask before a plane is taken."""
        return self.hand.editor.new_id(self.hand.layer)

    def _redraw(self, outline: list[tuple[float, float]]) -> None:
        """Replace what lies below an outline by hand."""
        new = self._new_id()
        edit = redraw(self.hand.plane().labels, outline, new_id=new)
        text = "Drew a new nucleus." if edit.new_ids else "Redrew the nucleus."
        if self._do(edit, text, "Nothing drawn: draw around a nucleus, all the way."):
            self.hand.select((edit.new_ids or edit.changed)[0])


class Correct(_Stroke):
    """Select, merge, split, redraw, add and delete, without a mode for each.

    Parameters
    ----------
    hand : Hand
        The hand that holds it.
    add_at : callable
        Adds a nucleus at a place of the displayed plane, (Y, X) in pixels.
    """

    name, key = "Correct", "Q"
    tip = "Merge, split, redraw, add, delete and select with one tool"
    hint = (
        "<b>Drag</b> from nucleus to nucleus: merge. <b>Drag</b> across one: split. "
        "<b>Circle</b> one: redraw. <b>Click</b> background: add. <b>Alt+click</b> or Delete: "
        "delete. Space + drag: move."
    )

    def __init__(self, hand: Hand, add_at: Callable[[tuple[float, float]], None]) -> None:
        super().__init__(hand)
        self._add_at = add_at

    def _meaning(self, path: list[tuple[float, float]], pointer: Pointer) -> Gesture:
        labels = self.hand.plane().labels
        return meaning_of(labels, path, alt=pointer.alt, tolerance=_CLICK * pointer.pixel)

    def _preview(self, pointer: Pointer) -> None:
        gesture = self._meaning(self.path, pointer)
        if gesture.meaning in (Meaning.SELECT, Meaning.ADD):
            return
        color, text = _COLORS[gesture.meaning], ""
        if gesture.meaning is not Meaning.NOTHING:
            text = gesture.meaning.value.capitalize()
            text += f" {len(gesture.ids)}" if len(gesture.ids) > 1 else ""
        marks = self.hand.marks_of(gesture.ids, color)
        is_loop = gesture.meaning is Meaning.REDRAW
        self.hand.show([*marks, Mark(list(self.path), color, closed=is_loop, text=text)])

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        gesture = self._meaning(path, pointer)
        if gesture.meaning is Meaning.SELECT:
            self.hand.select(gesture.ids[0])
            return
        if gesture.meaning is Meaning.ADD:
            self._add_at(path[0])
            return
        self.hand.select(0)
        labels = self.hand.plane().labels
        if gesture.meaning is Meaning.DELETE:
            text = f"Deleted {pluralize(len(gesture.ids))}."
            self._do(delete(labels, gesture.ids), text, "")
        elif gesture.meaning is Meaning.MERGE:
            edit = merge(labels, path)
            if self._do(edit, f"Merged {len(gesture.ids)} nuclei.", "Nothing to merge there."):
                self.hand.select(gesture.ids[0] if gesture.ids[0] in edit.changed else 0)
        elif gesture.meaning is Meaning.SPLIT:
            new = self._new_id()
            edit = split_along(self.hand.plane().labels, path, new_id=new)
            self._do(edit, f"Split into {1 + len(edit.new_ids)}.", _NO_SPLIT)
        elif gesture.meaning is Meaning.REDRAW:
            self._redraw(path)


_NO_SPLIT = "Not split: the line cuts off no part. Draw it across, from outside to outside."


class Split(_Stroke):
    """Split the nucleus that is clicked, where the maps or its shape say.

    Parameters
    ----------
    hand : Hand
        The hand that holds it.
    maps_of : callable
        Returns the maps of the displayed plane, or None, and the typical diameter.
    """

    name, key = "Split", "S"
    tip = "Split the nucleus that you click at its waist, or along a line that you draw"
    hint = (
        "<b>Click</b> a nucleus: it is split in two at its waist. Or <b>draw</b> a line "
        "across it."
    )

    def __init__(
        self, hand: Hand, maps_of: Callable[[], tuple[Maps | None, float | None]]
    ) -> None:
        super().__init__(hand)
        self._maps_of = maps_of

    def _preview(self, pointer: Pointer) -> None:
        if _length(self.path) > _CLICK * pointer.pixel:
            self.hand.show([Mark(list(self.path), _SPLIT, text="Split")])

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        self.hand.select(0)
        new = self._new_id()
        labels = self.hand.plane().labels
        if _length(path) > _CLICK * pointer.pixel:
            edit = split_along(labels, path, new_id=new)
            self._do(edit, f"Split into {1 + len(edit.new_ids)}.", _NO_SPLIT)
            return
        maps, diameter = self._maps_of()
        edit = split_at(labels, path[0], maps, diameter=diameter, new_id=new)
        nothing = "Not split: it has one middle only. Draw a line across it."
        self._do(edit, "Split in two.", nothing)


class Redraw(_Stroke):
    """Replace a nucleus by an outline by hand, or draw a new one."""

    name, key = "Redraw", "R"
    tip = "Draw the outline of a nucleus by hand"
    hint = (
        "<b>Draw</b> around a nucleus, all the way: the outline replaces the nucleus below "
        "it, or makes a new one."
    )

    def _preview(self, pointer: Pointer) -> None:
        self.hand.show([Mark(list(self.path), _DRAW, closed=len(self.path) > 2)])

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        self._redraw(path)


class Push(_Stroke):
    """Push the outline of a nucleus with a round brush.

    Parameters
    ----------
    hand : Hand
        The hand that holds it.
    """

    name, key = "Push", "W"
    tip = "Push the outline of a nucleus in or out with a round brush"
    hint = (
        "<b>Drag</b> from inside of a nucleus: its outline moves out. From outside: it moves "
        "in. [ and ]: size of the brush."
    )

    #: Radius of the brush in pixels of the screen, and its limits.
    radius, least, most = 14.0, 3.0, 120.0

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        self._number, self._outwards = 0, True
        self._steps: list[Edit] = []
        self._labels: Any = None
        self._at: tuple[float, float] | None = None

    def keys(self) -> dict[str, Callable[[], None]]:
        """Return what keys do while it is in hand."""
        return {"[": lambda: self.resize(1 / _STEP), "]": lambda: self.resize(_STEP)}

    def resize(self, factor: float) -> None:
        """Make the brush larger or smaller.

        Parameters
        ----------
        factor : float
            By which its radius is multiplied.
        """
        self.radius = float(np.clip(self.radius * factor, self.least, self.most))
        if self._at is not None:
            self.hand.show([Mark([self._at], _DRAW, radius=self.radius)])

    def hover(self, pointer: Pointer) -> None:
        """Show the brush.

        Parameters
        ----------
        pointer : Pointer
            Where it is.
        """
        self._at = pointer.at
        self.hand.show([Mark([pointer.at], _DRAW, radius=self.radius)])

    def leave(self) -> None:
        """Show no brush: the mouse has left the canvas."""
        self._at = None
        if self.plane is None:
            self.hand.show(())

    def _preview(self, pointer: Pointer) -> None:
        """Push in a copy; the layer is changed once, at the end of the stroke."""
        if self._labels is None:
            self._labels = self.hand.plane().labels.copy()
        radius = self.radius * pointer.pixel
        if not self._number:
            self._number, self._outwards = begin_push(self._labels, self.path[-1], radius)
        if self._number:
            edit = push(self._labels, self._number, self.path[-2:], radius, self._outwards)
            if edit:
                self._labels[edit.indices] = edit.values
                self._steps.append(edit)
        self._show(pointer)

    def _show(self, pointer: Pointer) -> None:
        lines = outlines_of(self._labels, self._number) if self._number else []
        marks = [Mark(line, _DRAW, closed=True) for line in lines]
        self.hand.show([*marks, Mark([pointer.at], _DRAW, radius=self.radius)])

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        steps, way = self._steps, "out" if self._outwards else "in"
        self._forget()
        if steps:
            self._do(combine(steps), f"Pushed the outline {way}.", "Nothing changed.")
        else:
            self.hand.told.emit("No nucleus below the brush.", False)
        self.hover(pointer)

    def _forget(self) -> None:
        self._number, self._steps, self._labels = 0, [], None


class DeleteInLasso(_Stroke):
    """Delete the nucleus that is clicked, or those in a lasso."""

    name, key = "Delete", "D"
    tip = "Delete the nucleus that you click, or all that you draw a loop around"
    hint = (
        "<b>Click</b> a nucleus, or <b>draw</b> a loop around many: those that lie in it for "
        "the most part are deleted."
    )

    def _area(self, path: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return the corners of what is drawn."""
        return list(path)

    def _ids(self, labels: np.ndarray, path: list[tuple[float, float]]) -> list[int]:
        """Return the nuclei that are meant."""
        return ids_in_polygon(labels, path) if len(path) > 2 else []

    def _preview(self, pointer: Pointer) -> None:
        ids = self._ids(self.hand.plane().labels, self.path)
        text = f"Delete {len(ids)}" if ids else ""
        marks = self.hand.marks_of(ids, _DELETE)
        outline = Mark(self._area(self.path), _DELETE, closed=True, dashed=True, text=text)
        self.hand.show([*marks, outline])

    def _finish(self, path: list[tuple[float, float]], pointer: Pointer) -> None:
        labels = self.hand.plane().labels
        if _length(path) <= _CLICK * pointer.pixel:
            ids = ids_along(labels, path[:1])
        else:
            ids = self._ids(labels, path)
        self.hand.select(0)
        text = f"Deleted {pluralize(len(ids))}."
        self._do(delete(labels, ids), text, "No nucleus lies there.")


class DeleteInBox(DeleteInLasso):
    """Delete the nuclei in a box."""

    name, key = "Box", "Shift-D"
    tip = "Delete all nuclei in a box"
    hint = "<b>Drag</b> a box: the nuclei that lie in it for the most part are deleted."

    def _area(self, path: list[tuple[float, float]]) -> list[tuple[float, float]]:
        (top, left), (bottom, right) = path[0], path[-1]
        return [(top, left), (top, right), (bottom, right), (bottom, left)]

    def _ids(self, labels: np.ndarray, path: list[tuple[float, float]]) -> list[int]:
        return ids_in_box(labels, path[0], path[-1]) if len(path) > 1 else []


def _length(path: list[tuple[float, float]]) -> float:
    """Return how far a path goes from where it begins."""
    return float(np.hypot(*np.subtract(path, path[0]).T).max())
