"""The offer to restore corrections that a crash, or a closed layer, has left."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...corrections import RESULT, Journal, Journals, LeftJournal, Restored
from ...support import pluralize
from ..jobs import run_in_thread
from ..layers.layer_states import put_states
from ..layers.layers import METADATA_KEY
from ..layers.origin import note_origin
from ..layers.reference import Reference, open_image_of
from ..layers.shown import bare
from ..tools.brush import guard_brush
from .journal_keeper import keeper_of

__all__ = ["RestoreOffer"]

_MARGIN = 8

#: Milliseconds for which a discard can be undone in the window.
_UNDO = 60_000


class RestoreOffer(QWidget):
    """Offers corrections that are only in a journal, and hides if there are none.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown again.

    Signals
    -------
    restored(object, object)
        The `Labels` layer with the corrections, and its `Image` or None.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    restored = Signal(object, object)
    told = Signal(str, bool)

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._keeper = keeper_of(viewer)
        self._left: list[LeftJournal] = []
        self._discarded: LeftJournal | None = None
        self._forgetting = QTimer(self)
        self._forgetting.setSingleShot(True)
        self._forgetting.setInterval(_UNDO)
        self._forgetting.timeout.connect(self._forget)
        self._make_widgets()
        self.setVisible(False)
        self._keeper.left.connect(self.look)
        run_in_thread(self._keeper.journals.prune, lambda _: self.look(), lambda _: self.look())

    def _make_widgets(self) -> None:
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.restore_button = QPushButton("Restore")
        self.restore_button.setToolTip("Show the image and the corrected labels again")
        self.discard_button = QPushButton("Discard")
        self.discard_button.setToolTip("Offer these corrections no more")
        self.undo_button = QPushButton("Undo discard")
        self.undo_button.setToolTip("Offer the corrections again that were discarded last")
        self.restore_button.clicked.connect(self._restore)
        self.discard_button.clicked.connect(self._discard)
        self.undo_button.clicked.connect(self._take_back)
        buttons = QHBoxLayout()
        for button in (self.restore_button, self.discard_button, self.undo_button):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, 0)
        column.addWidget(self.text)
        column.addLayout(buttons)

    @property
    def _journals(self) -> Journals:
        return self._keeper.journals

    def look(self) -> None:
        """Look for journals that no running program keeps, on a thread: disks may be slow."""
        run_in_thread(self._journals.left, self._show, lambda _: None)

    def _show(self, left: list[LeftJournal]) -> None:
        if not isalive(self):
            return
        self._left = left
        self.setEnabled(True)
        for button in (self.restore_button, self.discard_button):
            button.setVisible(bool(left))
        self.undo_button.setVisible(self._discarded is not None)
        self.setVisible(bool(left) or self._discarded is not None)
        self.text.setText(self._words())

    def _words(self) -> str:
        if not self._left:
            return "The corrections are not offered any more, and removed after a week."
        first = self._left[0]
        then = datetime.datetime.fromtimestamp(first.written)
        others = len(self._left) - 1
        # Those of an image of a folder are saved beside it.
        provenance = first.reference.get("provenance")
        is_of_folder = isinstance(provenance, dict) and RESULT in provenance
        home = "their file" if is_of_folder else "the training set"
        more = f" After it: {pluralize(others, 'older one')}." if others else ""
        return (
            f"Corrections of {first.reference.get('name', 'labels')!r} from "
            f"{then:%Y-%m-%d %H:%M} are not in {home}.{more}"
        )

    def _restore(self) -> None:
        """Read the journal, on a thread because the disk may be slow."""
        chosen = self._left[0]
        self.setEnabled(False)
        self._discarded = None

        def work() -> tuple[Path, Restored]:
            folder = self._journals.claim(chosen.folder)
            try:
                return folder, Journal(folder).restore()
            except BaseException:
                self._journals.release(folder)
                raise

        run_in_thread(work, lambda found: self._add(*found), self._failed)

    def _add(self, folder: Path, found: Restored) -> None:
        """Show labels and image."""
        if not isalive(self):
            self._journals.release(folder)
            return
        try:
            reference = Reference.from_dict(found.reference)
            image, why_not = open_image_of(reference, self._viewer)
            layer = self._viewer.add_labels(
                found.labels,
                name=reference.name,
                metadata={METADATA_KEY: reference.provenance} if reference.provenance else {},
                **reference.placement,
            )
        except Exception as error:  # the file may say anything
            self._journals.release(folder)
            self._failed(error)
            return
        put_states(layer, found.states)
        self._keeper.adopt(layer, folder)
        guard_brush(bare(layer))
        if image is not None:
            note_origin(layer, image)
        self.look()
        self.restored.emit(layer, image)
        self.told.emit(f"Restored {reference.name!r}. {why_not}".strip(), False)

    def _failed(self, error: Exception) -> None:
        if isalive(self):
            self.look()
            gone = isinstance(error, FileNotFoundError)
            text = "Another window has restored them, or they were removed." if gone else error
            self.told.emit(f"Not restored: {text}", True)

    def _discard(self) -> None:
        chosen = self._left[0]
        try:
            self._journals.discard(chosen.folder)
        except OSError as error:
            self.told.emit(f"Not discarded: {error}", True)
            return
        self._discarded = chosen
        self._forgetting.start()
        self._show(self._left[1:])

    def _forget(self) -> None:
        """Make room in the panel again."""
        self._discarded = None
        self._show(self._left)

    def _take_back(self) -> None:
        discarded, self._discarded = self._discarded, None
        if discarded is not None:
            self._journals.take_back(discarded.folder)
        self.look()
