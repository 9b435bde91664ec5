"""Fields to augmented patches for training."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import scipy  # which loads its parts when they are used first
from skimage import measure

from ..image import Field, reviewed_labels
from ..pipeline import DEFAULT_SPEC, NETWORK_DIAMETER, normalize
from .intensities import change_intensities, dim_nuclei
from .targets import disk_width, median_diameter, pixel_weights, poisson_distance, target_maps
from .tissue import paint_tissue, recolor_tissue

__all__ = ["Batch", "PreparedField", "batches", "prepare_field"]

#: A batch: images (N, Y, X, 3), and the targets of the two outputs.
Batch = tuple[np.ndarray, dict[str, np.ndarray]]

_ZOOM = (0.65, 1.55)
_ANY_DIAMETER = (6.0, 160.0)
_ANY_SIZE_SHARE = 0.15
_MOST_ZOOM = 6.0
_FINE = 1.6
#: Part of the patches whose intensities are not augmented. Annotators outline nuclei
#: differently in each kind of image, which the network can only tell by the intensities.
_UNCHANGED = 0.4


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedField:
    """A field, ready to take patches from.

    Parameters
    ----------
    plane : ndarray of float32, shape (Y, X, 1) or (Y, X, 3)
        Normalized intensities.
    labels : ndarray of int32, shape (Y, X)
        Instance labels.
    distance : ndarray of float32, shape (Y, X)
        How far inside of its nucleus a pixel lies, see `targets.poisson_distance`.
    diameter : float
        Median diameter of the nuclei in pixels.
    reviewed : ndarray of bool, shape (Y, X), or None
        True where a person has reviewed the labels; None if that is everywhere.
    """

    plane: np.ndarray
    labels: np.ndarray
    distance: np.ndarray
    diameter: float
    reviewed: np.ndarray | None = None

    @functools.cached_property
    def reviewed_pixels(self) -> np.ndarray:
        """Places of the reviewed pixels, int (N, 2), if not all pixels were reviewed."""
        return np.argwhere(np.asarray(self.reviewed))


def prepare_field(field: Field, channel: int | None = None) -> PreparedField:
    """Prepare a field.

    Parameters
    ----------
    field : Field
        With labels.
    channel : int, optional
        Which channel of the image.

    Returns
    -------
    PreparedField
        The normalized plane with its labels.
    """
    plane = field.plane(channel)
    values = normalize(plane)
    if plane.ndim == 2:
        values = values[..., :1]
    labels = field.known_labels
    diameter = median_diameter(field.reviewed_labels) or NETWORK_DIAMETER
    return PreparedField(values, labels, poisson_distance(labels), diameter, field.reviewed)


def batches(
    groups: Sequence[Sequence[PreparedField]],
    sampling_weights: Sequence[float],
    *,
    batch_size: int,
    patch_size: int,
    seed: Sequence[int],
    count: int,
    synthetic_stain: float = 0.0,
    stain_augmentation: float = 0.0,
) -> Iterator[Batch]:
    """Yield batches of patches.

    Parameters
    ----------
    groups : sequence of sequence of PreparedField
        Fields of one kind are in one group.
    sampling_weights : sequence of float
        How often patches come from each group, in any unit.
    batch_size, patch_size : int
        Patches in a batch, and their height and width.
    seed : sequence of int
        Seed of the random numbers.
    count : int
        How many batches.
    synthetic_stain, stain_augmentation : float, optional
        Probability that a patch is redrawn with a synthetic stain, and that a color patch
        is recolored as another stain, see `tissue`.

    Yields
    ------
    images : ndarray of float32, shape (N, Y, X, 3)
        Augmented patches.
    targets : dict of ndarray of float32
        ``"maps"``, (N, Y, X, 4), and ``"size"``, (N, Y/8, X/8, 2), see
        `losses`.
    """
    chances = np.asarray(sampling_weights, float) / np.sum(sampling_weights)
    for step in range(count):
        rng = np.random.default_rng([*seed, step])
        chosen = rng.choice(len(groups), batch_size, p=chances)
        sources = [groups[group][int(rng.integers(len(groups[group])))] for group in chosen]
        patches = [
            _patch(prepared, patch_size, synthetic_stain, stain_augmentation, rng)
            for prepared in sources
        ]
        images, maps, sizes = (np.stack(part) for part in zip(*patches, strict=True))
        yield images, {"maps": maps, "size": sizes}


def _patch(
    prepared: PreparedField,
    size: int,
    synthetic_stain: float,
    stain_augmentation: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take one patch: rotated, flipped, scaled, with other intensities."""
    zoom = _random_zoom(prepared.diameter, rng)
    diameter = zoom * prepared.diameter
    plane, labels, distance, reviewed = _warp(prepared, size, zoom, rng)
    # A distance that was measured in few pixels and then enlarged does not separate
    # touching nuclei, so it is measured again.
    maps = target_maps(labels, distance if zoom < _FINE else None)
    maps = np.dstack([maps, pixel_weights(labels, reviewed)])
    if rng.random() < synthetic_stain and labels.any():
        plane = paint_tissue(plane, labels, maps[..., 1], diameter, rng)
    elif plane.shape[-1] == 1 and rng.random() < 0.15:
        plane = dim_nuclei(plane, labels, rng)
    elif plane.shape[-1] == 3 and rng.random() < stain_augmentation and labels.any():
        plane = recolor_tissue(plane, labels, diameter, rng)
    changed = rng.random() >= _UNCHANGED
    image = change_intensities(plane, diameter, rng) if changed else plane
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    return image.astype(np.float32), maps, _size_target(reviewed_labels(labels, reviewed))


def _random_zoom(diameter: float, rng: np.random.Generator) -> float:
    """Choose how much larger the patch is than the image.

    In most patches the nuclei are near the diameter that the network works at. In some
    they have any diameter, so that the network learns to estimate it.
    """
    if rng.random() < _ANY_SIZE_SHARE:
        target = np.exp(rng.uniform(*np.log(_ANY_DIAMETER)))
    else:
        target = NETWORK_DIAMETER * np.exp(rng.uniform(*np.log(_ZOOM)))
    return float(np.clip(target / diameter, 1 / _MOST_ZOOM, _MOST_ZOOM))


def _warp(
    prepared: PreparedField, size: int, zoom: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Cut a rotated, flipped and scaled square out of the field."""
    plane, labels, distance = prepared.plane, prepared.labels, prepared.distance
    angle = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        rotation[:, 1] *= -1
    matrix = rotation / zoom
    center = _center(prepared, size / zoom, rng)
    offset = center - matrix @ np.full(2, (size - 1) / 2)
    reach = int(np.ceil(size / zoom * 0.71)) + 8
    window, offset = _window(labels.shape, center, reach, offset)
    plane, labels, distance = plane[window], labels[window], distance[window]
    reviewed = prepared.reviewed
    if zoom < 0.8:
        # Less than half the distance of the samples, or fine texture would alias.
        plane = scipy.ndimage.gaussian_filter(plane, (0.4 / zoom, 0.4 / zoom, 0), truncate=2.5)

    def warp(values: np.ndarray, order: int) -> np.ndarray:
        return scipy.ndimage.affine_transform(
            values, matrix, offset, (size, size), order=order, mode="mirror"
        )

    channels = [warp(plane[..., channel], 1) for channel in range(plane.shape[-1])]
    # At a mirrored edge a label can occur twice. Each piece becomes a nucleus of its own.
    labels = measure.label(warp(labels, 0), background=0, connectivity=1)
    if reviewed is not None:
        reviewed = warp(reviewed[window].view(np.uint8), 0) > 0
    return np.stack(channels, axis=-1), labels, warp(distance, 1), reviewed


def _window(
    shape: tuple[int, ...], center: np.ndarray, reach: int, offset: np.ndarray
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the part of the field that a patch can see, and the offset in it.

    The part ends at the edge of the field, where `_warp` mirrors it.
    """
    first = np.maximum(0, np.floor(center).astype(int) - reach)
    last = np.minimum(shape, np.ceil(center).astype(int) + reach + 1)
    window = slice(first[0], last[0]), slice(first[1], last[1])
    return window, offset - first


def _center(prepared: PreparedField, extent: float, rng: np.random.Generator) -> np.ndarray:
    """Choose the center of a patch, which lies inside of a field that is large enough.

    If not all of the field was reviewed, a reviewed pixel lies in the middle half of the
    patch.
    """
    lengths = np.array(prepared.labels.shape, float)
    margin = np.minimum(extent / 2, lengths / 2)
    if prepared.reviewed is None or not len(prepared.reviewed_pixels):
        return rng.uniform(margin, lengths - margin)
    pixel = prepared.reviewed_pixels[rng.integers(len(prepared.reviewed_pixels))]
    center = pixel + rng.uniform(-extent / 4, extent / 4, 2)
    return np.clip(center, margin, lengths - margin)


def _size_target(labels: np.ndarray) -> np.ndarray:
    """Return the target of the size map, at an eighth of the resolution.

    It is log2 of the diameter over that of the network, and 1 where there is a nucleus.
    Nuclei that the edge of the patch cuts are left out.
    """
    area = np.bincount(labels.ravel())
    area[0] = 0
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        area[edge] = 0
    middles = slice(DEFAULT_SPEC.size_stride // 2, None, DEFAULT_SPEC.size_stride)
    area = area[labels[middles, middles]]
    nucleus = area > 0
    size = np.where(nucleus, np.log2(disk_width(area.clip(1)) / NETWORK_DIAMETER), 0)
    return np.stack([size, nucleus], axis=-1).astype(np.float32)
