"""Images as people look at them, with outlines of nuclei."""

from __future__ import annotations

import numpy as np

from ..image import BaseImage

__all__ = ["draw_outlines", "shown"]

#: What is darker or brighter than these percentiles is black or white.
_RANGE = (0.2, 99.8)

#: Colors of channels: blue, green, red, magenta, cyan, yellow, and again.
_COLORS = np.array([[0, 0.4, 1], [0, 1, 0], [1, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]])

#: Colors of outlines, which differ from those of their neighbors and from grey.
_OUTLINES = np.array(
    [[255, 214, 0], [0, 229, 255], [255, 64, 129], [118, 255, 3], [255, 145, 0], [213, 0, 249]],
    np.uint8,
)


def shown(image: BaseImage) -> np.ndarray:
    """Return a plane as a person looks at it.

    Parameters
    ----------
    image : BaseImage
        A plane: grey, in color or with channels.

    Returns
    -------
    ndarray of uint8, shape (Y, X, 3)
        Of a grey image or a channel, the range from the 0.2nd to the 99.8th percentile.
        Colors of 8 bits are as they are.
    """
    if image.is_color:
        colors = np.asarray(image.view({"S": slice(3)}, "YXS"))
        if colors.dtype == np.uint8:
            return colors
        return (255 * np.stack([_stretched(colors[..., at]) for at in range(3)], -1)).astype(
            np.uint8
        )
    if "C" not in image.axes:
        grey = (255 * _stretched(np.asarray(image))).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    mixed = np.zeros((image.sizes["Y"], image.sizes["X"], 3), np.float32)
    for at in range(image.channels):
        channel = _stretched(np.asarray(image.view({"C": at}, "YX")))
        mixed += channel[..., None] * _COLORS[at % len(_COLORS)].astype(np.float32)
    return (255 * mixed.clip(0, 1)).astype(np.uint8)


def _stretched(plane: np.ndarray) -> np.ndarray:
    """Return intensities from 0 to 1."""
    plane = np.nan_to_num(plane.astype(np.float32), posinf=0, neginf=0)
    step = max(1, int((plane.size / 1e6) ** 0.5))
    low, high = np.percentile(plane[::step, ::step], _RANGE)
    if high <= low:
        low, high = float(plane.min()), max(float(plane.max()), float(plane.min()) + 1)
    return ((plane - low) / (high - low)).clip(0, 1)


def draw_outlines(picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draw the outlines of nuclei, in the pixels of their border.

    Parameters
    ----------
    picture : ndarray of uint8, shape (Y, X, 3)
        What to draw on; it is not changed.
    labels : ndarray of int, shape (Y, X)
        0 is background.

    Returns
    -------
    ndarray of uint8, shape (Y, X, 3)
        With a color for each nucleus.
    """
    padded = np.pad(labels, 1)
    border = np.zeros(labels.shape, bool)
    for other in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        border |= other != labels
    border &= labels > 0
    drawn = picture.copy()
    drawn[border] = _OUTLINES[labels[border] % len(_OUTLINES)]
    return drawn
