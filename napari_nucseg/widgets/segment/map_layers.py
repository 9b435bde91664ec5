"""The layers that show a map beside the labels: the probability and the binary mask."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from napari.utils.colormaps import AVAILABLE_COLORMAPS, Colormap, DirectLabelColormap

from ..layers.fingerprint import Fingerprint
from ..layers.layers import METADATA_KEY, SHOWS, place, placement_of
from ..layers.origin import note_origin
from ..layers.shown import Result, bare, results_of

__all__ = ["MAPS", "MapLayers", "forget_maps"]

#: What can be shown beside the labels.
MAPS = ("probability", "mask")

#: Width of the outlines of nuclei over a map, in pixels of the image.
_CONTOUR = 1
_MASK_COLOR = "#f2a33c"


class _Map:
    """A map in the viewer, and the fingerprint of its data when we made it."""

    def __init__(self, image: Any, kind: str, data: np.ndarray) -> None:
        self.image = weakref.ref(bare(image))
        self.kind = kind
        self.fingerprint = Fingerprint(data)


#: By their layers, of all windows.
_maps: weakref.WeakKeyDictionary[Any, _Map] = weakref.WeakKeyDictionary()


def forget_maps(image: Any) -> None:
    """Change the maps of an image no more.

    Parameters
    ----------
    image : Image
        Its data is no longer the data that the maps were made from.
    """
    for layer, shown in list(_maps.items()):
        if shown.image() is bare(image):
            del _maps[layer]


class MapLayers:
    """Adds, renews and removes the maps of the images of a viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer

    def is_shown(self, image: Any, kind: str) -> bool:
        """Return whether a map of an image is in the viewer, as we made it.

        Parameters
        ----------
        image : Image
            The image.
        kind : str
            One of `MAPS`.

        Returns
        -------
        bool
            True if it is.
        """
        return self._untouched(image, kind) is not None

    def remove(self, image: Any, kind: str) -> None:
        """Take a map away, unless somebody has changed it.

        Parameters
        ----------
        image : Image
            The image.
        kind : str
            One of `MAPS`.
        """
        layer = self._untouched(image, kind)
        if layer is not None:
            self._viewer.layers.remove(layer)
        if kind == "probability":
            self._draw_outlines(image, 0)

    def show(self, result: Result, kind: str) -> None:
        """Show or renew a map of a result. Under a probability map, nuclei are outlines.

        Parameters
        ----------
        result : Result
            Whose map.
        kind : str
            One of `MAPS`: the probability of before any edit, or the mask of the labels of
            now.
        """
        labels = result.layer
        if labels is None:
            return
        is_mask = kind == "mask"
        data = (np.asarray(labels.data) > 0).astype(np.uint8) if is_mask else result.probability
        if data is None:  # the labels were read from a file, without it
            return
        layer = self._untouched(result.image, kind)
        if layer is None:
            active = self._viewer.layers.selection.active
            layer = self._add(result, kind, data, placement_of(labels))
            # A new layer makes itself the active one.
            self._viewer.layers.selection.active = active
            note_origin(layer, result.image)
        else:
            layer.data = data
            layer.metadata = {**layer.metadata, **_about(kind, result)}
            place(layer, placement_of(labels))
        _maps[bare(layer)] = _Map(result.image, kind, data)
        if kind == "probability":
            labels.contour = _CONTOUR
            self._lay_under(layer, labels)

    def _lay_under(self, layer: Any, labels: Any) -> None:
        """Move a map under the labels, whose outlines would be lost in it."""
        layers = self._viewer.layers
        if layers.index(layer) > layers.index(labels):
            layers.move(layers.index(layer), layers.index(labels))

    def _draw_outlines(self, image: Any, width: int) -> None:
        for result in results_of(image, self._viewer):
            result.layer.contour = width

    def _untouched(self, image: Any, kind: str) -> Any | None:
        for layer in reversed(list(self._viewer.layers)):
            shown = _maps.get(layer)
            if shown is not None and shown.kind == kind and shown.image() is bare(image):
                return layer if shown.fingerprint.fits(layer.data) else None
        return None

    def _add(
        self, result: Result, kind: str, data: np.ndarray, placement: dict[str, Any]
    ) -> Any:
        image = result.image
        options = {
            "name": f"{image.name if image is not None else ''} {kind}",
            "metadata": _about(kind, result),
            **placement,
        }
        if kind == "mask":
            colors = DirectLabelColormap(
                color_dict={None: "transparent", 0: "transparent", 1: _MASK_COLOR}
            )
            return self._viewer.add_labels(data, opacity=0.5, colormap=colors, **options)
        return self._viewer.add_image(
            data,
            colormap=_clear_at_zero("inferno"),
            opacity=0.6,
            blending="translucent",
            contrast_limits=(0, 255),
            **options,
        )


def _clear_at_zero(name: str) -> Colormap:
    """Return a colormap that hides nothing where a map is 0.

    Added to an image as light, a map could not be seen on the white background of stained
    tissue.
    """
    colors = AVAILABLE_COLORMAPS[name].map(np.linspace(0, 1, 256))
    colors[:, 3] = np.linspace(0, 1, 256)
    return Colormap(colors, name=f"{name}, clear at 0")


def _about(kind: str, result: Result) -> dict[str, Any]:
    """Return the metadata of a map."""
    return {METADATA_KEY: {**result.provenance, SHOWS: kind}}
