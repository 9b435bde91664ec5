"""Plane to maps: tiles, zoom, views and threads, for any predictor."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ..support import Callbacks
from .predictor import Maps, Predictor
from .scale import (
    estimate_scale,
    high_contrast_crops,
    inside_nuclei,
    typical_diameter,
    zoom_for,
)
from .tiles import (
    BATCH_TILES,
    CONCURRENT_BATCHES,
    CORE,
    CORE_IN_LARGE_PLANE,
    LARGE_PLANE_PIXELS,
    Tile,
    tiles_of,
)

__all__ = ["estimate_diameter", "predict_maps", "predict_maps_and_diameter"]

#: In a plane of at most so many pixels the diameter is estimated on all of it.
_SMALL_PLANE_PIXELS = 1_500_000

#: In a larger plane it is estimated on crops: their height and width at zoom 1, and how many.
_CROP, _CROPS = 384, 4

#: A crop is not larger than at this zoom: resizing large crops takes time.
_LEAST_ZOOM_OF_CROP = 0.5


def predict_maps(
    predictor: Predictor,
    plane: np.ndarray,
    diameter: float | None = None,
    *,
    test_time_augmentations: int = 1,
    callbacks: Callbacks = Callbacks(),
) -> Maps:
    """Predict the maps of a plane.

    Parameters
    ----------
    predictor : Predictor
        The network.
    plane : ndarray of float32, shape (Y, X, 3)
        Normalized intensities.
    diameter : float, optional
        Typical diameter of its nuclei in pixels; left out, that of the network. If it is far
        from that of the network, the tiles are resized on their way in and the maps on
        their way out.
    test_time_augmentations : int, optional
        How many turned and mirrored views of the plane are averaged, 1 to 8.
    callbacks : Callbacks, optional
        Told after every batch of tiles. Asked before every batch and before every further
        view of it, by the thread that predicts.

    Returns
    -------
    Maps
        Shape (Y, X, M).

    Raises
    ------
    Stopped
        If it should stop.
    """
    zoom = zoom_for(diameter or predictor.spec.diameter, predictor.spec)
    work = _PlaneWork(predictor, plane, test_time_augmentations, callbacks)
    return work.predict_at(zoom)[0]


def predict_maps_and_diameter(
    predictor: Predictor,
    plane: np.ndarray,
    *,
    test_time_augmentations: int = 1,
    callbacks: Callbacks = Callbacks(),
) -> tuple[Maps, float | None]:
    """Predict the maps of a plane whose nuclei are of unknown size.

    Parameters
    ----------
    predictor, plane, test_time_augmentations, callbacks
        As in `predict_maps`.

    Returns
    -------
    maps : Maps
        Shape (Y, X, M).
    diameter : float or None
        Estimate in pixels, None if there seems to be no nucleus.

    Raises
    ------
    Stopped
        If it should stop.
    """
    if plane.shape[0] * plane.shape[1] > _SMALL_PLANE_PIXELS:
        found = estimate_diameter(predictor, plane, callbacks)
    else:
        # The estimate on the whole plane ends with the maps at the right zoom.
        maps, found = estimate_scale(_PlaneWork(predictor, plane, 1, callbacks).predict_at)
        if test_time_augmentations == 1:
            return maps, found
    maps = predict_maps(
        predictor,
        plane,
        found,
        test_time_augmentations=test_time_augmentations,
        callbacks=callbacks,
    )
    return maps, found


def estimate_diameter(
    predictor: Predictor, plane: np.ndarray, callbacks: Callbacks = Callbacks()
) -> float | None:
    """Estimate the typical diameter of the nuclei.

    The network predicts the size of the nucleus at each place. The estimate is the median
    over the nuclei in the parts of the plane with most contrast. See `estimate_scale` for
    the zooms at which these parts are predicted.

    Parameters
    ----------
    predictor : Predictor
        The network.
    plane : ndarray of float32, shape (Y, X, 3)
        Normalized intensities.
    callbacks : Callbacks, optional
        Asked before every prediction.

    Returns
    -------
    float or None
        Diameter in pixels, None if there seems to be no nucleus.
    """

    def predict_at(zoom: float) -> tuple[Maps, float | None]:
        callbacks.check_stop()
        size = int(_CROP / max(zoom, _LEAST_ZOOM_OF_CROP))
        crops = high_contrast_crops(plane, size, _CROPS)
        crops = predictor.resize(crops, _zoomed(crops.shape[1:3], zoom))
        predicted, sizes = predictor.predict(crops)
        maps = Maps(predicted, predictor.spec)
        return maps, typical_diameter([inside_nuclei(maps, sizes)], zoom, predictor.spec)

    return estimate_scale(predict_at)[1]


@dataclasses.dataclass(frozen=True, eq=False)
class _PlaneWork:
    """A plane, and how its maps are predicted."""

    predictor: Predictor
    plane: np.ndarray
    test_time_augmentations: int
    callbacks: Callbacks

    def predict_at(self, zoom: float) -> tuple[Maps, float | None]:
        """Return the maps of the plane and the typical diameter, predicted at one zoom."""
        spec, shape = self.predictor.spec, self.plane.shape[:2]
        values = np.empty((*shape, len(spec.maps)), np.float32)
        large = shape[0] * shape[1] > LARGE_PLANE_PIXELS
        core, at_once = (CORE_IN_LARGE_PLANE, 1) if large else (CORE, CONCURRENT_BATCHES)
        tiles = tiles_of(
            shape,
            core=int(core / zoom),
            halo=math.ceil(spec.halo / zoom),
            step=max(1, int(spec.stride / zoom)),
        )

        def predict_batch(first: int) -> np.ndarray:
            batch = tiles[first : first + BATCH_TILES]
            predicted, inside = self._predict_tiles(batch, zoom)
            for tile, part in zip(batch, predicted, strict=True):
                values[tile.target] = part[tile.core]
            return inside

        sizes: list[np.ndarray] = []
        batches = _concurrently(predict_batch, range(0, len(tiles), BATCH_TILES), at_once)
        self.callbacks.check_stop()
        self.callbacks.on_progress(0, len(tiles), "Finding nuclei")
        with contextlib.closing(batches):
            for inside in batches:
                sizes.append(inside)
                self.callbacks.check_stop()
                done = min(BATCH_TILES * len(sizes), len(tiles))
                self.callbacks.on_progress(done, len(tiles), "Finding nuclei")
        return Maps(values, spec), typical_diameter(sizes, zoom, spec)

    def _predict_tiles(self, batch: list[Tile], zoom: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the maps of tiles on the grid of the plane, and the sizes inside of nuclei."""
        sources = np.stack([self.plane[tile.source] for tile in batch])
        shape = sources.shape[1:3]
        sources = self.predictor.resize(sources, _zoomed(shape, zoom))
        predicted, size = self.predictor.predict(sources)
        inside = inside_nuclei(Maps(predicted, self.predictor.spec), size)
        predicted = self._average_views(predicted, sources)
        return self.predictor.resize(predicted, shape), inside

    def _average_views(self, maps: np.ndarray, tiles: np.ndarray) -> np.ndarray:
        """Return the mean of the maps of tiles and of those of other views of them."""
        if self.test_time_augmentations == 1:
            return maps
        total = maps
        for view in range(1, self.test_time_augmentations):
            self.callbacks.check_stop()
            turned = np.ascontiguousarray(_turned(tiles, view))
            total = total + _turned(self.predictor.predict(turned)[0], view, back=True)
        return total / self.test_time_augmentations


def _concurrently(
    work: Callable[[int], np.ndarray], items: Iterable[int], at_once: int
) -> Generator[np.ndarray]:
    """Yield the results of the work on one item after the other.

    Threads work on several items at once: while one waits for the last tile of a layer,
    another one keeps the processor busy. The work on an item does not begin long before its
    result is asked for.
    """
    with ThreadPoolExecutor(at_once) as threads:
        begun: deque[Future[np.ndarray]] = deque()
        for item in items:
            begun.append(threads.submit(work, item))
            if len(begun) == at_once:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _turned(tiles: np.ndarray, view: int, *, back: bool = False) -> np.ndarray:
    """Return one of the eight views of tiles (N, Y, X, C), or the tiles of a view.

    View 0 is the tiles as they are, 1 to 3 have the same shape, and the others Y for X.
    """
    rows = slice(None, None, -1 if view & 1 else 1)
    columns = slice(None, None, -1 if view & 2 else 1)
    if back:
        tiles = tiles[:, rows, columns]
    if view & 4:
        tiles = tiles.swapaxes(1, 2)
    return tiles if back else tiles[:, rows, columns]


def _zoomed(shape: tuple[int, int], zoom: float) -> tuple[int, int]:
    return max(1, round(shape[0] * zoom)), max(1, round(shape[1] * zoom))
