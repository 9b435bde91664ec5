"""Small pictures of the images of a folder, read on a thread when they come into sight."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPixmap

from ...image import read_image
from ...training import small_picture
from ..jobs import run_in_thread

__all__ = ["SIDE", "Pictures"]

#: Side of a picture in the list, and of one in memory, which is sharp at scale 2.
SIDE, _SHARP = 40, 80

#: Pixels of an image above which none is drawn: all of it would have to be read.
_MOST_PIXELS = 64_000_000

#: How many are kept, and how many may wait; of more than these, the first asked for are not in
#: sight any more.
_KEPT, _WAITING = 500, 30

#: The color where there is no picture.
_EMPTY = "#80808080"

Shape = tuple[int, int]


class Pictures(QObject):
    """Reads pictures one at a time, those last asked for first.

    Signals
    -------
    ready(object)
        The path of an image whose picture, or size, is known now.
    """

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: collections.OrderedDict[Path, QIcon] = collections.OrderedDict()
        self._shapes: dict[Path, Shape] = {}
        self._waiting: collections.deque[Path] = collections.deque(maxlen=_WAITING)
        self._is_reading = False

    def of(self, path: Path) -> QIcon | None:
        """Return the picture of an image, or ask for it.

        Parameters
        ----------
        path : Path
            The image.

        Returns
        -------
        QIcon or None
            None if it is not here yet: `ready` tells when it is.
        """
        if path in self._known:
            self._known.move_to_end(path)
            return self._known[path]
        if path not in self._waiting:
            self._waiting.append(path)
            self._read_one()
        return None

    def shape_of(self, path: Path) -> Shape | None:
        """Return the size of an image, if it was read.

        Parameters
        ----------
        path : Path
            The image.

        Returns
        -------
        tuple of int or None
            Height and width in pixels.
        """
        return self._shapes.get(path)

    def _read_one(self) -> None:
        if self._is_reading or not self._waiting:
            return
        path = self._waiting.pop()
        self._is_reading = True
        run_in_thread(
            lambda: _read(path),
            lambda found: self._came(path, *found),
            lambda error: self._came(path, None, None),
        )

    def _came(self, path: Path, picture: np.ndarray | None, shape: Shape | None) -> None:
        if not isalive(self):
            return
        self._is_reading = False
        self._known[path] = _icon(picture)
        if shape is not None:
            self._shapes[path] = shape
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        self.ready.emit(path)
        self._read_one()


def _read(path: Path) -> tuple[np.ndarray | None, Shape]:
    """Return the picture of an image, None of a large one, and its size."""
    field = read_image(path)
    if field.shape[0] * field.shape[1] > _MOST_PIXELS:
        return None, field.shape
    return small_picture(field), field.shape


def _icon(picture: np.ndarray | None) -> QIcon:
    """Return a square icon with the picture in its middle, grey if there is none."""
    icon = QPixmap(_SHARP, _SHARP)
    icon.fill(Qt.GlobalColor.transparent)
    painter = QPainter(icon)
    if picture is None:
        painter.fillRect(4, 4, _SHARP - 8, _SHARP - 8, QColor(_EMPTY))
    else:
        fitted = _image(picture).scaled(
            _SHARP,
            _SHARP,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter.drawImage(
            (_SHARP - fitted.width()) // 2, (_SHARP - fitted.height()) // 2, fitted
        )
    painter.end()
    made = QIcon(icon)
    # Qt would tint it when its row is selected: colors of a stain must not change.
    made.addPixmap(icon, QIcon.Mode.Selected)
    return made


def _image(picture: Any) -> QImage:
    pixels = np.ascontiguousarray(picture)
    height, width, _ = pixels.shape
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()  # which holds its own pixels
