"""What can be done with images of all kinds, and a part of an image as an image."""

from __future__ import annotations

import abc
import copy
from typing import Any

import numpy as np

from .axes import LETTERS, check_axes, how_known
from .described import Described
from .image import Image, Ranges, Region, as_slice, range_of

__all__ = ["BaseImage", "View"]


class BaseImage(Described, abc.ABC):
    """What images of all kinds have in common.

    A subclass implements `_read`. Code that only reads an array can take an image instead: it
    has ``shape`` and ``dtype``, is read in parts by
    ``image[…]`` with whole numbers and slices, and as a whole by ``numpy.asarray``.

    Parameters
    ----------
    axes : str
        A letter for each axis.
    shape : sequence of int
        Length of each axis.
    dtype : dtype
        Of the intensities.
    name : str, optional
        What the image is called in messages and file names.
    spacing : mapping of str to float, optional
        Distances between pixels by the letters of axes, as far as they are known.
    unit : mapping of str to str, optional
        Their units.
    guessed : bool, optional
        Whether the axes follow from the shape only.

    Raises
    ------
    TypeError
        If the intensities are no real numbers.
    ValueError
        If the axes are not known or do not fit to the shape.
    """

    @abc.abstractmethod
    def _read(self, ranges: Ranges) -> np.ndarray:
        """Read the pixels with these numbers along each axis; whole numbers drop theirs.

        They lie inside of the image, the steps of ranges are positive, and none is empty.
        """

    @property
    def levels(self) -> tuple[BaseImage, ...]:
        """The image in its resolutions, from the finest one on."""
        return (self,)

    def read(self, region: Region | None = None) -> np.ndarray:
        """Read a part of the image, and nothing else.

        Parameters
        ----------
        region : mapping of str to slice or int, optional
            By the letters of axes; an int drops its axis. All, if left out.

        Returns
        -------
        ndarray
            Of the axes that are left, in their order.

        Raises
        ------
        ValueError
            If the image has no such axis, or a step goes backwards; if the file is damaged.
        IndexError
            If an int is outside of the image.
        """
        ranges = self.ranges_of(region or {})
        lengths = [len(one) for one in ranges if isinstance(one, range)]
        return self._read(ranges) if all(lengths) else np.zeros(lengths, self.dtype)

    def ranges_of(self, region: Region) -> Ranges:
        """Count out the pixels of a region along each axis.

        Parameters
        ----------
        region : mapping of str to slice or int
            See `read`.

        Returns
        -------
        tuple of range or int
            One for each axis.

        Raises
        ------
        ValueError, IndexError
            See `read`.
        """
        for axis in region:
            self._check_axis(axis)
        wanted = [region.get(axis, slice(None)) for axis in self.axes]
        return tuple(map(range_of, wanted, self.axes, self.shape))

    def _check_axis(self, axis: str) -> None:
        if axis not in self.axes:
            raise ValueError(
                f"Expected axes out of {self.axes}{how_known(self.guessed)} for the image "
                f"{self.name!r}, got {axis!r}."
            )

    def view(self, region: Region, axes: str = "") -> BaseImage:
        """Return a part of the image, or its axes in another order, without reading it.

        Parameters
        ----------
        region : mapping of str to slice or int
            See `read`.
        axes : str, optional
            Order of the axes that are left.

        Returns
        -------
        BaseImage
            With the same name.
        """
        return View(self, region, axes)

    def select(self, **places: int | None) -> BaseImage:
        """Choose planes of a stack, without reading them.

        Parameters
        ----------
        **places
            Such as ``z=3, t=0``, counted from 0. None chooses nothing; 0 may be said of an
            axis that the image does not have.

        Returns
        -------
        BaseImage
            Without these axes.

        Raises
        ------
        ValueError
            If there is no such axis, or no such place.
        """
        region: dict[str, int] = {}
        for name, place in places.items():
            axis = name.upper()
            if place is None or (place == 0 and axis not in self.axes and axis in LETTERS):
                continue
            self._check_axis(axis)
            if not 0 <= place < self.sizes[axis]:
                raise ValueError(
                    f"Expected {name} from 0 to {self.sizes[axis] - 1} for the image "
                    f"{self.name!r} of {self.describe()}, got {place}."
                )
            region[axis] = place
        return self.view(region) if region else self

    def crop(self, rows: slice = slice(None), columns: slice = slice(None)) -> BaseImage:
        """Return a rectangle of the image, without reading it.

        Parameters
        ----------
        rows, columns : slice, optional
            Pixels along Y and X.

        Returns
        -------
        BaseImage
            With all the other axes.
        """
        return self.view({"Y": rows, "X": columns})

    def squeeze(self) -> BaseImage:
        """Drop the axes of length 1, but for Y and X, without reading the image.

        Returns
        -------
        BaseImage
            The same, if there is none.
        """
        flat = {axis: 0 for axis, n in self.sizes.items() if n == 1 and axis not in "YX"}
        return self.view(flat) if flat else self

    def in_order(self, order: str = LETTERS) -> BaseImage:
        """Return the image with its axes in the usual order, without reading it.

        Parameters
        ----------
        order : str, optional
            Letters of the axes and perhaps of others.

        Returns
        -------
        BaseImage
            The same, if it is in that order.
        """
        axes = "".join(sorted(self.axes, key=order.index))
        return self if axes == self.axes else self.view({}, axes)

    def with_axes(self, axes: str) -> BaseImage:
        """Return the image with its axes called otherwise.

        Parameters
        ----------
        axes : str
            As many letters as dimensions, or as dimensions longer than 1.

        Returns
        -------
        BaseImage
            The same pixels in the same order.

        Raises
        ------
        ValueError
            If the axes do not fit.
        """
        axes = axes.upper()
        image = self.squeeze() if len(axes) < self.ndim else self
        check_axes(axes, image.shape)
        renamed = copy.copy(image)
        renamed._call_axes(axes)
        return renamed

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read the image, for ``numpy.asarray``."""
        if copy is False:
            raise ValueError("Expected leave to read the image into memory, got copy=False.")
        return np.asarray(self.read(), dtype)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Read a part, as of an array."""
        parts = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in parts:
            where = parts.index(Ellipsis)
            parts[where : where + 1] = [slice(None)] * (self.ndim + 1 - len(parts))
        if len(parts) > self.ndim:
            raise IndexError(f"Expected at most {self.ndim} indices, got {len(parts)}.")
        return self.read(dict(zip(self.axes, parts, strict=False)))

    def __len__(self) -> int:
        return self.shape[0]


class View(BaseImage):
    """A part of another image, or its axes in another order.

    Parameters
    ----------
    image : Image
        The image.
    region : mapping of str to slice or int, optional
        Part of it, see `Image.read`.
    axes : str, optional
        Order of the axes that are left.
    """

    def __init__(self, image: Image, region: Region | None = None, axes: str = "") -> None:
        region = region or {}
        wanted = [region.get(axis, slice(None)) for axis in image.axes]
        ranges = map(range_of, wanted, image.axes, image.shape)
        self._image = image
        self._base = dict(zip(image.axes, ranges, strict=True))
        self._left = "".join(axis for axis, one in self._base.items() if isinstance(one, range))
        axes = axes or self._left
        if sorted(axes) != sorted(self._left):
            raise ValueError(f"Expected axes {self._left} in another order, got {axes!r}.")
        self._order = [self._left.index(axis) for axis in axes]
        left = {axis: one for axis, one in self._base.items() if isinstance(one, range)}
        spacing = dict(zip(image.axes, image.spacing, strict=True))
        unit = dict(zip(image.axes, image.unit, strict=True))
        super().__init__(
            axes,
            [len(left[axis]) for axis in axes],
            image.dtype,
            name=image.name,
            spacing={a: n * left[a].step for a, n in spacing.items() if n and a in left},
            unit={axis: name for axis, name in unit.items() if name},
            guessed=getattr(image, "guessed", False),
        )
        known = image if isinstance(image, Described) else _described(image)
        self._come_from(known, self._base)
        channels = self._base.get("C")
        if isinstance(channels, range) and known.channel_names:
            self.channel_names = tuple(known.channel_names[at] for at in channels)

    def _read(self, ranges: Ranges) -> np.ndarray:
        inner: dict[str, slice | int] = {
            axis: one for axis, one in self._base.items() if isinstance(one, int)
        }
        kept = []
        for place, one in zip(self._order, ranges, strict=True):
            axis = self._left[place]
            base = self._base[axis]
            assert isinstance(base, range)
            if isinstance(one, int):
                inner[axis] = base[one]
            else:
                inner[axis] = as_slice(base[one.start : one.stop : one.step])
                kept.append(place)
        array = self._image.read(inner)
        # What is left comes in the order of the image, and is wanted in that of the view.
        return array.transpose([sorted(kept).index(place) for place in kept])


def _described(image: Image) -> Described:
    """Return what an image of another library says of itself."""
    return Described(image.axes, image.shape, image.dtype, name=image.name)
