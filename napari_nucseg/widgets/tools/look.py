"""The network looks at one place, where there are no maps to add a nucleus from."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from ...corrections import Plane
from ...engine import Job, Segment, shared_engine
from ...image import Field
from ...pipeline import Maps, SegmentParameters
from ...registry import DEFAULT_MODEL, Model
from ..jobs import JobRunner
from ..layers.layers import field_of
from ..layers.shown import bare

__all__ = ["Looker", "Seen", "typical_diameter_of"]

#: Height and width of what is looked at in typical diameters, and at least in pixels; how far
#: from its border a click may be to be answered by it, in diameters.
_WIDTH, _LEAST, _INSIDE = 8.0, 192, 1.0

#: Diameters that are taken if nothing is known, in pixels.
_USUAL = 28.0


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What the network has seen at a place.

    Parameters
    ----------
    maps : Maps or None
        Of the rectangle; None if the network could not look.
    origin : tuple of int
        Row and column of the plane at which they begin.
    """

    maps: Maps | None
    origin: tuple[int, int] = (0, 0)


@dataclasses.dataclass(frozen=True, eq=False)
class _Place:
    """A place that is to be looked at, or has been."""

    image: weakref.ref[Any]
    position: tuple[int, ...]
    at: tuple[float, float]
    rows: slice
    columns: slice
    diameter: float
    then: Callable[[Seen], None]


class Looker(QObject):
    """Asks the engine for the maps of a small rectangle around a click.

    Parameters
    ----------
    model_of : callable
        Returns the model that is chosen, or None.
    channel_of : callable
        Given an image layer, returns the channel that is chosen for it, or None.

    Signals
    -------
    changed()
        Looking begins or ends.
    """

    changed = Signal()

    def __init__(
        self,
        model_of: Callable[[], Model | None],
        channel_of: Callable[[Any], int | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._model_of, self._channel_of = model_of, channel_of
        self._waiting: list[_Place] = []
        self._now: _Place | None = None
        # The last place and what was seen there: clicks beside it need no other look.
        self._last: tuple[_Place, Maps] | None = None
        self._runner = JobRunner(self)
        self._runner.done.connect(self._seen)

    @property
    def places(self) -> list[tuple[float, float]]:
        """Where it is looking or going to look, (Y, X) in pixels of the plane."""
        return [place.at for place in (self._now, *self._waiting) if place is not None]

    def look(
        self,
        image: Any,
        plane: Plane,
        at: tuple[float, float],
        diameter: float | None,
        then: Callable[[Seen], None],
    ) -> None:
        """Look at a place, and say what is seen there; at once if that is known already.

        Parameters
        ----------
        image : Image or None
            The image of the labels.
        plane : Plane
            The displayed plane of the labels.
        at : tuple of float
            The place, (Y, X) in pixels.
        diameter : float or None
            Typical diameter of a nucleus in pixels, if it is known.
        then : callable
            Called on the window's thread with what was seen.
        """
        if image is None:
            then(Seen(None))
            return
        size = diameter or _USUAL
        reach = max(_LEAST, _WIDTH * size) / 2
        rows, columns = (
            slice(max(0, int(middle - reach)), min(length, int(middle + reach) + 1))
            for middle, length in zip(at, plane.labels.shape, strict=True)
        )
        ref = weakref.ref(bare(image))
        where = tuple(
            -1 if axis in plane.displayed else index
            for axis, index in enumerate(plane.position)
        )
        place = _Place(ref, where, at, rows, columns, size, then)
        if self._last is not None and _covers(self._last[0], place):
            then(Seen(self._last[1], (self._last[0].rows.start, self._last[0].columns.start)))
            return
        if shared_engine().is_training:
            then(Seen(None))
            return
        self._waiting.append(place)
        self._next(plane)

    def _next(self, plane: Plane | None = None) -> None:
        while self._now is None and self._waiting:
            place = self._waiting.pop(0)
            image = place.image()
            field = None if image is None else self._field(image, place)
            if field is None:
                place.then(Seen(None))
                continue
            self._now = place
            model = self._model_of()
            self._runner.run(
                Segment(
                    field,
                    DEFAULT_MODEL if model is None else model.folder,
                    SegmentParameters(diameter=place.diameter),
                    return_maps=True,
                )
            )
        self.changed.emit()

    def _field(self, image: Any, place: _Place) -> Field | None:
        """Return the part of an image that is to be looked at."""
        try:
            if len(place.position) == 2:
                field = field_of(image).of_channel(self._channel_of(image))
            else:
                field = _plane_field(image, place.position)
            field.check_channel()
            return field.crop(place.rows, place.columns).in_memory()
        except (TypeError, ValueError, IndexError):
            return None

    def _seen(self, job: Job) -> None:
        place, self._now = self._now, None
        if place is not None:
            maps = job.result.maps if job.state == "done" else None
            if maps is not None:
                self._last = (place, maps)
            place.then(Seen(maps, (place.rows.start, place.columns.start)))
        self._next()


def _plane_field(image: Any, position: tuple[int, ...]) -> Field:
    """Return a plane of a stack as a field; the displayed axes have index -1."""
    if image.ndim != len(position):
        raise ValueError("Expected an image with the axes of the labels.")
    data = image.data[0] if image.multiscale else image.data
    index = tuple(slice(None) if place < 0 else place for place in position)
    return Field(np.asarray(data[index]), name=image.name)


def _covers(seen: _Place, wanted: _Place) -> bool:
    if seen.image() is None or seen.image() is not wanted.image():
        return False
    near = _INSIDE * wanted.diameter
    return (
        seen.position == wanted.position
        and 0.7 < seen.diameter / wanted.diameter < 1.4
        and all(
            # A border of the image is no border of what was seen.
            (part.start == 0 or part.start + near <= middle)
            and (part.stop == other.stop or middle <= part.stop - near)
            for part, other, middle in zip(
                (seen.rows, seen.columns),
                (wanted.rows, wanted.columns),
                wanted.at,
                strict=True,
            )
        )
    )


def typical_diameter_of(labels: np.ndarray) -> float | None:
    """Return the typical diameter of the nuclei that are there.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Returns
    -------
    float or None
        That of a disc of the median area, in pixels; None if there are fewer than three.
    """
    if labels.size and labels.min() >= 0 and labels.max() <= labels.size:
        areas = np.bincount(labels.ravel())[1:]
        areas = areas[areas > 0]
    else:
        areas = np.unique(labels[labels != 0], return_counts=True)[1]
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if areas.size >= 3 else None
