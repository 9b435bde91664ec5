"""One image of a folder at a time in the viewer, saved before it is closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from ...corrections import RESULT, FolderWork, ImageState, Saved, StoredLabels
from ...image import Field
from ..jobs import run_in_thread
from ..journal.journal_keeper import keeper_of
from ..layers.layer_states import states_in
from ..layers.layers import METADATA_KEY
from ..layers.shown import bare
from .sheet import Sheet, as_stored, load_image, note_stamp
from .turns import Turns

__all__ = ["Desk"]

#: How often labels are written that change while they are written.
_TRIES = 5

Step = Callable[[], None]


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
    parent : QWidget
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

    def __init__(self, viewer: Any, chosen: Callable[[], Any | None], parent: QWidget) -> None:
        super().__init__(parent)
        self._viewer, self._chosen = viewer, chosen
        self._turns = Turns(parent)
        self._sheet: Sheet | None = None
        #: Whether an image is being opened or saved.
        self.is_busy = False
        self._next: tuple[FolderWork, str] | None = None
        # What waits until the image of before is written, and whether it is being written.
        self._after_writing: Step | None = None
        self._is_writing = False

    @property
    def name(self) -> str:
        """The image that is shown, empty if there is none."""
        sheet = self._sheet
        return sheet.name if sheet is not None and sheet.image is not None else ""

    @property
    def image(self) -> Any | None:
        """The layer of the image that is shown, None if there is none."""
        return None if self._sheet is None else self._sheet.image

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
        return self._sheet is not None and self._sheet.has(labels)

    def is_edited(self, work: FolderWork, name: str) -> bool:
        """Return whether an image is shown whose labels are not as in its file.

        Parameters
        ----------
        work : FolderWork
            The folder.
        name : str
            The image.

        Returns
        -------
        bool
            False if another one is shown.
        """
        sheet = self._sheet
        if sheet is None or (sheet.work, self.name) != (work, name):
            return False
        return sheet.is_changed(sheet.corrected(self._chosen()))

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
        self._write_early()
        run_in_thread(
            lambda: load_image(work, name),
            lambda found: self._loaded(work, name, *found),
            lambda error: self._not_loaded(work, name, error),
        )

    def _write_early(self) -> None:
        """Write what is shown while the next image is read."""
        sheet = self._sheet
        if sheet is None:
            return
        if sheet.mark is not None or sheet.is_changed(sheet.corrected(self._chosen())):
            self._is_writing = True
            self._save(sheet, self._written, self._written)

    def _written(self) -> None:
        self._is_writing = False
        waiting, self._after_writing = self._after_writing, None
        if waiting is not None:
            waiting()

    def _when_written(self, then: Step) -> None:
        """Do something when what is shown is written."""
        if self._is_writing:
            self._after_writing = then
        else:
            then()

    def _loaded(
        self, work: FolderWork, name: str, field: Field, stored: StoredLabels | None
    ) -> None:
        """Save what is shown, now that there is something to show instead."""
        if not isalive(self):
            work.release(name)
            return
        before, sheet = self._sheet, Sheet(self._viewer, work, name, stored)
        self._when_written(
            lambda: self._save(
                before,
                lambda: self._swap(before, sheet, field),
                lambda: self._give_back(work, name),
            )
        )

    def _not_loaded(self, work: FolderWork, name: str, error: Exception) -> None:
        if not isalive(self):
            return
        self.told.emit(f"Not opened: {error}", True)
        reason = str(error)

        def note() -> None:
            if not isinstance(error, BlockingIOError):
                work.note_failed(name, reason)

        def end(_: Any) -> None:
            self._when_written(self._free)

        run_in_thread(note, end, end)

    def _give_back(self, work: FolderWork, name: str) -> None:
        """Open nothing, as what is shown cannot be saved, and so not be done."""
        self._forget_mark()
        run_in_thread(
            lambda: work.release(name), lambda _: self._free(), lambda _: self._free()
        )

    def _forget_mark(self) -> None:
        if self._sheet is not None:
            self._sheet.mark = None

    def _not_saved(self) -> None:
        self._forget_mark()
        self._free()

    def _free(self) -> None:
        """Take the next order."""
        if not isalive(self):
            return
        self.is_busy = False
        self.changed.emit()
        waiting, self._next = self._next, None
        if waiting is not None:
            self.open(*waiting)
        elif self._sheet is not None and self._sheet.waits_for_labels:
            self.show_found(self._sheet.work, self._sheet.name)

    def _swap(self, before: Sheet | None, sheet: Sheet, field: Field) -> None:
        """Show the new layers, then close the old ones, one change at a time."""
        old = [] if before is None else before.made()
        kept = None if before is None else before.corrected(self._chosen())
        old = [layer for layer in old if layer is not kept]
        self._sheet = sheet
        steps: list[Step] = []
        if not sheet.find():
            steps += [lambda: sheet.show_image(field), sheet.show_labels]
        steps.append(self._settle)
        steps += [lambda layer=layer: self._close(layer) for layer in old]  # type: ignore[misc]
        self._run(steps, self._free if before is None else lambda: self._clear(before))

    def _clear(self, sheet: Sheet, tries: int = _TRIES) -> None:
        """Close the labels of before and their image, if the file has all that was done."""
        layer, image = sheet.corrected(self._chosen()), sheet.image
        if sheet.is_changed(layer):  # the person went on while the next image was shown
            if tries:
                self._save(sheet, lambda: self._clear(sheet, tries - 1), self._free)
            else:
                self._tell_changing(sheet)
                self._free()
            return
        remove = _nothing if layer is None else keeper_of(self._viewer).take_off(layer)
        self._told(lambda: self._close(layer))()  # at once: no edit comes in between
        run_in_thread(lambda: _end(sheet, remove))
        self._run([_nothing, lambda: self._close(image)])  # after it was painted

    def _run(self, steps: list[Step], then: Step | None = None) -> None:
        """Change the layers one by one, and take the next order then, or do something else."""
        self._turns.run([*map(self._told, steps), then or self._free])

    def _told(self, step: Step) -> Step:
        """Return a step of which it is told if it fails."""

        def work() -> None:
            try:
                step()
            except Exception as error:  # of napari: the person must be able to go on
                self.told.emit(f"Not shown: {error}", True)

        return work

    def _settle(self) -> None:
        if self._sheet is not None:
            self.opened.emit(self._sheet.corrected(self._sheet.labels), self._sheet.image)
            self._viewer.reset_view()

    def _close(self, layer: Any | None) -> None:
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

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
        is_shown = sheet is not None and sheet.work == work and name == self.name
        if sheet is None or not is_shown or not self._may_take(sheet):
            return

        def show(stored: StoredLabels | None) -> None:
            if not isalive(self) or stored is None or not self._may_take(sheet):
                return
            old = sheet.corrected(self._chosen())
            sheet.stored = stored
            self.is_busy = True
            steps: list[Step] = [
                sheet.show_labels,
                lambda: self.opened.emit(sheet.labels, sheet.image),
            ]
            if old is not None:
                steps.append(lambda: self._close(old))
            self._run(steps)

        run_in_thread(lambda: work.read(name), show)

    def _may_take(self, sheet: Sheet) -> bool:
        """Return whether nobody has labels of her own of the image that is shown."""
        is_shown = self._sheet is sheet and not self.is_busy
        return is_shown and not sheet.is_changed(sheet.corrected(self._chosen()))

    def adopt(self, labels: Any, image: Any) -> None:
        """Note labels that part 1 has found in the image that is shown.

        Parameters
        ----------
        labels, image : Labels, Image
            The layers.
        """
        sheet = self._sheet
        if sheet is not None and bare(image) is sheet.image:
            about = {**labels.metadata.get(METADATA_KEY, {}), RESULT: sheet.result}
            labels.metadata = {**labels.metadata, METADATA_KEY: about}

    # Saving

    def mark(self, state: ImageState) -> None:
        """Note how far a person is with the image that is shown, when it is saved next.

        Parameters
        ----------
        state : ImageState
            Such as `ImageState.DONE`.
        """
        if self._sheet is not None:
            self._sheet.mark = state

    def save(self, state: ImageState) -> None:
        """Save the image that is shown, and leave it in the viewer.

        Parameters
        ----------
        state : ImageState
            How far the person is with it.
        """
        if not self.is_busy and self._sheet is not None:
            self.is_busy = True
            self.mark(state)
            self._save(self._sheet, self._free, self._not_saved)

    def _tell_aside(self, sheet: Sheet, now: Saved) -> None:
        if now.aside is not None:
            text = f"Other corrections of {sheet.name} are kept in {now.aside.name}."
            self.told.emit(text, False)

    def _tell_changing(self, sheet: Sheet) -> None:
        text = f"Not closed: the labels of {sheet.name} change while they are saved. Try again."
        self.told.emit(text, True)

    def _tell(self, error: Exception) -> None:
        if isalive(self):
            self.told.emit(f"Not saved: {error}", True)

    def _save(
        self,
        sheet: Sheet | None,
        then: Step,
        otherwise: Step,
        *,
        tries: int = _TRIES,
    ) -> None:
        """Write what a person has changed, and go on when it is on the disk.

        Parameters
        ----------
        sheet : Sheet or None
            What is shown; None goes on at once.
        then, otherwise : callable
            Called when it is safe, or if it cannot be written or does not stop to change,
            which was told.
        tries : int, optional
            How often it may change meanwhile.
        """
        if sheet is None:
            then()
            return
        layer = sheet.corrected(self._chosen())
        is_changed, mark = sheet.is_changed(layer), sheet.mark
        stored = as_stored(layer, sheet.stamp_of(layer)) if is_changed else None

        def work() -> Saved | None:
            return _written_out(sheet, stored, mark)

        def saved(now: Saved | None) -> None:
            if not isalive(self):
                return
            if stored is not None and now is not None:
                sheet.note_stored(layer, dataclasses.replace(stored, stamp=now.stamp))
                self._tell_aside(sheet, now)
                keeper_of(self._viewer).note_saved(layer, stored.labels)
            if sheet.mark is mark:
                sheet.mark = None
            if stored is not None or mark is not None:
                self.changed.emit()
            if not sheet.is_changed(layer):
                then()
            elif tries > 1:
                self._save(sheet, then, otherwise, tries=tries - 1)
            else:
                self._tell_changing(sheet)
                otherwise()

        def failed(error: Exception) -> None:
            self._tell(error)
            if isalive(self):
                otherwise()

        run_in_thread(work, saved, failed)

    def put_away(self) -> None:
        """Save what is shown and leave it in the viewer, as another folder is opened."""
        self.leave()
        self.changed.emit()

    def leave(self) -> None:
        """Save what is shown, as the widget closes: nobody is there to be told."""
        sheet, self._sheet, self._next = self._sheet, None, None
        if sheet is None:
            return
        layer, keeper = sheet.corrected(self._chosen()), keeper_of(self._viewer)
        stored, remove = None, _nothing
        journal = None if layer is None else keeper.folder_of(layer)
        if layer is not None and sheet.is_changed(layer):
            stored, remove = as_stored(layer, sheet.stamp_of(layer)), keeper.take_off(layer)
            keeper.note_read(layer)  # if only the widget is closed, more may come

        def work() -> None:
            try:
                now = _written_out(sheet, stored, sheet.mark)
            except BaseException:
                if journal is not None:  # so that what is in it is offered
                    keeper.journals.release(journal)
                sheet.work.release(sheet.name)
                raise
            if now is not None:
                note_stamp(layer, now.stamp)
            _end(sheet, remove)

        run_in_thread(work, on_error=self._tell)

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

        def saved(_: Saved) -> None:
            if isalive(self):
                run_in_thread(keeper_of(self._viewer).take_off(labels))
                self._close(labels)
                self.open(work, names[0])

        run_in_thread(lambda: work.save(names[0], stored), saved, self._tell)


def _written_out(
    sheet: Sheet, stored: StoredLabels | None, mark: ImageState | None
) -> Saved | None:
    """Write labels, if there are any to be written, and then how far the person is."""
    if stored is not None:
        return sheet.work.save(sheet.name, stored, mark)
    if mark is not None:
        sheet.work.mark(sheet.name, mark)
    return None


def _end(sheet: Sheet, remove: Step) -> None:
    """Remove the journal of labels that are in their file, and let others have the image."""
    remove()
    sheet.work.release(sheet.name)


def _nothing() -> None:
    """Do nothing, where something may be to be done."""
