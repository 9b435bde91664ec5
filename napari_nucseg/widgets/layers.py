"""Layer to field, and labels back to where the image is."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from ..field import Field, guess_axes

__all__ = [
    "METADATA_KEY",
    "SHOWS",
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


def plane_of(layer: Image) -> Any:
    """Return the data of an image at full resolution, without reading it.

    Parameters
    ----------
    layer : Image
        The layer.

    Returns
    -------
    array_like
        The largest level of a multiscale image.
    """
    return layer.data[0] if layer.multiscale else layer.data


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
    if labels.data.ndim != 2:
        return (
            f"The labels have {labels.data.ndim} dimensions, and nuclei are drawn on a plane. "
            f"Click Segment, and draw in the layer that it makes."
        )
    if tuple(labels.data.shape) != field_of(image).shape:
        return (
            f"The labels have the shape {tuple(labels.data.shape)}, the image "
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
    axes = guess_axes(plane_of(layer).shape)
    return axes.index("Y"), axes.index("X")
