"""Field: one plane of an image with its pixel size and, if known, its labels."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from .array import ArrayImage, as_image
from .axes import PLANES
from .base import BaseImage
from .image import Image
from .labels import as_labels
from .origin import Origin
from .planes import check_channel, check_plane, nuclear_channel_of, plane_of
from .reviewed import as_reviewed, reviewed_labels

__all__ = ["Field"]

_NAME = "image"
_UNKNOWN = Origin()


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """One field of view: an image of one plane, and its labels.

    Parameters
    ----------
    image : array_like or Image
        Intensities, of any integer, floating or boolean dtype. Anything with
        ``shape``, ``dtype`` and slicing will do; it is not copied, and an `Image` is not
        read before it is needed.
    axes : str, optional
        A letter for each axis: Y and X, and C for channels or S for the samples of a color
        pixel. Left out, they are those that the image names, or guessed from its shape:
        (Y, X, 3) and (Y, X, 4) are a color, (C, Y, X) and (Y, X, C) are up to 16 channels.
    name : str, optional
        What the field is called in messages and file names; left out, what an `Image` is.
    pixel_size : tuple of float, optional
        Height and width of a pixel in `unit`; left out, that of the image. None if it is
        not known.
    unit : str, optional
        Unit of `pixel_size`.
    labels : ndarray of int32, shape (Y, X), optional
        0 is background and every nucleus has a positive integer of its own.
    origin : Origin, optional
        Which plane of which axes the image is; left out, what the image says.
    reviewed : ndarray of bool, shape (Y, X), optional
        True where a person has reviewed the labels: only there is learned from them, and
        scored. Left out, that is everywhere.
    channel_names : tuple of str, optional
        What the channels are called; left out, what the image says.

    Raises
    ------
    TypeError
        If the image is no array, or its dtype is not a real number.
    ValueError
        If the image is empty or a stack, or shape, axes, labels and reviewed pixels do not
        fit together.
    """

    image: Any
    axes: str = ""
    name: str = _NAME
    pixel_size: tuple[float, float] | None = None
    unit: str = "pixel"
    labels: np.ndarray | None = None
    origin: Origin = _UNKNOWN
    reviewed: np.ndarray | None = None
    channel_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        image = as_image(self.image, self.axes, self.name)
        check_plane(image)
        if not self.origin.axes:
            object.__setattr__(self, "origin", image.origin)
        if image.axes not in PLANES:
            image = image.squeeze().in_order()
        if not self.channel_names:
            object.__setattr__(self, "channel_names", image.channel_names)
        given = image.array if isinstance(image, ArrayImage) else image
        if self.name == _NAME and isinstance(self.image, Image):
            object.__setattr__(self, "name", image.name)
        object.__setattr__(self, "image", given)
        object.__setattr__(self, "axes", image.axes)
        if self.pixel_size is None and image.pixel_size is not None:
            object.__setattr__(self, "pixel_size", image.pixel_size)
            object.__setattr__(self, "unit", image.unit[image.axes.index("X")] or "pixel")
        if self.labels is not None:
            object.__setattr__(self, "labels", as_labels(self.labels, self.shape))
        if self.reviewed is not None:
            object.__setattr__(self, "reviewed", as_reviewed(self.reviewed, self.shape))

    def __getstate__(self) -> dict[str, Any]:
        """A lazy image is read when the field goes to another process."""
        return {**self.__dict__, "image": np.asarray(self.image)}

    @property
    def source(self) -> BaseImage:
        """The image, with what `Image` can do."""
        image = copy.copy(as_image(self.image, self.axes))
        image.name, image.guessed = self.name, self.origin.guessed
        image.channel_names = self.channel_names
        if self.pixel_size is not None:
            known = dict(zip("YX", self.pixel_size, strict=True))
            pairs = zip(image.axes, image.spacing, image.unit, strict=True)
            triples = [(known.get(a, n), self.unit if a in known else u) for a, n, u in pairs]
            image.spacing, image.unit = zip(*triples, strict=True)
        return image

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        rows, columns = self.axes.index("Y"), self.axes.index("X")
        return int(self.image.shape[rows]), int(self.image.shape[columns])

    @property
    def channels(self) -> int:
        """Number of channels, or of samples of a color; 1 for a grey image."""
        return self.source.channels

    @property
    def is_color(self) -> bool:
        """Whether the image is RGB or RGBA color."""
        return "S" in self.axes

    @property
    def nuclear_channel(self) -> int | None:
        """The channel that shows nuclei by its name, None if there is none or only one."""
        return nuclear_channel_of(self.source)

    @property
    def known_labels(self) -> np.ndarray:
        """The labels; a ValueError says so if there are none."""
        if self.labels is None:
            raise ValueError(f"Expected labels for the field {self.name!r}, got none.")
        return self.labels

    @property
    def reviewed_labels(self) -> np.ndarray:
        """The labels of the nuclei that were reviewed, see `reviewed_labels`."""
        return reviewed_labels(self.known_labels, self.reviewed)

    @property
    def nuclei(self) -> int:
        """Number of labelled nuclei that were reviewed."""
        return int(np.count_nonzero(np.unique(self.reviewed_labels)))

    def of_channel(self, channel: int | None) -> Field:
        """Return the field as one channel of it alone.

        Parameters
        ----------
        channel : int or None
            See `plane`; None leaves the field as it is.

        Returns
        -------
        Field
            With the same labels and pixel size. A lazy image stays lazy.
        """
        if channel is None:
            return self
        image = plane_of(self.source, channel)
        return dataclasses.replace(self, image=image, axes=image.axes)

    def with_axes(self, axes: str) -> Field:
        """Return the field with its axes called otherwise.

        Parameters
        ----------
        axes : str
            A letter for each.

        Returns
        -------
        Field
            The same pixels.

        Raises
        ------
        ValueError
            If the axes do not fit.
        """
        axes = axes.upper()
        plane = {axis: place for axis, place in self.origin.plane.items() if axis not in axes}
        origin = Origin("".join(plane) + axes, False, plane)
        return dataclasses.replace(self, axes=axes, origin=origin)

    def crop(self, rows: slice = slice(None), columns: slice = slice(None)) -> Field:
        """Return a rectangle of the field.

        Parameters
        ----------
        rows, columns : slice, optional
            Pixels along Y and X.

        Returns
        -------
        Field
            With the labels and the reviewed pixels there, if there are any. A lazy image
            stays lazy.
        """
        image = self.source.crop(rows, columns)
        return dataclasses.replace(
            self,
            image=image,
            axes=image.axes,
            labels=None if self.labels is None else self.labels[rows, columns],
            reviewed=None if self.reviewed is None else self.reviewed[rows, columns],
            pixel_size=image.pixel_size,
        )

    def in_memory(self) -> Field:
        """Return the field with its image read.

        Returns
        -------
        Field
            Which need not be read again, however often it is looked at.
        """
        return dataclasses.replace(self, image=np.asarray(self.image))

    def plane(self, channel: int | None = None) -> np.ndarray:
        """Return what the network looks at, in memory.

        Parameters
        ----------
        channel : int, optional
            Which channel, counted from 0. Left out, a color image is used
            whole (without its alpha) and a single channel as it is.

        Returns
        -------
        ndarray, shape (Y, X) or (Y, X, 3)
            Intensities in the dtype of the image.

        Raises
        ------
        ValueError
            If the channel does not exist, or none was chosen out of several.
        """
        return plane_of(self.source, channel).read()

    def check_channel(self, channel: int | None = None) -> None:
        """Check that `plane` takes a channel, without reading the image.

        Parameters
        ----------
        channel : int, optional
            See `plane`.

        Raises
        ------
        ValueError
            See `plane`.
        """
        check_channel(self.source, channel)
