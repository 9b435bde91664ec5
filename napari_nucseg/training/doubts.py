"""Doubts about corrected labels: whether they lie where the image has nuclei.

A model that learns from labels beside the nuclei is worse, and its score on other labels of
that kind does not tell. So the outlines are compared with the edges of the image, and of what
the starting model sees in it, before anything is learned.
"""

from __future__ import annotations

import numpy as np

from ..image import Field
from ..pipeline import normalize
from .targets import nucleus_diameters

__all__ = ["doubt_about"]

#: Of larger fields a part is looked at, which is quick.
_SIDE = 768
#: Fewer nuclei than these can have odd outlines by chance.
_FEWEST = 5
#: Outlines on edges this many times as strong as the image's mean belong to the image. In 51
#: fields of four datasets it was 1.43 to 19, with the labels of other fields 0.5 to 1.3.
_BELONGS = 1.35
#: Outlines belong elsewhere if edges there are this many times as strong (1.03 at most in
#: those fields, 1.4 at least if the labels were moved by half a nucleus) ...
_STRONGER, _MUCH_STRONGER = 1.15, 1.4
#: ... and as far away, in parts of the width of a nucleus (0.06 at most, 0.47 at least).
_BESIDE = 0.2
#: How far inside, in parts of that width, outlines are too small, and how much stronger the
#: edges are outside of them (in no field that much).
_INSIDE, _STRONGER_OUTSIDE = 0.06, 1.06
#: The starting model is sure of a nucleus from this mean probability on.
_SURE = 0.8
#: So many of the nuclei that it is sure of have labels, or the field was not finished.
_LABELLED, _FEWEST_SURE = 0.4, 10
#: So many such nuclei are enough to doubt a field in which nothing is labelled.
_FEWEST_WITHOUT = 3


def doubt_about(field: Field, foreground: np.ndarray, found: np.ndarray) -> str:
    """Say what is odd about the labels of a field.

    Parameters
    ----------
    field : Field
        With labels.
    foreground : ndarray of float, shape (Y, X)
        How likely a nucleus is there, says the starting model.
    found : ndarray of int, shape (Y, X)
        The nuclei that it finds.

    Returns
    -------
    str
        A sentence that names the field and says what to do; empty if nothing is odd.
    """
    window = _window(field)
    field = field.crop(*window)
    foreground, found = np.asarray(foreground)[window], found[window]
    if _are_missing(field, foreground, found):
        return (
            f"In {field.name!r} most nuclei that the starting model is sure of have no label, "
            f"and would be learned as background. Label them, or mark as reviewed only what "
            f"you have corrected."
        )
    labels = field.reviewed_labels
    diameters = nucleus_diameters(labels)
    if len(diameters) < _FEWEST:
        return ""
    width = float(np.median(diameters))
    edges = _edges(field, foreground, width)
    away, here, there = _shift(labels, edges, width)
    is_beside = bool(np.hypot(*away) > max(2.0, _BESIDE * width)) and there > _STRONGER * here
    if here < _BELONGS and not (is_beside and there > _MUCH_STRONGER * here):
        return (
            f"The labels of {field.name!r} do not follow its image: there are no edges along "
            f"their outlines. Check that image and labels belong together."
        )
    inside = _inset(labels, edges, width)
    if inside > max(1.2, _INSIDE * width):
        return (
            f"The outlines of {field.name!r} seem to lie {inside:.1f} pixels inside of the "
            f"nuclei. Draw them along the edges, then add the field again."
        )
    if is_beside:
        rows, columns = (round(float(value)) for value in away)
        return (
            f"The labels of {field.name!r} seem to lie beside the nuclei: moved by {rows} "
            f"pixels down and {columns} to the right they would fit. Move them, then add the "
            f"field again."
        )
    return ""


def _window(field: Field) -> tuple[slice, slice]:
    """Return the part of a large field that is looked at: around the middle of its labels."""
    places = np.argwhere(field.reviewed_labels)
    middle = np.median(places, axis=0) if len(places) else np.array(field.shape) / 2
    starts = [
        int(np.clip(at - _SIDE / 2, 0, max(0, length - _SIDE)))
        for at, length in zip(middle, field.shape, strict=True)
    ]
    return slice(starts[0], starts[0] + _SIDE), slice(starts[1], starts[1] + _SIDE)


def _are_missing(field: Field, foreground: np.ndarray, found: np.ndarray) -> bool:
    """Return whether most nuclei that are surely there have no label."""
    from scipy import ndimage

    reviewed = np.ones(field.shape, bool) if field.reviewed is None else field.reviewed
    ids = np.unique(found[found > 0])
    fewest = _FEWEST_SURE if field.nuclei else _FEWEST_WITHOUT
    if len(ids) < fewest:
        return False
    sure = ids[
        (ndimage.mean(foreground, found, ids) > _SURE)
        & (ndimage.mean(reviewed, found, ids) > 0.9)
    ]
    if len(sure) < fewest:
        return False
    labelled = ndimage.mean(field.known_labels > 0, found, sure) > 0.1
    return float(np.mean(labelled)) < _LABELLED


def _edges(field: Field, foreground: np.ndarray, width: float) -> np.ndarray:
    """Return how strong the edges are, those of the image and of the model's; 1 on average."""
    from scipy import ndimage

    sigma = max(1.0, width / 20)
    planes = [foreground, *np.moveaxis(normalize(field.plane()), -1, 0)]
    strengths = [
        ndimage.gaussian_gradient_magnitude(plane.astype(np.float32), sigma) for plane in planes
    ]
    model, *image = (np.sqrt(one) for one in strengths)
    total = sum(one / max(float(one.mean()), 1e-6) for one in image) / len(image)
    return (total + model / max(float(model.mean()), 1e-6)) / 2


def _shift(
    labels: np.ndarray, edges: np.ndarray, width: float
) -> tuple[np.ndarray, float, float]:
    """Return by which way the outlines would lie on the strongest edges.

    Also how strong the edges are along the outlines, where they are and where they would be.
    """
    from scipy.signal import fftconvolve

    outline = _outline(labels).astype(np.float32)
    reach = int(min(width, *(length // 3 for length in labels.shape)))
    kernel = outline[::-1, ::-1]
    total = fftconvolve(edges, kernel, mode="full")
    count = fftconvolve(np.ones_like(edges), kernel, mode="full")
    rows, columns = (length - 1 for length in labels.shape)
    window = (
        slice(rows - reach, rows + reach + 1),
        slice(columns - reach, columns + reach + 1),
    )
    mean = total[window] / np.maximum(count[window], 1.0)
    best = np.unravel_index(int(np.argmax(mean)), mean.shape)
    away = np.array(best) - reach
    return away, float(mean[reach, reach]), float(mean[best])


def _inset(labels: np.ndarray, edges: np.ndarray, width: float) -> float:
    """Return how far outside of the outlines the strongest edges are, in pixels."""
    from scipy import ndimage

    inside = ndimage.distance_transform_edt(labels > 0)
    outside = ndimage.distance_transform_edt(labels == 0)
    signed = np.where(labels > 0, 0.5 - inside, outside - 0.5)
    reach = max(3.0, width / 3)
    bins = np.arange(-reach, reach + 1)
    which = np.digitize(signed, bins)
    strength = [
        float(edges[which == place].mean()) if (which == place).any() else 0.0
        for place in range(1, len(bins))
    ]
    middles = bins[:-1] + 0.5
    best = int(np.argmax(strength))
    here = max(strength[place] for place in np.flatnonzero(np.abs(middles) <= 1.0))
    return float(middles[best]) if strength[best] > _STRONGER_OUTSIDE * here else 0.0


def _outline(labels: np.ndarray) -> np.ndarray:
    from skimage.segmentation import find_boundaries

    return find_boundaries(labels, connectivity=1, mode="inner")
