"""The row of controls that leads through the nuclei, the most suspicious first."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from ...pipeline import Maps
from ...support import pluralize
from ..layers.canvas import Mark, Overlay, camera_of, canvas_of, has_grid, screen_matrix
from ..layers.layers import plane_of, why_not_drawn
from ..layers.shown import bare
from ..panel import bind_keys, enable_unless, hint
from ..tools.hand import Hand
from .review import Place, Review, Sources, review_of
from .review_marks import marks_of_place, marks_of_states

__all__ = ["ReviewBar"]

#: A nucleus and its neighbors are so many diameters wide, and fill so much of the view.
_NEIGHBORHOOD, _PART = 3.0, 1 / 3

#: Milliseconds without a change after which states are drawn.
_PAUSE = 120


class ReviewBar(QWidget):
    """Leads from one suspicious place to the next, and keeps what a person has accepted.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    hand : Hand
        Which selects the nucleus that is shown.
    layer_of, image_of : callable
        Return the chosen labels and their image, or None.
    maps_and_diameter : callable
        Returns the maps of the displayed plane and the typical diameter in pixels, each None
        if it is not known.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(
        self,
        viewer: Any,
        hand: Hand,
        layer_of: Callable[[], Any | None],
        *,
        image_of: Callable[[], Any | None],
        maps_and_diameter: Callable[[], tuple[Maps | None, float | None]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._hand = viewer, hand
        self._layer_of, self._image_of = layer_of, image_of
        self._maps_and_diameter = maps_and_diameter
        self._layer: weakref.ref[Any] | None = None
        #: The review of the chosen labels, None if there are none.
        self.review: Review | None = None
        self._waits_for_next = False
        self._overlay: Overlay | None = None
        self._painter = QTimer(self)
        self._painter.setSingleShot(True)
        self._painter.setInterval(_PAUSE)
        self._painter.timeout.connect(self._draw)
        self._make_widgets()
        self._lay_out()
        self._bind_keys()
        camera = camera_of(viewer)
        for event in (camera.events.center, camera.events.zoom):
            event.connect(self._view_moved)
        viewer.dims.events.current_step.connect(self._plane_changed)
        viewer.dims.events.ndisplay.connect(self._plane_changed)
        viewer.layers.selection.events.active.connect(self._view_moved)

    def _make_widgets(self) -> None:
        self.text = hint("")
        self.text.setMinimumHeight(2 * self.text.fontMetrics().lineSpacing())
        self.count = QLabel()
        self.back_button = QPushButton("Previous")
        self.next_button = QPushButton("Next")
        self.accept_button = QPushButton("Accept")
        self.more_button = QPushButton("All")
        self.back_button.clicked.connect(self.go_back)
        self.next_button.clicked.connect(self.go_on)
        self.accept_button.clicked.connect(self.accept)
        menu = QMenu(self.more_button)
        self.in_view = menu.addAction("Accept all in view\tShift+A")
        self.in_view.triggered.connect(self.accept_in_view)
        self.below = menu.addAction("Accept all that are less suspicious")
        self.below.triggered.connect(self.accept_below)
        self.undo = menu.addAction("Take the last acceptance back")
        self.undo.triggered.connect(self.take_back)
        menu.addSeparator()
        self.colors = menu.addAction("Color outlines by state")
        self.colors.setCheckable(True)
        self.colors.toggled.connect(lambda _: self._draw())
        menu.aboutToShow.connect(self._refresh_menu)
        self.more_button.setMenu(menu)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(3)
        for button in (self.back_button, self.next_button, self.accept_button):
            row.addWidget(button, 1)
        row.addWidget(self.more_button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.count)
        column.addLayout(row)
        column.addWidget(self.text)

    # What is reviewed

    def refresh(self) -> None:
        """Follow the layer that is chosen, and say what can be done."""
        layer = self._layer_of()
        reason = why_not_drawn(layer)
        chosen = None if reason or layer is None else bare(layer)
        if chosen is not (self._layer() if self._layer is not None else None):
            self._leave()
            self._layer = None if chosen is None else weakref.ref(chosen)
            if chosen is not None:
                self.review = review_of(chosen)
                self.review.changed.connect(self._review_changed)
                if self.isVisible():
                    self._begin()
        self._show()

    def _leave(self) -> None:
        if self.review is not None:
            self.review.changed.disconnect(self._review_changed)
            self.review.end()
        self.review, self._waits_for_next = None, False

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Measure when the bar is seen for the first time."""
        super().showEvent(event)
        self._view_moved()
        if self.review is not None and self.review.queue is None:
            self._begin()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw nothing over the image while another part is open."""
        super().hideEvent(event)
        self._view_moved()

    def measure_again(self) -> None:
        """Measure anew, as maps have come or another image is chosen."""
        if self.review is not None and self.isVisible():
            self._begin()

    def _begin(self) -> None:
        ref = weakref.ref(self)

        def sources() -> Sources | None:
            bar = ref()
            return bar._sources() if bar is not None and isalive(bar) else None

        if self.review is not None:
            self.review.begin(sources)

    def _sources(self) -> Sources | None:
        layer = self._layer() if self._layer is not None else None
        if layer is None or self._hand.layer is not layer:
            return None
        try:
            plane = self._hand.plane()
        except ValueError:
            return None
        maps, diameter = self._maps_and_diameter()
        return Sources(plane, maps, diameter, self._intensities(plane.labels.shape))

    def _intensities(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return the image of the plane; None if it has other axes."""
        image = self._image_of()
        data = None if image is None else plane_of(image)
        if data is None or data.shape not in (shape, (*shape, 3), (*shape, 4)):
            return None
        return np.asarray(data)[..., :3] if len(data.shape) > 2 else np.asarray(data)

    def _plane_changed(self, event: Any = None) -> None:
        if isalive(self) and self.review is not None and self.review.queue is not None:
            self._begin()

    def _review_changed(self) -> None:
        if isalive(self):
            self._show()
            if self._waits_for_next and self.review is not None and self.review.places:
                self._waits_for_next = False
                self.go_on()

    # What is shown

    def _show(self) -> None:
        reason = why_not_drawn(self._layer_of())
        review = self.review
        place = None if review is None else review.place
        enable_unless(
            self.next_button, reason, "Show the next suspicious nucleus, or missed one (key N)"
        )
        none = "" if place is not None else "Click Next to begin."
        enable_unless(self.accept_button, reason or none, "It is right as it is: go on (key A)")
        enable_unless(self.back_button, reason or none, "Show the one before (key Shift+N)")
        enable_unless(self.more_button, reason, "Accept many at once; colors of states")
        self.count.setText(self._counted())
        self.text.setText(self._in_words(place))
        self._painter.start()

    def _counted(self) -> str:
        review = self.review
        if review is None:
            return "Review"
        if review.places is None:
            return (
                "Review: looking for what is suspicious…" if self._waits_for_next else "Review"
            )
        done, total = review.count()
        return f"<b>{done} of {total}</b> reviewed"

    def _in_words(self, place: Place | None) -> str:
        review = self.review
        if place is not None:
            what = f"Nucleus {place.number}" if place.number else "No nucleus"
            return f"{what}: <b>{place.reason}</b> ({place.score:.0%} likely to be wrong)"
        if review is not None and review.places is not None:
            done, total = review.count()
            if total and done == total:
                return "All are reviewed."
        return "Next (N) shows the most suspicious nucleus; Accept (A) keeps it and goes on."

    def _refresh_menu(self) -> None:
        review = self.review
        count = 0 if review is None else review.count_new(review.rows_below())
        self.below.setText(f"Accept the {count} that are less suspicious")
        self.below.setEnabled(count > 0)
        self.undo.setEnabled(review is not None and review.can_take_back())

    # What a person does

    def go_on(self) -> None:
        """Show the next suspicious place."""
        review = self.review
        if review is None:
            return
        if review.places is None:
            self._waits_for_next = True
            self._begin()
            self._show()
            return
        place = review.go_on()
        if place is None:
            review.place = None
            self.told.emit("All nuclei of this plane are reviewed.", False)
            self._show()
        else:
            self._visit(place)

    def go_back(self) -> None:
        """Show the place before."""
        place = None if self.review is None else self.review.go_back()
        if place is not None:
            self._visit(place)

    def accept(self) -> None:
        """Keep the nucleus that is shown as it is, and show the next."""
        review = self.review
        if review is None or review.places is None or review.place is None:
            self.go_on()
            return
        row = review.row()
        if row is not None:
            review.accept([row])
        self.go_on()

    def accept_in_view(self) -> None:
        """Keep all nuclei whose middle is in sight."""
        box = self._view()
        if self.review is not None and box is not None:
            self._accept_many(self.review.rows_in(box))

    def accept_below(self) -> None:
        """Keep all that are less suspicious than the one that is shown."""
        if self.review is not None:
            self._accept_many(self.review.rows_below())

    def _accept_many(self, rows: list[int]) -> None:
        if self.review is not None:
            count = self.review.accept(rows)
            self.told.emit(f"Accepted {pluralize(count, 'place')}.", False)

    def take_back(self) -> None:
        """Take the last acceptance back."""
        if self.review is not None and self.review.take_back():
            self.told.emit("The last acceptance was taken back.", False)

    def _visit(self, place: Place) -> None:
        """Bring a place to the middle of the view, select it, and say what is odd."""
        layer = self._layer() if self._layer is not None else None
        canvas = canvas_of(self)
        if layer is None or canvas is None:
            return
        try:
            plane = self._hand.plane()
        except ValueError as error:
            self.told.emit(str(error), True)
            return
        layer.visible = True
        at = np.array(plane.position, float)
        at[list(plane.displayed)] = place.at
        middle = np.asarray(layer.data_to_world(at))[list(plane.displayed)]
        matrix, _ = screen_matrix(self._viewer, layer, plane, (1.0, 1.0))
        camera = camera_of(self._viewer)
        per_pixel = np.sqrt(abs(np.linalg.det(matrix))) / float(camera.zoom)
        width = _NEIGHBORHOOD * max(place.diameter, self._typical_diameter()) * per_pixel
        # The part of an area: its root is that of a length.
        room = np.sqrt(_PART) * min(canvas.width(), canvas.height())
        camera.center = (*camera.center[:-2], *middle)
        camera.zoom = room / width
        self._hand.select(place.number)
        self._draw()

    def _typical_diameter(self) -> float:
        """Return the median diameter of the nuclei of the queue, 0 if there are none."""
        places = None if self.review is None else self.review.places
        found = np.zeros(0) if places is None else places.diameter[places.ids != 0]
        return float(np.median(found)) if found.size else 0.0

    def _view(self) -> tuple[float, float, float, float] | None:
        """Return which box of the plane is in sight."""
        layer = self._layer() if self._layer is not None else None
        canvas = canvas_of(self)
        if layer is None or canvas is None:
            return None
        size = (canvas.width(), canvas.height())
        try:
            matrix, offset = screen_matrix(self._viewer, layer, self._hand.plane(), size)
        except ValueError:
            return None
        corners = np.array([[x, y] for x in (0, size[0]) for y in (0, size[1])], float)
        inside = np.linalg.solve(matrix, (corners - offset).T)
        (top, left), (bottom, right) = inside.min(axis=1), inside.max(axis=1)
        return float(top), float(left), float(bottom), float(right)

    # What is drawn

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is drawn over the image."""
        return () if self._overlay is None else self._overlay.marks

    def _view_moved(self, event: Any = None) -> None:
        if isalive(self) and self._overlay is not None and isalive(self._overlay):
            self._overlay.update()
            self._painter.start()

    def _draw(self) -> None:
        """Mark the place that is shown, and the states if they are wanted."""
        if self._overlay is None or not isalive(self._overlay):
            canvas = canvas_of(self)
            if canvas is None:
                return
            self._overlay = Overlay(canvas, self._matrix)
        review, marks = self.review, []
        if review is not None and review.queue is not None:
            if self.colors.isChecked():
                marks += marks_of_states(review, self._view())
            if review.place is not None:
                marks += marks_of_place(review, review.place)
        self._overlay.draw(marks)

    def _matrix(self, size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
        layer = self._layer() if isalive(self) and self._layer is not None else None
        if layer is None or not layer.visible or has_grid(self._viewer):
            return None
        if layer not in self._viewer.layers or not self.isVisible():
            return None
        with contextlib.suppress(ValueError):
            return screen_matrix(self._viewer, layer, self._hand.plane(), size)
        return None

    def _bind_keys(self) -> None:
        """Bind the keys to the viewer, so that they work whatever layer is active."""
        works: dict[str, Callable[[ReviewBar], None]] = {
            "N": ReviewBar.go_on,
            "Shift-N": ReviewBar.go_back,
            "A": ReviewBar.accept,
            "Shift-A": ReviewBar.accept_in_view,
        }
        bind_keys(self._viewer, self, works)
