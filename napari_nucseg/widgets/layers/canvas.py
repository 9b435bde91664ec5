"""What is drawn over napari's canvas: outlines, lines and words, without a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QMainWindow, QWidget

from ...corrections import Plane
from .shown import bare

__all__ = ["Mark", "Overlay", "camera_of", "canvas_of", "has_grid", "screen_matrix"]

#: Below every line lies a dark one, so that it is seen on bright images, too.
_SHADE = QColor(0, 0, 0, 140)
_DOT, _GAP = 3.5, 14.0  # pixels of the screen


@dataclasses.dataclass(frozen=True, eq=False)
class Mark:
    """Something that is drawn over the image.

    Parameters
    ----------
    points : array_like, shape (N, 2)
        (Y, X) in pixels of the plane. A line, or dots if `dots` says so.
    color : str
        Such as ``"#ffffff"``.
    closed : bool, optional
        Whether the line is an outline.
    dots : bool, optional
        Whether each point is a dot.
    dashed : bool, optional
        Whether the line is dashed.
    radius : float, optional
        If given, a circle of so many pixels of the screen around the last point.
    text : str, optional
        Written beside the last point.
    """

    points: Any
    color: str
    closed: bool = False
    dots: bool = False
    dashed: bool = False
    radius: float = 0.0
    text: str = ""


def canvas_of(widget: QWidget) -> QWidget | None:
    """Return the canvas of the window that a widget is docked in.

    Parameters
    ----------
    widget : QWidget
        Any widget in the window, also while its dock floats.

    Returns
    -------
    QWidget or None
        None if the widget is not in a window of napari.
    """
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QMainWindow):
        parent = parent.parentWidget()
    if parent is None or parent.centralWidget() is None:
        return None
    found = parent.centralWidget().findChildren(QOpenGLWidget)
    return found[0] if found else None


def camera_of(viewer: Any) -> Any:
    """Return the camera, where this version of napari has it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    Camera
        With center, zoom and their events.
    """
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def has_grid(viewer: Any) -> bool:
    """Return whether the layers are shown beside each other.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    bool
        True if a place on the canvas may be that of several layers.
    """
    owner = viewer.canvas if hasattr(viewer, "canvas") else viewer
    return bool(owner.grid.enabled)


def screen_matrix(
    viewer: Any, layer: Any, plane: Plane, size: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of a plane are on the canvas.

    Parameters
    ----------
    viewer : napari.Viewer
        In the 2-D view.
    layer : Labels
        The layer of the plane.
    plane : Plane
        The displayed plane.
    size : tuple of float
        Width and height of the canvas in pixels of the screen.

    Returns
    -------
    matrix : ndarray, shape (2, 2)
        ``matrix @ (y, x) + offset`` is (x, y) on the canvas.
    offset : ndarray, shape (2,)
        In pixels of the screen.
    """
    layer = bare(layer)
    corners = []
    for y, x in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        place = np.array(plane.position, float)
        place[list(plane.displayed)] = y, x
        corners.append(np.asarray(layer.data_to_world(place))[list(plane.displayed)])
    origin, down, right = np.array(corners)
    world = np.stack([down - origin, right - origin], axis=1)
    camera = camera_of(viewer)
    signs = np.array([1.0, 1.0])
    vertical, horizontal = camera.orientation2d
    signs[0] = 1.0 if str(getattr(vertical, "value", vertical)) == "down" else -1.0
    signs[1] = 1.0 if str(getattr(horizontal, "value", horizontal)) == "right" else -1.0
    zoom = float(camera.zoom) * signs
    matrix = zoom[:, np.newaxis] * world
    offset = zoom * (origin - np.array(camera.center[-2:])) + np.array(size[::-1]) / 2
    return matrix[::-1], offset[::-1]


class Overlay(QWidget):
    """A transparent sheet over the canvas that shows marks and takes no mouse event.

    Parameters
    ----------
    canvas : QWidget
        The canvas, which it covers.
    matrix : callable
        Given width and height of the canvas, returns `screen_matrix`, or None if nothing can
        be drawn now.

    Signals
    -------
    left()
        The mouse has left the canvas.
    """

    left = Signal()

    def __init__(
        self,
        canvas: QWidget,
        matrix: Callable[[tuple[float, float]], tuple[np.ndarray, np.ndarray] | None],
    ) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._matrix = matrix
        #: What is shown.
        self.marks: tuple[Mark, ...] = ()
        #: Whether the mouse is over the canvas, as far as is known.
        self.has_mouse = canvas.underMouse()
        canvas.installEventFilter(self)
        self.resize(canvas.size())
        self.show()

    def draw(self, marks: Sequence[Mark]) -> None:
        """Show other marks.

        Parameters
        ----------
        marks : sequence of Mark
            What is shown from now on.
        """
        if marks or self.marks:
            self.marks = tuple(marks)
            self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Keep the size of the canvas, and know where the mouse is."""
        kind = event.type()
        if kind == QEvent.Type.Resize:
            self.resize(self.parentWidget().size())
        elif kind == QEvent.Type.Leave:
            self.has_mouse = False
            self.left.emit()
        elif kind in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress):
            self.has_mouse = True
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw the marks where their pixels are now."""
        found = self._matrix((self.width(), self.height())) if self.marks else None
        if found is None:
            return
        matrix, offset = found
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mark in self.marks:
            points = np.asarray(mark.points, float).reshape(-1, 2)
            if len(points):
                # The middle of a pixel has whole coordinates, in napari and here.
                _draw(painter, mark, [QPointF(x, y) for x, y in points @ matrix.T + offset])
        painter.end()


def _draw(painter: QPainter, mark: Mark, points: list[QPointF]) -> None:
    color = QColor(mark.color)
    shape = QPolygonF(points)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_SHADE, 4.0), QPen(color, 2.0)):
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if mark.dashed:
            pen.setDashPattern([4.0, 3.0] if pen.color() == color else [2.0, 1.5])
        painter.setPen(pen)
        if mark.radius:
            painter.drawEllipse(points[-1], mark.radius, mark.radius)
        elif mark.dots:
            painter.setBrush(color)
            for point in points:
                painter.drawEllipse(point, _DOT, _DOT)
        elif mark.closed:
            painter.drawPolygon(shape)
        else:
            painter.drawPolyline(shape)
    if mark.text:
        _write(painter, mark.text, points[-1], color)


def _write(painter: QPainter, text: str, at: QPointF, color: QColor) -> None:
    font = QFont(painter.font())
    font.setBold(True)
    painter.setFont(font)
    box = painter.fontMetrics().boundingRect(text).adjusted(-5, -3, 5, 3)
    box.moveTopLeft((at + QPointF(_GAP, _GAP)).toPoint())
    # At the border of the canvas it is written on the other side.
    view = painter.viewport()
    if box.right() > view.right():
        box.moveRight(int(at.x() - _GAP))
    if box.bottom() > view.bottom():
        box.moveBottom(int(at.y() - _GAP))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 185))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(color)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
