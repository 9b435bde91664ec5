"""Layer to field, and labels back to where the image is."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from ..image import Field, guess_axes

__all__ = [
    "METADATA_KEY",
    "SHOWS",
    "axes_of",
    "field_of",
    "place",
    "placement_of",
    "plane_of",
    "why_not_drawn",
    "why_not_image",
    "why_not_labels",
]

#: Where a layer of ours carries its provenance in ``layer.metadata``, and where the
#: provenance says that the layer shows a map beside the labels.
METADATA_KEY, SHOWS = "nucseg", "shows"

_MOST_PIXELS = 100_000_000


def plane_of(layer: Image | Labels) -> Any:
    """Return the data of an image or of labels at full resolution, without reading it.

    Parameters
    ----------
    layer : Image or Labels
        The layer.

    Returns
    -------
    array_like
        The largest level of a multiscale image, without axes of length 1.
    """
    data, axes = _data_of(layer), _long_axes(layer)
    if len(axes) == data.ndim:
        return data
    return data[tuple(slice(None) if axis in axes else 0 for axis in range(data.ndim))]


def axes_of(layer: Image) -> dict[str, int]:
    """Return which axes of an image are Y, X and perhaps C.

    Parameters
    ----------
    layer : Image
        One that can be segmented.

    Returns
    -------
    dict of str to int
        The number of the axis by its letter.
    """
    letters = "YXC" if layer.rgb else guess_axes(plane_of(layer).shape)
    return dict(zip(letters, _long_axes(layer), strict=True))


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
    data = plane_of(layer)
    axes = "YXC" if layer.rgb else guess_axes(data.shape)
    rows, columns = _rows_and_columns(layer)
    unit = str(layer.units[columns])
    height, width = float(layer.scale[rows]), float(layer.scale[columns])
    known = unit != "pixel" and height > 0 and width > 0
    field = Field(
        data,
        axes,
        layer.name,
        (height, width) if known else None,
        unit if known else "pixel",
        labels,
    )
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
