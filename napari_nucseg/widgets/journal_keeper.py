"""What a person corrects is on the disk within seconds, whatever happens to napari."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication

from ..corrections import Journal, Journals, Key, States, block_of, keys_at, keys_in
from .jobs import run_in_thread
from .layer_states import states_in
from .layers import METADATA_KEY, SHOWS
from .reference import reference_of
from .shown import bare, result_of_layer

__all__ = ["JournalKeeper", "keeper_of"]

#: Milliseconds between a change and the look at what has changed.
_PAUSE = 1000

#: As many steps as napari can undo, which may change blocks that are not in sight.
_STEPS = 100

#: Bytes up to which labels are copied to be written. Larger ones are read while they may
#: change; what changes meanwhile is written a second later.
_COPIED = 256_000_000


class _Kept:
    """What is known of one layer."""

    def __init__(self, layer: Any) -> None:
        self.layer = weakref.ref(layer)
        self.journal: Journal | None = None
        self.folder: Path | None = None
        #: What was saved last, to be compared with.
        self.saved: Journal | None = None
        #: Whether somebody has changed the labels, or may have done so.
        self.is_edited = self.may_be_edited = False
        #: Whether all labels are to be written, as they are new or the file has grown.
        self.must_begin = True
        self.has_new_states = False
        #: Blocks that have changed, and blocks that may have.
        self.changed: set[Key] = set()
        self.doubtful: set[Key] = set()
        #: Blocks of the last steps, which an undo may change.
        self.steps: deque[set[Key]] = deque(maxlen=_STEPS)
        #: Only one thread at a time writes.
        self.writing = threading.Lock()

    def journal_to_write(self) -> Journal | None:
        """Return the journal, a new one if all labels are to be written."""
        if self.folder is not None and self.must_begin:
            self.journal = Journal(self.folder)
        return self.journal

    def is_touched(self) -> bool:
        """Return whether there may be something to write."""
        return bool(self.changed or self.doubtful or self.may_be_edited or self.has_new_states)

    def end(self) -> Path | None:
        """Write no more, and return the folder."""
        folder, self.folder = self.folder, None
        self.saved, self.journal = self.journal, None
        self.must_begin = True
        self.is_edited = self.may_be_edited = self.has_new_states = False
        self.changed.clear()
        self.doubtful.clear()
        return folder


class JournalKeeper(QObject):
    """Keeps a journal for every labels layer of a viewer, from the first edit on.

    It is told of changes by the events of the layers, whoever makes them: our tools, napari's
    own, undo, a script. On the window's thread it only copies the blocks that changed. They
    are written on another one.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    left()
        A layer was closed whose corrections are only in its journal.
    """

    told = Signal(str, bool)
    left = Signal()

    def __init__(self, viewer: Any, journals: Journals | None = None) -> None:
        super().__init__()
        #: All journals of the person.
        self.journals = journals or Journals()
        self._viewer = weakref.ref(viewer)
        self._kept: weakref.WeakKeyDictionary[Any, _Kept] = weakref.WeakKeyDictionary()
        self._has_failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self.write)
        viewer.layers.events.inserted.connect(self._inserted)
        viewer.layers.events.removed.connect(self._removed)
        for layer in viewer.layers:
            self._watch(layer)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.write)

    def _inserted(self, event: Any) -> None:
        self._watch(event.value)

    def _watch(self, layer: Any) -> None:
        layer = bare(layer)
        shows = layer.metadata.get(METADATA_KEY, {}).get(SHOWS)
        if not isinstance(layer, Labels) or layer.multiscale or shows or layer in self._kept:
            return
        self._kept[layer] = _Kept(layer)
        layer.events.paint.connect(self._painted)
        layer.events.labels_update.connect(self._drawn)
        layer.events.set_data.connect(self._refreshed)
        layer.events.data.connect(self._replaced)
        layer.events.features.connect(self._reviewed)

    # What happens to a layer

    def _painted(self, event: Any) -> None:
        """Note a step of napari's history."""
        kept = self._kept.get(event.source)
        if kept is not None:
            keys = _keys_of_step(event.value, event.source.data.shape)
            kept.steps.append(keys)
            kept.changed |= keys
            kept.is_edited = True
            self._wait()

    def _drawn(self, event: Any) -> None:
        """Note a part of a stroke, which becomes a step when it ends."""
        kept = self._kept.get(event.source)
        if kept is not None:
            parts = zip(event.offset, event.data.shape, strict=False)
            box = [slice(start, start + length) for start, length in parts]
            kept.changed |= keys_in(self._box(event.source, box), event.source.data.shape)
            kept.is_edited = True
            self._wait()

    def _refreshed(self, event: Any) -> None:
        """Look at what is in sight, and at what an undo may have changed."""
        kept = self._kept.get(event.source)
        # Many layers are never edited.
        if kept is not None and (kept.folder or kept.saved or _is_result(event.source)):
            shape = event.source.data.shape
            kept.doubtful |= keys_in(self._box(event.source), shape).union(*kept.steps)
            kept.may_be_edited = True
            self._wait()

    def _replaced(self, event: Any) -> None:
        kept = self._kept.get(event.source)
        if kept is not None:
            kept.saved = None
            kept.steps.clear()
            kept.changed.clear()
            kept.doubtful.clear()
            kept.must_begin = True
            kept.may_be_edited = True
            kept.is_edited = kept.is_edited or not _is_result(event.source)
            self._wait()

    def _reviewed(self, event: Any) -> None:
        kept = self._kept.get(event.source)
        if kept is not None:
            kept.has_new_states = True
            self._wait()

    def _wait(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _box(self, layer: Any, parts: list[slice] | None = None) -> list[slice | int]:
        """Return where the displayed plane, or a part of it, lies in a layer."""
        viewer = self._viewer()
        whole: list[slice | int] = [slice(None)] * layer.ndim
        if viewer is None or viewer.dims.ndim < layer.ndim:
            return whole
        before = viewer.dims.ndim - layer.ndim
        displayed = [axis - before for axis in viewer.dims.displayed if axis >= before]
        where = layer.world_to_data(viewer.dims.point[before:])
        for axis, length in enumerate(layer.data.shape):
            if axis not in displayed:
                whole[axis] = min(max(round(float(where[axis])), 0), length - 1)
        for axis, part in zip(displayed, parts or (), strict=False):
            whole[axis] = part
        return whole

    # Writing

    def write(self) -> None:
        """Write what has changed, on another thread."""
        for layer, kept in list(self._kept.items()):
            self._write(layer, kept)

    def _write(self, layer: Any, kept: _Kept, *, is_last: bool = False) -> None:
        if not kept.is_touched():
            return
        states = states_in(layer)
        if kept.folder is None and not self._begin(layer, kept, states):
            return
        begins, journal = kept.must_begin, kept.journal_to_write()
        if journal is None:
            return
        data, doubtful = layer.data, list(kept.doubtful)
        if is_last:
            kept.changed |= kept.doubtful
        for key in kept.changed if not begins else ():
            journal.record_block(key, np.array(block_of(data, key)))
        journal.record_states(states)
        kept.changed.clear()
        kept.doubtful.clear()
        kept.must_begin = kept.may_be_edited = kept.has_new_states = False
        describe = reference_of(layer, self._viewer())
        if begins and getattr(data, "nbytes", 0) <= _COPIED:
            data = np.array(data)

        def work() -> list[Key]:
            with kept.writing:
                if kept.journal is not journal and not is_last:
                    return []
                if begins:
                    journal.begin(data, describe().as_dict(), states)
                journal.flush()
                return [key for key in doubtful if journal.differs(key, block_of(data, key))]

        run_in_thread(
            work,
            lambda keys: self._written(kept, journal, keys),
            lambda error: self._failed(kept, journal, begins, error),
        )

    def _begin(self, layer: Any, kept: _Kept, states: States) -> bool:
        """Begin a journal if a person has done something, and return whether she has."""
        result = result_of_layer(layer)
        is_edited = kept.is_edited
        saved = kept.saved
        if saved is not None:
            # An undo, or a change without history.
            touched = kept.changed | kept.doubtful
            is_edited = any(saved.differs(key, block_of(layer.data, key)) for key in touched)
        elif kept.may_be_edited and result is not None:
            is_edited = result.state() == "edited"
        kept.is_edited, kept.may_be_edited = is_edited, False
        if (not is_edited and not states.reviewed()) or hasattr(layer.data, "dask"):
            kept.changed.clear()
            kept.doubtful.clear()
            kept.has_new_states = False
            return False
        try:
            kept.folder, kept.must_begin = self.journals.new(), True
        except OSError as error:
            kept.may_be_edited = True
            self._tell(error)
            self._wait()
            return False
        return True

    def _written(self, kept: _Kept, journal: Journal, keys: list[Key]) -> None:
        self._has_failed = False
        if kept.journal is not journal or not isalive(self):
            return
        kept.changed.update(keys)
        if journal.has_grown():
            kept.must_begin = kept.may_be_edited = True
        if keys or kept.must_begin:
            self._wait()

    def _failed(self, kept: _Kept, journal: Journal, begins: bool, error: Exception) -> None:
        if kept.journal is journal and isalive(self):
            kept.must_begin = kept.must_begin or begins
            kept.may_be_edited = True
            self._tell(error)
            self._wait()

    def _tell(self, error: Exception) -> None:
        """Tell once what is wrong, as it is tried again every second."""
        if not self._has_failed:
            self._has_failed = True
            self.told.emit(f"Your corrections cannot be kept safe on the disk: {error}", True)

    # Beginning and end of a journal

    def adopt(self, layer: Any, folder: Path) -> None:
        """Go on with a journal that was restored.

        Parameters
        ----------
        layer : Labels
            The layer with what was restored.
        folder : Path
            The journal, which belongs to this process.
        """
        self._watch(layer)
        kept = self._kept[bare(layer)]
        kept.end()
        kept.folder, kept.journal = folder, Journal(folder)
        kept.is_edited, kept.must_begin = True, False

    def folder_of(self, layer: Any) -> Path | None:
        """Return where the corrections of a layer are kept.

        Parameters
        ----------
        layer : Labels
            The layer.

        Returns
        -------
        Path or None
            The folder of its journal; None if nobody has edited it since it was saved.
        """
        kept = self._kept.get(bare(layer))
        return None if kept is None else kept.folder

    def note_saved(self, layer: Any, labels: np.ndarray) -> None:
        """End the journal of a layer whose labels are safe in the training set.

        An edit after that begins a new one.

        Parameters
        ----------
        layer : Labels
            The layer.
        labels : ndarray of int
            What was saved. If the layer has changed since, its journal goes on.
        """
        kept = self._kept.get(bare(layer))
        if kept is None or kept.folder is None:
            return
        if np.array_equal(np.squeeze(layer.data), np.squeeze(labels)):
            if kept.journal is not None:
                for key in kept.changed | kept.doubtful:
                    kept.journal.record_block(key, np.array(block_of(layer.data, key)))
            self._remove(kept)

    def _remove(self, kept: _Kept) -> None:
        folder = kept.end()

        def work() -> None:
            with kept.writing:
                if folder is not None:
                    self.journals.remove(folder)

        run_in_thread(work, lambda _: None, lambda _: None)

    def _removed(self, event: Any) -> None:
        """Leave the journal of a layer that was closed, to be restored if a person wishes."""
        layer = bare(event.value)
        kept = self._kept.pop(layer, None)
        if kept is None:
            return
        for emitter, slot in (
            (layer.events.paint, self._painted),
            (layer.events.labels_update, self._drawn),
            (layer.events.set_data, self._refreshed),
            (layer.events.data, self._replaced),
            (layer.events.features, self._reviewed),
        ):
            emitter.disconnect(slot)
        self._write(layer, kept, is_last=True)
        folder = kept.folder
        if folder is None:
            return

        def work() -> None:
            with kept.writing:
                self.journals.release(folder)

        run_in_thread(work, lambda _: self._tell_left(), lambda _: None)

    def _tell_left(self) -> None:
        if isalive(self):
            self.left.emit()

    def release(self) -> None:
        """Leave all journals, as the viewer is gone."""
        for kept in list(self._kept.values()):
            if kept.folder is not None:
                self.journals.release(kept.folder)


def _is_result(layer: Any) -> bool:
    return result_of_layer(layer) is not None


def _keys_of_step(step: Iterable[Any], shape: tuple[int, ...]) -> set[Key]:
    """Return the blocks that a step of napari's history has changed.

    It is a list of changes: either a box and a mask, or indices and values.
    """
    keys: set[Key] = set()
    for change in step:
        box = getattr(change, "slice_key", None)
        keys |= keys_at(change[0], shape) if box is None else keys_in(box, shape)
    return keys


_keepers: weakref.WeakKeyDictionary[Any, JournalKeeper] = weakref.WeakKeyDictionary()


def keeper_of(viewer: Any) -> JournalKeeper:
    """Return the keeper of a viewer. It stays when the dock widget is closed.

    Parameters
    ----------
    viewer : napari.Viewer
        Wrapped or not.

    Returns
    -------
    JournalKeeper
        One for each viewer.
    """
    viewer = bare(viewer)
    keeper = _keepers.get(viewer)
    if keeper is None:
        keeper = _keepers[viewer] = JournalKeeper(viewer)
        weakref.finalize(viewer, keeper.release).atexit = False
    return keeper
