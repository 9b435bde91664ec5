"""What is known of a labels layer whose changes are kept on the disk."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...corrections import BLOCK, Journal, Key, States, block_of, keys_at, keys_in
from ..layers.reference import Reference
from ..layers.shown import result_of_layer

__all__ = ["KeptLabels", "Writing"]

#: As many steps as napari can undo, which may change blocks that are not in sight.
_STEPS = 100

#: Pixels up to which blocks that may have changed are written with those that have. Where there
#: are more, an undo comes to the disk a second later than its states, and than edits after it.
_LOOKED_AT = 4_194_304

#: Bytes up to which labels are copied to be written. Larger ones are read while they may
#: change; what changes meanwhile is written a second later.
_COPIED = 256_000_000


@dataclasses.dataclass(frozen=True)
class Writing:
    """What another thread shall do.

    Parameters
    ----------
    work : callable
        Writes, and returns blocks that have changed without anybody telling.
    journal : Journal
        Where it writes.
    begins : bool
        Whether it writes all labels.
    """

    work: Callable[[], list[Key]]
    journal: Journal
    begins: bool


class KeptLabels:
    """What has changed in one layer since it was written, and where it is written.

    It does not hold the layer.
    """

    def __init__(self) -> None:
        #: Where the labels are kept; None if nothing has changed since they were saved.
        self.folder: Path | None = None
        #: The journal in the folder, None if it is to be made.
        self.journal: Journal | None = None
        #: Only one thread at a time writes.
        self.writing = threading.Lock()
        # What was saved last, to be compared with.
        self._saved: Journal | None = None
        self._saved_states: dict[int, int] = {}
        # Whether somebody has changed the labels, or may have done so.
        self._is_edited = self._may_be_edited = False
        # Whether all labels are to be written, as they are new or the file has grown.
        self._must_begin = True
        self._has_new_states = False
        self._changed: set[Key] = set()
        self._doubtful: set[Key] = set()
        # Blocks of the last steps, which an undo may change.
        self._steps: deque[set[Key]] = deque(maxlen=_STEPS)

    # What happens to the layer

    def note_step(self, step: Iterable[Any], shape: tuple[int, ...]) -> None:
        """Note a step of napari's history.

        Parameters
        ----------
        step : iterable
            Changes, each either with a box or with indices.
        shape : tuple of int
            Of the labels.
        """
        keys = _keys_of_step(step, shape)
        self._steps.append(keys)
        self.note_changed(keys)

    def note_changed(self, keys: Iterable[Key]) -> None:
        """Note blocks that somebody has changed.

        Parameters
        ----------
        keys : iterable of tuple of int
            The blocks.
        """
        self._changed.update(keys)
        self._is_edited = True

    def note_refreshed(self, keys: Iterable[Key], layer: Any) -> bool:
        """Note that the layer was drawn anew, as after an undo, a change in place, or a move.

        Parameters
        ----------
        keys : iterable of tuple of int
            The blocks in sight.
        layer : Labels
            The layer.

        Returns
        -------
        bool
            Whether there may be something to write. Many layers are never edited.
        """
        if not (self.folder or self._saved or result_of_layer(layer)):
            return False
        self._doubtful.update(keys, *self._steps)
        self._may_be_edited = True
        return True

    def note_replaced(self, layer: Any) -> None:
        """Note that the layer has other data.

        Parameters
        ----------
        layer : Labels
            The layer.
        """
        self._saved = None
        self._steps.clear()
        self._clear()
        self._must_begin = self._may_be_edited = True
        self._is_edited = self._is_edited or result_of_layer(layer) is None

    def note_read(self, states: States) -> None:
        """Note that the labels were read from a file with the states of their nuclei.

        Parameters
        ----------
        states : States
            The states.
        """
        self._saved_states = states.as_dict()
        self._has_new_states = False

    def note_reviewed(self) -> None:
        """Note that states of nuclei may have changed."""
        self._has_new_states = True

    # Which journal

    def is_touched(self) -> bool:
        """Return whether there may be something to write.

        Returns
        -------
        bool
            False if nothing was noted.
        """
        is_changed = self._changed or self._doubtful or self._may_be_edited
        return bool(is_changed or self._has_new_states)

    def needs_journal(self, layer: Any, states: States) -> bool:
        """Return whether a person has done something that is not saved.

        Parameters
        ----------
        layer : Labels
            The layer.
        states : States
            The states of its nuclei.

        Returns
        -------
        bool
            If not, what was noted is forgotten.
        """
        saved, result = self._saved, result_of_layer(layer)
        if saved is not None:
            # An undo, or a change without history.
            touched = self._changed | self._doubtful
            self._is_edited = any(
                saved.differs(key, block_of(layer.data, key)) for key in touched
            )
        elif self._may_be_edited and result is not None:
            self._is_edited = result.state() == "edited"
        is_reviewed = states.reviewed() and states.as_dict() != self._saved_states
        if (self._is_edited or is_reviewed) and not hasattr(layer.data, "dask"):
            return True
        self._clear()
        self._may_be_edited = self._has_new_states = False
        return False

    def begin(self, folder: Path) -> None:
        """Write all labels with the next writing.

        Parameters
        ----------
        folder : Path
            Where the journal is to be.
        """
        self.folder, self._must_begin = folder, True

    def begin_anew(self) -> None:
        """Write all labels again with the next writing, in place of what was written."""
        self._must_begin = self._may_be_edited = True

    def retry(self) -> None:
        """Write again what could not be written."""
        self._may_be_edited = True

    def adopt(self, folder: Path) -> None:
        """Go on with a journal whose labels the layer shows.

        Parameters
        ----------
        folder : Path
            The journal.
        """
        self.folder, self.journal = folder, Journal(folder)
        self._is_edited, self._must_begin = True, False
        self._may_be_edited = self._has_new_states = False
        self._clear()

    def end(self, layer: Any, states: States) -> Path | None:
        """Write no more until something changes, as what the layer shows is saved elsewhere.

        Parameters
        ----------
        layer : Labels
            The layer.
        states : States
            The states of its nuclei.

        Returns
        -------
        Path or None
            The folder of the journal.
        """
        if self.journal is not None:
            for key in self._changed | self._doubtful:
                self.journal.record_block(key, np.array(block_of(layer.data, key)))
        folder, self.folder = self.folder, None
        self._saved, self.journal = self.journal, None
        self._saved_states = states.as_dict()
        self._is_edited = self._may_be_edited = self._has_new_states = False
        self._must_begin = True
        self._clear()
        return folder

    def _clear(self) -> None:
        self._changed.clear()
        self._doubtful.clear()

    # Writing

    def collect(
        self,
        layer: Any,
        states: States,
        describe: Callable[[], Reference],
        *,
        is_last: bool = False,
    ) -> Writing | None:
        """Copy what has changed.

        Parameters
        ----------
        layer : Labels
            The layer.
        states : States
            The states of its nuclei.
        describe : callable
            Returns the reference to the image; it may take a while.
        is_last : bool, optional
            Whether nothing is written after this, so that what may have changed is written,
            too.

        Returns
        -------
        Writing or None
            What is to be done; None without a folder.
        """
        if self.folder is None:
            return None
        begins = self._must_begin
        if self.journal is None or begins:
            self.journal = Journal(self.folder)
        journal, data, doubtful = self.journal, layer.data, [*self._doubtful]
        if not begins:
            is_little = len(self._doubtful | self._changed) * BLOCK**2 <= _LOOKED_AT
            if is_last or is_little:
                self._changed |= self._doubtful
                doubtful = []
            for key in self._changed:
                journal.record_block(key, np.array(block_of(data, key)))
        elif getattr(data, "nbytes", 0) <= _COPIED:
            data = np.array(data)
        journal.record_states(states)
        self._clear()
        self._must_begin = self._may_be_edited = self._has_new_states = False

        def work() -> list[Key]:
            with self.writing:
                if self.journal is not journal and not is_last:
                    return []
                if begins:
                    journal.begin(data, describe().as_dict(), states)
                journal.flush()
                return [key for key in doubtful if journal.differs(key, block_of(data, key))]

        return Writing(work, journal, begins)


def _keys_of_step(step: Iterable[Any], shape: tuple[int, ...]) -> set[Key]:
    """Return the blocks that a step of napari's history has changed."""
    keys: set[Key] = set()
    for change in step:
        box = getattr(change, "slice_key", None)
        keys |= keys_at(change[0], shape) if box is None else keys_in(box, shape)
    return keys
