"""The brush begins a new nucleus on background, unless a nucleus was picked."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from scipy.ndimage import find_objects, label

__all__ = ["guard_brush", "pieces_of", "select_quietly", "select_unused", "unused_label"]

#: Labels layers whose brush is guarded, with the label that a person chose, or None.
_guarded: weakref.WeakKeyDictionary[Any, int | None] = weakref.WeakKeyDictionary()


def unused_label(layer: Any) -> int:
    """Return a label that no nucleus of a layer has, and make room for it.

    Parameters
    ----------
    layer : Labels
        The layer; its data type becomes int32 if it has no number left.

    Returns
    -------
    int
        One more than the highest.
    """
    number = int(np.max(np.asarray(layer.data), initial=0)) + 1
    if number > np.iinfo(layer.dtype).max:
        layer.data = np.asarray(layer.data).astype(np.int32)
    return number


def guard_brush(layer: Any) -> None:
    """Let a stroke on background begin a new nucleus, and one in a nucleus add to that.

    The label that a person chose, by picker or by number, is painted all the same. One that
    no nucleus had is chosen for one stroke.

    Parameters
    ----------
    layer : Labels
        The layer itself, not wrapped. Nothing happens if it is guarded already.
    """
    if layer not in _guarded:
        _guarded[layer] = None
        layer.mouse_drag_callbacks.insert(0, _begin)
        layer.events.selected_label.connect(_label_chosen)
        select_unused(layer)


def select_unused(layer: Any, *, for_stroke: bool = False) -> None:
    """Select a label that no nucleus has.

    Parameters
    ----------
    layer : Labels
        A guarded layer itself, not wrapped.
    for_stroke : bool, optional
        Whether the next stroke paints it even if it begins in a nucleus.
    """
    select_quietly(layer, unused_label(layer))
    if for_stroke:
        _guarded[layer] = layer.selected_label


def select_quietly(layer: Any, number: int) -> None:
    """Select a label that no person has chosen to paint with.

    Parameters
    ----------
    layer : Labels
        A guarded layer itself, not wrapped.
    number : int
        The label. A stroke on background begins a new nucleus all the same.
    """
    layer.selected_label = number
    _guarded[layer] = None


def _label_chosen(event: Any) -> None:
    if event.source in _guarded:
        _guarded[event.source] = int(event.source.selected_label)


def _begin(layer: Any, event: Any) -> None:
    """Select the label of a stroke, before napari paints it."""
    if layer.mode != "paint":
        return
    selected, chosen = layer.selected_label, _guarded.get(layer)
    if chosen and chosen == selected:
        if not (np.asarray(layer.data) == chosen).any():
            _guarded[layer] = None
        return
    under = layer.get_value(event.position, world=True)
    select_quietly(layer, int(under) if under else unused_label(layer))


def pieces_of(labels: np.ndarray) -> list[int]:
    """Return which labels are in several pieces.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background. Pixels that touch at a corner are one piece.

    Returns
    -------
    list of int
        Their labels, in order.
    """
    values, places = np.unique(labels, return_inverse=True)
    places = places.reshape(labels.shape) + 1
    boxes = find_objects(places)
    return [
        int(value)
        for number, (value, box) in enumerate(zip(values, boxes, strict=True), start=1)
        if value > 0 and label(places[box] == number, structure=np.ones((3, 3)))[1] > 1
    ]
