"""What a person corrects is on the disk within seconds, whatever happens to napari."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication

from ...corrections import Journal, Journals, Key, keys_in
from ..jobs import run_in_thread
from ..layers.layer_states import states_in
from ..layers.layers import METADATA_KEY, SHOWS
from ..layers.reference import reference_of
from ..layers.shown import bare
from .kept_labels import KeptLabels, Writing

__all__ = ["JournalKeeper", "keeper_of"]

#: Milliseconds between a change and the look at what has changed.
_PAUSE = 1000


class JournalKeeper(QObject):
    """Keeps a journal for every labels layer of a viewer, from the first edit on.

    It is told of changes by the events of the layers, whoever makes them: our tools, napari's
    own, undo, a script. On the window's thread it only copies the blocks that changed. They
    are written on another one.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer itself, not wrapped. It is not held.
    journals : Journals, optional
        Where they are kept; left out, the user's own.

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
        self._kept: weakref.WeakKeyDictionary[Any, KeptLabels] = weakref.WeakKeyDictionary()
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
            application.aboutToQuit.connect(self.finish)

    def _inserted(self, event: Any) -> None:
        self._watch(event.value)

    def _watch(self, layer: Any) -> None:
        layer = bare(layer)
        shows = layer.metadata.get(METADATA_KEY, {}).get(SHOWS)
        if not isinstance(layer, Labels) or layer.multiscale or shows or layer in self._kept:
            return
        self._kept[layer] = KeptLabels()
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
            kept.note_step(event.value, event.source.data.shape)
            self._wait()

    def _drawn(self, event: Any) -> None:
        """Note a part of a stroke, which becomes a step when it ends."""
        kept = self._kept.get(event.source)
        if kept is not None:
            parts = zip(event.offset, event.data.shape, strict=False)
            box = [slice(start, start + length) for start, length in parts]
            kept.note_changed(keys_in(self._box(event.source, box), event.source.data.shape))
            self._wait()

    def _refreshed(self, event: Any) -> None:
        """Look at what is in sight, and at what an undo may have changed."""
        kept, layer = self._kept.get(event.source), event.source
        if kept is not None:
            keys = keys_in(self._box(layer), layer.data.shape)
            if kept.note_refreshed(keys, layer):
                self._wait()

    def _replaced(self, event: Any) -> None:
        kept = self._kept.get(event.source)
        if kept is not None:
            kept.note_replaced(event.source)
            self._wait()

    def _reviewed(self, event: Any) -> None:
        kept = self._kept.get(event.source)
        if kept is not None:
            kept.note_reviewed()
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

    def finish(self) -> None:
        """Write what has changed, as napari ends. Its process waits for the thread."""
        for layer, kept in list(self._kept.items()):
            writing = self._collect(layer, kept, is_last=True)
            if writing is not None:
                run_in_thread(writing.work)

    def _write(self, layer: Any, kept: KeptLabels) -> None:
        writing = self._collect(layer, kept)
        if writing is not None:
            run_in_thread(
                writing.work,
                lambda keys: self._written(kept, writing.journal, keys),
                lambda error: self._failed(kept, writing, error),
            )

    def _collect(
        self, layer: Any, kept: KeptLabels, *, is_last: bool = False
    ) -> Writing | None:
        """Copy what has changed, and return what is to be done on another thread."""
        if not kept.is_touched():
            return None
        states = states_in(layer)
        if kept.folder is None:
            if not kept.needs_journal(layer, states):
                return None
            try:
                kept.begin(self.journals.new())
            except OSError as error:
                self._retry(kept, error)
                return None
        describe = reference_of(layer, self._viewer())
        return kept.collect(layer, states, describe, is_last=is_last)

    def _written(self, kept: KeptLabels, journal: Journal, keys: list[Key]) -> None:
        self._has_failed = False
        if kept.journal is not journal or not isalive(self):
            return
        if keys:
            kept.note_changed(keys)
        if journal.has_grown():
            kept.begin_anew()
        if kept.is_touched():
            self._wait()

    def _failed(self, kept: KeptLabels, writing: Writing, error: Exception) -> None:
        if kept.journal is writing.journal and isalive(self):
            if writing.begins:
                kept.begin_anew()
            self._retry(kept, error)

    def _retry(self, kept: KeptLabels, error: Exception) -> None:
        kept.retry()
        self._tell(error)
        self._wait()

    def _tell(self, error: Exception) -> None:
        """Tell once what is wrong, as it is tried again every second."""
        if not self._has_failed and isalive(self):
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
        kept.adopt(folder)

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
            folder = kept.end(layer, states_in(layer))

            def work() -> None:
                with kept.writing:
                    if folder is not None:
                        self.journals.remove(folder)

            run_in_thread(work)

    def note_read(self, layer: Any) -> None:
        """Note that a layer shows what is in a file: labels, and states of their nuclei.

        Parameters
        ----------
        layer : Labels
            The layer.
        """
        self._watch(layer)
        self._kept[bare(layer)].note_read(states_in(layer))

    def take_off(self, layer: Any) -> Callable[[], None]:
        """Keep a layer no more, as it is about to be closed and its labels are safe.

        Parameters
        ----------
        layer : Labels
            The layer.

        Returns
        -------
        callable
            Removes its journal; to be called on another thread.
        """
        kept = self._drop(bare(layer))
        folder = None if kept is None else kept.folder
        if kept is None or folder is None:
            return lambda: None
        # What a thread is about to write is not written any more.
        kept.folder = kept.journal = None

        def work() -> None:
            with kept.writing:
                self.journals.remove(folder)

        return work

    def _removed(self, event: Any) -> None:
        """Leave the journal of a layer that was closed, to be restored if a person wishes."""
        layer = bare(event.value)
        kept = self._drop(layer)
        if kept is None:
            return
        writing = self._collect(layer, kept, is_last=True)
        folder = kept.folder
        if folder is None:
            return

        def work() -> None:
            if writing is not None:
                writing.work()
            with kept.writing:
                self.journals.release(folder)

        run_in_thread(work, lambda _: self._tell_left(), self._tell)

    def _drop(self, layer: Any) -> KeptLabels | None:
        """Forget a layer, and return what was known of it."""
        kept = self._kept.pop(layer, None)
        if kept is None:
            return None
        for emitter, slot in (
            (layer.events.paint, self._painted),
            (layer.events.labels_update, self._drawn),
            (layer.events.set_data, self._refreshed),
            (layer.events.data, self._replaced),
            (layer.events.features, self._reviewed),
        ):
            emitter.disconnect(slot)
        return kept

    def _tell_left(self) -> None:
        if isalive(self):
            self.left.emit()

    def release(self) -> None:
        """Leave all journals, as the viewer is gone."""
        for kept in list(self._kept.values()):
            if kept.folder is not None:
                self.journals.release(kept.folder)


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
