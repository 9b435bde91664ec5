"""A small picture of a field: what a person recognizes it by in a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..image import Field

__all__ = ["THUMBNAIL_SIZE", "draw_thumbnail", "small_picture"]

#: Longer side of a thumbnail, in pixels.
THUMBNAIL_SIZE = 128

#: Of the brightest pixels, as many are white as are needed for the others to be seen.
_RANGE = (1.0, 99.5)
_OUTLINE = (255, 214, 0)


def draw_thumbnail(field: Field, path: Path) -> None:
    """Draw a field with the outlines of its nuclei.

    Parameters
    ----------
    field : Field
        With labels.
    path : Path
        The picture to make, a PNG.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import PIL.Image

    grid = _grid_of(field)
    picture = _picture(field, grid)
    labels = field.known_labels[grid]
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis, append=np.take(labels, [-1], axis)) != 0
        edge |= differs
    picture[edge] = _OUTLINE
    PIL.Image.fromarray(picture).save(path, "PNG")


def small_picture(field: Field) -> np.ndarray:
    """Return a small picture of an image.

    Parameters
    ----------
    field : Field
        The image; labels are not looked at.

    Returns
    -------
    ndarray of uint8, shape (Y, X, 3)
        At most `THUMBNAIL_SIZE` pixels high and wide; of channels the mean.
    """
    return _picture(field, _grid_of(field))


def _grid_of(field: Field) -> tuple[np.ndarray, ...]:
    """Return which rows and columns are shown."""
    return np.ix_(*(_places(length, max(field.shape)) for length in field.shape))


def _places(length: int, longest: int) -> np.ndarray:
    """Return the places along an axis that are shown."""
    count = max(1, round(length * min(1.0, THUMBNAIL_SIZE / longest)))
    return ((np.arange(count) + 0.5) * length / count).astype(int)


def _picture(field: Field, grid: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the image as (Y, X, 3) of bytes; of channels the mean."""
    image = np.asarray(field.image)
    order = [field.axes.index(axis) for axis in "YX"]
    others = [axis for axis in range(image.ndim) if axis not in order]
    pixels = image.transpose(*order, *others)[grid].astype(np.float32)
    pixels = np.nan_to_num(pixels, posinf=0.0, neginf=0.0)
    if field.is_color:
        pixels = pixels[..., :3]
    elif pixels.ndim == 3:
        pixels = pixels.mean(axis=-1)
    low, high = np.percentile(pixels, _RANGE)
    if field.is_color and image.dtype == np.uint8:
        low, high = 0.0, 255.0
    pixels = (255 * np.clip((pixels - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
