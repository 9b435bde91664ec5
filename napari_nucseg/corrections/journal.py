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
from .blocks import Key, block_of, keys_at, keys_in
from .edit import Edit
from .frames import pack, read_frames
from .states import State, States

__all__ = ["Journal", "Restored"]

_FILE = "corrections.journal"

#: Of the file.
_FORMAT = 2

#: How many times as large as at its beginning it may get, and how many bytes more.
_GROWN, _ROOM = 2, 32_000_000


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

    `record` and `record_block` only note what changed, and take no time. `flush` writes it
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
        #: Checksums of blocks as the disk will have them.
        self._blocks: dict[Key, int] = {}
        self._size: int | None = None
        self._least = 0

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
        checksums: dict[Key, int] = {}
        with self._writing:
            with new_file(self.path) as aside, open(aside, "wb") as file:
                file.write(pack(about, _as_arrays(known)))
                for index in np.ndindex(labels.shape[:-2]):
                    plane = np.asarray(labels[index])
                    for row, column in keys_in((slice(None),) * 2, plane.shape):
                        block = block_of(plane, (row, column))
                        checksums[(*index, row, column)] = _checksum(block)
                    file.write(pack({"plane": list(index)}, {"values": plane}))
                size = file.tell()
            self._size, self._least, self._written = size, size, known
            with self._noting:
                self._blocks = self._after_changes(checksums)

    def _after_changes(self, checksums: dict[Key, int]) -> dict[Key, int]:
        """Return checksums of blocks as they are when what is recorded was written."""
        for about, indices, values in self._changes:
            if "key" in about:
                checksums[tuple(about["key"])] = _checksum(values)
            else:
                for key in _keys_of(indices):
                    checksums.pop(key, None)
        return checksums

    def record(self, edit: Edit) -> None:
        """Note an edit that was done.

        Parameters
        ----------
        edit : Edit
            With an index for every axis of the layer, see `Plane.in_layer`.
        """
        if not edit:
            return
        with self._noting:
            indices = np.stack(edit.indices)
            self._changes.append(({}, indices, edit.values))
            for key in _keys_of(indices):
                self._blocks.pop(key, None)

    def record_block(self, key: Key, values: np.ndarray) -> bool:
        """Note a block of the layer that has changed in another way, as by a brush or an undo.

        Parameters
        ----------
        key : tuple of int
            Which block, see `corrections.keys_in`.
        values : ndarray of int, shape (Y, X)
            Its pixels as they are now. They are kept: give a copy if they may change.

        Returns
        -------
        bool
            Whether it is other than what was recorded before.
        """
        with self._noting:
            checksum = _checksum(values)
            if self._blocks.get(key) == checksum:
                return False
            self._blocks[key] = checksum
            self._changes.append(({"key": list(key)}, np.empty(0), values))
            return True

    def differs(self, key: Key, values: np.ndarray) -> bool:
        """Return whether a block is other than what was recorded.

        Parameters
        ----------
        key : tuple of int
            Which block.
        values : ndarray of int, shape (Y, X)
            Its pixels as they are now.

        Returns
        -------
        bool
            True, too, if it is not known.
        """
        return self._blocks.get(key) != _checksum(values)

    def record_states(self, states: States) -> None:
        """Note the states of all nuclei.

        Parameters
        ----------
        states : States
            They are copied. Nuclei that are not in it are unreviewed from now on.
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
            try:
                changed = {} if states is None else self._new_in(states)
                if not changes and not changed:
                    return 0
                written = self._append(_frame_of(changes, changed))
            except BaseException:
                with self._noting:
                    self._changes = changes + self._changes
                    self._states = states if self._states is None else self._states
                raise
            self._written.update(changed)
            return written

    def _new_in(self, states: dict[int, int]) -> dict[int, int]:
        """Return the states that are other than on the disk.

        Whoever has left the table is unreviewed, and written as such.
        """
        self._look()
        written = self._written
        new = {one: state for one, state in states.items() if written.get(one) != state}
        left = (one for one, state in written.items() if state and one not in states)
        return {**new, **dict.fromkeys(left, int(State.UNREVIEWED))}

    def _look(self) -> int:
        """Read what another process has written, unless this one knows, and return the size."""
        if self._size is None:
            size, written = 0, {}
            for about, arrays, end in self._frames():
                size = end
                if "plane" not in about:
                    written.update(_as_dict(arrays))
            self._size, self._written = size, written
        return self._size

    def _append(self, frame: bytes) -> int:
        size = self._look()
        with open(self.path, "rb+") as file:
            # What a process that was killed has left half written is overwritten.
            file.truncate(size)
            file.seek(size)
            file.write(frame)
            file.flush()
            os.fsync(file.fileno())
        self._size = size + len(frame)
        return len(frame)

    def _frames(self) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray], int]]:
        with open(self.path, "rb") as file:
            yield from read_frames(file)

    def has_grown(self) -> bool:
        """Return whether the file is so large that it is better begun anew.

        Returns
        -------
        bool
            It holds all changes since `begin`, which writes the labels as they are.
        """
        return (self._size or 0) > _GROWN * self._least + _ROOM

    def reference(self) -> dict[str, Any]:
        """Return what `begin` was told of the image, without reading the labels.

        Returns
        -------
        dict
            As it was given.

        Raises
        ------
        FileNotFoundError
            If the journal was not begun.
        ValueError
            If the file is no journal.
        """
        about, _, _ = self._first(self._frames())
        return about["reference"]

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
        about, arrays, _ = self._first(frames)
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

    def _first(
        self, frames: Iterator[tuple[dict[str, Any], dict[str, np.ndarray], int]]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], int]:
        first = next(frames, None)
        if first is None or first[0].get("format") != _FORMAT:
            raise ValueError(
                f"Expected a journal of format {_FORMAT} in {self.path}, got something else. "
                f"Remove the file if you do not need it."
            )
        return first


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
        if "key" in change:
            block_of(labels, tuple(change["key"]))[...] = values
        else:
            labels[tuple(arrays[f"indices{number}"])] = values


def _keys_of(indices: np.ndarray) -> set[Key]:
    return keys_at(tuple(indices), [int(last) + 1 for last in indices.max(axis=1)])


def _checksum(block: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(block).data)


def _as_arrays(states: dict[int, int]) -> dict[str, np.ndarray]:
    return {
        "ids": np.array([*states], np.int64),
        "states": np.array([*states.values()], np.uint8),
    }


def _as_dict(arrays: dict[str, np.ndarray]) -> dict[int, int]:
    return dict(zip(arrays["ids"].tolist(), arrays["states"].tolist(), strict=True))
