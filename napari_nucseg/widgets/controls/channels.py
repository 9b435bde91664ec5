"""The channels of an image: what they are called, and which one the viewer shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

from ..layers.layers import axes_of, field_of, image_of

__all__ = ["channels_in_words", "show_channel", "shown_channel"]


def channels_in_words(layer: Image) -> tuple[str, str]:
    """Say what is taken for the channels of an image.

    Parameters
    ----------
    layer : Image
        An image that can be segmented.

    Returns
    -------
    short, long : str
        For a label and for its tooltip; empty where nothing is assumed.
    """
    field, image = field_of(layer), image_of(layer)
    if layer.rgb or field.channels == 1:
        return "", ""
    if not image.guessed:
        return f"of {field.channels}", ""
    first = field.axes[0] == "C"
    which = "first" if first else "last"
    long = (
        f"The image has the shape {tuple(field.image.shape)}, and its {which} axis is "
        f"taken for {field.channels} channels. If these are the planes of a z-stack or a "
        f"time series, choose the one to segment, or name the axes above."
    )
    if not first:
        long += " Napari shows the last two axes of an image: put the channels first to see it."
    return f"of {field.channels} ({which} axis)", long


def shown_channel(viewer: Any, layer: Image) -> int | None:
    """Return the channel of an image that the viewer shows.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : Image
        One of its layers, which can be segmented.

    Returns
    -------
    int or None
        None if there is no slider for the channels, or its position is out of range.
    """
    if _slider_of(viewer, layer) is None:
        return None
    place = layer.world_to_data(viewer.dims.point)
    channel = round(float(place[axes_of(layer)["C"]]))
    return channel if 0 <= channel < field_of(layer).channels else None


def show_channel(viewer: Any, layer: Image, channel: int) -> None:
    """Let the viewer show a channel of an image, if a slider chooses it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : Image
        One of its layers, which can be segmented.
    channel : int
        Which channel, counted from 0.
    """
    axis = _slider_of(viewer, layer)
    if axis is not None:
        own_axis = axes_of(layer)["C"]
        place = np.zeros(layer.ndim)
        place[own_axis] = channel
        viewer.dims.set_point(axis, float(layer.data_to_world(place)[own_axis]))


def _slider_of(viewer: Any, layer: Image) -> int | None:
    """Return the axis of the viewer along which the channels are, if it has a slider."""
    field = field_of(layer)
    if layer.rgb or "C" not in field.axes or field.channels == 1:
        return None
    axis = int(viewer.dims.ndim - layer.ndim) + axes_of(layer)["C"]
    return None if axis in viewer.dims.displayed else axis
