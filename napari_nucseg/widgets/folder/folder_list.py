"""The list of the images of a folder: picture, name, state and size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QFont, QIcon, QKeyEvent, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from ...corrections import FolderRow, ImageState
from ...support import pluralize
from .pictures import SIDE, Pictures

__all__ = ["FolderList"]

#: In front of the state, so that it is seen from far.
_MARKS = {
    ImageState.NEW: "○",
    ImageState.SEGMENTED: "◐",
    ImageState.CORRECTED: "✎",
    ImageState.DONE: "✓",
    ImageState.TRAINING: "★",
    ImageState.ERROR: "⚠",
}


class _Rows(QAbstractListModel):
    """The rows of the list, for Qt. Pictures are asked for when they come into sight."""

    def __init__(self, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[FolderRow] = []
        self._current = ""
        self._doubts = False
        self._pictures = pictures
        pictures.ready.connect(self._picture_came)

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return how many images there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is shown of an image."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{row.name}\n{self._about(row)}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._pictures.of(row.path) or QIcon()
        if role == Qt.ItemDataRole.ToolTipRole:
            return _told(row)
        if role == Qt.ItemDataRole.FontRole and row.name == self._current:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _about(self, row: FolderRow) -> str:
        """Return the second line: the reason, or state, nuclei and size."""
        mark = f"{_MARKS[row.state]} {row.state}"
        if row.reason and row.state is ImageState.ERROR:
            return f"{mark}: {row.reason.replace(str(row.path), 'the file')}"
        parts = [mark]
        if row.nuclei is not None:
            parts.append(pluralize(row.nuclei))
        if self._doubts and row.suspicion is not None:
            parts.append(f"{row.suspicion:.0%} doubtful")
        else:
            parts.append(self._size(row))
        return " · ".join(parts)

    def _size(self, row: FolderRow) -> str:
        shape = row.shape or self._pictures.shape_of(row.path)
        if shape is not None:
            return f"{shape[0]} x {shape[1]}"
        return f"{row.size / 1e6:.1f} MB"

    def show(self, rows: list[FolderRow], current: str, *, doubts: bool) -> bool:
        """Show other rows, and return whether they are other images or in another order."""
        is_anew = [row.path for row in rows] != [row.path for row in self.rows]
        if is_anew:
            self.beginResetModel()
        before = (self.rows, self._current, self._doubts)
        self.rows, self._current, self._doubts = rows, current, doubts
        if is_anew:
            self.endResetModel()
        elif rows and before != (rows, current, doubts):
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        return is_anew

    def _picture_came(self, path: Any) -> None:
        for place, row in enumerate(self.rows):
            if row.path == path:
                self.dataChanged.emit(self.index(place), self.index(place))


class FolderList(QListView):
    """Lists images; a double click or Enter opens one.

    Signals
    -------
    wanted(str)
        The name of an image that is to be opened.
    finished(), added()
        The keys Y and Shift+Y, which a list would take for the beginning of a name.
    """

    wanted = Signal(str)
    finished = Signal()
    added = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = Pictures(self)
        self._rows = _Rows(self._pictures, self)
        self._nothing = "Drop a folder of images here"
        self.setModel(self._rows)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setMinimumHeight(3 * (SIDE + 6))
        self.activated.connect(self._want)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Say what belongs here while there is nothing."""
        super().paintEvent(event)
        if not self._rows.rows:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            middle = Qt.AlignmentFlag.AlignCenter
            painter.drawText(self.viewport().rect(), middle, self._nothing)
            painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Take the keys that work on the canvas."""
        shift, none = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
        if event.key() == Qt.Key.Key_Y and event.modifiers() in (shift, none):
            (self.added if event.modifiers() == shift else self.finished).emit()
        else:
            super().keyPressEvent(event)

    def _want(self, index: QModelIndex) -> None:
        if index.isValid():
            self.wanted.emit(self._rows.rows[index.row()].name)

    @property
    def rows(self) -> list[FolderRow]:
        """The images that are listed, in order."""
        return self._rows.rows

    @property
    def texts(self) -> list[str]:
        """What is written in the list."""
        count = self._rows.rowCount()
        return [str(self._rows.data(self._rows.index(at))) for at in range(count)]

    @property
    def selected(self) -> str:
        """The name of the image that is selected, empty if none is."""
        index = self.currentIndex()
        return self._rows.rows[index.row()].name if index.isValid() else ""

    def show_rows(
        self,
        rows: Sequence[FolderRow],
        current: str = "",
        *,
        doubts: bool = False,
        nothing: str = "",
    ) -> None:
        """List images. What is selected stays so, if it is still there.

        Parameters
        ----------
        rows : sequence of FolderRow
            The images in order.
        current : str, optional
            The one that is shown in the viewer.
        doubts : bool, optional
            Whether to say how doubtful each is.
        nothing : str, optional
            What is written where no image is listed.
        """
        chosen = self.selected
        self._nothing = nothing
        if self._rows.show(list(rows), current, doubts=doubts):
            self.select(chosen)

    def select(self, name: str) -> None:
        """Select an image and bring it into sight.

        Parameters
        ----------
        name : str
            The image; nothing happens if it is not listed.
        """
        for place, row in enumerate(self._rows.rows):
            if row.name == name:
                index = self._rows.index(place)
                self.setCurrentIndex(index)
                self.scrollTo(index)


def _told(row: FolderRow) -> str:
    """Return the tooltip of an image."""
    lines = [str(row.path), row.reason]
    if row.suspicion is not None:
        lines.append(f"As it was found, a nucleus is wrong with {row.suspicion:.0%} chance.")
    lines.append("Double click to open it.")
    return "\n".join(line for line in lines if line)
