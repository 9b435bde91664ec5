"""What is shown of each image: the results, how they came about, and if they still hold.

This belongs to the layers, not to a widget: it is the same in every window, and it stays
when the widget is closed and opened again.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ...pipeline import Segmentation, SegmentParameters
from ...support import pluralize
from .fingerprint import Fingerprint

__all__ = [
    "FromFile",
    "Result",
    "State",
    "bare",
    "follow_edits",
    "forget_results",
    "found_in_words",
    "measured_in",
    "note_measured",
    "note_result",
    "result_of_layer",
    "results_of",
    "situation",
]

#: "fresh": the labels are as they were found. "edited": a person or a script has changed
#: them or their name. "out of date": the image shows something else now.
State = Literal["fresh", "edited", "out of date"]


def bare(layer: Any) -> Any:
    """Return a layer itself, without what napari wraps it into for plugins.

    Parameters
    ----------
    layer : Layer
        Wrapped or not.

    Returns
    -------
    Layer
        Which lives as long as the viewer shows it; the wrapping does not.
    """
    return getattr(layer, "__wrapped__", layer)


def follow_edits(layer: Any, listen: Callable[[Any], None]) -> None:
    """Call a function whenever labels may have changed, also with each point of a stroke.

    Parameters
    ----------
    layer : Labels
        The layer. A function that listens already is called once all the same.
    listen : callable
        Given napari's event.
    """
    # A stroke draws only what it has changed, and tells nothing else until it ends.
    for event in (layer.events.set_data, layer.events.labels_update):
        event.connect(listen)


@dataclasses.dataclass(frozen=True, eq=False)
class FromFile:
    """A segmentation that was read from a file: the maps it was made from are gone.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        As they were found.
    provenance : dict
        How they came about.
    probability : None, optional
        It is not in the file.
    id : str, optional
        Empty: the engine keeps no maps.
    """

    labels: np.ndarray
    provenance: dict[str, Any]
    probability: None = None
    id: str = ""


class Result:
    """The nuclei that were found in an image, and the layer that shows them.

    Parameters
    ----------
    image, layer : Image, Labels
        The image, and the layer with its labels. Only weak references are kept.
    found : Segmentation or FromFile
        What was found.
    """

    def __init__(self, image: Any, layer: Any, found: Segmentation | FromFile) -> None:
        self._image, self._layer = weakref.ref(bare(image)), weakref.ref(bare(layer))
        #: What the layer was called at first.
        self.name: str = layer.name
        #: Whether the image still shows what the nuclei were found in.
        self.is_current = True
        self.take(found)

    def take(self, found: Segmentation | FromFile) -> None:
        """Note what the layer shows from now on.

        Parameters
        ----------
        found : Segmentation or FromFile
            What was found.
        """
        # Of the labels as they were found.
        self._fingerprint = Fingerprint(found.labels)
        #: How many nuclei were found.
        self.count = int(found.labels.max(initial=0))
        #: ndarray of uint8, shape (Y, X): foreground probability, 255 is 1; None if the labels
        #: were read from a file.
        self.probability: np.ndarray | None = found.probability
        #: To ask the engine for other labels from the same maps.
        self.key = found.id
        #: How the labels came about.
        self.provenance = found.provenance
        #: The parameters that they were made with.
        self.parameters = SegmentParameters(**found.provenance["parameters"])

    @property
    def image(self) -> Any | None:
        """The image, None if it is gone."""
        return self._image()

    @property
    def layer(self) -> Any | None:
        """The layer with the labels, None if it is gone."""
        return self._layer()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the labels as they were found."""
        return self._fingerprint.shape

    def state(self) -> State:
        """Return whether the labels are those that were found in the image.

        Returns
        -------
        str
            See `State`. An edit that was undone does not count.
        """
        layer = self.layer
        if not self.is_current or layer is None:
            return "out of date"
        is_same = layer.name == self.name and self._fingerprint.fits(layer.data)
        return "fresh" if is_same else "edited"

    def gives_way_to(self, found: Segmentation) -> bool:
        """Return whether what was found now may take the place of the labels.

        Parameters
        ----------
        found : Segmentation
            What was found now, in the same image.

        Returns
        -------
        bool
            False if somebody has changed them, or if they are of another channel or another
            model: then both may be wanted.
        """
        about = found.provenance
        return (
            self.shape == found.labels.shape
            and self.parameters.channel == about["parameters"]["channel"]
            and self.provenance["weights_sha256"] == about["weights_sha256"]
            and self.state() == "fresh"
        )

    def shows(self, parameters: SegmentParameters) -> bool:
        """Return whether the labels are those that the sliders ask for.

        Parameters
        ----------
        parameters : SegmentParameters
            What is asked for. Only what needs no new prediction is compared.

        Returns
        -------
        bool
            True if there is nothing to be done.
        """
        made = self.parameters
        return (made.probability, made.minimum_size) == (
            parameters.probability,
            parameters.minimum_size,
        )


_results: weakref.WeakKeyDictionary[Any, Result] = weakref.WeakKeyDictionary()
_measured: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()


def note_result(result: Result) -> None:
    """Make a result the newest of its image.

    Parameters
    ----------
    result : Result
        A new one, or one that shows something new.
    """
    _results.pop(result.layer, None)
    _results[result.layer] = result


def results_of(image: Any, viewer: Any, channel: int | Literal["any"] | None = "any") -> list:
    """Return the results of an image whose layers are in the viewer.

    Parameters
    ----------
    image : Image
        The image.
    viewer : napari.Viewer
        The viewer.
    channel : int or None, optional
        Only those of this channel.

    Returns
    -------
    list of Result
        The newest first. Those of data that the image had before are not among them.
    """
    there = {id(layer) for layer in viewer.layers}
    return [
        result
        for result in reversed(list(_results.values()))
        if result.image is bare(image)
        and result.is_current
        and id(result.layer) in there
        and channel in ("any", result.parameters.channel)
    ]


def result_of_layer(layer: Any) -> Result | None:
    """Return the result that a layer of labels shows.

    Parameters
    ----------
    layer : Labels
        The layer.

    Returns
    -------
    Result or None
        None if the layer is not one of ours.
    """
    return _results.get(bare(layer))


def note_measured(image: Any, diameter: float | None) -> None:
    """Note the diameter of nuclei that was measured in an image.

    Parameters
    ----------
    image : Image
        The image.
    diameter : float or None
        In pixels; None if what was measured does not hold any more.
    """
    _measured.pop(bare(image), None)
    if diameter is not None:
        _measured[bare(image)] = diameter


def measured_in(image: Any) -> float | None:
    """Return the diameter of nuclei that was measured in an image.

    Parameters
    ----------
    image : Image or None
        The image.

    Returns
    -------
    float or None
        In pixels; None if nothing was measured.
    """
    return None if image is None else _measured.get(bare(image))


def forget_results(image: Any) -> None:
    """Note that an image has other data than its results were made from.

    Parameters
    ----------
    image : Image
        The image.
    """
    for result in _results.values():
        if result.image is bare(image):
            result.is_current = False
    note_measured(image, None)


def situation(
    name: str, result: Result | None, asked: SegmentParameters, model: str | None
) -> str:
    """Say what is shown of the image that is chosen now.

    Parameters
    ----------
    name : str
        Of the image.
    result : Result or None
        What is shown of it.
    asked : SegmentParameters
        What the form asks for.
    model : str or None
        Name of the chosen model.

    Returns
    -------
    str
        One to three sentences.
    """
    if result is None or result.layer is None:
        return f"{name!r} is not segmented yet. Click Segment."
    if result.state() == "edited":
        count = np.count_nonzero(np.bincount(np.asarray(result.layer.data).ravel())[1:])
        return (
            f"{name!r}: {pluralize(int(count))}, edited. The sliders leave edited labels "
            f"alone; Segment makes a new layer."
        )
    text = f"{name!r}: {found_in_words(result)}"
    changed = _changed(result, asked, model)
    return f"{text} Click Segment for the new {changed}." if changed else text


def found_in_words(result: Result) -> str:
    """Say what was found.

    Parameters
    ----------
    result : Result
        The result.

    Returns
    -------
    str
        A sentence or two.
    """
    if not result.count:
        if result.provenance["blank"]:
            return "No nuclei found: all pixels are alike."
        return "No nuclei found. Lower the probability, or say how wide the nuclei are."
    count = pluralize(result.count)
    return f"{count}, typically {result.provenance['diameter']:.0f} pixels wide."


def _changed(result: Result, asked: SegmentParameters, model: str | None) -> str:
    """Return what is asked for and not shown yet, in words."""
    made = result.parameters
    different = {
        "model": model not in (None, result.provenance["model"]),
        "diameter": asked.diameter != made.diameter,
        "views": asked.test_time_augmentations != made.test_time_augmentations,
        "settings": not result.shows(asked),
    }
    return " and ".join(name for name, is_new in different.items() if is_new)
