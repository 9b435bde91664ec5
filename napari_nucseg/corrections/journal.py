"""The journal: what a person corrects is on the disk, whatever happens to the process."""

from __future__ import annotations

import dataclasses
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..support import new_file
from .edit import Edit
from .frames import pack, read_frames
from .plane import Plane
from .states import States

__all__ = ["Journal", "Restored"]

_FILE = "corrections.journal"

#: Labels are compared and written in squares of this height and width, in pixels.
_BLOCK = 256

#: Of the file.
_FORMAT = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Restored:
    """What a journal has kept.

    Parameters
    ----------
    labels : ndarray of int
        The labels of the whole layer, as they were at the last `Journal.flush`.
    states : States
        The states of their nuclei.
    reference : dict
        What `Journal.begin` was told of the image.
    """

    labels: np.ndarray
    states: States
    reference: dict[str, Any]


class Journal:
    """Keeps the corrections of one layer in a folder.

    `record` and `record_plane` only note what changed, and take no time. `flush` writes it
    and waits for the disk; another thread may call it. All that one flush writes is there
    afterwards, or nothing of it.

    Parameters
    ----------
    folder : Path
        For this layer alone. It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / _FILE
        self._noting, self._writing = threading.Lock(), threading.Lock()
        self._changes: list[tuple[dict[str, Any], np.ndarray, np.ndarray]] = []
        self._states: dict[int, int] | None = None
        self._written: dict[int, int] = {}
        #: Checksums of blocks as the disk will have them, by plane, row and column.
        self._blocks: dict[tuple[Any, ...], int] = {}
        self._size: int | None = None

    def begin(
        self, labels: np.ndarray, reference: dict[str, Any], states: States | None = None
    ) -> None:
        """Write the labels as they are, in place of what the folder had.

        Changes that are recorded while this runs in another thread are not lost.

        Parameters
        ----------
        labels : ndarray of int, two axes or more
            The whole layer.
        reference : dict
            Which image it belongs to, ready for JSON.
        states : States, optional
            The states of the nuclei.

        Raises
        ------
        OSError
            If it cannot be written. What was there before stays.
        """
        about = {
            "format": _FORMAT,
            "reference": reference,
            "shape": list(labels.shape),
            "dtype": labels.dtype.newbyteorder("<").str,
        }
        known = states.as_dict() if states else {}
        with self._writing:
            with new_file(self.path) as aside, open(aside, "wb") as file:
                file.write(pack(about, _as_arrays(known)))
                for index in np.ndindex(labels.shape[:-2]):
                    part = {"values": labels[index]}
                    file.write(pack({"plane": list(index)}, part))
                size = file.tell()
            self._size, self._written = size, known

    def record(self, edit: Edit) -> None:
        """Note an edit that was done.

        Parameters
        ----------
        edit : Edit
            With an index for every axis of the layer, see `Plane.in_layer`.
        """
        if not edit:
            return
        *planes, y, x = edit.indices
        with self._noting:
            self._changes.append(({}, np.stack(edit.indices), edit.values))
            touched = np.unique(np.stack([*planes, y // _BLOCK, x // _BLOCK]), axis=1)
            for *index, row, column in touched.T.tolist():
                self._blocks.pop((*index, row, column), None)

    def record_plane(self, plane: Plane) -> None:
        """Note what changed in a plane in another way, such as by a brush or an undo.

        Parameters
        ----------
        plane : Plane
            The plane as it is now. It is compared with what was recorded before, if it lies
            along the last two axes of the layer.
        """
        ndim = len(plane.position)
        if {*plane.displayed} != {ndim - 2, ndim - 1}:
            self._record_pixels(plane)
            return
        index = plane.position[:-2]
        is_turned = plane.displayed[0] > plane.displayed[1]
        for row, column, block in _blocks_of(plane.labels.T if is_turned else plane.labels):
            key, checksum = (*index, row, column), zlib.crc32(block.tobytes())
            with self._noting:
                if self._blocks.get(key) != checksum:
                    self._blocks[key] = checksum
                    corner = [*index, row * _BLOCK, column * _BLOCK]
                    self._changes.append(({"corner": corner}, np.empty(0), block.copy()))

    def _record_pixels(self, plane: Plane) -> None:
        """Note all pixels of a plane along other axes than the last two."""
        y, x = (axis.ravel() for axis in np.indices(plane.labels.shape))
        values = plane.labels.ravel()
        edit = Edit("plane", (y, x), values, values)
        self.record(plane.in_layer(edit))

    def record_states(self, states: States) -> None:
        """Note the states of all nuclei.

        Parameters
        ----------
        states : States
            They are copied.
        """
        known = states.as_dict()
        with self._noting:
            self._states = known

    def flush(self) -> int:
        """Write what was recorded, and wait until it is on the disk.

        Returns
        -------
        int
            How many bytes were written; 0 if nothing was recorded.

        Raises
        ------
        FileNotFoundError
            If the journal was not begun.
        OSError
            If it cannot be written. It is written with the next flush, then.
        """
        with self._writing:
            with self._noting:
                changes, self._changes = self._changes, []
                states, self._states = self._states, None
            # States that are as they were are not written again.
            changed = {
                one: state
                for one, state in (states or {}).items()
                if self._written.get(one) != state
            }
            if not changes and not changed:
                return 0
            try:
                written = self._append(_frame_of(changes, changed))
            except BaseException:
                with self._noting:
                    self._changes = changes + self._changes
                    self._states = states if self._states is None else self._states
                raise
            self._written.update(changed)
            return written

    def _append(self, frame: bytes) -> int:
        if self._size is None:
            self._size = max((end for *_, end in self._frames()), default=0)
        with open(self.path, "rb+") as file:
            # What a process that was killed has left half written is overwritten.
            file.truncate(self._size)
            file.seek(self._size)
            file.write(frame)
            file.flush()
            os.fsync(file.fileno())
        self._size += len(frame)
        return len(frame)

    def _frames(self) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray], int]]:
        with open(self.path, "rb") as file:
            yield from read_frames(file)

    def exists(self) -> bool:
        """Return whether there is something to restore.

        Returns
        -------
        bool
            Whether the journal was begun, by this process or another one.
        """
        return self.path.is_file()

    def restore(self) -> Restored:
        """Return what the last flush has left on the disk.

        A record at the end that is not whole is ignored.

        Returns
        -------
        Restored
            Labels, states and image reference.

        Raises
        ------
        FileNotFoundError
            If the journal was not begun.
        ValueError
            If the file is no journal.
        """
        frames = self._frames()
        first = next(frames, None)
        if first is None or first[0].get("format") != _FORMAT:
            raise ValueError(
                f"Expected a journal of format {_FORMAT} in {self.path}, got something else. "
                f"Remove the file if you do not need it."
            )
        about, arrays, _ = first
        labels = np.zeros(about["shape"], about["dtype"])
        states = _as_dict(arrays)
        for then, arrays, _ in frames:
            if "plane" in then:
                labels[tuple(then["plane"])] = arrays["values"]
            else:
                _replay(labels, then, arrays)
                states.update(_as_dict(arrays))
        native = labels.astype(labels.dtype.newbyteorder("="), copy=False)
        return Restored(native, States(states), about["reference"])


def _frame_of(
    changes: list[tuple[dict[str, Any], np.ndarray, np.ndarray]], states: dict[int, int]
) -> bytes:
    """Pack all changes into one record."""
    arrays = _as_arrays(states)
    for number, (_, indices, values) in enumerate(changes):
        arrays[f"indices{number}"], arrays[f"values{number}"] = indices, values
    return pack({"changes": [about for about, *_ in changes]}, arrays)


def _replay(labels: np.ndarray, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    for number, change in enumerate(about["changes"]):
        values = arrays[f"values{number}"]
        if "corner" in change:
            *index, top, left = change["corner"]
            height, width = values.shape
            labels[(*index, slice(top, top + height), slice(left, left + width))] = values
        else:
            labels[tuple(arrays[f"indices{number}"])] = values


def _blocks_of(plane: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield the blocks of a plane with their row and column among the blocks."""
    for top in range(0, plane.shape[0], _BLOCK):
        for left in range(0, plane.shape[1], _BLOCK):
            block = plane[top : top + _BLOCK, left : left + _BLOCK]
            yield top // _BLOCK, left // _BLOCK, block


def _as_arrays(states: dict[int, int]) -> dict[str, np.ndarray]:
    return {
        "ids": np.array([*states], np.int64),
        "states": np.array([*states.values()], np.uint8),
    }


def _as_dict(arrays: dict[str, np.ndarray]) -> dict[int, int]:
    return dict(zip(arrays["ids"].tolist(), arrays["states"].tolist(), strict=True))
