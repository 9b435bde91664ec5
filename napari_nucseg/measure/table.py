"""From labels to a table: a row for every nucleus."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..support import Callbacks
from .blocks import Box, boxes_of, groups_of
from .intensity import background_of, intensities, ring_labels
from .neighbors import nearest_distances, neighbor_counts
from .pixels import Pixels
from .shape import SHAPES, shapes_2d
from .shape_3d import SHAPES_3D, shapes_3d

__all__ = ["AXES", "MICROMETERS", "Pixel", "Table", "table_of"]

#: Columns of one length by their names.
Table = dict[str, np.ndarray]

AXES = {2: "yx", 3: "zyx"}

#: Names of the sides of the bounding box along each axis.
_SIDES = {"z": ("first_z", "end_z"), "y": ("top", "bottom"), "x": ("left", "right")}

#: What a micrometer is called.
MICROMETERS = ("micrometer", "micron", "µm", "μm", "um")

_ONE_UNIT = dict.fromkeys(MICROMETERS, "um")


@dataclasses.dataclass(frozen=True)
class Pixel:
    """The size of a pixel or voxel.

    Parameters
    ----------
    size : tuple of float
        Along each axis of the labels.
    unit : str, optional
        Such as ``"micrometer"``; empty if the size is not known and lengths are in pixels.
    """

    size: tuple[float, ...]
    unit: str = ""

    def ending(self, power: int = 1) -> str:
        """Return how the name of a column in the unit ends.

        Parameters
        ----------
        power : int, optional
            Power of a length that the column has.

        Returns
        -------
        str
            Such as ``"_um2"``; empty if the size is not known, or the power is 0.
        """
        if not self.unit or not power:
            return ""
        return f"_{_ONE_UNIT.get(self.unit, self.unit)}{power if power > 1 else ''}"


def table_of(
    labels: Any,
    channels: Mapping[str, Any],
    pixel: Pixel,
    ring_width: float = 0.0,
    callbacks: Callbacks = Callbacks(),
) -> Table:
    """Measure every nucleus.

    The labels and channels are read part by part, so that they may be larger than memory. A
    nucleus is always measured as a whole: the parts make no difference to the numbers.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X) or (Z, Y, X)
        0 is background, every nucleus has a positive integer. NumPy, Zarr and Dask arrays,
        and images.
    channels : mapping of str to array_like
        Channels of the image by name, each of the shape of the labels.
    pixel : Pixel
        Size of a pixel.
    ring_width : float, optional
        See `measure_nuclei`, which describes the columns, too.
    callbacks : Callbacks, optional
        Who is told of each part, and who may end it.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        The columns.

    Raises
    ------
    ValueError
        If a label is negative.
    Stopped
        If it should stop.
    """
    boxes = boxes_of(labels, callbacks)
    backgrounds = {name: background_of(image, labels) for name, image in channels.items()}
    work = _Work(labels, channels, backgrounds, pixel, ring_width, callbacks)
    groups = groups_of(boxes)
    parts = []
    with ThreadPoolExecutor(2) as threads:
        for part in threads.map(work.measure, groups):
            parts.append(part)
            callbacks.on_progress(len(parts), len(groups), "Measuring")
    parts = parts or [work.measure({})]
    order = np.argsort(np.concatenate([part["label"] for part in parts]))
    table = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    return _with_distances(table, len(labels.shape), pixel)


@dataclasses.dataclass(frozen=True, eq=False)
class _Work:
    """Measures some nuclei."""

    labels: Any
    channels: Mapping[str, Any]
    backgrounds: Mapping[str, float]
    pixel: Pixel
    ring_width: float
    callbacks: Callbacks
    #: Two threads may not read one file at a time.
    reading: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def measure(self, boxes: dict[int, Box]) -> Table:
        """Return the rows of the nuclei in these boxes."""
        self.callbacks.check_stop()
        ids = np.array(sorted(boxes), np.int64)
        own = [boxes[one] for one in ids.tolist()]
        window, corner = self._window(own)
        with self.reading:
            labels = np.asarray(self.labels[window])
        pixels = Pixels(labels, ids, corner)
        ends = np.array(own, np.int64).reshape(-1, 2, labels.ndim)
        touches = ((ends[:, 0] == 0) | (ends[:, 1] == self.labels.shape)).any(axis=1)
        return {
            "label": ids,
            **_places(pixels, ends, self.pixel),
            **self._shapes(pixels),
            "touches_border": touches,
            "neighbors": neighbor_counts(pixels),
            **self._intensities(pixels, window),
        }

    def _window(self, boxes: Sequence[Box]) -> tuple[tuple[slice, ...], tuple[int, ...]]:
        """Return the part of the image that holds these nuclei and what is around them."""
        if not boxes:
            return (slice(0, 0),) * len(self.labels.shape), (0,) * len(self.labels.shape)
        # A ring is decided by the nuclei up to two widths away.
        reach = [1 + int(np.ceil(2 * self.ring_width / size)) for size in self.pixel.size]
        low = np.maximum(np.min([first for first, _ in boxes], axis=0) - reach, 0)
        high = np.max([end for _, end in boxes], axis=0) + reach
        window = tuple(map(slice, low.tolist(), high.tolist()))
        return window, tuple(low.tolist())

    def _shapes(self, pixels: Pixels) -> Table:
        """Return size and shape, in pixels and in the unit."""
        size = self.pixel.size
        if pixels.labels.ndim == 3:
            found = shapes_3d(pixels, size)
            named = {name + self.pixel.ending(SHAPES_3D[name]): found[name] for name in found}
            return {"voxels": pixels.counts} | named
        found = shapes_2d(pixels)
        powers = SHAPES if size[0] == size[1] else {"area": 2}
        scale = float(np.prod(size)) ** 0.5
        in_unit = {
            name + self.pixel.ending(power): found[name] * scale**power
            for name, power in powers.items()
            if self.pixel.ending(power)
        }
        return found | in_unit

    def _intensities(self, pixels: Pixels, window: tuple[slice, ...]) -> Table:
        """Return the intensities of every channel, in the nuclei and around them."""
        regions = {"": pixels}
        if self.ring_width and self.channels:
            rings = ring_labels(pixels.labels, self.ring_width, self.pixel.size)
            regions["ring_"] = Pixels(rings, pixels.ids, pixels.corner)
        columns: Table = {}
        for channel, image in self.channels.items():
            with self.reading:
                values = np.asarray(image[window])
            for prefix, region in regions.items():
                found = intensities(region, values)
                found["corrected_mean"] = found["mean"] - self.backgrounds[channel]
                columns |= {f"{prefix}{name}_{channel}": found[name] for name in found}
        return columns


def _places(pixels: Pixels, ends: np.ndarray, pixel: Pixel) -> Table:
    """Return centroids and bounding boxes."""
    axes = AXES[pixels.labels.ndim]
    columns: Table = {}
    middles = dict(zip(axes, pixels.centroids.T, strict=True))
    columns |= {f"centroid_{axis}": middles[axis] for axis in axes}
    if pixel.unit:
        sizes = dict(zip(axes, pixel.size, strict=True))
        columns |= {
            f"centroid_{axis}{pixel.ending()}": middles[axis] * sizes[axis] for axis in axes
        }
    for side in (0, 1):
        columns |= {_SIDES[axis][side]: ends[:, side, at] for at, axis in enumerate(axes)}
    return columns


def _with_distances(table: Table, ndim: int, pixel: Pixel) -> Table:
    """Add the distance to the nearest nucleus, after the number of neighbors."""
    points = np.stack([table[f"centroid_{axis}"] for axis in AXES[ndim]], axis=1)
    nearest = {}
    # In a stack planes are farther apart than pixels: a distance in pixels says nothing.
    if ndim == 2 or not pixel.unit:
        nearest["nearest"] = nearest_distances(points)
    if pixel.unit:
        nearest["nearest" + pixel.ending()] = nearest_distances(points * pixel.size)
    whole: Table = {}
    for name, values in table.items():
        whole[name] = values
        if name == "neighbors":
            whole |= nearest
    return whole
