"""The public function that measures nuclei."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..image import BaseImage, Field, Image
from ..pipeline import Segmentation
from ..support import Callbacks
from .sources import (
    all_channels,
    channels_of,
    labels_image,
    named_alike,
    pixel_of,
    source_image,
    sources_of,
)
from .summary import Measurement
from .table import Table, table_of

__all__ = ["measure_image", "measure_nuclei"]

_Measure = Callable[[BaseImage, Mapping[str, BaseImage]], Table]


def measure_nuclei(
    labels: Any,
    image: Any = None,
    *,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    pixel_size: float | Sequence[float] | None = None,
    ring_width: float = 0.0,
    channel_names: Sequence[str] = (),
    probability: Any = None,
    extra: Mapping[str, Mapping[int, Any]] | None = None,
    callbacks: Callbacks = Callbacks(),
) -> Table:
    """Measure every nucleus: position, size, shape, intensities and neighbors.

    Arrays and images are read part by part, so that they may be larger than memory. A nucleus
    is always measured as a whole: the parts make no difference to the numbers.

    Parameters
    ----------
    labels : array_like of int, path, Image, Field or Segmentation
        (Y, X), (Z, Y, X), (T, Y, X) or (T, Z, Y, X); 0 is background, every nucleus has a
        positive integer. NumPy, Zarr and Dask arrays, and files. Three axes are a stack,
        unless the image is a series.
    image : array_like, path, Image or Field, or mapping of str to these, optional
        The image that they belong to, with the same axes and perhaps channels or colors;
        left out, that of a Field. Several images of the same place, such as a file for each
        channel, are given by name; the names are those of their channels.
    axes : str, optional
        A letter for each axis of the image, or of the labels where there is no image.
    z, t : int, optional
        Which plane and which time point of the image the labels belong to.
    pixel_size : float or sequence of float, optional
        Micrometers along Y and X (Z, Y and X in a stack), or one number for all; left out,
        what image or labels say.
    ring_width : float, optional
        Width of a ring around each nucleus in which intensities are measured, too: in the
        unit of the pixels, or in pixels if their size is not known; 0 for none. A pixel of
        the background that is near to several nuclei belongs to the nearest one.
    channel_names : sequence of str, optional
        What the channels are called in names of columns; left out, ``intensity``, or
        ``red``, ``green`` and ``blue``, or ``channel_0``, ``channel_1``, ….
    probability : array_like, path or Image, optional
        Foreground probability of the shape of the labels, 8-bit (255 is 1) or 0 to 1.
    extra : mapping of str to mapping, optional
        Further columns: of each a value by label, such as a state. Nuclei that are not in it
        have NaN, or an empty text among texts.
    callbacks : Callbacks, optional
        Who is told of the progress, and who may end it.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        A row for each nucleus in the order of the labels. ``pandas.DataFrame`` takes it as
        it is. Lengths are in pixels; where the size of a pixel is known, further columns
        have the unit in their names, such as ``area_um2``.

        - ``t`` in a series; ``label``; ``centroid_y``, ``centroid_x`` (and ``_z``): mean
          position of its pixels, whose centers have whole numbers; the bounding box ``top``,
          ``left``, ``bottom``, ``right`` (and ``first_z``, ``end_z``), of which bottom,
          right and end are just behind it
        - in a plane ``area``, ``perimeter``, ``major_axis``, ``minor_axis``,
          ``orientation``, ``eccentricity``, ``solidity``, ``circularity``, ``feret``; in a
          stack ``voxels``, ``volume``, ``surface``, ``sphericity``, ``major_axis``,
          ``minor_axis``, ``solidity``, ``feret``
        - ``touches_border``: of the image; ``neighbors``: how many nuclei touch it, by a
          corner of a pixel, too; ``nearest``: distance to the next centroid
        - ``mean_probability``
        - of each channel ``mean_…``, ``median_…``, ``std_…``, ``sum_…``, ``min_…``,
          ``max_…`` and ``corrected_mean_…``, which is less the median of all background; the
          same with ``ring_`` in front for the ring

    Raises
    ------
    TypeError, ValueError
        If labels, image and pixel size are not usable or do not fit to each other.
    FileNotFoundError
        If there is no such file.
    Stopped
        If it should stop.

    Examples
    --------
    >>> found = find_nuclei("field.tif")
    >>> table = measure_nuclei(found, "field.tif", ring_width=3)
    >>> table["mean_intensity"] - table["ring_median_intensity"]

    Two images of one place, the second of another stain:

    >>> table = measure_nuclei(found, {"dapi": "dapi.tif", "ki67": "ki67.tif"})
    >>> table["corrected_mean_ki67"]
    """
    return measure_image(
        labels,
        image,
        axes=axes,
        z=z,
        t=t,
        pixel_size=pixel_size,
        ring_width=ring_width,
        channel_names=channel_names,
        probability=probability,
        extra=extra,
        callbacks=callbacks,
    ).table


def measure_image(
    labels: Any,
    image: Any = None,
    *,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    pixel_size: float | Sequence[float] | None = None,
    ring_width: float = 0.0,
    channel_names: Sequence[str] = (),
    probability: Any = None,
    extra: Mapping[str, Mapping[int, Any]] | None = None,
    callbacks: Callbacks = Callbacks(),
) -> Measurement:
    """Measure every nucleus, and keep what a summary of the image needs.

    Parameters
    ----------
    labels, image, axes, z, t, pixel_size, ring_width, channel_names
        See `measure_nuclei`.
    probability, extra, callbacks
        See `measure_nuclei`.

    Returns
    -------
    Measurement
        The table, and what the labels were like.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError, Stopped
        See `measure_nuclei`.
    """
    if not 0 <= ring_width < np.inf:
        raise ValueError(f"Expected a width of the ring of 0 or more, got {ring_width}.")
    if image is None and isinstance(labels, Field):
        image = labels
    if probability is None and isinstance(labels, Segmentation):
        probability = labels.probability
    sources = sources_of(image, axes, z, t)
    first = next(iter(sources.values()), None)
    known = labels_image(labels, first, "" if sources else axes.upper())
    sources = {name: named_alike(one, known) for name, one in sources.items()}
    channels = all_channels(sources, known, channel_names)
    pixel = pixel_of(known, next(iter(sources.values()), None), pixel_size)

    def measure(one: BaseImage, parts: Mapping[str, BaseImage]) -> Table:
        return table_of(one, parts, pixel, ring_width, callbacks)

    table = _over_time(known, channels, measure)
    if probability is not None:
        table |= _mean_probability(known, probability)
    table |= _extra(table["label"], extra or {})
    return Measurement(table, known.sizes, pixel)


def _over_time(
    labels: BaseImage, channels: Mapping[str, BaseImage], measure: _Measure
) -> Table:
    """Measure each time point, and put the tables together."""
    if "T" not in labels.axes:
        return measure(labels, channels)
    parts = []
    for at in range(labels.sizes["T"]):
        of_time = {name: image.view({"T": at}) for name, image in channels.items()}
        part = measure(labels.view({"T": at}), of_time)
        parts.append({"t": np.full(part["label"].size, at)} | part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _mean_probability(labels: BaseImage, probability: Any) -> Table:
    """Return the mean probability of each nucleus."""
    is_array = not isinstance(probability, str | Path | Image)
    image = source_image(probability, labels.axes if is_array else "")
    channel = channels_of(image, labels, ["probability"])
    pixel = pixel_of(labels, None, 1.0)
    found = _over_time(labels, channel, lambda one, parts: table_of(one, parts, pixel))
    whole = 255 if image.dtype == np.uint8 else 1
    return {"mean_probability": found["mean_probability"] / whole}


def _extra(labels: np.ndarray, columns: Mapping[str, Mapping[int, Any]]) -> Table:
    """Return further columns."""
    found: Table = {}
    for name, values in columns.items():
        is_text = any(isinstance(value, str) for value in values.values())
        missing = "" if is_text else np.nan
        found[name] = np.array([values.get(one, missing) for one in labels.tolist()])
    return found
