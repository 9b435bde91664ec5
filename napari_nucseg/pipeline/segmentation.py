"""The pipeline from a field to labels."""

from __future__ import annotations

import dataclasses
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..image import Field, looks_like_labels
from ..support import Callbacks, Parameters, __version__, parameter
from .instances import NETWORK_DIAMETER, instances_from_maps
from .normalize import is_blank, normalize

if TYPE_CHECKING:
    from ..network import Predictor
    from ..registry import Model

__all__ = [
    "SegmentParameters",
    "Segmentation",
    "relabel",
    "segment_field",
    "segment_plane",
]


@dataclasses.dataclass(frozen=True)
class SegmentParameters(Parameters):
    """Parameters of a segmentation."""

    channel: int | None = parameter(
        None,
        "Channel to look at, counted from 0; left out, a grey or color image as it is.",
        minimum=0,
        maximum=1000,
    )
    diameter: float | None = parameter(
        None,
        "Typical diameter of a nucleus; left out, it is estimated.",
        unit="pixels",
        minimum=2,
        maximum=2000,
    )
    probability: float = parameter(
        0.5,
        "How sure the network has to be of a nucleus and of every pixel of it.",
        minimum=0,
        maximum=1,
    )
    minimum_size: int = parameter(
        20,
        "Area below which an object is dropped.",
        unit="pixels",
        minimum=0,
        maximum=10**9,
    )
    test_time_augmentations: int = parameter(
        1,
        "Turned and mirrored views of the image to average, up to 8: in stained tissue "
        "outlines are a little better, and it takes as many times as long. Nuclei that only "
        "some views show need a lower probability.",
        minimum=1,
        maximum=8,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
    """What was found in a field.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 is background, nuclei are numbered from 1 in reading order.
    maps : ndarray of float32, shape (Y, X, 3)
        Foreground probability, normalized distance, boundary probability.
    diameter : float
        Typical diameter of a nucleus in pixels, given or estimated.
    parameters : SegmentParameters
        What was asked for.
    provenance : dict
        How the labels came about, ready for JSON.
    """

    labels: np.ndarray
    maps: np.ndarray
    diameter: float
    parameters: SegmentParameters
    provenance: dict[str, Any]


def segment_field(
    field: Field,
    model: Model,
    parameters: SegmentParameters,
    callbacks: Callbacks = Callbacks(),
) -> Segmentation:
    """Find the nuclei in a field.

    Parameters
    ----------
    field : Field
        The image.
    model : Model
        Which model to use.
    parameters : SegmentParameters
        How to segment.
    callbacks : Callbacks, optional
        Who is told, and who may end it.

    Returns
    -------
    Segmentation
        Labels, maps and how they came about.

    Raises
    ------
    ValueError
        If the channel does not exist, or has to be chosen.
    Stopped
        If it should stop.

    Warns
    -----
    UserWarning
        If the image looks like labels, if intensities in it are no numbers, or if the
        diameter that was given is larger than the image.
    """
    from ..network import load_predictor

    start = time.perf_counter()
    plane = field.plane(parameters.channel)
    _warn_of_oddities(plane, field.name, parameters.diameter)
    callbacks.on_progress(0, 1, "Loading the model")
    predictor = load_predictor(model)
    callbacks.check_stop()
    labels, maps, diameter = segment_plane(
        predictor,
        plane,
        parameters,
        callbacks=callbacks,
    )
    provenance = {
        "software": f"napari-nucseg {__version__}",
        "image": field.name,
        "model": model.card.name,
        "model_version": model.card.version,
        "weights_sha256": model.card.weights_sha256,
        "parameters": parameters.as_dict(),
        "diameter": round(diameter, 2),
        "blank": is_blank(plane),
        "precision": predictor.precision,
        "seconds": round(time.perf_counter() - start, 3),
    }
    return Segmentation(labels, maps, diameter, parameters, provenance)


def _warn_of_oddities(plane: np.ndarray, name: str, diameter: float | None) -> None:
    """Warn of what can be segmented, but hardly is what was meant."""
    if looks_like_labels(plane):
        warnings.warn(
            f"Expected an image in {name!r}, got what looks like labels or a mask: nearly all "
            f"pixels that touch have the same value. Give the image that it was made from.",
            stacklevel=3,
        )
    # Only floating-point numbers can be none, and a large plane takes time to look through.
    unknown = np.count_nonzero(~np.isfinite(plane)) if plane.dtype.kind == "f" else 0
    if unknown:
        warnings.warn(
            f"Expected numbers in {name!r}, got NaN or infinity for {unknown} of its "
            f"{plane.size} intensities. They are taken for the darkest ones.",
            stacklevel=3,
        )
    height, width = plane.shape[:2]
    if diameter is not None and diameter > max(height, width):
        warnings.warn(
            f"Expected nuclei smaller than {name!r}, which has {height} x {width} pixels, got "
            f"a diameter of {diameter:g} pixels. Correct it, or leave it to be estimated.",
            stacklevel=3,
        )


def segment_plane(
    predictor: Predictor,
    plane: np.ndarray,
    parameters: SegmentParameters,
    callbacks: Callbacks = Callbacks(),
) -> tuple[np.ndarray, np.ndarray, float]:
    """Find the nuclei in a plane.

    Parameters
    ----------
    predictor : Predictor
        The network.
    plane : ndarray, shape (Y, X) or (Y, X, 3)
        Intensities of any real dtype.
    parameters : SegmentParameters
        How to segment; the channel is already chosen.
    callbacks : Callbacks, optional
        Who is told, and who may end it.

    Returns
    -------
    labels : ndarray of int32, shape (Y, X)
        The nuclei.
    maps : ndarray of float32, shape (Y, X, 3)
        What the network predicted.
    diameter : float
        Typical diameter in pixels, given or estimated.
    """
    normalized = normalize(plane)
    diameter = parameters.diameter
    if diameter is None:
        callbacks.on_progress(0, 1, "Estimating the size of the nuclei")
        maps, found = predictor.maps_and_diameter(
            normalized,
            test_time_augmentations=parameters.test_time_augmentations,
            callbacks=callbacks,
        )
        diameter = found or NETWORK_DIAMETER
    else:
        maps = predictor.maps(
            normalized,
            diameter,
            test_time_augmentations=parameters.test_time_augmentations,
            callbacks=callbacks,
        )
    del normalized  # That of a color image is as large as the maps.
    callbacks.check_stop()
    return _labels_of(maps, diameter, parameters), maps, diameter


def relabel(segmentation: Segmentation, parameters: SegmentParameters) -> Segmentation:
    """Make the labels again from the maps, without running the network.

    Parameters
    ----------
    segmentation : Segmentation
        What was found before.
    parameters : SegmentParameters
        Of these the probability and the minimum size are used.

    Returns
    -------
    Segmentation
        The same maps with other labels.
    """
    changed = dataclasses.replace(
        segmentation.parameters,
        probability=parameters.probability,
        minimum_size=parameters.minimum_size,
    )
    provenance = {**segmentation.provenance, "parameters": changed.as_dict()}
    labels = _labels_of(segmentation.maps, segmentation.diameter, changed)
    return dataclasses.replace(
        segmentation, labels=labels, parameters=changed, provenance=provenance
    )


def _labels_of(maps: np.ndarray, diameter: float, parameters: SegmentParameters) -> np.ndarray:
    return instances_from_maps(
        maps,
        probability=parameters.probability,
        minimum_size=parameters.minimum_size,
        diameter=diameter,
    )
