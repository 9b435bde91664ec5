"""The image of a folder that is in the viewer: one at a time, saved before it is closed."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from ...corrections import RESULT, FolderWork, ImageState, States, StoredLabels
from ...image import Field, read_image
from ...pipeline import SegmentParameters
from ..jobs import run_in_thread
from ..journal.journal_keeper import keeper_of
from ..layers.field_layer import add_field
from ..layers.fingerprint import Fingerprint
from ..layers.layer_states import put_states, states_in
from ..layers.layers import METADATA_KEY, SHOWS, placement_of
from ..layers.origin import note_origin, origin_of
from ..layers.shown import FromFile, Result, bare, note_result, result_of_layer
from ..tools.brush import guard_brush

__all__ = ["Desk"]

#: Milliseconds between two changes of the list of layers: what is on the canvas is drawn
#: between them, and each takes its time.
_STEP = 15

#: How often labels are written that change while they are written.
_TRIES = 5


@dataclasses.dataclass
class _Sheet:
    """What is in the viewer of an image of a folder.

    Parameters
    ----------
    work : FolderWork
        The folder.
    name : str
        The image.
    image : weakref of Image
        Its layer.
    stored : StoredLabels, optional
        What its file said, with no pixels.
    labels : weakref of Labels, optional
        The layer that shows it.
    fingerprint : Fingerprint, optional
        Of the labels in the file.
    """

    work: FolderWork
    name: str
    image: Any
    stored: StoredLabels | None = None
    labels: Any = lambda: None
    fingerprint: Fingerprint | None = None


class Desk(QObject):
    """Opens an image of a folder with its labels, and saves and closes the one before.

    Files are read and written on threads. What a person has changed is written into the file
    of the image when she goes on; until then it is in the journal.

    Parameters
    ----------
    viewer : napari.Viewer
        Where images are shown.
    chosen : callable
        Returns the labels that a person corrects, or None.
    parent : QObject
        The parent.

    Signals
    -------
    opened(object, object)
        An image is shown: its layers of labels, or None, and of the image.
    changed()
        What is known of an image has changed.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    opened = Signal(object, object)
    changed = Signal()
    told = Signal(str, bool)

    def __init__(self, viewer: Any, chosen: Callable[[], Any | None], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._chosen = viewer, chosen
        self._sheet: _Sheet | None = None
        #: Whether an image is being opened or saved.
        self.is_busy = False
        self._next: tuple[FolderWork, str] | None = None

    @property
    def name(self) -> str:
        """The image that is shown, empty if there is none."""
        sheet = self._sheet
        return sheet.name if sheet is not None and self._is_there(sheet) else ""

    @property
    def image(self) -> Any | None:
        """The layer of the image that is shown, None if there is none."""
        return self._sheet.image() if self._sheet is not None and self.name else None

    def _is_there(self, sheet: _Sheet) -> bool:
        image = sheet.image()
        return image is not None and image in self._viewer.layers

    # Opening

    def open(self, work: FolderWork, name: str) -> None:
        """Show an image, and save and close the one that is shown.

        Parameters
        ----------
        work : FolderWork
            The folder.
        name : str
            The image.
        """
        if self.is_busy:
            self._next = (work, name)
            return
        if self._sheet is not None and name == self.name and work is self._sheet.work:
            return
        self.is_busy = True
        self.changed.emit()
        run_in_thread(
            lambda: _load(work, name),
            lambda found: self._loaded(work, name, *found),
            lambda error: self._not_loaded(work, name, error),
        )

    def _loaded(
        self, work: FolderWork, name: str, field: Field, stored: StoredLabels | None
    ) -> None:
        """Save what is shown, now that there is something to show instead."""
        if not isalive(self):
            work.release(name)
            return
        before = self._sheet
        if before is not None and before.work is work and before.name == name:
            before = None
        self._save_sheet(
            before,
            lambda: self._swap(before, _Sheet(work, name, None, stored), field),
            lambda: self._stay(work, name),
        )

    def _not_loaded(self, work: FolderWork, name: str, error: Exception) -> None:
        if not isalive(self):
            return
        is_held = isinstance(error, BlockingIOError)
        self.told.emit(f"Not opened: {error.args[-1] if is_held else error}", True)
        if is_held:
            self._free()
            return
        reason = str(error)

        def note() -> None:
            work.release(name)
            work.note_failed(name, reason)

        run_in_thread(note, lambda _: self._free(), lambda _: self._free())

    def _stay(self, work: FolderWork, name: str) -> None:
        """Open nothing, as what is shown cannot be saved."""
        run_in_thread(
            lambda: work.release(name), lambda _: self._free(), lambda _: self._free()
        )

    def _free(self) -> None:
        if not isalive(self):
            return
        self.is_busy = False
        self.changed.emit()
        waiting, self._next = self._next, None
        if waiting is not None:
            self.open(*waiting)
        elif self._sheet is not None and self._has_new_labels(self._sheet):
            self.show_found(self._sheet.work, self._sheet.name)

    def _has_new_labels(self, sheet: _Sheet) -> bool:
        """Return whether labels were found while the image was being opened."""
        is_bare = sheet.stored is None and self.name and self._labels_of(sheet) is None
        return bool(is_bare) and sheet.work.row(sheet.name).state is ImageState.SEGMENTED

    def _swap(self, before: _Sheet | None, sheet: _Sheet, field: Field) -> None:
        """Show the new layers, then close the old ones, one change at a time."""
        old = [] if before is None else self._layers_of(before)
        there = self._there_already(sheet)
        steps: list[Callable[[], None]] = []
        if there is not None:
            # Of a dock widget that was closed; nobody knows whether its file has all of it.
            sheet.labels, sheet.image = (weakref.ref(bare(layer)) for layer in there)
            self._sheet = sheet
        else:
            steps.append(lambda: self._show_image(sheet, field))
            if sheet.stored is not None:
                steps.append(lambda: self._show_labels(sheet))
        steps.append(lambda: self._settle(sheet))
        steps += [lambda layer=layer: self._close(layer) for layer in old]  # type: ignore[misc]
        steps.append(self._free)
        self._run(steps)

    def _there_already(self, sheet: _Sheet) -> tuple[Any, Any] | None:
        """Return layers of labels and image that an earlier widget has opened."""
        result = str(sheet.work.row(sheet.name).labels)
        for layer in self._viewer.layers:
            origin = origin_of(layer, self._viewer)
            image = None if origin is None else origin.image()
            is_of_file = layer.metadata.get(METADATA_KEY, {}).get(RESULT) == result
            if is_of_file and isinstance(layer, Labels) and image in self._viewer.layers:
                return layer, image
        return None

    def _run(self, steps: list[Callable[[], None]]) -> None:
        if not isalive(self):
            return
        step, *others = steps
        try:
            step()
        except Exception as error:  # of napari: the person must be able to go on
            self.told.emit(f"Not opened: {error}", True)
            self._free()
            return
        if others:
            QTimer.singleShot(_STEP, lambda: self._run(others))

    def _show_image(self, sheet: _Sheet, field: Field) -> None:
        layer = add_field(self._viewer, field)
        sheet.image = weakref.ref(bare(layer))
        self._sheet = sheet

    def _show_labels(self, sheet: _Sheet) -> None:
        image, stored = sheet.image(), sheet.stored
        if image is None or stored is None:
            return
        about = {**stored.provenance, RESULT: str(sheet.work.row(sheet.name).labels)}
        layer = self._viewer.add_labels(
            stored.labels,
            name=f"{image.name} nuclei",
            metadata={METADATA_KEY: about},
            **placement_of(image),
        )
        sheet.labels = weakref.ref(bare(layer))
        sheet.fingerprint = Fingerprint(stored.labels)
        put_states(layer, stored.states)
        keeper_of(self._viewer).note_read(layer)
        note_origin(layer, image)
        guard_brush(bare(layer))
        if not stored.corrected and _is_whole(stored.provenance):
            note_result(Result(image, layer, FromFile(stored.labels, dict(stored.provenance))))
        # The layer has the pixels: they are not to be held twice.
        sheet.stored = dataclasses.replace(stored, labels=np.empty((0, 0), np.int32))

    def _settle(self, sheet: _Sheet) -> None:
        self.opened.emit(sheet.labels(), sheet.image())
        self._viewer.reset_view()

    def _close(self, layer: Any) -> None:
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _layers_of(self, sheet: _Sheet) -> list[Any]:
        """Return all layers of an image: what was made from it, and itself last."""
        image = sheet.image()
        made = [
            layer
            for layer in self._viewer.layers
            if layer is not image and self._belongs(layer, image)
        ]
        return [*reversed(made), *([] if image is None else [image])]

    def _belongs(self, layer: Any, image: Any) -> bool:
        origin = origin_of(layer, self._viewer)
        return image is not None and origin is not None and origin.image() is image

    # Labels that come while the image is shown

    def show_found(self, work: FolderWork, name: str) -> None:
        """Show labels that were just found in the image that is shown.

        Parameters
        ----------
        work : FolderWork
            The folder.
        name : str
            The image. Nothing happens if another is shown, or a person has labels already.
        """
        sheet = self._sheet
        if self.is_busy or sheet is None or sheet.work is not work or name != self.name:
            return
        if self._labels_of(sheet) is not None and self._is_changed(sheet):
            return

        def show(stored: StoredLabels | None) -> None:
            if not isalive(self) or self._sheet is not sheet or self.is_busy:
                return
            old = self._labels_of(sheet)
            if stored is None or (old is not None and self._is_changed(sheet)):
                return
            sheet.stored = stored
            self.is_busy = True
            steps: list[Callable[[], None]] = [lambda: self._show_labels(sheet)]
            steps.append(lambda: self.opened.emit(sheet.labels(), sheet.image()))
            if old is not None:
                steps.append(lambda: self._close(old))
            self._run([*steps, self._free])

        run_in_thread(lambda: work.read(name), show)

    def adopt(self, labels: Any, image: Any) -> None:
        """Note labels that were made by hand, or with part 1, of the image that is shown.

        Parameters
        ----------
        labels, image : Labels, Image
            The layers.
        """
        sheet = self._sheet
        if sheet is None or bare(image) is not sheet.image() or not self.name:
            return
        about = labels.metadata.get(METADATA_KEY, {})
        result = str(sheet.work.row(sheet.name).labels)
        labels.metadata = {**labels.metadata, METADATA_KEY: {**about, RESULT: result}}

    # Saving

    def save(self, state: ImageState | None = None) -> None:
        """Save the image that is shown, and leave it in the viewer.

        Parameters
        ----------
        state : ImageState, optional
            How far the person is with it, if that has changed.
        """
        if self.is_busy or self._sheet is None or not self.name:
            return
        self.is_busy = True
        if state is not None:
            self._mark(self._sheet, state)
        self._save_sheet(self._sheet, self._free, self._free, is_left=False)

    def mark(self, state: ImageState) -> None:
        """Note how far a person is with the image that is shown.

        Parameters
        ----------
        state : ImageState
            Such as `ImageState.DONE`.
        """
        if self._sheet is not None and self.name:
            self._mark(self._sheet, state)

    def _mark(self, sheet: _Sheet, state: ImageState) -> None:
        work, name = sheet.work, sheet.name
        run_in_thread(
            lambda: work.mark(name, state), lambda _: self._tell_changed(), self._tell
        )

    def _tell_changed(self) -> None:
        if isalive(self):
            self.changed.emit()

    def _tell(self, error: Exception) -> None:
        if isalive(self):
            self.told.emit(f"Not saved: {error}", True)

    def _labels_of(self, sheet: _Sheet) -> Any | None:
        """Return the labels of an image that a person has worked on."""
        image, chosen = sheet.image(), self._chosen()
        candidates = [
            bare(layer)
            for layer in reversed(self._viewer.layers)
            if isinstance(layer, Labels)
            and SHOWS not in layer.metadata.get(METADATA_KEY, {})
            and self._belongs(layer, image)
        ]
        for layer in (bare(chosen) if chosen is not None else None, sheet.labels()):
            if any(layer is one for one in candidates):
                return layer
        return next(iter(candidates), None)

    def _is_changed(self, sheet: _Sheet) -> bool:
        """Return whether the labels in the viewer are others than those in the file."""
        layer = self._labels_of(sheet)
        if layer is None:
            return False
        if layer is not sheet.labels() or sheet.fingerprint is None or sheet.stored is None:
            return True
        known = sheet.stored.states
        return not sheet.fingerprint.fits(layer.data) or (
            _reviewed(states_in(layer)) != _reviewed(known)
        )

    def _to_store(self, sheet: _Sheet, layer: Any) -> StoredLabels:
        """Return what is to be written of a layer."""
        states, result = states_in(layer), result_of_layer(layer)
        is_found = result is not None and result.state() == "fresh"
        corrected = not is_found or bool(states.reviewed())
        return StoredLabels(
            np.array(layer.data, np.int32),
            dict(layer.metadata.get(METADATA_KEY, {})),
            states,
            corrected,
        )

    def _save_sheet(
        self,
        sheet: _Sheet | None,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        *,
        is_left: bool = True,
        tries: int = _TRIES,
    ) -> None:
        """Write what a person has changed, and go on when it is on the disk.

        Parameters
        ----------
        sheet : _Sheet or None
            What is shown; None goes on at once.
        then, otherwise : callable
            Called when it is safe, or cannot be written, which was told.
        is_left : bool, optional
            Whether it is closed then.
        tries : int, optional
            How often it may change meanwhile.
        """
        if sheet is None:
            then()
            return
        layer = self._labels_of(sheet)
        stored = self._to_store(sheet, layer) if self._is_changed(sheet) else None

        def work() -> None:
            if stored is not None:
                sheet.work.save(sheet.name, stored)

        def saved(_: None) -> None:
            if not isalive(self):
                return
            if stored is not None and layer is not None:
                self._note_saved(sheet, layer, stored)
                if self._is_changed(sheet) and tries > 1:
                    self._save_sheet(sheet, then, otherwise, is_left=is_left, tries=tries - 1)
                    return
            if is_left:
                remove = (
                    keeper_of(self._viewer).take_off(layer) if layer is not None else _nothing
                )
                run_in_thread(lambda: _end(sheet, remove))
            then()

        def failed(error: Exception) -> None:
            self._tell(error)
            if isalive(self):
                otherwise()

        run_in_thread(work, saved, failed)

    def _note_saved(self, sheet: _Sheet, layer: Any, stored: StoredLabels) -> None:
        """Note what the file says now."""
        sheet.labels = weakref.ref(layer)
        sheet.fingerprint = Fingerprint(stored.labels)
        empty = np.empty((0, 0), np.int32)
        sheet.stored = dataclasses.replace(stored, labels=empty)
        keeper_of(self._viewer).note_saved(layer, stored.labels)
        self.changed.emit()

    def shows(self, labels: Any) -> bool:
        """Return whether labels are those of the image that is shown.

        Parameters
        ----------
        labels : Labels
            A layer.

        Returns
        -------
        bool
            True if they were made from it.
        """
        return bool(self.name) and self._belongs(bare(labels), self.image)

    def put_away(self) -> None:
        """Save what is shown, and leave it in the viewer, as another folder is opened."""
        self.leave()
        self.changed.emit()

    def take_in(self, work: FolderWork, labels: Any, about: Mapping[str, Any]) -> None:
        """Write corrections into the file that they belong to, and open their image.

        Parameters
        ----------
        work : FolderWork
            The folder. Nothing happens if they are of none of its images.
        labels : Labels
            The layer, which is closed.
        about : mapping
            What its metadata say.
        """
        names = [row.name for row in work.rows() if str(row.labels) == about.get(RESULT)]
        if not names or self.is_busy:
            return
        stored = StoredLabels(
            np.array(labels.data, np.int32), dict(about), states_in(labels), corrected=True
        )

        def saved(_: None) -> None:
            if isalive(self):
                run_in_thread(keeper_of(self._viewer).take_off(labels))
                self._close(labels)
                self.open(work, names[0])

        run_in_thread(lambda: work.save(names[0], stored), saved, self._tell)

    def leave(self) -> None:
        """Save what is shown, as the window closes: nobody is there to be told."""
        sheet, self._sheet, self._next = self._sheet, None, None
        if sheet is None or not self._is_there(sheet):
            return
        layer = self._labels_of(sheet)
        stored = self._to_store(sheet, layer) if self._is_changed(sheet) else None
        remove, keeper = _nothing, keeper_of(self._viewer)
        if stored is not None:
            remove = keeper.take_off(layer)
            keeper.note_read(layer)  # if the widget alone was closed, more may come

        def work() -> None:
            if stored is not None:
                sheet.work.save(sheet.name, stored)
            _end(sheet, remove)

        run_in_thread(work)


def _end(sheet: _Sheet, remove: Callable[[], None]) -> None:
    """Remove the journal of labels that are in their file, and let others have the image."""
    remove()
    sheet.work.release(sheet.name)


def _nothing() -> None:
    """There is no journal to remove."""


def _load(work: FolderWork, name: str) -> tuple[Field, StoredLabels | None]:
    """Read an image and its labels, which belong to this window from now on."""
    held = work.claim(name)
    if held:
        raise BlockingIOError(held)
    try:
        field = read_image(work.row(name).path).in_memory()
        stored = work.read(name)
        if stored is not None and stored.labels.shape != field.shape:
            raise ValueError(
                f"Expected labels of {field.shape[0]} x {field.shape[1]} pixels as the image, "
                f"got {stored.labels.shape[0]} x {stored.labels.shape[1]} in "
                f"{work.row(name).labels}. Move that file away."
            )
        work.keep_at(name)
    except BaseException:
        work.release(name)
        raise
    return field, stored


def _reviewed(states: States) -> dict[int, int]:
    return {one: state for one, state in states.as_dict().items() if state}


def _is_whole(provenance: Any) -> bool:
    """Return whether labels say all that is shown of a segmentation."""
    needed = ("parameters", "weights_sha256", "model", "diameter", "blank")
    if any(name not in provenance for name in needed):
        return False
    try:
        SegmentParameters(**provenance["parameters"])
    except (TypeError, ValueError):
        return False
    return True
