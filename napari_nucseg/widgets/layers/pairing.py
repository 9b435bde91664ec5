"""Which image labels belong to: it is known, or found by name, shape and place, or asked."""

from __future__ import annotations

import re
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.compat import isalive
from qtpy.QtCore import QObject

from ..controls.choices import LayerChoice
from .layers import METADATA_KEY, SHOWS, field_of, placement_of, plane_of, why_not_image
from .origin import MadeFrom, origin_of
from .shown import bare

__all__ = ["Pairing", "lies_on", "likely_images"]

#: What programs and people add to the name of an image to name its labels, and napari to a
#: name that there is already.
_ADDED = re.compile(
    r"([ _.-]*(nuclei|nucleus|labels?|(cp_)?masks?|seg|segmentation|instances?|annotations?|"
    r"corrected|gt|truth|image|img)|\.(ome|tiff?|png|zarr)| \[\d+\])$"
)


def likely_images(labels: Any, viewer: Any) -> list[Any]:
    """Return the images that labels of unknown origin may belong to.

    Parameters
    ----------
    labels : Labels
        The labels.
    viewer : napari.Viewer
        Where the images are looked for.

    Returns
    -------
    list of Image
        Those of the same shape; if there are several, only those that are also called alike,
        and if none is, only those at the same place. More than one if all this is the same
        of several.
    """
    alike = [layer for layer in viewer.layers if _fits(labels, layer)]
    if len(alike) < 2:
        return alike
    called = [image for image in alike if _called_alike(labels, image)]
    if called:
        return called
    return [image for image in alike if lies_on(labels, image)] or alike


def _called_alike(labels: Any, image: Any) -> bool:
    """Return whether the name of labels or of their file is the image's with an addition."""
    return bool(_stems(labels) & _stems(image))


def _stems(layer: Any) -> set[str]:
    names = [layer.name, Path(layer.source.path or "").name]
    stems = set()
    for name in names:
        stem, before = name.lower().strip(), None
        while stem != before:
            stem, before = _ADDED.sub("", stem), stem
        stems.add(stem.strip(" _.-"))
    return stems - {""}


def _fits(labels: Any, layer: Any) -> bool:
    """Return whether a layer is an image of the shape of the labels."""
    if not isinstance(layer, Image) or SHOWS in layer.metadata.get(METADATA_KEY, {}):
        return False
    return not why_not_image(layer) and field_of(layer).shape == tuple(plane_of(labels).shape)


def lies_on(labels: Any, image: Any) -> bool:
    """Return whether labels lie in the viewer where an image lies.

    Parameters
    ----------
    labels, image : Labels, Image
        The layers. Their units do not count.

    Returns
    -------
    bool
        False also of labels with more axes than a plane.
    """
    if labels.ndim != 2:
        return False
    here, there = placement_of(labels), placement_of(image)
    return all(
        np.allclose(here[name], there[name])
        for name in ("scale", "translate", "rotate", "shear", "affine")
    )


#: What labels of unknown origin were paired with, and whether a person has said so.
_paired: weakref.WeakKeyDictionary[Any, tuple[weakref.ref[Any], bool]] = (
    weakref.WeakKeyDictionary()
)


class Pairing(QObject):
    """Chooses the image of the labels that are chosen, or has the person choose it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    labels, image : LayerChoice
        Where the labels and their image are chosen.
    parent : QObject
        The parent.
    """

    def __init__(
        self, viewer: Any, labels: LayerChoice, image: LayerChoice, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._labels, self._image = labels, image
        # The labels whose image was looked for, and the image that the person chose then.
        self._looked_for: Any | None = None
        self._by_hand: Any | None = None
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.renamed):
            event.connect(self._layers_changed, position="last")  # the choices list them first

    def _layers_changed(self, event: Any = None) -> None:
        if isalive(self):
            self.follow()

    def follow(self) -> None:
        """Choose the image of the chosen labels, unless a person chose another for them."""
        labels = self._labels.layer()
        if labels != self._looked_for:
            self._looked_for, self._by_hand = labels, None
        if labels is None or self._by_hand is not None:
            return
        if self._origin() is not None:
            own = self.own_image()
            if own is not None:
                self._image.choose(own)
            return
        found = self._found(labels)
        if len(found) == 1:
            self._image.choose(found[0])
        elif found:
            self._image.ask()

    def settle(self, image: Any) -> None:
        """Choose the image of labels that were just made from it.

        Parameters
        ----------
        image : Image
            The image.
        """
        self._by_hand = None
        self._image.choose(image)

    def choose_by_hand(self) -> None:
        """Note that a person has chosen the image."""
        labels, self._by_hand = self._labels.layer(), self._image.layer()
        if labels is not None and self._by_hand is not None and self._origin() is None:
            _paired[bare(labels)] = weakref.ref(bare(self._by_hand)), True

    def own_image(self) -> Any | None:
        """Return the image that the chosen labels were made from.

        Returns
        -------
        Image or None
            None if it is not known, or shows something else now.
        """
        origin = self._origin()
        return origin.image() if origin is not None and origin.is_same else None

    def why_not(self) -> str:
        """Say why the chosen image cannot be that of the labels.

        Returns
        -------
        str
            The reason, empty if it can, or if a person has said that it is.
        """
        labels, image, origin = self._labels.layer(), self._image.layer(), self._origin()
        if labels is not None and image is None and self._image.count():
            return f"Choose which image {labels.name!r} belong to: several may be it."
        if origin is None or image is None or image in (self.own_image(), self._by_hand):
            return ""
        closed = ""
        if not origin.is_same:
            closed = ", which shows something else now"
        elif origin.image() not in self._viewer.layers:
            closed = ", which was closed"
        return (
            f"The labels were made from {origin.name!r}{closed}. If they belong to "
            f"{image.name!r}, choose that once more."
        )

    def _origin(self) -> MadeFrom | None:
        """Return what the chosen labels were made from, if that is known."""
        labels = self._labels.layer()
        return None if labels is None else origin_of(labels, self._viewer)

    def _found(self, labels: Any) -> list[Any]:
        """Return what labels of unknown origin may belong to; what was found once stays.

        Only an image that is called alike takes the place of what was found by its shape.
        """
        before, is_said = _paired.get(bare(labels), (lambda: None, False))
        stays = [layer for layer in self._viewer.layers if bare(layer) is before()]
        if stays and (is_said or _called_alike(labels, stays[0])):
            return stays
        found = likely_images(labels, self._viewer)
        if stays and not (len(found) == 1 and _called_alike(labels, found[0])):
            return stays
        if len(found) == 1:
            _paired[bare(labels)] = weakref.ref(bare(found[0])), False
        return found
