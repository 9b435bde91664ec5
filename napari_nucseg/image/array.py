"""Images that are arrays: NumPy, Dask, Zarr, xarray, or whatever has shape, dtype, slicing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .axes import axes_of_names, guess_axes
from .base import BaseImage, View
from .image import Image, Ranges, Region, as_slice, check_dtype

__all__ = ["ArrayImage", "as_image"]

#: How much the distances between coordinates may differ, as a part of them.
_EVEN = 1e-3


class ArrayImage(BaseImage):
    """An image that is an array.

    Parameters
    ----------
    array : array_like
        Of any real dtype; it is not copied. One of xarray or Zarr may name its axes, and
        one of xarray gives its spacing by coordinates and their ``units``.
    axes : str, optional
        Axes; left out, they are those that the array names, or guessed from its shape.
    name : str, optional
        What the image is called.
    spacing : mapping of str to float, optional
        Distances between pixels by the letters of axes, in place of those of the array.
    unit : mapping of str to str, optional
        Their units.

    Raises
    ------
    TypeError
        If it is no array, or not of real numbers.
    ValueError
        If the axes do not fit to the shape, or cannot be guessed.
    """

    def __init__(
        self,
        array: Any,
        axes: str = "",
        *,
        name: str = "image",
        spacing: Mapping[str, float] | None = None,
        unit: Mapping[str, str] | None = None,
    ) -> None:
        array = _as_array(array)
        check_dtype(array.dtype)
        named = _axes_of(array)
        chosen = axes.upper() or named
        if spacing is None and named:
            spacing, unit = _coordinates(array, named)
        names = _names_of_channels(array, named)
        self.array = array
        super().__init__(
            chosen or guess_axes(array.shape),
            array.shape,
            array.dtype,
            name=name,
            spacing=spacing,
            unit=unit,
            guessed=not chosen and len(array.shape) > 2,
        )
        self.channel_names = names if len(names) == self.sizes.get("C") else ()

    def _read(self, ranges: Ranges) -> np.ndarray:
        return np.asarray(self.array[_index(ranges)])

    def view(self, region: Region, axes: str = "") -> BaseImage:
        """Return a part of the array, or its axes in another order, without reading it.

        Parameters
        ----------
        region : mapping of str to slice or int
            See `BaseImage.read`.
        axes : str, optional
            Order of the axes that are left.

        Returns
        -------
        BaseImage
            One of an array again, if a part of the array is not read by taking it.
        """
        view = View(self, region, axes)
        if not (isinstance(self.array, np.ndarray) or hasattr(self.array, "dask")):
            return view
        ranges = self.ranges_of(region)
        left = [a for a, one in zip(self.axes, ranges, strict=True) if isinstance(one, range)]
        part = ArrayImage(
            self.array[_index(ranges)].transpose([left.index(axis) for axis in view.axes]),
            view.axes,
            name=self.name,
            spacing={a: n for a, n in zip(view.axes, view.spacing, strict=True) if n},
            unit={a: name for a, name in zip(view.axes, view.unit, strict=True) if name},
        )
        part.guessed = self.guessed
        part.channel_names = view.channel_names
        part._come_from(view, {})
        return part


def as_image(image: Any, axes: str = "", name: str = "image") -> BaseImage:
    """Return an image of what may be one.

    Parameters
    ----------
    image : Image or array_like
        The image.
    axes : str, optional
        Axes, in place of those that the image has: one for each, or for each longer than 1.
    name : str, optional
        What an array is called.

    Returns
    -------
    BaseImage
        Not read.

    Raises
    ------
    TypeError, ValueError
        See `ArrayImage`.
    """
    if not isinstance(image, Image):
        return ArrayImage(_without_short_axes(image, len(axes)), axes, name=name)
    known = image if isinstance(image, BaseImage) else View(image)
    return known.with_axes(axes.upper()) if axes and axes.upper() != known.axes else known


def _without_short_axes(array: Any, wanted: int) -> Any:
    """Drop the axes of length 1, if only the others were given and nothing is read by it."""
    shape = getattr(array, "shape", ())
    long = [length > 1 for length in shape]
    if not wanted or wanted == len(shape) or wanted != sum(long):
        return array
    if not (isinstance(array, np.ndarray) or hasattr(array, "dask")):
        return array
    return array[tuple(slice(None) if one else 0 for one in long)]


def _as_array(array: Any) -> Any:
    """Return what has a shape and a dtype, such as a list as an array."""
    if hasattr(array, "shape") and hasattr(array, "dtype"):
        return array
    made = np.asarray(array)
    if made.dtype.kind not in "buifc":
        raise TypeError(
            f"Expected an array of intensities, got {type(array).__name__}. Give one of shape "
            f"(Y, X), (Y, X, 3) or (C, Y, X)."
        )
    return made


def _index(ranges: Ranges) -> tuple[slice | int, ...]:
    return tuple(one if isinstance(one, int) else as_slice(one) for one in ranges)


def _axes_of(array: Any) -> str:
    """Return the axes that an array names, as those of xarray and Zarr may."""
    names = getattr(array, "dims", None)
    if names is None:
        names = getattr(getattr(array, "metadata", None), "dimension_names", None)
    return axes_of_names(names) if isinstance(names, tuple | list) else ""


def _names_of_channels(array: Any, axes: str) -> tuple[str, ...]:
    """Return the names that xarray's coordinates give to channels."""
    if "C" not in axes or not hasattr(array, "dims"):
        return ()
    dimension = array.dims[axes.index("C")]
    values = np.asarray(array.coords[dimension].values) if dimension in array.coords else None
    if values is None or values.dtype.kind not in "UTO":
        return ()
    return tuple(map(str, values))


def _coordinates(array: Any, axes: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return spacing and units by xarray's coordinates, where these are evenly apart."""
    spacing, unit = {}, {}
    for axis, dimension in zip(axes, getattr(array, "dims", ()), strict=False):
        if dimension not in getattr(array, "coords", ()):
            continue
        coordinate = array.coords[dimension]
        values = np.asarray(coordinate.values)
        if values.ndim != 1 or values.size < 2 or values.dtype.kind not in "iuf":
            continue
        steps = np.diff(values.astype(float))
        if steps[0] > 0 and np.allclose(steps, steps[0], rtol=_EVEN, atol=0):
            spacing[axis] = float(steps.mean())
            if "units" in coordinate.attrs:
                unit[axis] = str(coordinate.attrs["units"])
    return spacing, unit
