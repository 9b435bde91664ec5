"""The review queue of a plane, kept up to date while the plane is edited."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import scipy  # which loads its parts when they are used first

from ..pipeline import Maps
from .features import background_of, measured, related
from .missed import candidates_in, objects_of
from .suspicion import Suspicions, ranked

__all__ = ["Queue"]

Table = dict[str, np.ndarray]

#: An edit that reaches over more than this part of the plane is not worth cutting out.
_LARGEST_PART = 0.25

#: Pixels around what is measured again, over the typical diameter: more than the smoothing
#: of the maps reaches.
_MARGIN = 0.5


class Queue:
    """Scores the nuclei and candidates of a plane, and after an edit those that changed.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        0 is background. They are copied.
    maps : Maps, optional
        Shape (Y, X, M). Without them only sizes, shapes and intensities count, and there are
        no candidates.
    image : ndarray, shape (Y, X) or (Y, X, 3), optional
        Intensities.
    diameter : float, optional
        Typical diameter of a nucleus in pixels; left out, that of the network.
    probability : float, optional
        With which the labels were made, 0 to 1.

    Raises
    ------
    ValueError
        If maps or image are of another plane.
    """

    def __init__(
        self,
        labels: np.ndarray,
        maps: Maps | None = None,
        image: np.ndarray | None = None,
        *,
        diameter: float | None = None,
        probability: float = 0.5,
    ) -> None:
        for name, other in (("maps", None if maps is None else maps.values), ("image", image)):
            if other is not None and other.shape[:2] != labels.shape:
                raise ValueError(
                    f"Expected {name} of the shape of the labels, {labels.shape}, got "
                    f"{other.shape[:2]}. Give those of the same plane."
                )
        self._maps, self._image, self._diameter = maps, image, diameter
        self._labels = labels.copy()
        self._background = background_of(labels, image)
        self._objects: np.ndarray | None = None
        if maps is not None:
            self._objects = objects_of(maps, diameter=diameter, probability=probability)
            self._boxes = np.array(
                [
                    [*(one.start for one in box), *(one.stop for one in box)]
                    for box in scipy.ndimage.find_objects(self._objects)
                ],
                np.intp,
            ).reshape(-1, 4)
        self._nuclei: Table = {}
        self._candidates: Table | None = None
        self._measure_all()

    @property
    def places(self) -> Suspicions:
        """Where to look, the most suspicious place first."""
        return self._places

    @property
    def has_maps(self) -> bool:
        """Whether it knows the maps, and so candidates."""
        return self._maps is not None

    @property
    def labels(self) -> np.ndarray:
        """The labels as they were at the last update, shape (Y, X). Do not change them."""
        return self._labels

    def update(self, labels: np.ndarray) -> dict[int, tuple[int, int]]:
        """Measure again what has changed, by a tool, the brush, undo or anything else.

        Parameters
        ----------
        labels : ndarray of int, shape (Y, X)
            The labels now.

        Returns
        -------
        dict of int to tuple of int
            Nuclei that look different now, came, or are gone: a checksum of the pixels that
            each had, and of those that it has; 0 where it is not there. See `States.follow`.
        """
        differs = labels != self._labels
        rows = np.flatnonzero(differs.any(axis=1))
        if rows.size == 0:
            return {}
        columns = np.flatnonzero(differs[rows[0] : rows[-1] + 1].any(axis=0))
        box = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
        part = _slices(box)
        changed = {
            int(one)
            for plane in (self._labels, labels)
            for one in np.unique(plane[part][differs[part]])
            if one
        }
        before = self._looks(changed)
        self._labels[part] = labels[part]
        if (box[2] - box[0]) * (box[3] - box[1]) > _LARGEST_PART * labels.size:
            self._measure_all()
        else:
            self._measure_around(box, changed)
        after = self._looks(changed)
        return {one: (before.get(one, 0), after.get(one, 0)) for one in sorted(changed)}

    def _looks(self, ids: set[int]) -> dict[int, int]:
        """Return a checksum of the pixels of each nucleus that is there."""
        looks = {}
        for row in np.flatnonzero(np.isin(self._nuclei["label"], [*ids])):
            box = _box_in(self._nuclei, int(row))
            one = int(self._nuclei["label"][row])
            mask = np.packbits(self._labels[_slices(box)] == one)
            looks[one] = zlib.crc32(mask.tobytes(), zlib.crc32(repr(box).encode())) or 1
        return looks

    def box_of(self, one: int) -> tuple[slice, slice] | None:
        """Return where a nucleus lies.

        Parameters
        ----------
        one : int
            Its id.

        Returns
        -------
        tuple of slice or None
            Rows and columns; None if it is not there.
        """
        # Another thread may put a new table in its place meanwhile.
        nuclei = self._nuclei
        rows = np.flatnonzero(nuclei["label"] == one)
        return _slices(_box_in(nuclei, int(rows[0]))) if rows.size else None

    def _measure_all(self) -> None:
        self._nuclei = measured(self._labels, self._maps, self._diameter, self._image)
        if self._objects is not None and self._maps is not None:
            self._candidates = candidates_in(
                self._objects, self._labels, self._maps, self._diameter
            )
        self._rank()

    def _measure_around(self, box: tuple[int, ...], changed: set[int]) -> None:
        """Measure again what changed in a box, and what touches it."""
        near = np.unique(self._labels[_slices(self._grown(box, 1))])
        ids = np.array(sorted({*near.tolist(), *changed} - {0}), np.int64)
        self._nuclei = self._replaced(
            self._nuclei, ids, box, lambda part: self._nuclei_in(_slices(part))
        )
        if self._candidates is not None and self._objects is not None:
            objects = np.unique(self._objects[_slices(self._grown(box, 1))])
            self._candidates = self._replaced(
                self._candidates,
                objects[objects > 0],
                self._with_objects(box, objects[objects > 0]),
                lambda part: self._candidates_in(_slices(part)),
            )
        self._rank()

    def _rank(self) -> None:
        nuclei = related(self._nuclei, self._background)
        missed = None if self._candidates is None else related(self._candidates)
        self._places = ranked(nuclei, missed)

    def _replaced(
        self,
        table: Table,
        ids: np.ndarray,
        box: tuple[int, ...],
        measure: Callable[[tuple[int, ...]], Table],
    ) -> Table:
        """Return a table with new rows of nuclei in place of the old ones."""
        old = np.isin(table["label"], ids)
        around = [np.array([box])]
        if old.any():
            corners = [table[one][old] for one in ("top", "left", "bottom", "right")]
            around.append(np.stack(corners, axis=1) + np.array([0, 0, 1, 1]))
        every = np.concatenate(around)
        part = (*every[:, :2].min(axis=0), *every[:, 2:].max(axis=0))
        typical = self._diameter or (self._maps.spec.diameter if self._maps else 0.0)
        part = self._grown(part, 2 + int(np.ceil(_MARGIN * typical)))
        new = measure(part)
        for column, offset in _OFFSETS:
            if column in new:
                new[column] = new[column] + part[offset]
        is_new = np.isin(new["label"], ids)
        order = np.argsort(np.concatenate([table["label"][~old], new["label"][is_new]]))
        return {
            name: np.concatenate([column[~old], new[name][is_new]])[order]
            for name, column in table.items()
        }

    def _with_objects(self, box: tuple[int, ...], objects: np.ndarray) -> tuple[int, ...]:
        """Return a box that also holds the whole of objects."""
        boxes = self._boxes[objects - 1]
        top, left = np.minimum(box[:2], boxes[:, :2].min(axis=0, initial=1 << 40))
        bottom, right = np.maximum(box[2:], boxes[:, 2:].max(axis=0, initial=0))
        return top, left, bottom, right

    def _grown(self, box: tuple[int, ...], margin: int) -> tuple[int, ...]:
        height, width = self._labels.shape
        top, left, bottom, right = (int(one) for one in box)
        return (
            max(top - margin, 0),
            max(left - margin, 0),
            min(bottom + margin, height),
            min(right + margin, width),
        )

    def _maps_in(self, part: tuple[slice, slice]) -> Maps | None:
        return None if self._maps is None else Maps(self._maps.values[part], self._maps.spec)

    def _nuclei_in(self, part: tuple[slice, slice]) -> Table:
        image = None if self._image is None else self._image[part]
        found = measured(self._labels[part], self._maps_in(part), self._diameter, image)
        return self._at_border(found, part)

    def _candidates_in(self, part: tuple[slice, slice]) -> Table:
        assert self._objects is not None and self._maps is not None
        maps = Maps(self._maps.values[part], self._maps.spec)
        found = candidates_in(self._objects[part], self._labels[part], maps, self._diameter)
        return self._at_border(found, part)

    def _at_border(self, found: Table, part: tuple[slice, slice]) -> Table:
        """Say of the border of the plane what was measured of the border of a part."""
        height, width = self._labels.shape
        found["at_border"] = (
            (found["top"] + part[0].start == 0)
            | (found["left"] + part[1].start == 0)
            | (found["bottom"] + part[0].start == height - 1)
            | (found["right"] + part[1].start == width - 1)
        )
        return found


#: Columns of places, and where in a box their offset is.
_OFFSETS = (
    ("centroid_y", 0),
    ("top", 0),
    ("bottom", 0),
    ("inside_y", 0),
    ("centroid_x", 1),
    ("left", 1),
    ("right", 1),
    ("inside_x", 1),
)


def _box_in(table: Table, row: int) -> tuple[int, ...]:
    corners = [int(table[one][row]) for one in ("top", "left", "bottom", "right")]
    return corners[0], corners[1], corners[2] + 1, corners[3] + 1


def _slices(box: tuple[int, ...]) -> tuple[slice, slice]:
    return slice(int(box[0]), int(box[2])), slice(int(box[1]), int(box[3]))
