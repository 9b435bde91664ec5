"""The chosen nuclei in the image: they are marked, brought into sight, and can be clicked."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QWidget

from ...corrections import Plane, plane_of
from ..layers.canvas import Mark, Overlay, camera_of, canvas_of, has_grid, screen_matrix
from ..layers.outlines import outlines_of
from ..layers.shown import bare
from ..tools.brush import guard_brush, select_quietly
from .chosen import Chosen

__all__ = ["ImageLink"]

_COLOR = "#f2a33c"

#: Outlines that are drawn at most; of more nuclei only the middles.
_MOST_OUTLINES = 150

#: A nucleus that is narrower on the screen than the first is shown as wide as the second.
_TOO_SMALL, _WIDE = 14.0, 60.0
_USUAL = 20.0  # pixels, of a nucleus whose box was not measured

#: Milliseconds without a change after which the marks follow the view.
_PAUSE = 60

#: The mouse may move so far in a click, in pixels of the screen.
_STILL = 4.0

#: Napari's modes in which a click draws nothing.
_HARMLESS = ("pan_zoom", "pick")


class ImageLink(QObject):
    """Marks the chosen nuclei in the image, and chooses those that are clicked there.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    chosen : Chosen
        Which nuclei are chosen.
    layer_of : callable
        Returns the labels, or None.
    home : QWidget
        What must be in sight for all this; also the parent.
    """

    def __init__(
        self, viewer: Any, chosen: Chosen, layer_of: Callable[[], Any | None], home: QWidget
    ) -> None:
        super().__init__(home)
        self._viewer, self._chosen = viewer, chosen
        self._layer_of, self._home = layer_of, home
        self._overlay: Overlay | None = None
        self._painter = QTimer(self)
        self._painter.setSingleShot(True)
        self._painter.setInterval(_PAUSE)
        self._painter.timeout.connect(self.draw)
        chosen.changed.connect(lambda by: self.draw())
        camera = camera_of(viewer)
        for event in (camera.events.center, camera.events.zoom):
            event.connect(self._view_moved)
        for event in (viewer.dims.events.current_step, viewer.dims.events.ndisplay):
            event.connect(self._view_moved)
        bare(viewer).mouse_drag_callbacks.append(_clicks(weakref.ref(self)))

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is drawn over the image."""
        return () if self._overlay is None else self._overlay.marks

    def _plane(self) -> Plane | None:
        """Return the plane of the labels that is shown, None if there is none."""
        layer = self._layer_of()
        if layer is None or layer.multiscale or self._viewer.dims.ndisplay != 2:
            return None
        layer = bare(layer)
        dims = self._viewer.dims
        displayed = [axis - (dims.ndim - layer.ndim) for axis in dims.displayed]
        if min(displayed) < 0:
            return None
        with contextlib.suppress(ValueError):
            position = [float(index) for index in layer.world_to_data(dims.point)]
            return plane_of(layer.data, position, displayed)
        return None

    # From the table to the image

    def visit(self, number: int) -> None:
        """Bring a nucleus to the middle of the view, and select it.

        Parameters
        ----------
        number : int
            Its label.
        """
        layer, canvas = self._layer_of(), canvas_of(self._home)
        found = self._place_of(number)
        if layer is None or canvas is None or found is None:
            return
        layer = bare(layer)
        at, width = found
        self._turn_sliders(layer, at)
        plane = self._plane()
        if plane is None:
            return
        middle = np.asarray(layer.data_to_world(at))[list(plane.displayed)]
        camera = camera_of(self._viewer)
        camera.center = (*camera.center[:-2], *middle)
        matrix, _ = screen_matrix(self._viewer, layer, plane, (1.0, 1.0))
        on_screen = width * float(np.sqrt(abs(np.linalg.det(matrix))))
        if on_screen < _TOO_SMALL:
            camera.zoom = float(camera.zoom) * _WIDE / max(on_screen, 1e-6)
        guard_brush(layer)
        select_quietly(layer, number)
        self.draw()

    def _turn_sliders(self, layer: Any, at: np.ndarray) -> None:
        """Show the plane of a stack that a place is in."""
        dims = self._viewer.dims
        world = np.asarray(layer.data_to_world(at))
        for axis in range(layer.ndim):
            own = axis + dims.ndim - layer.ndim
            if own not in dims.displayed:
                dims.set_point(own, float(world[axis]))

    def _place_of(self, number: int) -> tuple[np.ndarray, float] | None:
        """Return where a nucleus is in its layer, and how wide it is, in pixels."""
        rows, layer = self._chosen.rows, self._layer_of()
        row = rows.row_of(number)
        if layer is None or row is None:
            return None
        axes = min(3, bare(layer).ndim)
        places, boxes = rows.places(axes), rows.boxes(axes)
        width = _USUAL
        if boxes is not None and np.isfinite(boxes[row]).all():
            width = float(np.max(boxes[row, axes + axes - 2 :] - boxes[row, axes - 2 : axes]))
        if places is not None and np.isfinite(places[row]).all():
            return np.append(np.zeros(bare(layer).ndim - axes), places[row]), width
        plane = self._plane()
        inside = None if plane is None else np.argwhere(plane.labels == number)
        if plane is None or inside is None or not len(inside):
            return None
        at = np.array(plane.position, float)
        at[list(plane.displayed)] = inside.mean(axis=0)
        return at, width

    # What is drawn

    def _view_moved(self, event: Any = None) -> None:
        if isalive(self) and self._overlay is not None and isalive(self._overlay):
            self._overlay.update()
            self._painter.start()

    def draw(self) -> None:
        """Mark the chosen nuclei that are in sight."""
        if self._overlay is None or not isalive(self._overlay):
            canvas = canvas_of(self._home)
            if canvas is None:
                return
            self._overlay = Overlay(canvas, self._matrix)
        shown = self._home.isVisible() and self._chosen.count
        self._overlay.draw(self._marks() if shown else [])

    def _marks(self) -> list[Mark]:
        plane, rows = self._plane(), self._chosen.rows
        axes = min(3, len(plane.position)) if plane is not None else 2
        places, boxes = rows.places(axes), rows.boxes(axes)
        if plane is None or places is None or boxes is None:
            return []
        inside = self._chosen.mask & np.isfinite(places).all(axis=1)
        for axis in range(axes):
            at = axis + len(plane.position) - axes
            if at not in plane.displayed:
                here = plane.position[at]
                inside &= (boxes[:, axis] <= here) & (here < boxes[:, axis + axes])
        shown = [axis - len(plane.position) + axes for axis in plane.displayed]
        chosen = np.flatnonzero(inside)
        in_sight = chosen[self._in_sight(places[chosen][:, shown])]
        if len(in_sight) > _MOST_OUTLINES:
            return [Mark(places[chosen][:, shown], _COLOR, dots=True)]
        marks = []
        for row in in_sight:
            box = boxes[row].astype(int)
            part = tuple(slice(box[axis], box[axis + axes]) for axis in shown)
            corner = box[shown]
            lines = outlines_of(plane.labels[part], int(rows.ids[row]))
            marks += [Mark(line + corner, _COLOR, closed=True) for line in lines]
        return marks

    def _in_sight(self, points: np.ndarray) -> np.ndarray:
        """Return of each place of the plane whether it is in sight, or near to that."""
        canvas = canvas_of(self._home)
        size = (1.0, 1.0) if canvas is None else (float(canvas.width()), float(canvas.height()))
        found = self._matrix(size)
        if found is None:
            return np.zeros(len(points), bool)
        matrix, offset = found
        on_canvas = points @ matrix.T + offset
        margin = np.array(size) / 4
        return ((on_canvas > -margin) & (on_canvas < np.array(size) + margin)).all(axis=1)

    def _matrix(self, size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
        layer = self._layer_of() if isalive(self) else None
        if layer is None or not layer.visible or has_grid(self._viewer):
            return None
        plane = self._plane()
        if plane is None or layer not in self._viewer.layers or not self._home.isVisible():
            return None
        return screen_matrix(self._viewer, layer, plane, size)

    # From the image to the table

    def clicked(self, position: Any) -> None:
        """Choose the nucleus at a place; none if there is none.

        Parameters
        ----------
        position : sequence of float
            Where, in coordinates of the viewer.
        """
        layer = self._layer_of()
        if layer is None or not layer.visible or has_grid(self._viewer):
            return
        value = bare(layer).get_value(position, world=True)
        if isinstance(value, tuple):  # of a layer with several resolutions
            value = value[-1]
        if not value or not self._chosen.choose_nucleus(int(value), self):
            self._chosen.choose(np.zeros(self._chosen.rows.ids.size, bool), self)

    def can_be_clicked(self) -> bool:
        """Return whether a click means a nucleus.

        Returns
        -------
        bool
            False while the active layer is drawn on, or the table is out of sight.
        """
        if not isalive(self) or not self._home.isVisible() or self._viewer.dims.ndisplay != 2:
            return False
        active = self._viewer.layers.selection.active
        return active is None or str(getattr(active, "mode", "pan_zoom")) in _HARMLESS


def _clicks(ref: weakref.ref[ImageLink]) -> Callable[[Any, Any], Generator[None]]:
    """Return what napari calls when a button of the mouse is pressed."""

    def follow(viewer: Any, event: Any) -> Generator[None]:
        start, is_left = np.array(event.pos, float), event.button == 1
        yield
        while event.type == "mouse_move":
            yield
        link = ref()
        is_click = np.abs(np.array(event.pos, float) - start).max() <= _STILL
        if not is_click or not is_left or link is None:
            return
        if isalive(link) and link.can_be_clicked():
            link.clicked(event.position)

    return follow
