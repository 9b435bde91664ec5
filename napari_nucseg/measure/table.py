"""From labels to a table: a row for every nucleus."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from .intensity import background_of, intensities, ring_labels
from .neighbors import nearest_distances, neighbor_counts
from .pixels import Pixels
from .shape import SHAPES, shapes_2d, shapes_3d

if TYPE_CHECKING:
    import pandas

__all__ = ["Pixel", "measure_nuclei"]

#: Nuclei are measured together whose boxes begin in the same square or cube of this length.
_BLOCK = {2: 1024, 3: 128}

_AXES = {2: "yx", 3: "zyx"}


@dataclasses.dataclass(frozen=True)
class Pixel:
    """The size of a pixel or voxel.

    Parameters
    ----------
    size : tuple of float
        Along each axis of the labels.
    unit : str, optional
        Such as ``"µm"``; empty if the size is not known and lengths are in pixels.
    """

    size: tuple[float, ...]
    unit: str = ""

    @property
    def is_known(self) -> bool:
        """Whether lengths can be given in a unit."""
        return bool(self.unit)


def measure_nuclei(
    labels: Any,
    channels: Mapping[str, Any] | None = None,
    *,
    pixel: Pixel | None = None,
    ring: float = 0.0,
    extra: Mapping[str, Mapping[int, Any]] | None = None,
) -> pandas.DataFrame:
    """Measure every nucleus.

    The labels and channels are read part by part, so that they may be larger than memory. A
    nucleus is always measured as a whole: the parts make no difference to the numbers.

    Parameters
    ----------
    labels : array_like of int, shape (Y, X) or (Z, Y, X)
        0 is background, every nucleus has a positive integer. NumPy, Zarr and Dask arrays.
    channels : mapping of str to array_like, optional
        Channels of the image by name, each of the shape of the labels.
    pixel : Pixel, optional
        Size of a pixel. With a unit, lengths and areas are given in it, too.
    ring : float, optional
        Width of a ring around each nucleus in which intensities are measured, in the unit of
        the pixel or else in pixels; 0 for none. The ring ends where a pixel is nearer to
        another nucleus.
    extra : mapping of str to mapping, optional
        Further columns: of each a value by label, such as the state. Nuclei that are not in it
        have no value.

    Returns
    -------
    pandas.DataFrame
        A row for each nucleus in the order of the labels. In two dimensions: ``label``,
        ``centroid_y``, ``centroid_x``, ``top``, ``left``, ``bottom``, ``right`` (the last two
        just outside), ``area``, ``perimeter``, ``major_axis``, ``minor_axis``,
        ``orientation``, ``eccentricity``, ``solidity``, ``circularity``, ``feret``; in three
        ``volume``, ``surface`` and ``sphericity``. ``touches_border``, ``neighbors`` (nuclei
        that touch it, also by a corner), ``nearest`` (distance to the next centroid). Of each
        channel ``mean_<channel>``, ``median_…``, ``std_…``, ``sum_…``, ``min_…``, ``max_…``,
        ``corrected_mean_…`` (less the median of the background), and the same with
        ``ring_`` in front for the ring. A column in a unit has it in its name, as in
        ``area_um2``.

    Raises
    ------
    ValueError
        If the labels have another number of axes, or a channel has another shape.
    """
    import pandas

    labels, channels = _checked(labels, channels or {})
    pixel = pixel or Pixel((1.0,) * labels.ndim)
    boxes = _boxes(labels)
    backgrounds = {name: background_of(image, labels) for name, image in channels.items()}
    work = _Work(labels, channels, backgrounds, pixel, ring)
    with ThreadPoolExecutor(2) as threads:
        parts = list(threads.map(work.measure, _groups(boxes, labels.ndim)))
    table = pandas.concat(parts) if parts else work.measure({})
    table = table.sort_values("label", ignore_index=True)
    for name, values in (extra or {}).items():
        table[name] = table["label"].map(dict(values))
    return _with_distances(table, labels.ndim, pixel)


def _checked(labels: Any, channels: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """Return labels and channels that can be measured."""
    labels = labels if hasattr(labels, "shape") else np.asarray(labels)
    if labels.ndim not in _AXES or np.dtype(labels.dtype).kind not in "iu":
        raise ValueError(
            f"Expected labels (Y, X) or (Z, Y, X) of whole numbers, got shape "
            f"{tuple(labels.shape)} of {labels.dtype}. Measure one time point at a time."
        )
    for name, image in channels.items():
        if tuple(image.shape) != tuple(labels.shape):
            raise ValueError(
                f"Expected channel {name!r} to have the shape of the labels, "
                f"{tuple(labels.shape)}, got {tuple(image.shape)}. Give the image that the "
                f"labels were made from, channel by channel."
            )
    return labels, channels


#: Of a nucleus: where it begins, and where it ends.
_Box = tuple[tuple[int, ...], tuple[int, ...]]


def _boxes(labels: Any) -> dict[int, _Box]:
    """Return the bounding box of every nucleus."""
    from scipy import ndimage

    boxes: dict[int, _Box] = {}
    for corner in np.ndindex(*(-(-length // _BLOCK[labels.ndim]) for length in labels.shape)):
        start = tuple(index * _BLOCK[labels.ndim] for index in corner)
        window = tuple(slice(low, low + _BLOCK[labels.ndim]) for low in start)
        ids, small = np.unique(np.asarray(labels[window]), return_inverse=True)
        if ids[0] < 0:
            raise ValueError(f"Expected labels of 0 or more, got {ids[0]}.")
        found = ndimage.find_objects(
            small.reshape([*np.asarray(labels[window]).shape]) + (ids[0] != 0)
        )
        for one, box in zip(ids[ids > 0].tolist(), found, strict=True):
            low = tuple(first + part.start for first, part in zip(start, box, strict=True))
            high = tuple(first + part.stop for first, part in zip(start, box, strict=True))
            if one in boxes:
                low = tuple(map(min, low, boxes[one][0]))
                high = tuple(map(max, high, boxes[one][1]))
            boxes[one] = low, high
    return boxes


def _groups(boxes: dict[int, _Box], ndim: int) -> Iterator[dict[int, _Box]]:
    """Yield nuclei whose boxes begin in the same block."""
    groups: dict[tuple[int, ...], dict[int, _Box]] = {}
    for one, box in boxes.items():
        block = tuple(low // _BLOCK[ndim] for low in box[0])
        groups.setdefault(block, {})[one] = box
    yield from groups.values()


@dataclasses.dataclass(frozen=True, eq=False)
class _Work:
    """Measures some nuclei."""

    labels: Any
    channels: Mapping[str, Any]
    backgrounds: Mapping[str, float]
    pixel: Pixel
    ring: float

    def measure(self, boxes: dict[int, _Box]) -> pandas.DataFrame:
        """Return the rows of the nuclei in these boxes."""
        import pandas

        ids = np.array(sorted(boxes), np.int64)
        window, corner = self._window(boxes)
        labels = np.asarray(self.labels[window])
        pixels = Pixels(labels, ids, corner)
        columns: dict[str, np.ndarray] = {"label": ids}
        columns |= _places(pixels, [boxes[one] for one in ids.tolist()])
        columns |= self._shapes(pixels)
        limits = self.labels.shape
        touches = [_touches(boxes[one], limits) for one in ids.tolist()]
        columns["touches_border"] = np.array(touches, bool)
        columns["neighbors"] = neighbor_counts(pixels)
        columns |= self._intensities(pixels, labels, window)
        return pandas.DataFrame(columns)

    def _window(self, boxes: dict[int, _Box]) -> tuple[tuple[slice, ...], tuple[int, ...]]:
        """Return the part of the image that holds these nuclei and what is around them."""
        ndim = self.labels.ndim
        if not boxes:
            return (slice(0, 0),) * ndim, (0,) * ndim
        # A ring is decided by the nuclei up to two widths away.
        reach = [1 + int(np.ceil(2 * self.ring / size)) for size in self.pixel.size]
        low = [
            max(0, min(box[0][axis] for box in boxes.values()) - reach[axis])
            for axis in range(ndim)
        ]
        high = [max(box[1][axis] for box in boxes.values()) + reach[axis] for axis in range(ndim)]
        return tuple(map(slice, low, high)), tuple(low)

    def _shapes(self, pixels: Pixels) -> dict[str, np.ndarray]:
        """Return size and shape, in pixels and in the unit."""
        if self.labels.ndim == 3:
            ending = _ending(self.pixel, 3)
            powers = {"volume": 3, "surface": 2, "major_axis": 1, "minor_axis": 1}
            found = shapes_3d(pixels, self.pixel.size)
            voxels = {"voxels": pixels.counts}
            return voxels | {
                name + (_ending(self.pixel, powers[name]) if name in powers else ""): values
                for name, values in found.items()
                if ending or True
            }
        found = shapes_2d(pixels)
        if self.pixel.is_known and len(set(self.pixel.size)) == 1:
            size = self.pixel.size[0]
            found |= {
                name + _ending(self.pixel, power): found[name] * size**power
                for name, power in SHAPES.items()
                if power
            }
        elif self.pixel.is_known:
            area = found["area"] * float(np.prod(self.pixel.size))
            found["area" + _ending(self.pixel, 2)] = area
        return found

    def _intensities(
        self, pixels: Pixels, labels: np.ndarray, window: tuple[slice, ...]
    ) -> dict[str, np.ndarray]:
        """Return the intensities of every channel, in the nuclei and around them."""
        if not self.channels:
            return {}
        regions = {"": pixels}
        if self.ring and pixels.ids.size:
            rings = ring_labels(labels, self.ring, self.pixel.size)
            regions["ring_"] = Pixels(rings, pixels.ids, pixels.corner)
        columns = {}
        for channel, image in self.channels.items():
            values = np.asarray(image[window])
            for prefix, region in regions.items():
                found = intensities(region, values)
                found["corrected_mean"] = found["mean"] - self.backgrounds[channel]
                columns |= {f"{prefix}{name}_{channel}": found[name] for name in found}
        return columns


def _places(pixels: Pixels, boxes: Sequence[_Box]) -> dict[str, np.ndarray]:
    """Return centroids and bounding boxes."""
    ndim = pixels.labels.ndim
    middle = pixels.centroids.reshape(-1, ndim)
    columns = {f"centroid_{axis}": middle[:, at] for at, axis in enumerate(_AXES[ndim])}
    ends = np.array(boxes, np.int64).reshape(-1, 2, ndim)
    low, high = ends[:, 0], ends[:, 1]
    names = {"y": ("top", "bottom"), "x": ("left", "right"), "z": ("first_z", "end_z")}
    for side, values in ((0, low), (1, high)):
        for at, axis in enumerate(_AXES[ndim]):
            columns[names[axis][side]] = values[:, at]
    return columns


def _touches(box: _Box, shape: tuple[int, ...]) -> bool:
    """Return whether the border of the image may have cut a nucleus off."""
    return any(
        low == 0 or high == length for low, high, length in zip(*box, shape, strict=True)
    )


def _ending(pixel: Pixel, power: int) -> str:
    """Return how the name of a column in the unit ends."""
    unit = {"µm": "um", "μm": "um", "micrometer": "um", "micron": "um"}.get(pixel.unit, pixel.unit)
    return f"_{unit}{power if power > 1 else ''}" if unit else ""


def _with_distances(table: pandas.DataFrame, ndim: int, pixel: Pixel) -> pandas.DataFrame:
    """Add the distance to the nearest nucleus, after the number of neighbors."""
    points = table[[f"centroid_{axis}" for axis in _AXES[ndim]]].to_numpy(float)
    at = table.columns.get_loc("neighbors") + 1
    if pixel.is_known:
        distances = nearest_distances(points * np.array(pixel.size))
        table.insert(at, "nearest" + _ending(pixel, 1), distances)
        for axis, size in reversed([*zip(_AXES[ndim], pixel.size, strict=True)]):
            name = f"centroid_{axis}"
            here = table.columns.get_loc(f"centroid_{_AXES[ndim][-1]}") + 1
            table.insert(here, name + _ending(pixel, 1), table[name] * size)
    if ndim == 2 or not pixel.is_known:
        table.insert(at, "nearest", nearest_distances(points))
    return table
