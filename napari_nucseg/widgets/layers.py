"""Layer to field, and labels back to where the image is."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from ..field import Field, guess_axes

__all__ = ["field_of", "placement_of", "plane_of", "why_not_image", "why_not_labels"]

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
    unit = str(layer.units[-1])
    height, width = (float(size) for size in layer.scale[-2:])
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
    if labels is None:
        return "Segment an image first, or add a Labels layer."
    reason = why_not_image(image)
    if reason or image is None:
        return reason
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
        With two displayed axes, Y and X, at the end.

    Returns
    -------
    dict
        Keyword arguments of ``viewer.add_labels`` and ``viewer.add_image``.
    """
    return {
        "scale": tuple(layer.scale[-2:]),
        "translate": tuple(layer.translate[-2:]),
        # Channels are not mixed with places, so Y and X have a block of their own.
        "rotate": np.array(layer.rotate)[-2:, -2:],
        "shear": np.array(layer.shear)[-1:],
        "affine": np.array(layer.affine.affine_matrix)[-3:, -3:],
        "units": tuple(layer.units[-2:]),
        "axis_labels": tuple(layer.axis_labels[-2:]),
    }
