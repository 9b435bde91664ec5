"""The pictures in the list of the training set, read on a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QObject, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QBrush, QColor, QIcon, QImage, QPainter, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QListWidget

from ...training import TrainingSet
from ..jobs import run_in_thread

__all__ = ["Thumbnails"]

#: Side of a picture in the list, and of one in memory, which is sharp at scale 2.
_SIDE, _SHARP = 44, 128

#: How many are read before they are shown.
_AT_ONCE = 8
_EMPTY, _MARK, _ON_MARK = "#80808080", "#ffb000", "#202020"


class Thumbnails(QObject):
    """Gives the items of a list their pictures, and marks fields that nobody has corrected.

    Parameters
    ----------
    entries : QListWidget
        The list. Each item has the key of its field as user data.
    """

    def __init__(self, entries: QListWidget) -> None:
        super().__init__(entries)
        self._entries = entries
        self._known: dict[tuple[str, str], QPixmap] = {}
        self._waiting: list[str] = []
        self._marked: set[str] = set()
        self._set: TrainingSet | None = None
        self._is_reading = False
        entries.setIconSize(QSize(_SIDE, _SIDE))
        entries.setUniformItemSizes(True)

    def show(self, training_set: TrainingSet, marked: set[str]) -> None:
        """Show the pictures of all items; those that must be read come one by one.

        Parameters
        ----------
        training_set : TrainingSet
            Where the fields of the list are.
        marked : set of str
            Keys of the fields that nobody has corrected.
        """
        # A set of its own: the one that is given may become another one at any time.
        self._set, self._marked = TrainingSet(training_set.folder), marked
        keys = [self._key_of(row) for row in range(self._entries.count())]
        self._draw(keys)
        self._waiting = [
            key for key in keys if (str(training_set.folder), key) not in self._known
        ]
        self._read_some()

    def _key_of(self, row: int) -> str:
        return str(self._entries.item(row).data(Qt.ItemDataRole.UserRole))

    def _draw(self, keys: Sequence[str]) -> None:
        wanted = set(keys)
        folder = "" if self._set is None else str(self._set.folder)
        for row in range(self._entries.count()):
            key = self._key_of(row)
            if key in wanted:
                picture = self._known.get((folder, key), QPixmap())
                self._entries.item(row).setIcon(_icon(picture, is_marked=key in self._marked))

    def _read_some(self) -> None:
        """Read the next few on a thread, as the disk may be slow."""
        training_set = self._set
        if self._is_reading or not self._waiting or training_set is None:
            return
        keys, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
        self._is_reading = True

        def got(images: Sequence[QImage]) -> None:
            self._is_reading = False
            for key, image in zip(keys, images, strict=True):
                if not image.isNull():
                    self._known[str(training_set.folder), key] = QPixmap.fromImage(image)
            self._draw(keys)
            self._read_some()

        run_in_thread(lambda: [_read(training_set, key) for key in keys], got, self._failed)

    def _failed(self, error: Exception) -> None:
        """Go on without the pictures: the list can be used all the same."""
        self._is_reading = False
        self._read_some()


def _read(training_set: TrainingSet, key: str) -> QImage:
    """Return the picture of a field, an empty one if there is none."""
    try:
        return QImage(str(training_set.thumbnail(key)))
    except (KeyError, OSError, ValueError):  # removed or damaged meanwhile
        return QImage()


def _icon(picture: QPixmap, *, is_marked: bool) -> QIcon:
    """Return a square icon: the picture in the middle, and the mark in the corner."""
    icon = QPixmap(_SHARP, _SHARP)
    icon.fill(Qt.GlobalColor.transparent)
    painter = QPainter(icon)
    if picture.isNull():
        painter.fillRect(8, 8, _SHARP - 16, _SHARP - 16, QColor(_EMPTY))
    else:
        fitted = picture.scaled(
            _SHARP,
            _SHARP,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        left, top = (_SHARP - fitted.width()) // 2, (_SHARP - fitted.height()) // 2
        painter.drawPixmap(left, top, fitted)
    if is_marked:
        _draw_mark(painter)
    painter.end()
    made = QIcon(icon)
    # Qt would tint it when its field is selected: colors of a stain must not change.
    made.addPixmap(icon, QIcon.Mode.Selected)
    return made


def _draw_mark(painter: Any) -> None:
    """Draw a triangle with an exclamation mark."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(_ON_MARK), 4))
    painter.setBrush(QBrush(QColor(_MARK)))
    side = _SHARP
    corners = [
        QPointF(side - 34, side - 64),
        QPointF(side - 66, side - 4),
        QPointF(side - 2, side - 4),
    ]
    painter.drawPolygon(QPolygonF(corners))
    painter.setBrush(QBrush(QColor(_ON_MARK)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRect(QRectF(side - 38, side - 46, 8, 22))
    painter.drawEllipse(QRectF(side - 39, side - 20, 10, 10))
