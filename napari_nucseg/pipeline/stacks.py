"""Stacks and time series to labels: plane by plane, with one range and one size of nuclei."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..image import BaseImage, Field
from ..support import Callbacks, check_memory
from .composite import nuclear_color_of
from .instances import instances_from_maps
from .linking import link_planes
from .maps import estimate_diameter, predict_maps
from .normalize import IntensityRange, is_blank, measure_range_of, normalize
from .parameters import SegmentParameters, StackParameters
from .planes import Planes, voxel_depth
from .predictor import Maps, Predictor
from .segmentation import (
    Segmentation,
    in_bytes,
    provenance_of,
    segment_field,
    tell_of_choice,
    warn_of_oddities,
)
from .tracking import Tracks, link_frames
from .volumes import add_side_views, label_volume, mean_plane, side_planes

__all__ = ["relabel", "segment_image"]

#: The range of intensities and the size of nuclei are measured on so many planes.
_SAMPLED_PLANES, _SIZED_PLANES = 16, 5

#: Voxels up to so many times as deep as wide are looked at from three directions.
_DEEPEST_FOR_SIDE_VIEWS = 3.0

#: Part of the confidence of a nucleus that its sections in single planes must have.
_SECTION_CONFIDENCE = 0.5


def segment_image(
    image: BaseImage,
    predictor: Predictor,
    parameters: SegmentParameters,
    stack: StackParameters | None = None,
    callbacks: Callbacks = Callbacks(),
    *,
    keep_maps: bool = False,
) -> Segmentation:
    """Find the nuclei in an image of any axes: a plane, a stack, a series, a series of stacks.

    Planes are read one after the other. One range of intensities and one size of nuclei hold
    for all of them. Through z the nuclei of planes are linked or, where voxels are nearly as
    deep as wide, the stack is looked at from three directions. Through t nuclei keep their
    numbers, except for those that divide.

    Parameters
    ----------
    image : BaseImage
        Of axes out of T, C, Z, Y, X, S.
    predictor : Predictor
        The network.
    parameters : SegmentParameters
        How to segment planes. The minimum size counts the voxels of a whole nucleus.
    stack : StackParameters, optional
        How to put them together.
    callbacks : Callbacks, optional
        Told after every plane, and asked between them.
    keep_maps : bool, optional
        Whether to keep the maps, which take 12 bytes per voxel.

    Returns
    -------
    Segmentation
        Labels with the axes T, Z, Y and X that the image has, and for a series its tracks.

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
        As `segment_field`: of a stack some planes are looked at for this.
    """
    stack = stack or StackParameters()
    planes = Planes.of(image, parameters.channel)
    if planes.axes == "YX":
        field = Field(image)
        return segment_field(field, predictor, parameters, callbacks, keep_maps=keep_maps)
    start = time.perf_counter()
    count = len(predictor.spec.maps)
    _check_fits(planes, stack.directions or 1, count, keep_maps=keep_maps)
    callbacks.on_progress(0, 1, "Measuring intensities and the size of the nuclei")
    work = _Work.of(planes, predictor, parameters, stack, callbacks)
    _check_fits(work.planes, work.directions, count, keep_maps=keep_maps)
    if work.planes.chosen is not None:
        tell_of_choice(work.planes.chosen, image)
    labels = np.zeros(planes.shape, np.int32)
    probability = np.zeros(planes.shape, np.uint8)
    maps = None
    if keep_maps:
        values = np.empty((*planes.shape, count), np.float32)
        maps = Maps(values, predictor.spec)
    for t in range(planes.frames):
        kept = None if maps is None else _frame(maps.values, planes.axes, t)
        work.frame(t, _frame(labels, planes.axes, t), _frame(probability, planes.axes, t), kept)
    tracks = _follow(labels, planes.axes, work.diameter, work.depth, stack)
    seconds = round(time.perf_counter() - start, 3)
    provenance = {**_provenance(image, work, stack), "seconds": seconds}
    return Segmentation(
        labels,
        probability,
        work.diameter,
        parameters,
        provenance,
        maps,
        "",
        planes.axes,
        tracks,
    )


def _check_fits(planes: Planes, directions: int, maps: int, *, keep_maps: bool) -> None:
    """Check that a stack, as far as it is in memory at one time, and its labels fit."""
    voxels = math.prod(planes.shape)
    # Labels and probability of all; one time point after the other is put together.
    needed = voxels * (4 + 1 + (4 * maps if keep_maps else 0))
    of_frame = voxels // planes.frames
    if "Z" in planes.axes and directions == 3:
        samples = 3 if planes.image.is_color else 1
        # The volume as it is, the maps of it unless they are kept, and the heights.
        of_voxel = samples * planes.image.dtype.itemsize + 4
        needed += of_frame * (of_voxel + (0 if keep_maps else 4 * maps))
    elif "Z" in planes.axes:
        needed += of_frame * (4 + 1)  # labels of planes by themselves, and the heights
    remedy = "Close other programs, or segment a part of it or the image at half the resolution"
    if planes.frames > 1:
        remedy += ", or one time point after the other (--t of the command)"
    if directions == 3:
        remedy += ", or look at its planes only (--directions 1 of the command)"
    check_memory(
        needed, f"segmenting {planes.image.name!r} of {planes.image.describe()}", f"{remedy}."
    )


def _provenance(image: BaseImage, work: _Work, stack: StackParameters) -> dict[str, Any]:
    """Tell how labels came about, ready for JSON."""
    return {
        **provenance_of(image, work.predictor, work.parameters, work.planes.chosen),
        "understood": image.squeeze().describe(),
        "stack": stack.as_dict(),
        "directions": work.directions,
        "voxel_depth": work.depth,
        "diameter": round(work.diameter, 2),
        "blank": work.blank,
    }


def relabel(segmentation: Segmentation, parameters: SegmentParameters) -> Segmentation:
    """Make the labels again from the maps, without running the network.

    Parameters
    ----------
    segmentation : Segmentation
        The segmentation of before, with its maps.
    parameters : SegmentParameters
        Of these the probability and the minimum size are used.

    Returns
    -------
    Segmentation
        The same maps with other labels.

    Raises
    ------
    ValueError
        If the maps were not kept.
    """
    if segmentation.maps is None:
        raise ValueError(
            "Expected a segmentation with its maps, got one without them. Segment the image "
            "again with keep_maps=True."
        )
    changed = dataclasses.replace(
        segmentation.parameters,
        probability=parameters.probability,
        minimum_size=parameters.minimum_size,
    )
    provenance = {**segmentation.provenance, "parameters": changed.as_dict()}
    changed_one = dataclasses.replace(segmentation, parameters=changed, provenance=provenance)
    if segmentation.axes == "YX":
        labels = instances_from_maps(segmentation.maps, changed, segmentation.diameter)
        return dataclasses.replace(changed_one, labels=labels)
    return _relabel_stack(changed_one, segmentation.maps)


def _relabel_stack(segmentation: Segmentation, maps: Maps) -> Segmentation:
    """Make the labels of a stack or series from its maps, as its parameters say."""
    axes, made, diameter = segmentation.axes, segmentation.provenance, segmentation.diameter
    parameters, depth = segmentation.parameters, made["voxel_depth"]
    labels = np.zeros_like(segmentation.labels)
    for t in range(labels.shape[0] if "T" in axes else 1):
        values = _frame(maps.values, axes, t)
        out = _frame(labels, axes, t)
        if made["directions"] == 3:
            out[...] = label_volume(Maps(values, maps.spec), parameters, diameter, depth)
        else:
            planes = (Maps(plane, maps.spec) for plane in values)
            _link(planes, parameters, diameter, out, np.zeros(out.shape, np.uint8))
    tracks = _follow(labels, axes, diameter, depth, StackParameters(**made["stack"]))
    return dataclasses.replace(segmentation, labels=labels, tracks=tracks)


@dataclasses.dataclass(eq=False)
class _Work:
    """The planes, and how all of them are segmented."""

    planes: Planes
    predictor: Predictor
    parameters: SegmentParameters
    per_frame: bool
    callbacks: Callbacks
    intensities: IntensityRange
    diameter: float
    depth: float
    directions: int
    blank: bool
    done: int = 0

    @classmethod
    def of(
        cls,
        planes: Planes,
        predictor: Predictor,
        parameters: SegmentParameters,
        stack: StackParameters,
        callbacks: Callbacks,
    ) -> _Work:
        sampled = list(planes.sample(_SAMPLED_PLANES))
        warn_of_oddities(sampled, planes.image.name, parameters.diameter)
        color = nuclear_color_of(sampled)
        if color is not None:
            planes, sampled = planes.of_color(color), [plane[..., color] for plane in sampled]
        intensities = measure_range_of(sampled)
        blank = all(is_blank(plane) for plane in sampled)
        diameter = parameters.diameter
        if diameter is None:
            found = _typical_diameter(predictor, sampled, intensities, callbacks)
            diameter = found or predictor.spec.diameter
        depth = voxel_depth(planes.image, stack)
        directions = stack.directions
        if directions is None:
            known = depth is not None and depth <= _DEEPEST_FOR_SIDE_VIEWS
            # A side view of a part of a nucleus says nothing.
            high = planes.deep * (depth or 1) >= diameter
            directions = 3 if known and high and "Z" in planes.axes else 1
        if directions == 3 and "Z" in planes.axes:
            # Planes that are averaged with those near them have less noise.
            means = planes.sample_means(_SAMPLED_PLANES, diameter, depth or 1.0)
            intensities = measure_range_of(means)
        return cls(
            planes,
            predictor,
            parameters,
            stack.range_per_frame,
            callbacks,
            intensities,
            diameter,
            depth or 1.0,
            directions if "Z" in planes.axes else 1,
            blank,
        )

    def frame(
        self, t: int, labels: np.ndarray, probability: np.ndarray, kept: np.ndarray | None
    ) -> None:
        """Segment a time point into labels and probability, (Z, Y, X), and keep its maps."""
        if self.per_frame and self.planes.frames > 1:
            self.intensities = measure_range_of(self._samples(t))
        if self.directions == 1:
            maps = self._maps_of_planes(t, kept)
            _link(maps, self.parameters, self.diameter, labels, probability)
            return
        values = kept
        if values is None:
            values = np.empty((*labels.shape, len(self.predictor.spec.maps)), np.float32)
        self._average_views(t, values)
        maps_3d = Maps(values, self.predictor.spec)
        labels[...] = label_volume(maps_3d, self.parameters, self.diameter, self.depth)
        for z, plane in enumerate(maps_3d["foreground"]):
            probability[z] = in_bytes(plane)

    def _average_views(self, t: int, values: np.ndarray) -> None:
        """Predict the maps of a time point from three directions."""
        volume = self.planes.read_frame(t)

        def read(axis: str, place: int) -> np.ndarray:
            self._tell()
            plane = mean_plane(volume, axis, place, self.diameter, self.depth)
            return normalize(plane, self.intensities)

        for z in range(self.planes.deep):
            values[z] = self._predict(read("Z", z)).values
        add_side_views(self.predictor, values, read, self.diameter, self.depth)

    def _samples(self, t: int) -> Iterator[np.ndarray]:
        """Yield planes of a time point, as the network will see them."""
        if self.directions == 1:
            return self.planes.sample(_SAMPLED_PLANES, t)
        return self.planes.sample_means(_SAMPLED_PLANES, self.diameter, self.depth, t)

    def _maps_of_planes(self, t: int, kept: np.ndarray | None) -> Iterator[Maps]:
        """Yield the maps of one plane after the other."""
        for z in range(self.planes.deep):
            self._tell()
            maps = self._predict(normalize(self.planes.read(t, z), self.intensities))
            if kept is not None:
                kept[z] = maps.values
            yield maps

    def _predict(self, plane: np.ndarray) -> Maps:
        """Return the maps of a normalized plane XY."""
        return predict_maps(
            self.predictor,
            plane,
            self.diameter,
            test_time_augmentations=self.parameters.test_time_augmentations,
            callbacks=Callbacks(should_stop=self.callbacks.should_stop),
        )

    def _tell(self) -> None:
        """Tell that a further plane is looked at, unless it should stop."""
        self.callbacks.check_stop()
        sizes = self.planes.image.sizes
        total = self.planes.deep
        if self.directions == 3:
            total += sum(len(side_planes(sizes[axis], self.diameter)) for axis in "YX")
        total *= self.planes.frames
        self.callbacks.on_progress(self.done, total, "Finding nuclei")
        self.done += 1


def _typical_diameter(
    predictor: Predictor,
    planes: Sequence[np.ndarray],
    intensities: IntensityRange,
    callbacks: Callbacks,
) -> float | None:
    """Return the median of the diameters in the planes with most contrast."""
    normalized = [normalize(plane, intensities) for plane in planes]
    normalized.sort(key=lambda plane: -float(plane[::4, ::4].std()))
    found = [
        estimate_diameter(predictor, plane, callbacks) for plane in normalized[:_SIZED_PLANES]
    ]
    known = [one for one in found if one is not None]
    return float(np.median(known)) if known else None


def _link(
    maps: Iterator[Maps],
    parameters: SegmentParameters,
    diameter: float,
    labels: np.ndarray,
    probability: np.ndarray,
) -> None:
    """Find sections in one plane after the other, and link them to nuclei."""
    if len(labels) == 1:
        (one,) = maps
        labels[0] = instances_from_maps(one, parameters, diameter)
        probability[0] = in_bytes(one["foreground"])
        return
    # What is small or not sure in a plane may be the cap of a nucleus.
    every = dataclasses.replace(parameters, minimum_size=1)
    least = _SECTION_CONFIDENCE * parameters.probability
    heights = np.zeros(labels.shape, np.uint8)
    for z, one in enumerate(maps):
        labels[z] = instances_from_maps(one, every, diameter, least_confidence=least)
        probability[z] = in_bytes(one["foreground"])
        heights[z] = in_bytes(one["foreground"] * one["distance"])
    labels[...] = link_planes(
        labels,
        heights,
        minimum_size=parameters.minimum_size,
        least_peak=255 * parameters.probability,
    )


def _frame(array: np.ndarray, axes: str, t: int) -> np.ndarray:
    """Return a time point of an array as a stack (Z, Y, X, …), without a copy."""
    frame = array[t] if "T" in axes else array
    return frame if "Z" in axes else frame[np.newaxis]


def _follow(
    labels: np.ndarray, axes: str, diameter: float, depth: float, stack: StackParameters
) -> Tracks | None:
    """Let nuclei keep their numbers through time; the labels are changed."""
    if "T" not in axes:
        return None
    spacing = (depth, 1.0, 1.0)[-(labels.ndim - 1) :]
    return link_frames(labels, spacing, stack.largest_step * diameter, diameter=diameter)
