"""The pipeline from a field to labels."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..image import BaseImage, Field, looks_like_labels
from ..support import Callbacks, __version__, check_memory, warn_user
from .composite import COLORS
from .instances import instances_from_maps
from .maps import predict_maps, predict_maps_and_diameter
from .normalize import IntensityRange, is_blank, measure_range, normalize
from .nuclei import nucleus_table, stack_table
from .parameters import SegmentParameters
from .predictor import Maps, Predictor
from .tracking import Tracks

__all__ = [
    "Segmentation",
    "in_bytes",
    "segment_field",
    "segment_plane",
    "tell_of_choice",
    "warn_of_oddities",
]

_ROWS = 64


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
    """The nuclei of an image, and how they were found.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X), (Z, Y, X), (T, Y, X) or (T, Z, Y, X)
        0 is background, nuclei are numbered from 1 in reading order. In a series a nucleus
        keeps its number.
    probability : ndarray of uint8, of the shape of the labels
        Foreground probability, 255 is 1.
    diameter : float
        Typical diameter of a nucleus in pixels, given or estimated.
    parameters : SegmentParameters
        What was asked for.
    provenance : dict
        How the labels came about, ready for JSON.
    maps : Maps, optional
        All that the network predicted, shape (..., Y, X, M); None if it was not kept.
    id : str, optional
        Id of the task that made the maps, by which the engine keeps them. Labels that are
        made again from the same maps have the same id. Empty if no task made them.
    axes : str, optional
        A letter for each axis of the labels: Y and X, and T and Z where the image has them.
    tracks : Tracks, optional
        The nuclei of a series through time; None if the image is none.
    """

    labels: np.ndarray
    probability: np.ndarray
    diameter: float
    parameters: SegmentParameters
    provenance: dict[str, Any]
    maps: Maps | None = None
    id: str = ""
    axes: str = "YX"
    tracks: Tracks | None = None

    @functools.cached_property
    def nuclei(self) -> dict[str, np.ndarray]:
        """The nuclei as a table, measured when it is first asked for.

        Returns
        -------
        dict of str to ndarray, shape (N,)
            See `nucleus_table`: label, position, area, bounding box, mean probability. Of a
            stack or series see `stack_table`.
        """
        if self.axes == "YX":
            return nucleus_table(self.labels, self.probability)
        return stack_table(self.labels, self.probability, self.axes)


def segment_field(
    field: Field,
    predictor: Predictor,
    parameters: SegmentParameters,
    callbacks: Callbacks = Callbacks(),
    *,
    keep_maps: bool = False,
) -> Segmentation:
    """Find the nuclei in a field.

    Parameters
    ----------
    field : Field
        The image.
    predictor : Predictor
        The network.
    parameters : SegmentParameters
        How to segment.
    callbacks : Callbacks, optional
        Who is told, and who may end it.
    keep_maps : bool, optional
        Whether to keep the maps, which `relabel` needs; 12 bytes per pixel.

    Returns
    -------
    Segmentation
        Labels, probability and how they came about.

    Raises
    ------
    ValueError
        If the channel does not exist, or has to be chosen.
    MemoryError
        If it does not fit into memory.
    Stopped
        If it should stop.

    Warns
    -----
    UserWarning
        If the image looks like labels, if intensities in it are no numbers, if the diameter
        that was given is larger than the image, or if one color was chosen out of several.
    """
    start = time.perf_counter()
    check_fits(field, parameters.channel)
    plane = field.plane(parameters.channel)
    warn_of_oddities([plane], field.name, parameters.diameter)
    chosen = field.nuclear_channel if parameters.channel is None else None
    intensities = measure_range(plane)
    seen = plane
    if intensities.color is not None:
        chosen, seen = intensities.color, plane[..., intensities.color]
    if chosen is not None:
        tell_of_choice(chosen, field)
    labels, maps, diameter = segment_plane(
        predictor, plane, parameters, callbacks, intensities=intensities
    )
    provenance = {
        **provenance_of(field, predictor, parameters, chosen),
        "diameter": round(diameter, 2),
        "blank": is_blank(seen),
        "seconds": round(time.perf_counter() - start, 3),
    }
    kept = maps if keep_maps else None
    probability = in_bytes(maps["foreground"])
    return Segmentation(labels, probability, diameter, parameters, provenance, kept)


def provenance_of(
    image: Field | BaseImage,
    predictor: Predictor,
    parameters: SegmentParameters,
    chosen: int | None,
) -> dict[str, Any]:
    """Tell what is known of a segmentation before it is done, ready for JSON.

    Parameters
    ----------
    image : Field or BaseImage
        What is segmented.
    predictor : Predictor
        The network.
    parameters : SegmentParameters
        How to segment.
    chosen : int or None
        The channel that was chosen, if it was not given.

    Returns
    -------
    dict of str to object
        By name.
    """
    spec, origin = predictor.spec, image.origin
    return {
        "software": f"napari-nucseg {__version__}",
        "image": image.name,
        "axes": origin.axes,
        "axes_guessed": origin.guessed,
        "plane": dict(origin.plane),
        "model": spec.name,
        "model_version": spec.version,
        "weights_sha256": spec.weights_sha256,
        "parameters": parameters.as_dict(),
        "channel": parameters.channel if chosen is None else chosen,
        "channel_chosen": chosen is not None,
        "precision": spec.precision,
    }


def check_fits(field: Field, channel: int | None = None) -> None:
    """Check that a plane, its maps and its labels fit into memory, without reading it.

    Parameters
    ----------
    field : Field
        The image.
    channel : int, optional
        The channel that will be looked at; left out, all of a color.

    Raises
    ------
    MemoryError
        If they do not.
    """
    samples = 3 if field.is_color and channel is None else 1
    # The plane as it is, one color of it normalized, three maps and the labels.
    bytes_of_pixel = samples * field.image.dtype.itemsize + 4 + 3 * 4 + 4
    height, width = field.shape
    check_memory(
        height * width * bytes_of_pixel,
        f"segmenting {field.name!r} of {height} x {width} pixels",
        "Close other programs, or segment parts of the image, or the image at half the "
        "resolution.",
    )


def tell_of_choice(channel: int, field: Field | BaseImage) -> None:
    """Say which channel was taken for that of the nuclei, and how to choose another one.

    Parameters
    ----------
    channel : int
        Of a color 0 for red, 1 for green, 2 for blue.
    field : Field or BaseImage
        The image with all its channels.

    Warns
    -----
    UserWarning
        Always.
    """
    if field.is_color:
        names: Sequence[str] = COLORS
        why = "seems to show several dyes on black"
    else:
        names, why = field.channel_names, "has several channels"
    others = " or ".join(
        f"{number} ({name})" for number, name in enumerate(names) if number != channel
    )
    warn_user(
        f"{field.name!r} {why}. Nuclei were looked for in {names[channel]} only, which is "
        f"channel {channel}. If they are elsewhere, choose channel {others} (--channel of the "
        f"command)."
    )


def in_bytes(probability: np.ndarray) -> np.ndarray:
    """Turn probabilities into bytes, some rows at a time, which is many times faster.

    Parameters
    ----------
    probability : ndarray of float, shape (Y, X)
        0 to 1.

    Returns
    -------
    ndarray of uint8, shape (Y, X)
        255 is 1.
    """
    converted = np.empty(probability.shape, np.uint8)
    for start in range(0, len(converted), _ROWS):
        rows = slice(start, start + _ROWS)
        converted[rows] = probability[rows] * 255 + 0.5
    return converted


def warn_of_oddities(planes: Sequence[np.ndarray], name: str, diameter: float | None) -> None:
    """Warn of what can be segmented, but hardly is what was meant.

    Parameters
    ----------
    planes : sequence of ndarray, shape (Y, X) or (Y, X, 3)
        A plane, or some planes of a stack or series.
    name : str
        What the image is called.
    diameter : float or None
        That of a nucleus, in pixels, if it was given.

    Warns
    -----
    UserWarning
        If all look like labels, if there are NaN or infinity, or if no nucleus of that diameter
        has room.
    """
    if all(map(looks_like_labels, planes)):
        warn_user(
            f"Expected an image in {name!r}, got what looks like labels or a mask: nearly all "
            f"pixels that touch have the same value. Give the image that it was made from.",
        )
    # Only floating-point numbers can be none, and a large plane takes time to look through.
    unknown = sum(
        np.count_nonzero(~np.isfinite(plane)) for plane in planes if plane.dtype.kind == "f"
    )
    if unknown:
        size = sum(plane.size for plane in planes)
        known = f"its {size}" if len(planes) == 1 else f"{size}"
        where = "" if len(planes) == 1 else f" in {len(planes)} of its planes"
        warn_user(
            f"Expected numbers in {name!r}, got NaN or infinity for {unknown} of {known} "
            f"intensities{where}. They are taken for the darkest ones.",
        )
    height, width = planes[0].shape[:2]
    if diameter is not None and diameter > max(height, width):
        warn_user(
            f"Expected nuclei smaller than {name!r}, which has {height} x {width} pixels, got "
            f"a diameter of {diameter:g} pixels. Correct it, or leave it to be estimated.",
        )


def segment_plane(
    predictor: Predictor,
    plane: np.ndarray,
    parameters: SegmentParameters,
    callbacks: Callbacks = Callbacks(),
    *,
    intensities: IntensityRange | None = None,
) -> tuple[np.ndarray, Maps, float]:
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
    intensities : IntensityRange, optional
        The range of the plane, if it was measured already.

    Returns
    -------
    labels : ndarray of int32, shape (Y, X)
        The nuclei.
    maps : Maps
        What the network predicted, shape (Y, X, M).
    diameter : float
        Typical diameter in pixels, given or estimated.

    Raises
    ------
    Stopped
        If it should stop.
    """
    normalized = normalize(plane, intensities)
    views = parameters.test_time_augmentations
    diameter = parameters.diameter
    if diameter is None:
        callbacks.on_progress(0, 1, "Estimating the size of the nuclei")
        maps, found = predict_maps_and_diameter(
            predictor, normalized, test_time_augmentations=views, callbacks=callbacks
        )
        diameter = found or predictor.spec.diameter
    else:
        maps = predict_maps(
            predictor, normalized, diameter, test_time_augmentations=views, callbacks=callbacks
        )
    del normalized  # That of a color image is as large as the maps.
    callbacks.check_stop()
    return instances_from_maps(maps, parameters, diameter), maps, diameter
