"""Which image a layer was made from, whatever both are called."""

from __future__ import annotations

import dataclasses
import weakref
from typing import Any

from napari.layers import Image

from .layers import METADATA_KEY
from .shown import bare

__all__ = ["MadeFrom", "forget_origin", "note_origin", "origin_of"]


@dataclasses.dataclass
class MadeFrom:
    """Where a layer comes from.

    Parameters
    ----------
    name : str
        What the image was called then.
    image : weakref of Image
        The image, as long as there is one.
    is_same : bool
        Whether the image still shows what the layer was made from.
    """

    name: str
    image: weakref.ref[Any]
    is_same: bool = True


#: Of all windows, as the widget may be closed and opened again.
_origins: weakref.WeakKeyDictionary[Any, MadeFrom] = weakref.WeakKeyDictionary()


def note_origin(layer: Any, image: Any) -> None:
    """Note which image a layer was made from.

    Parameters
    ----------
    layer : Layer
        The layer.
    image : Image
        The image.
    """
    _origins[bare(layer)] = MadeFrom(image.name, weakref.ref(bare(image)))


def forget_origin(image: Any) -> None:
    """Note that an image does not show any more what layers were made from.

    Parameters
    ----------
    image : Image
        The image.
    """
    for origin in _origins.values():
        if origin.image() is bare(image):
            origin.is_same = False


def origin_of(layer: Any, viewer: Any) -> MadeFrom | None:
    """Return which image a layer was made from.

    Parameters
    ----------
    layer : Layer
        The layer.
    viewer : napari.Viewer
        In which the image of a layer that we did not make is looked for, by the name in
        its metadata.

    Returns
    -------
    MadeFrom or None
        None if nothing is known.
    """
    if layer in _origins:
        return _origins[layer]
    name = layer.metadata.get(METADATA_KEY, {}).get("image")
    for image in viewer.layers:
        if isinstance(image, Image) and image.name == name:
            return MadeFrom(name, weakref.ref(image))
    return None
