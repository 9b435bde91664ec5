"""A stack looked at from three directions, and the watershed in three dimensions.

The network sees planes. In XY every plane of a nucleus looks like a nucleus, the caps, too. In
XZ and YZ it is seen where a nucleus begins and ends along z. The maps of the three directions
are averaged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .instances import CUT_OFF, find_basins, join_shallow, number_in_order, smoothing_for
from .maps import predict_maps
from .parameters import SegmentParameters
from .predictor import Maps, Predictor

__all__ = ["add_side_views", "label_volume", "mean_plane", "side_planes"]

#: Part of the prominence in planes that is enough in a stack, where a peak is the mean of three
#: directions. Of 0.25 to 1 this and 0.35 scored highest on simulated stacks.
_PART_OF_PROMINENCE = 0.5

#: In XZ and YZ a plane is looked at every this many diameters; those between are interpolated.
_STEP = 1 / 14


#: A plane is averaged with those before and behind it: sigma in diameters, which is small
#: beside a nucleus and makes noise less. Of 0 to 0.12, 0.04 to 0.08 scored highest on noisy
#: simulated stacks and on an ovule.
_MEAN_OVER = 0.06

#: A smaller sigma than this, in planes, changes nothing.
_LEAST_SIGMA = 0.3


def mean_plane(
    volume: np.ndarray, axis: str, place: int, diameter: float, depth: float
) -> np.ndarray:
    """Return a plane of a stack, averaged with the planes near it.

    Parameters
    ----------
    volume : ndarray, shape (Z, Y, X) or (Z, Y, X, 3)
        Intensities.
    axis : str
        Which axis the plane is across: Z, Y or X.
    place : int
        Where along it.
    diameter : float
        Typical diameter of a nucleus in pixels of XY.
    depth : float
        How many times a voxel is as deep as wide.

    Returns
    -------
    ndarray
        Of the axes that are left: of float32, or the plane itself where planes are far apart.
    """
    planes = np.moveaxis(volume, "ZYX".index(axis), 0)
    sigma = _MEAN_OVER * diameter / (depth if axis == "Z" else 1.0)
    if sigma < _LEAST_SIGMA:
        return planes[place]
    reach = int(np.ceil(2 * sigma))
    near = np.arange(max(0, place - reach), min(len(planes), place + reach + 1))
    weights = np.exp(-0.5 * ((near - place) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    mean = np.zeros(planes.shape[1:], np.float32)
    for weight, at in zip(weights, near, strict=True):
        mean += weight * planes[at]
    return mean


def side_planes(length: int, diameter: float) -> list[int]:
    """Return the places along Y or X at which a stack is looked at from the side.

    Parameters
    ----------
    length : int
        Number of pixels along the axis.
    diameter : float
        Typical diameter of a nucleus in pixels.

    Returns
    -------
    list of int
        From the first to the last pixel.
    """
    step = max(1, round(diameter * _STEP))
    return sorted({*range(0, length, step), length - 1})


def add_side_views(
    predictor: Predictor,
    maps: np.ndarray,
    read_side: Callable[[str, int], np.ndarray],
    diameter: float,
    depth: float,
) -> None:
    """Average the maps of XY planes with those of the planes XZ and YZ.

    Parameters
    ----------
    predictor : Predictor
        The network.
    maps : ndarray of float32, shape (Z, Y, X, M)
        Maps of the planes XY; they are changed.
    read_side : callable
        Given ``"Y"`` or ``"X"`` and a place along that axis, returns the normalized plane
        there, (Z, X, 3) or (Z, Y, 3). It may raise to end the work.
    diameter : float
        Typical diameter of a nucleus in pixels of XY.
    depth : float
        How many times a voxel is as deep as wide. The deeper, the less sharp a side view is,
        and the less it counts: one part in `depth`.
    """
    weight = 1 / max(depth, 1.0)
    share = 1 / (1 + 2 * weight)
    maps *= share
    for axis in "YX":
        # One plane of the axis after the other.
        along = maps.swapaxes(0, 1) if axis == "Y" else maps.transpose(2, 0, 1, 3)
        last, before = 0, np.zeros(along.shape[1:], np.float32)
        for place in side_planes(len(along), diameter):
            here = _side_maps(predictor, read_side(axis, place), diameter, depth)
            here *= np.float32(weight * share)
            for between in range(last + 1, place):
                part = np.float32((between - last) / (place - last))
                along[between] += (1 - part) * before + part * here
            along[place] += here
            last, before = place, here


def _side_maps(
    predictor: Predictor, plane: np.ndarray, diameter: float, depth: float
) -> np.ndarray:
    """Return the maps of a side view (Z, X, M), predicted as if its pixels were square."""
    shape = (plane.shape[0], plane.shape[1])
    square = (max(1, round(shape[0] * depth)), shape[1])
    tile = np.ascontiguousarray(plane, np.float32)[np.newaxis]
    seen = predictor.resize(tile, square)[0]
    found = predict_maps(predictor, seen, diameter).values
    return np.array(predictor.resize(found[np.newaxis], shape)[0])


def label_volume(
    maps: Maps, parameters: SegmentParameters, diameter: float, depth: float
) -> np.ndarray:
    """Turn the maps of a stack into labels by a watershed in three dimensions.

    It is that of `instances_from_maps`, with voxels that share a face as neighbors.

    Parameters
    ----------
    maps : Maps
        Foreground, distance and boundary, shape (Z, Y, X, M).
    parameters : SegmentParameters
        Of these the probability and the minimum size are used.
    diameter : float
        Typical diameter of a nucleus in pixels of XY.
    depth : float
        How many times a voxel is as deep as wide.

    Returns
    -------
    ndarray of int32, shape (Z, Y, X)
        0 is background, nuclei are numbered from 1 in the order of their first voxel.
    """
    foreground = maps["foreground"] > parameters.probability
    heights = _heights(maps, foreground, smoothing_for(maps.spec, diameter), depth)
    peaks, saddles = find_basins(heights, foreground)
    owners = join_shallow(heights, saddles, peaks, _PART_OF_PROMINENCE)
    del peaks, saddles, heights
    kept = np.bincount(owners, minlength=owners.size) >= max(parameters.minimum_size, 1)
    kept &= _are_confident(owners, maps, foreground, parameters.probability)
    labels = np.zeros(foreground.shape, np.int32)
    labels[foreground] = number_in_order(owners, kept)
    return labels


def _heights(maps: Maps, foreground: np.ndarray, sigma: float, depth: float) -> np.ndarray:
    """Return the heights of the watershed, for the voxels of the foreground."""
    from scipy import ndimage

    heights = np.subtract(1.0, maps["boundary"], dtype=np.float32)
    heights *= maps["distance"]
    ndimage.gaussian_filter(
        heights, (sigma / depth, sigma, sigma), output=heights, mode="nearest", truncate=3.0
    )
    return heights[foreground]


def _are_confident(
    owners: np.ndarray, maps: Maps, foreground: np.ndarray, probability: float
) -> np.ndarray:
    """Return of every object whether its confidence reaches the probability.

    At the faces of the stack a part of it is enough.
    """
    confidence = maps["foreground"][foreground]
    confidence *= maps["distance"][foreground]
    highest = np.zeros(owners.size, np.float32)
    np.maximum.at(highest, owners, confidence)
    face = np.ones(foreground.shape, bool)
    face[1:-1, 1:-1, 1:-1] = False
    cut_off = np.zeros(owners.size, bool)
    cut_off[owners[face[foreground]]] = True
    return highest >= np.where(cut_off, CUT_OFF, 1.0) * probability
