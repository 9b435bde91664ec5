"""The rows in which a folder of images, and the place of its labels, are chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from ...corrections import FolderWork, Journals
from ..jobs import run_in_thread
from ..memory import Memory

__all__ = ["FolderChoice", "dropped_folder"]

_BESIDE, _ELSEWHERE = "beside the images", "another folder …"

#: What is remembered: the last folder, and of each where its labels are.
_LAST, _OUTPUTS = "folder", "folder outputs"


class FolderChoice(QWidget):
    """Opens folders on a thread, as disks may be slow.

    Parameters
    ----------
    memory : Memory
        Remembers the last folder, and where the labels of each are.
    journals : Journals
        Where corrections are looked for that were not saved.
    why_not : callable
        Says why no other folder can be opened now, empty if one can.

    Signals
    -------
    opened(object, bool)
        The images whose corrections came out of a journal, and whether somebody has asked
        for the folder.
    changed()
        A folder is being opened, or is no more.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    opened = Signal(object, bool)
    changed = Signal()
    told = Signal(str, bool)

    def __init__(
        self,
        memory: Memory,
        journals: Journals,
        why_not: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._memory, self._journals, self._why_not = memory, journals, why_not
        #: The folder that is open, None if none is.
        self.work: FolderWork | None = None
        #: Whether a folder is being opened.
        self.is_opening = False
        self._make_widgets()
        self._lay_out()
        self.choose_button.clicked.connect(self._choose)
        self.output.activated.connect(self._output_chosen)
        self._show_outputs()

    def _make_widgets(self) -> None:
        self.path = QLineEdit()
        self.path.setReadOnly(True)
        self.path.setPlaceholderText("Choose or drop a folder of images")
        self.choose_button = QPushButton("Choose …")
        self.choose_button.setToolTip("Choose a folder of images; or drop one on this panel")
        self.output = QComboBox()
        self.output.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.output.setMinimumContentsLength(10)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(QLabel("folder"), 0, 0)
        grid.addWidget(self.path, 0, 1)
        grid.addWidget(self.choose_button, 0, 2)
        grid.addWidget(QLabel("labels"), 1, 0)
        grid.addWidget(self.output, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)

    def refresh(self) -> None:
        """Enable what can work."""
        can = not self.is_opening and not self._why_not()
        self.choose_button.setEnabled(can)
        self.output.setEnabled(can and self.work is not None)

    def open_last(self) -> None:
        """Open the folder of last time, if it is still there."""
        last = self._memory.recall(_LAST, str)
        if last:
            self.open_folder(Path(last), is_last=True)

    def open_folder(
        self, folder: Path, output: Path | None = None, *, is_last: bool = False
    ) -> None:
        """List the images of a folder, and bring in corrections that were not saved.

        Parameters
        ----------
        folder : Path
            The folder.
        output : Path, optional
            Folder for the labels; left out, that of last time, else they come beside the
            images.
        is_last : bool, optional
            Whether nobody has asked for it: then nothing is told if it is gone.
        """
        if self.is_opening:
            return
        if self._why_not():
            self.told.emit(self._why_not(), True)
            return
        folder = folder.absolute()
        before = (self._memory.recall(_OUTPUTS, dict) or {}).get(str(folder))
        work = FolderWork(folder, output or (before if isinstance(before, str) else None))
        self.is_opening = True
        self.changed.emit()

        def look() -> list[str]:
            work.open()
            return work.recover(self._journals)

        run_in_thread(
            look,
            lambda recovered: self._opened(work, recovered, is_last=is_last),
            lambda error: self._refused(error, is_last=is_last),
        )

    def _refused(self, error: Exception, *, is_last: bool) -> None:
        if isalive(self):
            self.is_opening = False
            self._show_outputs()
            self.changed.emit()
            if not is_last:
                self.told.emit(f"Not opened: {error}", True)

    def _opened(self, work: FolderWork, recovered: list[str], *, is_last: bool) -> None:
        if not isalive(self):
            return
        self.is_opening, self.work = False, work
        self._memory.note(_LAST, str(work.folder))
        outputs = dict(self._memory.recall(_OUTPUTS, dict) or {})
        outputs[str(work.folder)] = str(work.output)
        self._memory.note(_OUTPUTS, outputs)
        self.path.setText(work.folder.name)
        self.path.setToolTip(str(work.folder))
        self._show_outputs()
        self.opened.emit(recovered, not is_last)

    def _choose(self) -> None:
        start = str(self.work.folder) if self.work is not None else ""
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images", start)
        if chosen:
            self.open_folder(Path(chosen))

    def _show_outputs(self) -> None:
        """Offer where labels may be written."""
        self.output.clear()
        self.output.addItems([_BESIDE, _ELSEWHERE])
        work, place = self.work, ""
        if work is not None and work.output != work.folder:
            place = str(work.output)
            self.output.insertItem(0, place)
            self.output.setCurrentIndex(0)
        tip = "Where the labels are written, <name>_labels.tif"
        self.output.setToolTip(f"{tip}: {place}" if place else tip)

    def _output_chosen(self) -> None:
        work, text = self.work, self.output.currentText()
        if work is None:
            return
        output = Path(text)
        if text == _BESIDE:
            output = work.folder
        elif text == _ELSEWHERE:
            chosen = QFileDialog.getExistingDirectory(self, "Folder for the labels")
            output = Path(chosen) if chosen else work.output
        if output == work.output:
            self._show_outputs()
        else:
            self.open_folder(work.folder, output)


def dropped_folder(event: Any) -> Path | None:
    """Return the folder that is dragged.

    Parameters
    ----------
    event : QDropEvent
        Of a drag or a drop.

    Returns
    -------
    Path or None
        None if it is something else.
    """
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else None
