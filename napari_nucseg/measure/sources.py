"""What labels and their image may be given as, and how they fit to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..image import (
    BaseImage,
    Field,
    Image,
    as_image,
    instances_of,
    open_image,
    read_labels,
    warn_of_issues,
)
from ..pipeline import Segmentation
from .table import Pixel

__all__ = [
    "LABEL_AXES",
    "all_channels",
    "channels_of",
    "labels_image",
    "named_alike",
    "pixel_of",
    "source_image",
    "sources_of",
]

#: Axes of labels that do not say theirs, by how many they have.
LABEL_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}
_TIFF = (".tif", ".tiff")
_COLORS = ("red", "green", "blue")


def source_image(image: Any, axes: str = "") -> BaseImage:
    """Return an image of what may be one, without axes of length 1.

    Parameters
    ----------
    image : array_like, path, Image or Field
        The image.
    axes : str, optional
        A letter for each axis.

    Returns
    -------
    BaseImage
        Not read, if that is possible.
    """
    if isinstance(image, str | Path):
        return open_image(image, axes).squeeze().in_order()
    if isinstance(image, Field):
        return (image.with_axes(axes) if axes else image).source.squeeze().in_order()
    return as_image(image, axes).squeeze().in_order()


def sources_of(
    image: Any, axes: str = "", z: int | None = None, t: int | None = None
) -> dict[str, BaseImage]:
    """Return the images that intensities are measured in.

    Parameters
    ----------
    image : array_like, path, Image or Field, or mapping of str to these, or None
        The image, or several by name.
    axes : str, optional
        A letter for each axis, the same for all.
    z, t : int, optional
        Which plane and which time point.

    Returns
    -------
    dict of str to BaseImage
        By name, which is empty for a single image; empty without one.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If something cannot be an image.
    """
    if image is None:
        return {}
    named = image if isinstance(image, Mapping) else {"": image}
    return {name: source_image(one, axes).select(z=z, t=t) for name, one in named.items()}


def all_channels(
    sources: Mapping[str, BaseImage], labels: BaseImage, names: Sequence[str] = ()
) -> dict[str, BaseImage]:
    """Return the channels of all images by name, each of the shape of the labels.

    Parameters
    ----------
    sources : mapping of str to BaseImage
        See `sources_of`, with the axes of the labels, see `named_alike`.
    labels : BaseImage
        See `labels_image`.
    names : sequence of str, optional
        What the channels of a single image are called, see `channels_of`.

    Returns
    -------
    dict of str to BaseImage
        A channel is called as its image, and if that has several, also as it is itself.

    Raises
    ------
    ValueError
        If shapes or names do not fit.
    """
    if names and sources and "" not in sources:
        raise ValueError(
            f"Expected names of channels with one image, got {', '.join(names)} and "
            f"{len(sources)} images. Images that are given by name need no others."
        )
    found: dict[str, BaseImage] = {}
    for name, image in sources.items():
        own = channels_of(image, labels, names)
        if name and len(own) > 1:
            own = {f"{name}_{one}": part for one, part in own.items()}
        elif name:
            own = {name: next(iter(own.values()))}
        found |= own
    return found


def labels_image(labels: Any, image: BaseImage | None = None, axes: str = "") -> BaseImage:
    """Return labels as an image of axes YX, ZYX, TYX or TZYX.

    Parameters
    ----------
    labels : array_like, path, Image, Field or Segmentation
        The labels. Of a file with a plane, a binary mask is taken apart into its pieces.
    image : BaseImage, optional
        The image that they belong to: it tells a stack from a series.
    axes : str, optional
        A letter for each axis of the labels.

    Returns
    -------
    BaseImage
        Not read, if they came as an array or image; named after the file.

    Raises
    ------
    TypeError, ValueError
        If they are no labels.
    FileNotFoundError
        If there is no such file.
    """
    if isinstance(labels, str | Path):
        known = _opened(Path(labels), axes)
    elif isinstance(labels, Field):
        field = labels
        known = as_image(field.known_labels, "YX", field.name)
        known.spacing, known.unit = _spacing(field.source, "YX")
    elif isinstance(labels, Segmentation):
        known = as_image(labels.labels, labels.axes)
    else:
        known = _of_array(labels, image, axes)
    _check(known, known.ndim)
    return known


def _spacing(
    image: BaseImage, axes: str
) -> tuple[tuple[float | None, ...], tuple[str | None, ...]]:
    """Return spacing and unit along some axes of an image."""
    places = [image.axes.index(axis) for axis in axes]
    return tuple(image.spacing[at] for at in places), tuple(image.unit[at] for at in places)


def _opened(path: Path, axes: str) -> BaseImage:
    """Return the labels of a file: a plane as it is meant, a stack as it is stored."""
    if path.suffix.lower() not in _TIFF:
        return _plane_of(path)
    stored = open_image(path, axes).squeeze()
    if stored.ndim == 2 or stored.is_color:
        known, described = _plane_of(path), stored
    else:
        described = stored.with_axes(axes or _axes_by_length(stored, None)).in_order()
        known = as_image(np.asarray(described), described.axes, path.stem)
    known.spacing, known.unit = _spacing(described, known.axes)
    return known


def _plane_of(path: Path) -> BaseImage:
    labels, issue = instances_of(read_labels(path))
    warn_of_issues([(str(path), issue)])
    return as_image(labels, "YX", path.stem)


def _of_array(labels: Any, image: BaseImage | None, axes: str) -> BaseImage:
    if isinstance(labels, Image):
        known = as_image(labels, axes).squeeze()
    else:
        array = labels if hasattr(labels, "shape") else np.asarray(labels)
        names = axes or LABEL_AXES.get(len(array.shape), "")
        if len(array.shape) not in LABEL_AXES:
            _check(array, len(array.shape))
        known = as_image(array, names, "labels")
        if not axes and hasattr(labels, "dims"):
            known = as_image(labels)
    if not axes:
        known = known.with_axes(_axes_by_length(known, image))
    return known.in_order()


def _axes_by_length(labels: BaseImage, image: BaseImage | None) -> str:
    """Return the axes of labels, which have neither channels nor colors."""
    if labels.ndim == 3 and image is not None and "T" in image.axes and "Z" not in image.axes:
        return "TYX"
    if not labels.guessed and not set(labels.axes) & set("CS"):
        return labels.axes
    return LABEL_AXES.get(labels.ndim, labels.axes)


def _check(labels: Any, ndim: int) -> None:
    """Raise ValueError if something cannot be labels."""
    kind = np.dtype(labels.dtype).kind
    if ndim not in LABEL_AXES or kind not in "iu":
        raise ValueError(
            f"Expected labels (Y, X), (Z, Y, X), (T, Y, X) or (T, Z, Y, X) of whole numbers, "
            f"got shape {tuple(labels.shape)} of {labels.dtype}. Give each nucleus a number of "
            f"its own, and the background 0."
        )


def named_alike(image: BaseImage, labels: BaseImage) -> BaseImage:
    """Return an image with the axes of its labels, if its own were only guessed.

    Parameters
    ----------
    image : BaseImage
        See `source_image`.
    labels : BaseImage
        See `labels_image`.

    Returns
    -------
    BaseImage
        A few planes, which were taken for channels, are a stack if the labels are one.
    """
    alike = image.guessed and image.shape == labels.shape
    return image.with_axes(labels.axes) if alike else image


def channels_of(
    image: BaseImage, labels: BaseImage, names: Sequence[str] = ()
) -> dict[str, BaseImage]:
    """Return the channels of an image by name, each of the shape of the labels.

    Parameters
    ----------
    image : BaseImage
        See `source_image`.
    labels : BaseImage
        See `labels_image`.
    names : sequence of str, optional
        What the channels are called; left out, a grey image is ``intensity``, colors are
        ``red``, ``green`` and ``blue`` (alpha is left out) and channels ``channel_0``, ….

    Returns
    -------
    dict of str to BaseImage
        Not read.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are not as many names as channels.
    """
    usual: tuple[str, ...]
    if image.is_color:
        parts, usual = [image.view({"S": at}) for at in range(3)], _COLORS
    elif "C" in image.axes:
        parts = [image.view({"C": at}) for at in range(image.channels)]
        usual = tuple(f"channel_{at}" for at in range(image.channels))
    else:
        parts, usual = [image], ("intensity",)
    for part in parts:
        if part.axes != labels.axes or part.shape != labels.shape:
            raise ValueError(
                f"Expected the image {image.name!r} to be of the shape of the labels, "
                f"{labels.shape} (axes {labels.axes}), but for channels, got {image.shape} "
                f"(axes {image.axes}). Give the image that the labels were made from; of a "
                f"stack choose the plane that they belong to, with z or t."
            )
    if names and len(names) != len(parts):
        raise ValueError(
            f"Expected a name for each of the {len(parts)} channels of {image.name!r}, got "
            f"{', '.join(names)}."
        )
    return dict(zip(names or usual, parts, strict=True))


def pixel_of(
    labels: BaseImage, image: BaseImage | None, size: float | Sequence[float] | None
) -> Pixel:
    """Return how large the pixels are.

    Parameters
    ----------
    labels : BaseImage
        See `labels_image`.
    image : BaseImage or None
        Its spacing counts before that of the labels.
    size : float or sequence of float, optional
        Micrometers along each axis in space or along all, which count before both.

    Returns
    -------
    Pixel
        Of no unit if it is not known along all axes.

    Raises
    ------
    ValueError
        If there are not as many sizes as axes, or they are not positive.
    """
    space = [axis for axis in labels.axes if axis in "ZYX"]
    if size is not None:
        sizes = np.broadcast_to(size, len(space)) if np.ndim(size) == 0 else np.asarray(size)
        if sizes.shape != (len(space),) or not (np.isfinite(sizes) & (sizes > 0)).all():
            raise ValueError(
                f"Expected a pixel size in micrometers above 0, or one for each of the axes "
                f"{''.join(space)}, got {size}."
            )
        return Pixel(tuple(map(float, sizes)), "micrometer")
    for known in (image, labels):
        if known is None:
            continue
        spacing, units = _spacing(known, "".join(space))
        sizes_known = tuple(float(one) for one in spacing if one)
        unit = set(units) - {None, "pixel"}
        if len(sizes_known) == len(space) and len(unit) == len(set(units)) == 1:
            return Pixel(sizes_known, str(unit.pop()))
    return Pixel((1.0,) * len(space))
