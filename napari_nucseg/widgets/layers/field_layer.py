"""A field as an image layer, where its pixel size says."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...image import Field
from .layers import METADATA_KEY

__all__ = ["add_field"]


def add_field(viewer: Any, field: Field) -> Any:
    """Show a field as an image layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it is shown.
    field : Field
        With its pixel size, if that is known.

    Returns
    -------
    Image
        The layer, with as many axes as the image has: channels come first.
    """
    return viewer.add_image(
        np.asarray(field.image),
        name=field.name,
        rgb=field.is_color,
        metadata={METADATA_KEY: {"field": field.name}},
        **_placed(field),
    )


def _placed(field: Field) -> dict[str, Any]:
    """Return where to put the image."""
    axes = [axis for axis in field.axes if axis != "S"]
    placed: dict[str, Any] = {"axis_labels": tuple(axis.lower() for axis in axes)}
    if field.pixel_size and field.unit:
        scale = dict(zip("YX", field.pixel_size, strict=True))
        placed["scale"] = tuple(scale.get(axis, 1.0) for axis in axes)
        placed["units"] = tuple(field.unit if axis in scale else "pixel" for axis in axes)
    return placed
