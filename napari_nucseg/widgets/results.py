"""The layers of the viewer that show a segmentation: the nuclei, and maps beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ..pipeline import Segmentation, SegmentParameters
from .layers import METADATA_KEY, SHOWS, place, placement_of
from .origin import forget_origin, note_origin

__all__ = ["MAPS", "Result", "Results"]

#: What can be shown beside the labels.
MAPS = ("probability", "mask")


@dataclasses.dataclass(eq=False)
class Result:
    """The nuclei of an image.

    Parameters
    ----------
    image, layer : Image, Labels
        The image, and the layer with its labels.
    copy : ndarray of int32, shape (Y, X)
        The labels as they were found.
    probability : ndarray of uint8, shape (Y, X)
        Foreground probability, 255 is 1.
    key : str
        To ask the engine for other labels from the same maps.
    provenance : dict
        How the labels came about.
    name : str
        What the layer was called at first.
    edited : bool, optional
        Whether a person has painted in them.
    """

    image: Any
    layer: Any
    copy: np.ndarray
    probability: np.ndarray
    key: str
    provenance: dict[str, Any]
    name: str
    edited: bool = False

    def is_edited(self) -> bool:
        """Return whether a person or a script has changed the labels or their name."""
        renamed = self.layer.name != self.name
        return self.edited or renamed or not np.array_equal(self.layer.data, self.copy)

    def gives_way_to(self, found: Segmentation) -> bool:
        """Return whether what was found now may take the place of the labels.

        Parameters
        ----------
        found : Segmentation
            What was found now, in the same image.

        Returns
        -------
        bool
            False if somebody has changed them, or they are of another channel: then both
            may be wanted.
        """
        return (
            self.copy.shape == found.labels.shape
            and _channel(self.provenance) == _channel(found.provenance)
            and not self.is_edited()
        )

    def shows(self, parameters: SegmentParameters) -> bool:
        """Return whether the labels are those that the sliders ask for.

        Parameters
        ----------
        parameters : SegmentParameters
            What they ask for.

        Returns
        -------
        bool
            True if there is nothing to be done.
        """
        made = self.provenance["parameters"]
        return (made["probability"], made["minimum_size"]) == (
            parameters.probability,
            parameters.minimum_size,
        )

    def map_of(self, kind: str) -> np.ndarray:
        """Return what can be shown beside the labels.

        Parameters
        ----------
        kind : str
            One of `MAPS`.

        Returns
        -------
        ndarray of uint8, shape (Y, X)
            The probability of before any edit, or the mask of the labels of now.
        """
        if kind == "probability":
            return self.probability
        return (np.asarray(self.layer.data) > 0).astype(np.uint8)


@dataclasses.dataclass(eq=False)
class _Shown:
    """A map in the viewer, and a copy of its data when we made it."""

    image: Any
    kind: str
    layer: Any
    copy: np.ndarray


class Results:
    """The layers that we have made of segmentations.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown.
    on_edit : callable
        Called when a person begins to edit labels that we made.
    """

    def __init__(self, viewer: Any, on_edit: Callable[[], None]) -> None:
        self._viewer = viewer
        self._on_edit = on_edit
        self._results: list[Result] = []
        self._maps: list[_Shown] = []

    def show(self, found: Segmentation, image: Any, placement: dict[str, Any]) -> Result:
        """Put the nuclei of an image into the viewer.

        Parameters
        ----------
        found : Segmentation
            What the engine found.
        image : Image
            Where it was found.
        placement : dict
            Of the image, see `placement_of`.

        Returns
        -------
        Result
            With the layer of before, if nobody has changed or renamed that.
        """
        for result in self._newest_first(image):
            if result.gives_way_to(found):
                self.replace(result, found)
                place(result.layer, placement)
                return result
        layer = self._viewer.add_labels(
            found.labels,
            name=f"{image.name} nuclei",
            metadata={METADATA_KEY: found.provenance},
            **placement,
        )
        result = Result(
            image,
            layer,
            found.labels.copy(),
            found.probability,
            found.id,
            found.provenance,
            layer.name,
        )
        self._results.append(result)
        note_origin(layer, image)
        layer.events.paint.connect(lambda event: self._mark_edited(result))
        return result

    def replace(self, result: Result, found: Segmentation) -> None:
        """Put other labels into a layer of ours.

        Parameters
        ----------
        result : Result
            What is shown.
        found : Segmentation
            What is to be shown.
        """
        result.copy, result.key, result.provenance = (
            found.labels.copy(),
            found.id,
            found.provenance,
        )
        result.probability = found.probability
        result.layer.data = found.labels
        result.layer.metadata = {**result.layer.metadata, METADATA_KEY: found.provenance}

    def of(self, image: Any, *, unedited: bool = False) -> Result | None:
        """Return the newest result of an image whose layer is in the viewer.

        Parameters
        ----------
        image : Image
            The image.
        unedited : bool, optional
            Whether to leave out labels that somebody has changed.

        Returns
        -------
        Result or None
            None if there is none.
        """
        for result in self._newest_first(image):
            if not (unedited and result.is_edited()):
                return result
        return None

    def _newest_first(self, image: Any) -> list[Result]:
        """Return the results of an image that are still in the viewer."""
        self._results = [r for r in self._results if r.layer in self._viewer.layers]
        return [result for result in reversed(self._results) if result.image == image]

    def with_key(self, key: str) -> Result | None:
        """Return the unedited result whose maps the engine keeps under a key.

        Parameters
        ----------
        key : str
            Its `Segmentation.id`.

        Returns
        -------
        Result or None
            None if it was edited or replaced meanwhile.
        """
        for result in self._results:
            if result.key == key and not result.is_edited():
                return result
        return None

    def forget(self, image: Any) -> None:
        """Change the layers of an image no more.

        Parameters
        ----------
        image : Image
            Its data is no longer the data that the layers were made from.
        """
        forget_origin(image)
        self._results = [r for r in self._results if r.image != image]
        self._maps = [m for m in self._maps if m.image != image]

    def _mark_edited(self, result: Result) -> None:
        if not result.edited:
            result.edited = True
            self._on_edit()

    def show_map(self, image: Any, kind: str, wanted: bool) -> None:
        """Show or renew a map of the newest result of an image, or take it away.

        A layer that somebody has changed is left alone.

        Parameters
        ----------
        image : Image
            The image.
        kind : str
            One of `MAPS`.
        wanted : bool
            Whether it is to be seen.
        """
        layers = self._viewer.layers
        result, shown = self.of(image), self._untouched_map(image, kind)
        if not wanted:
            if shown is not None:
                layers.remove(shown.layer)
            return
        if result is None:
            return
        data, placement = result.map_of(kind), placement_of(result.layer)
        if shown is None:
            active = layers.selection.active
            shown = _Shown(image, kind, self._add_map(kind, result, data, placement), data)
            # A new layer makes itself the active one.
            layers.selection.active = active
            self._maps.append(shown)
            note_origin(shown.layer, image)
        else:
            shown.layer.data = data
            shown.layer.metadata = {**shown.layer.metadata, **_about(kind, result)}
            place(shown.layer, placement)
        shown.copy = data.copy()

    def _untouched_map(self, image: Any, kind: str) -> _Shown | None:
        self._maps = [m for m in self._maps if m.layer in self._viewer.layers]
        for shown in reversed(self._maps):
            if shown.image == image and shown.kind == kind:
                return shown if np.array_equal(shown.layer.data, shown.copy) else None
        return None

    def _add_map(
        self, kind: str, result: Result, data: np.ndarray, placement: dict[str, Any]
    ) -> Any:
        options = {
            "name": f"{result.image.name} {kind}",
            "metadata": _about(kind, result),
            **placement,
        }
        if kind == "mask":
            return self._viewer.add_labels(data, opacity=0.4, **options)
        return self._viewer.add_image(
            data,
            colormap="inferno",
            opacity=0.6,
            blending="additive",
            contrast_limits=(0, 255),
            **options,
        )


def _channel(provenance: dict[str, Any]) -> int | None:
    return provenance["parameters"]["channel"]


def _about(kind: str, result: Result) -> dict[str, Any]:
    """Return the metadata of a map."""
    return {METADATA_KEY: {**result.provenance, SHOWS: kind}}
