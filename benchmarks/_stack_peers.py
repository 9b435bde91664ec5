"""What stacks are compared with: a threshold with a 3-D watershed, planes linked by plain IoU.

Also which nuclei were merged through z, and which links of a movie are right.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_nucseg.image import Division

__all__ = ["links_of", "merged_through_z", "otsu_watershed", "plain_iou"]

#: Intersection over union from which on two sections are the same nucleus, as in Cellpose.
_STITCH = 0.25

#: Smallest object, as the pipeline's own parameters have it.
_MINIMUM_SIZE = 20


def otsu_watershed(stack: np.ndarray, depth: float, diameter: float) -> np.ndarray:
    """Segment a stack by Otsu's threshold and a watershed of the distance in 3-D.

    Parameters
    ----------
    stack : ndarray, shape (Z, Y, X)
        Intensities.
    depth : float
        How many times a voxel is as deep as wide.
    diameter : float
        Typical diameter in pixels of XY; peaks are at least half of it apart.

    Returns
    -------
    ndarray of int, shape (Z, Y, X)
        Labels.
    """
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.segmentation import watershed

    smooth = ndimage.gaussian_filter(stack.astype(np.float32), (1 / depth, 1, 1))
    inside = smooth > threshold_otsu(smooth)
    distance = ndimage.distance_transform_edt(inside, sampling=(depth, 1, 1))
    distance = ndimage.gaussian_filter(distance, (1.5 / depth, 1.5, 1.5))
    footprint = np.ones([max(1, int(diameter / 2 / step) + 1) for step in (depth, 1, 1)])
    peaks = peak_local_max(
        distance, footprint=footprint, labels=inside.astype(int), exclude_border=False
    )
    seeds = np.zeros(stack.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, seeds, mask=inside)
    labels[np.bincount(labels.ravel())[labels] < _MINIMUM_SIZE] = 0
    return labels


def plain_iou(planes: np.ndarray) -> np.ndarray:
    """Link planes of labels by intersection over union only, one pair of planes at a time.

    Parameters
    ----------
    planes : ndarray of int, shape (Z, Y, X)
        Labels of every plane by itself.

    Returns
    -------
    ndarray of int, shape (Z, Y, X)
        A section goes on in the one that it shares most with, if each is best for the other.
    """
    out = planes.astype(np.int32)
    count = int(out[0].max())
    for z in range(1, len(out)):
        below, here = out[z - 1], planes[z]
        numbers, low = np.unique(below, return_inverse=True)
        _, high = np.unique(here, return_inverse=True)
        shared = np.zeros((numbers.size, int(high.max()) + 1))
        np.add.at(shared, (low.ravel(), high.ravel()), 1)
        union = shared.sum(1, keepdims=True) + shared.sum(0, keepdims=True) - shared
        iou = shared / union
        iou[numbers == 0] = 0
        best = iou == iou.max(axis=0, keepdims=True)
        best &= iou == iou.max(axis=1, keepdims=True)
        new = np.zeros(shared.shape[1], np.int32)
        values = np.unique(here)
        for place, value in enumerate(values):
            from_below = np.flatnonzero(best[:, place] & (iou[:, place] >= _STITCH))
            if value and from_below.size:
                new[place] = numbers[from_below[0]]
            elif value:
                count += 1
                new[place] = count
        out[z] = new[high.reshape(here.shape)]
    return out


def merged_through_z(labels: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """Count the nuclei found that hold most of two true ones, one over the other.

    Parameters
    ----------
    labels, truth : ndarray of int, shape (Z, Y, X)
        Found and true.

    Returns
    -------
    through_z, merged : int
        How many hold two that share fewer than half of their planes, and how many hold two.
    """
    size = np.bincount(truth.ravel())
    both = (labels > 0) & (truth > 0)
    pairs, counts = np.unique(np.stack([labels[both], truth[both]]), axis=1, return_counts=True)
    most = counts > size[pairs[1]] / 2
    held: dict[int, list[int]] = {}
    for one, nucleus in pairs[:, most].T.tolist():
        held.setdefault(one, []).append(nucleus)
    planes: dict[int, set[int]] = {}
    for z, plane in enumerate(truth):
        for nucleus in np.unique(plane):
            planes.setdefault(int(nucleus), set()).add(z)
    merged = [several for several in held.values() if len(several) > 1]
    return sum(_is_over(several, planes) for several in merged), len(merged)


def _is_over(several: list[int], planes: dict[int, set[int]]) -> bool:
    """Whether two of several nuclei share fewer than half of the planes of the flatter one."""
    return any(
        2 * len(planes[a] & planes[b]) < min(len(planes[a]), len(planes[b]))
        for place, a in enumerate(several)
        for b in several[place + 1 :]
    )


def links_of(
    frames: Iterable[dict[int, int]], divisions: Iterable[Division]
) -> set[tuple[int, int, int]]:
    """Return the links from frame to frame, as (frame, nucleus before, nucleus in it).

    Parameters
    ----------
    frames : iterable of dict
        For every frame by the number of a track what the nucleus is called.
    divisions : iterable of Division
        In numbers of tracks.

    Returns
    -------
    set of tuple of int
        Links between neighboring frames, those from parent to daughter included.
    """
    parent = {d: one.parent for one in divisions for d in one.daughters}
    links = set()
    before: dict[int, int] = {}
    for t, here in enumerate(frames):
        for track, name in here.items():
            from_track = track if track in before else parent.get(track)
            if from_track in before:
                links.add((t, before[from_track], name))
        before = here
    return links
