"""The layers of the viewer that show a segmentation."""

from __future__ import annotations

from typing import Any

from ...pipeline import Segmentation
from ..layers.layers import METADATA_KEY, place, placement_of
from ..layers.origin import forget_origin, note_origin
from ..layers.shown import Result, bare, forget_results, note_measured, note_result, results_of
from ..tools.brush import guard_brush, select_unused
from .map_layers import MapLayers, forget_maps

__all__ = ["Results"]


class Results:
    """Puts segmentations into the viewer and finds them again.

    What it knows it keeps with the layers, in `shown`: another one for the same viewer
    knows it too.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        #: The maps beside the labels.
        self.maps = MapLayers(viewer)

    def show(self, found: Segmentation, image: Any) -> Result:
        """Put the nuclei of an image into the viewer, where the image lies now.

        Parameters
        ----------
        found : Segmentation
            What the engine found.
        image : Image
            Where it was found.

        Returns
        -------
        Result
            With the layer of before, if nobody has changed or renamed that and it is of the
            same channel and model.
        """
        if found.parameters.diameter is None:
            note_measured(image, found.diameter)
        before = results_of(image, self._viewer)
        for result in before:
            if result.gives_way_to(found):
                self.replace(result, found)
                place(result.layer, placement_of(image))
                note_result(result)
                return result
        layer = self._viewer.add_labels(
            found.labels,
            name=_name_of(found, image, before),
            metadata={METADATA_KEY: found.provenance},
            **placement_of(image),
        )
        result = Result(image, layer, found)
        note_result(result)
        note_origin(layer, image)
        guard_brush(bare(layer))
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
        layer = result.layer
        if layer is None:
            return
        result.take(found)
        layer.data = found.labels
        select_unused(layer)
        layer.metadata = {**layer.metadata, METADATA_KEY: found.provenance}

    def of(self, image: Any, channel: int | None) -> Result | None:
        """Return what is shown of an image, and what the sliders change.

        Parameters
        ----------
        image : Image
            The image.
        channel : int or None
            Its chosen channel.

        Returns
        -------
        Result or None
            The newest that nobody has edited, else the newest; None if there is none.
        """
        results = results_of(image, self._viewer, channel)
        fresh = [result for result in results if result.state() == "fresh"]
        return next(iter(fresh + results), None)

    def with_key(self, image: Any, key: str) -> Result | None:
        """Return the unedited result whose maps the engine keeps under a key.

        Parameters
        ----------
        image : Image
            The image.
        key : str
            Its `Segmentation.id`.

        Returns
        -------
        Result or None
            None if it was edited or replaced meanwhile.
        """
        for result in results_of(image, self._viewer):
            if result.key == key and result.state() == "fresh":
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
        forget_results(image)
        forget_maps(image)


def _name_of(found: Segmentation, image: Any, before: list[Result]) -> str:
    """Return the name of a new layer, with the model if another model's is there."""
    weights = found.provenance["weights_sha256"]
    others = [result for result in before if result.provenance["weights_sha256"] != weights]
    model = f", {found.provenance['model']}" if others else ""
    return f"{image.name} nuclei{model}"
