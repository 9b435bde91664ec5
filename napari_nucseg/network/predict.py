"""Tiles to maps: the network looks at a plane."""

from __future__ import annotations

import contextlib
import functools
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..pipeline import (
    BATCH_TILES,
    CONCURRENT_BATCHES,
    CORE,
    CORE_IN_LARGE_PLANE,
    HALO,
    LARGE_PLANE_PIXELS,
    NETWORK_DIAMETER,
    STRIDE,
    estimate_scale,
    high_contrast_crops,
    inside_nuclei,
    pad_to_stride,
    tiles_of,
    typical_diameter,
    zoom_for,
)
from ..registry import WEIGHTS_FILE, Model, check_weights_file, load_model
from ..support import Callbacks
from .architectures import read_architecture
from .backend import keras, ops, tf
from .precision import precision, set_precision

__all__ = ["Predictor", "load_network", "load_predictor"]

_SMALL = 1_500_000
_CROP, _CROPS = 384, 4
_LEAST_OF_CROP = 0.5  # A crop is not larger than at this zoom: to shrink it takes time.


def load_network(model: Model) -> keras.Model:
    """Build the network of a model and load its weights.

    The architecture comes from the card and only numbers from the weights
    file, so that nothing in a stranger's model can be executed.

    Parameters
    ----------
    model : Model
        Checked by `model_store.load_model`.

    Returns
    -------
    keras.Model
        See `Architecture.build`.

    Raises
    ------
    ValueError
        If the weights do not fit the architecture.
    """
    network = read_architecture(model.card.architecture).build(batch_norm=False)
    weights = model.folder / WEIGHTS_FILE
    check_weights_file(weights)
    try:
        network.load_weights(weights)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(
            f"Expected weights that fit the card of model {model.card.name!r}, got "
            f"others in {weights}. Import or train the model again."
        ) from error
    return network


def load_predictor(model: Model) -> Predictor:
    """Return the predictor of a model, as precise as `precision.precision` chooses.

    The last two are kept.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    Predictor
        Ready to predict.
    """
    return _load_predictor(model.folder, model.card.weights_sha256, precision())


@functools.lru_cache(maxsize=2)
def _load_predictor(folder: Path, weights_sha256: str, chosen: str) -> Predictor:
    return Predictor(load_network(load_model(folder)), chosen)


class Predictor:
    """Predicts the maps of planes of any size.

    Parameters
    ----------
    network : keras.Model
        See `Architecture.build`.
    chosen : str
        How precisely it shall calculate, see `precision.set_precision`.
    """

    def __init__(self, network: keras.Model, chosen: str) -> None:
        self.precision = chosen
        set_precision(network, chosen)
        self._network = network
        signature = [
            tf.TensorSpec((None, None, None, 3), tf.float32),
            tf.TensorSpec((2,), tf.int32),
        ]
        self._run = tf.function(self._predict, input_signature=signature, autograph=False)

    def _predict(self, tiles: tf.Tensor, shape: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        output = self._network(tiles, training=False)
        maps = output["maps"]
        foreground, boundary = ops.sigmoid(maps[..., 0]), ops.sigmoid(maps[..., 2])
        distance = ops.clip(maps[..., 1], 0.0, 1.0)
        maps = ops.stack([foreground, distance, boundary], axis=-1)
        maps = maps[:, : shape[0], : shape[1]]
        return maps, output["size"]

    def _predict_tiles(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return maps and size maps of tiles at the scale of the network."""
        shape = np.array(tiles.shape[1:3], np.int32)
        maps, size = self._run(pad_to_stride(tiles), shape)
        return maps.numpy(), size.numpy()[..., 0]

    def _average_views(
        self,
        maps: np.ndarray,
        tiles: np.ndarray,
        test_time_augmentations: int,
        callbacks: Callbacks,
    ) -> np.ndarray:
        """Return the mean of the maps of tiles and of those of other views of them."""
        total = maps
        for view in range(1, test_time_augmentations):
            callbacks.check_stop()
            turned = np.ascontiguousarray(_turned(tiles, view))
            total = total + _turned(self._predict_tiles(turned)[0], view, back=True)
        return total / test_time_augmentations if test_time_augmentations > 1 else maps

    def maps(
        self,
        plane: np.ndarray,
        diameter: float = NETWORK_DIAMETER,
        *,
        test_time_augmentations: int = 1,
        callbacks: Callbacks = Callbacks(),
    ) -> np.ndarray:
        """Predict the maps of a plane.

        Parameters
        ----------
        plane : ndarray of float32, shape (Y, X, 3)
            Normalized intensities.
        diameter : float, optional
            Typical diameter of its nuclei in pixels. If it is far from what
            the network was trained for, the tiles are resized on their way in
            and the maps on their way out.
        test_time_augmentations : int, optional
            How many turned and mirrored views of the plane are averaged, 1 to 8.
        callbacks : Callbacks, optional
            Told after every group of tiles, and asked before every group of tiles and every
            further view of it, by whichever thread looks.

        Returns
        -------
        ndarray of float32, shape (Y, X, 3)
            Foreground probability, normalized distance, boundary probability.

        Raises
        ------
        Stopped
            If it should stop.
        """
        return self._predict_plane(
            plane, zoom_for(diameter), callbacks, test_time_augmentations
        )[0]

    def maps_and_diameter(
        self,
        plane: np.ndarray,
        *,
        test_time_augmentations: int = 1,
        callbacks: Callbacks = Callbacks(),
    ) -> tuple[np.ndarray, float | None]:
        """Predict the maps of a plane whose nuclei are of unknown size.

        Parameters
        ----------
        plane : ndarray of float32, shape (Y, X, 3)
            Normalized intensities.
        test_time_augmentations, callbacks : optional
            As in `maps`.

        Returns
        -------
        maps : ndarray of float32, shape (Y, X, 3)
            As in `maps`.
        diameter : float or None
            Estimate in pixels, None where there seems to be no nucleus.

        Raises
        ------
        Stopped
            If it should stop.
        """
        if plane.shape[0] * plane.shape[1] > _SMALL:
            found = self.diameter(plane, callbacks)
        else:
            # All of a small plane tells its diameter, and was often looked at in the right
            # scale by then.
            maps, found = estimate_scale(
                lambda zoom: self._predict_plane(plane, zoom, callbacks)
            )
            if test_time_augmentations == 1:
                return maps, found
        maps = self.maps(
            plane,
            found or NETWORK_DIAMETER,
            test_time_augmentations=test_time_augmentations,
            callbacks=callbacks,
        )
        return maps, found

    def _predict_plane(
        self,
        plane: np.ndarray,
        zoom: float,
        callbacks: Callbacks,
        test_time_augmentations: int = 1,
    ) -> tuple[np.ndarray, float | None]:
        """Return the maps of the plane and the diameter, looked at in one scale."""
        maps = np.empty(plane.shape, np.float32)
        large = plane.shape[0] * plane.shape[1] > LARGE_PLANE_PIXELS
        core, at_once = (CORE_IN_LARGE_PLANE, 1) if large else (CORE, CONCURRENT_BATCHES)
        tiles = tiles_of(
            plane.shape[:2],
            core=int(core / zoom),
            halo=math.ceil(HALO / zoom),
            step=max(1, int(STRIDE / zoom)),
        )

        def look(first: int) -> np.ndarray:
            batch = tiles[first : first + BATCH_TILES]
            sources = np.stack([plane[tile.source] for tile in batch])
            shape = sources.shape[1:3]
            sources = _resize(sources, _zoomed(shape, zoom))
            predicted, size = self._predict_tiles(sources)
            inside = inside_nuclei(predicted, size)
            predicted = self._average_views(
                predicted, sources, test_time_augmentations, callbacks
            )
            for tile, part in zip(batch, _resize(predicted, shape), strict=True):
                maps[tile.target] = part[tile.core]
            return inside

        sizes: list[np.ndarray] = []
        looks = _side_by_side(look, range(0, len(tiles), BATCH_TILES), at_once)
        callbacks.check_stop()
        callbacks.on_progress(0, len(tiles), "Finding nuclei")
        with contextlib.closing(looks):
            for inside in looks:
                sizes.append(inside)
                callbacks.check_stop()
                done = min(BATCH_TILES * len(sizes), len(tiles))
                callbacks.on_progress(done, len(tiles), "Finding nuclei")
        return maps, typical_diameter(sizes, zoom)

    def diameter(self, plane: np.ndarray, callbacks: Callbacks = Callbacks()) -> float | None:
        """Estimate the typical diameter of the nuclei.

        The network tells the size of the nucleus at each place; the estimate
        is the median over the nuclei of the most lively parts of the plane. If
        it is far from what the network is best at, such parts are looked at
        again at the scale found. A look from further away tells large nuclei
        from the many small ones that their texture can look like.

        Parameters
        ----------
        plane : ndarray of float32, shape (Y, X, 3)
            Normalized intensities.
        callbacks : Callbacks, optional
            Asked before every look.

        Returns
        -------
        float or None
            Diameter in pixels, None where there seems to be no nucleus.
        """
        return estimate_scale(lambda zoom: self._predict_crops(plane, zoom, callbacks))[1]

    def _predict_crops(
        self, plane: np.ndarray, zoom: float, callbacks: Callbacks
    ) -> tuple[np.ndarray, float | None]:
        """Return maps and diameter as `_predict_plane` does, of crops with much contrast."""
        callbacks.check_stop()
        crops = high_contrast_crops(plane, int(_CROP / max(zoom, _LEAST_OF_CROP)), _CROPS)
        maps, size = self._predict_tiles(_resize(crops, _zoomed(crops.shape[1:], zoom)))
        return maps, typical_diameter([inside_nuclei(maps, size)], zoom)


def _side_by_side(
    work: Callable[[int], np.ndarray], items: Iterable[int], at_once: int
) -> Generator[np.ndarray]:
    """Yield what the work gives for one item after the other.

    Threads work on several at once: while one waits for the last tile of a layer, another
    keeps the processor busy. The work on an item does not begin long before it is asked for.
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
    """Return one of the eight views of tiles (N, Y, X, C), or what it was made of.

    View 0 is as it is, 1 to 3 have the same shape, and the others Y for X.
    """
    rows = slice(None, None, -1 if view & 1 else 1)
    columns = slice(None, None, -1 if view & 2 else 1)
    if back:
        tiles = tiles[:, rows, columns]
    if view & 4:
        tiles = tiles.swapaxes(1, 2)
    return tiles if back else tiles[:, rows, columns]


def _zoomed(shape: tuple[int, ...], zoom: float) -> tuple[int, int]:
    return max(1, round(shape[0] * zoom)), max(1, round(shape[1] * zoom))


def _resize(tiles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate tiles (N, Y, X, C) linearly, without aliasing."""
    if tiles.shape[1:3] == tuple(shape):
        return tiles
    smaller = shape[0] < tiles.shape[1]
    resized = ops.image.resize(tiles, shape, interpolation="bilinear", antialias=smaller)
    return ops.convert_to_numpy(resized)
