"""Layer to image and field, and labels back to where the image is."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from ...image import ArrayImage, Field, axes_of_names, check_axes, guess_axes, names_of_axes

__all__ = [
    "METADATA_KEY",
    "SHOWS",
    "axes_of",
    "field_of",
    "image_of",
    "place",
    "placement_of",
    "plane_of",
    "sample_of",
    "set_axes",
    "why_not_drawn",
    "why_not_image",
    "why_not_labels",
]

#: Where a layer of ours carries its provenance in ``layer.metadata``, and where the
#: provenance says that the layer shows a map beside the labels.
METADATA_KEY, SHOWS = "nucseg", "shows"

_MOST_PIXELS = 100_000_000

#: How many pixels of an image tell whether its array was changed in place.
_SAMPLE = 100_000


def plane_of(layer: Image | Labels) -> Any:
    """Return the data of an image or of labels at full resolution, without reading it.

    Parameters
    ----------
    layer : Image or Labels
        The layer.

    Returns
    -------
    array_like
        The finest level of a multiscale image, without axes of length 1.
    """
    data, axes = _data_of(layer), _long_axes(layer)
    if len(axes) == data.ndim:
        return data
    return data[tuple(slice(None) if axis in axes else 0 for axis in range(data.ndim))]


def sample_of(layer: Image) -> int | None:
    """Return a number that changes with the pixels of an image, also where its array stays.

    Parameters
    ----------
    layer : Image
        The image.

    Returns
    -------
    int or None
        Of pixels that are spread over the image; None if it would have to be read.
    """
    data = plane_of(layer)
    if not isinstance(data, np.ndarray):
        return None
    step = max(1, data.size // _SAMPLE)
    return zlib.crc32(data.flat[::step].tobytes())


def axes_of(layer: Image) -> dict[str, int]:
    """Return which axes of the data of an image are Y, X and perhaps C and others.

    Parameters
    ----------
    layer : Image
        One whose axes are named or can be guessed.

    Returns
    -------
    dict of str to int
        The number of the axis by its letter, without axes of length 1.
    """
    return dict(zip(image_of(layer).axes, _long_axes(layer), strict=True))


def set_axes(layer: Image, axes: str) -> None:
    """Name the axes of an image, in the labels that napari has for them.

    Parameters
    ----------
    layer : Image
        The image.
    axes : str
        A letter for each axis of the data that is longer than 1, that of colors included or
        not; empty to have them guessed.

    Raises
    ------
    ValueError
        If they do not fit.
    """
    if not axes:
        layer.axis_labels = None
        return
    axes, shape = axes.upper(), plane_of(layer).shape
    if layer.rgb and "S" not in axes:
        axes += "S"
    check_axes(axes, shape)
    if axes.index("Y") > axes.index("X") or (layer.rgb and axes[-1] != "S"):
        raise ValueError(
            f"Expected Y before X, as napari shows rows and columns, and colors (S) last, got "
            f"{axes!r}."
        )
    labels = list(layer.axis_labels)
    for place, name in zip(_long_axes(layer), names_of_axes(axes), strict=True):
        if place < layer.ndim:
            labels[place] = name
    layer.axis_labels = labels


def image_of(layer: Image) -> ArrayImage:
    """Return the image that a layer shows, at full resolution and without reading it.

    Parameters
    ----------
    layer : Image
        Of any number of dimensions.

    Returns
    -------
    ArrayImage
        Without axes of length 1. Its axes are those that the axis labels of the layer name,
        such as ``("t", "z", "y", "x")``, or else guessed; spacing and unit are those of the
        layer, where there is a unit.

    Raises
    ------
    TypeError
        If the data are not real numbers.
    ValueError
        If the axes are not named and cannot be guessed.
    """
    data, places = plane_of(layer), _long_axes(layer)
    named = _named_axes(layer, places)
    axes = named or _guessed_axes(layer, data.shape)
    units = {
        axis: str(layer.units[place])
        for axis, place in zip(axes, places, strict=True)
        if place < layer.ndim and layer.scale[place] > 0
    }
    unit = {axis: name for axis, name in units.items() if name != "pixel"}
    spacing = {axis: float(layer.scale[places[axes.index(axis)]]) for axis in unit}
    image = ArrayImage(data, axes, name=layer.name, spacing=spacing, unit=unit)
    image.guessed = not named and image.ndim > 2
    return image


def _named_axes(layer: Image, places: list[int]) -> str:
    """Return the axes that the labels of a layer name, empty if they do not."""
    inner = [place for place in places if place < layer.ndim]
    named = axes_of_names(layer.axis_labels[place] for place in inner)
    if named and named.index("Y") > named.index("X"):
        # Napari shows the first of the two as rows, whatever it is called.
        named = named.translate(str.maketrans("YX", "XY"))
    return named + "S" * bool(named and len(inner) < len(places))


def _guessed_axes(layer: Image, shape: tuple[int, ...]) -> str:
    if not layer.rgb:
        return guess_axes(shape)
    # What is stacked are not channels, as these have colors already.
    return "ZYXS" if len(shape) == 4 else guess_axes(shape[:-1]) + "S"


def _data_of(layer: Image | Labels) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _long_axes(layer: Image | Labels) -> list[int]:
    """Return the axes that are longer than 1; the last are those of a plane at any length."""
    data = _data_of(layer)
    shape = data.shape
    if not (isinstance(data, np.ndarray) or hasattr(data, "dask")):
        return list(range(len(shape)))  # to take one axis away would read all
    plane = 3 if isinstance(layer, Image) and layer.rgb else 2
    return [
        axis for axis, length in enumerate(shape) if length > 1 or axis >= len(shape) - plane
    ]


def field_of(layer: Image, labels: np.ndarray | None = None) -> Field:
    """Return the field that a layer shows.

    Parameters
    ----------
    layer : Image
        Grey, color or multichannel 2-D image.
    labels : ndarray of int, shape (Y, X), optional
        Labels of the image.

    Returns
    -------
    Field
        With the pixel size of the layer, if it has a unit.

    Raises
    ------
    TypeError, ValueError
        If the image cannot be segmented; the message says why.
    """
    # An image that was opened from a training set may have to be called something else here.
    name = layer.metadata.get(METADATA_KEY, {}).get("field", layer.name)
    field = Field(image_of(layer), name=name, labels=labels)
    if field.shape[0] * field.shape[1] > _MOST_PIXELS:
        raise ValueError(
            f"Expected an image of at most {_MOST_PIXELS / 1e6:.0f} megapixels, got "
            f"{field.shape[0]} x {field.shape[1]}. Crop it, or use the nucseg command."
        )
    return field


def why_not_image(layer: Image | None) -> str:
    """Say why a layer cannot be segmented.

    Parameters
    ----------
    layer : Image or None
        The chosen layer.

    Returns
    -------
    str
        The reason, empty if it can.
    """
    if layer is None:
        return "Open an image first: File > Open, or File > Open Sample."
    try:
        field_of(layer)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def why_not_drawn(labels: Labels | None) -> str:
    """Say why labels cannot be corrected.

    Parameters
    ----------
    labels : Labels or None
        The chosen labels.

    Returns
    -------
    str
        The reason, empty if they can.
    """
    if labels is None:
        return "Segment an image first, or add a Labels layer."
    if labels.multiscale:
        return "The labels have several resolutions: only one can be drawn on."
    return ""


def why_not_labels(labels: Labels | None, image: Image | None) -> str:
    """Say why labels and image cannot be put into the training set.

    Parameters
    ----------
    labels : Labels or None
        The chosen labels.
    image : Image or None
        The image they belong to.

    Returns
    -------
    str
        The reason, empty if they can.
    """
    reason = why_not_drawn(labels) or why_not_image(image)
    if reason or labels is None or image is None:
        return reason
    shape = tuple(plane_of(labels).shape)
    if len(shape) != 2:
        return (
            f"The labels have {len(shape)} dimensions, and nuclei are drawn on a plane. "
            f"Click Segment, and draw in the layer that it makes."
        )
    if shape != field_of(image).shape:
        return (
            f"The labels have the shape {shape}, the image "
            f"{image.name!r} has {field_of(image).shape}. Choose the image they belong to."
        )
    return ""


def placement_of(layer: Layer) -> dict[str, Any]:
    """Return what puts a 2-D layer exactly over another one.

    Parameters
    ----------
    layer : Layer
        Of one plane, or of several channels of one.

    Returns
    -------
    dict
        Keyword arguments of ``viewer.add_labels`` and ``viewer.add_image``.
    """
    rows, columns = plane = list(_rows_and_columns(layer))
    # Shear is the upper triangle of a matrix, or where it is a lower one, the whole of it.
    shear = np.array(layer.shear)
    if shear.ndim == 1:
        matrix = np.eye(layer.ndim)
        matrix[np.triu_indices(layer.ndim, k=1)] = shear
        shear = matrix
    whole = [*plane, layer.ndim]
    return {
        "scale": tuple(layer.scale[plane]),
        "translate": tuple(layer.translate[plane]),
        # Channels are not mixed with places, so Y and X have a block of their own.
        "rotate": np.array(layer.rotate)[np.ix_(plane, plane)],
        "shear": shear[np.ix_(plane, plane)],
        "affine": np.array(layer.affine.affine_matrix)[np.ix_(whole, whole)],
        "units": (layer.units[rows], layer.units[columns]),
        "axis_labels": (layer.axis_labels[rows], layer.axis_labels[columns]),
    }


def place(layer: Layer, placement: dict[str, Any]) -> None:
    """Put a layer that is there already to where another one is.

    Parameters
    ----------
    layer : Layer
        To be moved.
    placement : dict
        See `placement_of`.
    """
    now = placement_of(layer)
    for name, value in placement.items():
        if not np.all(now[name] == value):
            setattr(layer, name, value)


def _rows_and_columns(layer: Layer) -> tuple[int, int]:
    """Return which axes of a layer are Y and X."""
    if layer.ndim == 2:
        return 0, 1
    axes = axes_of(layer)
    return axes["Y"], axes["X"]
