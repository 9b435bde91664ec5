"""What a tool wants to change: which pixels, and to which values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from .select import ids_in

__all__ = ["Edit", "combine", "edit_of", "nothing"]


@dataclasses.dataclass(frozen=True, eq=False)
class Edit:
    """A change of labels that is not done yet: ``labels[edit.indices] = edit.values``.

    An edit of no pixel is false: there is nothing to do.

    Parameters
    ----------
    name : str
        What is done, such as ``"merge"``.
    indices : tuple of ndarray of intp, each of shape (N,)
        The pixels that change, one array for each axis. (Y, X) for a plane; see `Plane` for
        layers of more axes.
    values : ndarray of the dtype of the labels, shape (N,)
        What they shall be.
    before : ndarray of the dtype of the labels, shape (N,)
        What they are now, always other than `values`.
    touched : tuple of int
        Ids of the nuclei that are there now and change.
    new_ids : tuple of int
        Ids that come.
    removed : tuple of int
        Those of `touched` that are not in the plane any more afterwards.
    """

    name: str
    indices: tuple[np.ndarray, ...]
    values: np.ndarray
    before: np.ndarray
    touched: tuple[int, ...] = ()
    new_ids: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.values.size > 0

    @property
    def changed(self) -> tuple[int, ...]:
        """Ids of the nuclei that look different afterwards, and are there."""
        return tuple(sorted({*self.touched, *self.new_ids} - {*self.removed}))

    def reversed(self) -> Edit:
        """Return the edit that takes this one back.

        Returns
        -------
        Edit
            What this one created is removed by it, what this one removed is new in it.
        """
        touched = {*self.touched, *self.new_ids} - {*self.removed}
        return Edit(
            f"undo {self.name}",
            self.indices,
            self.before,
            self.values,
            tuple(sorted(touched)),
            self.removed,
            self.new_ids,
        )


def edit_of(
    name: str,
    labels: np.ndarray,
    after: np.ndarray,
    box: tuple[slice, slice] = (slice(0, None), slice(0, None)),
    new_ids: Sequence[int] = (),
) -> Edit:
    """Make an edit out of the labels in a box and what they shall be.

    Parameters
    ----------
    name : str
        What is done.
    labels : ndarray of int, shape (Y, X)
        The whole plane.
    after : ndarray of int, shape of the box
        The labels that are wanted in the box.
    box : tuple of slice, optional
        Rows and columns, with a start. Every nucleus that changes lies in it as a whole.
    new_ids : sequence of int, optional
        Ids that did not exist.

    Returns
    -------
    Edit
        Of the pixels that differ.
    """
    before = labels[box]
    y, x = np.nonzero(before != after)
    old, values = before[y, x], after[y, x].astype(labels.dtype, copy=False)
    lost = {*ids_in(old)[0].tolist()}
    touched = (lost | {*ids_in(values)[0].tolist()}) - {*new_ids}
    removed = lost - {*ids_in(after)[0].tolist()}
    return Edit(
        name,
        (y + box[0].start, x + box[1].start),
        values,
        old,
        tuple(sorted(touched)),
        tuple(int(one) for one in new_ids),
        tuple(sorted(removed)),
    )


def nothing(name: str, labels: np.ndarray) -> Edit:
    """Return the edit that changes no pixel of a plane.

    Parameters
    ----------
    name : str
        What was to be done, such as ``"merge"``.
    labels : ndarray of int, shape (Y, X)
        Labels of a plane, 0 is background.

    Returns
    -------
    Edit
        Without pixels.
    """
    nowhere, none = np.empty(0, np.intp), np.empty(0, labels.dtype)
    return Edit(name, (nowhere, nowhere), none, none)


def combine(edits: Sequence[Edit]) -> Edit:
    """Make one edit out of several that follow each other, such as the steps of a stroke.

    Parameters
    ----------
    edits : sequence of Edit
        At least one. Each begins with what those before it have left.

    Returns
    -------
    Edit
        It leads to the same labels. Its name is that of the first.

    Raises
    ------
    ValueError
        If there is no edit.
    """
    if not edits:
        raise ValueError("Expected edits to combine, got none.")
    stacked = np.concatenate([np.stack(edit.indices) for edit in edits], axis=1)
    before = np.concatenate([edit.before for edit in edits])
    values = np.concatenate([edit.values for edit in edits])
    pixels, first = np.unique(stacked, axis=1, return_index=True)
    _, last = np.unique(stacked[:, ::-1], axis=1, return_index=True)
    values, before = values[::-1][last], before[first]
    kept = values != before
    new: set[int] = set()
    touched: set[int] = set()
    removed: set[int] = set()
    for edit in edits:
        touched |= {*edit.touched} - new
        new = (new | {*edit.new_ids} - removed) - {*edit.removed}
        removed = (removed | {*edit.removed} & touched) - {*edit.new_ids}
    return Edit(
        edits[0].name,
        tuple(axis[kept] for axis in pixels),
        values[kept],
        before[kept],
        tuple(sorted(touched)),
        tuple(sorted(new)),
        tuple(sorted(removed)),
    )
