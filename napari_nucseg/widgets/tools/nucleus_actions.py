"""What is done to a whole nucleus, or to all of them, with a button or a key."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from ...corrections import (
    Edit,
    delete,
    fill_holes,
    grow,
    ids_at_border,
    separate,
    shrink,
    smooth,
)
from ...support import pluralize
from .hand import Hand

__all__ = ["ACTIONS", "Action", "NucleusActions"]


@dataclasses.dataclass(frozen=True)
class Action:
    """An action on nuclei.

    Parameters
    ----------
    name, key, tip : str
        On the button; the key, which with Shift means all nuclei; what it does.
    done : str
        What is told afterwards.
    edit : callable
        Given the labels of a plane and ids, or None for all nuclei, returns the `Edit`.
    """

    name: str
    key: str
    tip: str
    done: str
    edit: Callable[[np.ndarray, Iterable[int] | None], Edit]


#: By the name that the panel has for them.
ACTIONS = {
    "smooth": Action("Smooth", "T", "Smooth the outline", "Smoothed", smooth),
    "fill": Action("Fill holes", "H", "Fill the holes", "Filled the holes of", fill_holes),
    "grow": Action("Grow", "G", "Grow by one pixel, into background", "Grew", grow),
    "shrink": Action("Shrink", "K", "Shrink by one pixel", "Shrank", shrink),
}


class NucleusActions:
    """Does actions on the nucleus that is meant, or on all in the displayed plane.

    Parameters
    ----------
    hand : Hand
        Which knows the layer and the nucleus.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def act(self, action: Action, *, everywhere: bool, by_key: bool) -> None:
        """Do an action.

        Parameters
        ----------
        action : Action
            What to do.
        everywhere : bool
            Whether to do it with all nuclei of the displayed plane.
        by_key : bool
            Whether a key was pressed, see `Hand.target`.
        """
        plane_labels = self._labels()
        if plane_labels is None:
            return
        number = 0 if everywhere else self._hand.target(by_key=by_key)
        if not everywhere and not number:
            self._hand.told.emit(
                f"{action.name}: select a nucleus with a click first, or point at it and "
                f"press {action.key}. With Shift: all nuclei.",
                False,
            )
            return
        edit = action.edit(plane_labels, None if everywhere else [number])
        self._do(edit, action.done, f"{action.name}: nothing to change.")

    def delete_one(self, *, by_key: bool) -> None:
        """Delete the nucleus that is meant.

        Parameters
        ----------
        by_key : bool
            See `Hand.target`.
        """
        labels = self._labels()
        if labels is None:
            return
        number = self._hand.target(by_key=by_key)
        if not number:
            self._hand.told.emit("Delete: point at a nucleus, or select it first.", False)
            return
        self.delete_all([number])

    def delete_all(self, ids: Iterable[int]) -> None:
        """Delete nuclei.

        Parameters
        ----------
        ids : iterable of int
            Their labels, in the displayed plane.
        """
        labels = self._labels()
        if labels is not None:
            edit = delete(labels, ids)
            if self._hand.selected in edit.removed:
                self._hand.select(0)
            self._do(edit, "Deleted", "Nothing to delete.")

    def delete_at_border(self) -> None:
        """Delete the nuclei that touch the border of the image."""
        labels = self._labels()
        if labels is not None:
            self.delete_all(ids_at_border(labels))

    def separate_pieces(self) -> None:
        """Make each piece of a label a nucleus of its own."""
        hand = self._hand
        if self._labels() is not None and hand.layer is not None:
            new = hand.editor.new_id(hand.layer)
            edit = separate(hand.plane().labels, new_id=new)
            text = f"Made {pluralize(len(edit.new_ids))} out of loose pieces."
            done = hand.editor.do(hand.layer, hand.plane(), edit)
            hand.told.emit(text if done else "No label is in several pieces.", False)

    def _labels(self) -> np.ndarray | None:
        """Return the displayed plane, or say why there is none."""
        try:
            return self._hand.plane().labels
        except ValueError as error:
            self._hand.told.emit(str(error), True)
            return None

    def _do(self, edit: Edit, verb: str, nothing: str) -> None:
        hand = self._hand
        if hand.layer is not None and hand.editor.do(hand.layer, hand.plane(), edit):
            text = f"{verb} {pluralize(len(edit.touched))}."
        else:
            text = nothing
        hand.told.emit(text, False)
