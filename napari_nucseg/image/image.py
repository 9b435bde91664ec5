"""Image: what the code that works on images knows of them, and regions of it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

__all__ = ["Image", "Ranges", "Region", "as_slice", "check_dtype", "range_of"]

#: A part of an image: for axes by their letters a slice, or an index, which drops the axis.
#: An axis that is left out is read whole.
Region = Mapping[str, slice | int]

#: The same by position, with the pixels of a slice counted out.
Ranges = tuple[range | int, ...]


@runtime_checkable
class Image(Protocol):
    """What the code that works on images knows of them.

    Whoever has images of another kind gives a class with these; `BaseImage` has all but
    the reading.
    """

    name: str

    @property
    def axes(self) -> str:
        """A letter for each axis: T, C, Z, Y, X, and S for the samples of a color pixel."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in pixels."""

    @property
    def dtype(self) -> np.dtype:
        """Data type of the intensities."""

    @property
    def spacing(self) -> tuple[float | None, ...]:
        """Distance between pixels along each axis in `unit`, None where it is not known."""

    @property
    def unit(self) -> tuple[str | None, ...]:
        """Unit of each spacing, None where it is not known."""

    def read(self, region: Region) -> np.ndarray:
        """Read a part of the image, and nothing else.

        Parameters
        ----------
        region : mapping of str to slice or int
            By the letters of axes; an int drops its axis.

        Returns
        -------
        ndarray
            Of the axes that are left, in their order.
        """


def as_slice(pixels: range) -> slice:
    """Return the slice of an axis with certain pixels.

    Parameters
    ----------
    pixels : range
        Their numbers, with a positive step.

    Returns
    -------
    slice
        Of the same start, stop and step.
    """
    return slice(pixels.start, pixels.stop, pixels.step)


def range_of(wanted: slice | int, axis: str, length: int) -> range | int:
    """Count out the pixels of a slice along an axis.

    Parameters
    ----------
    wanted : slice or int
        Of a region.
    axis : str
        Letter of the axis, for messages.
    length : int
        Number of pixels along it.

    Returns
    -------
    range or int
        Numbers from 0.

    Raises
    ------
    ValueError
        If a step goes backwards.
    IndexError
        If an int is outside.
    """
    if isinstance(wanted, slice):
        start, stop, step = wanted.indices(length)
        if step < 0:
            raise ValueError(f"Expected a positive step along the axis {axis}, got {step}.")
        return range(start, max(start, stop), step)
    place = operator.index(wanted)
    if not -length <= place < length:
        raise IndexError(
            f"Expected a place from 0 to {length - 1} along the axis {axis}, got {place}."
        )
    return place % length


def check_dtype(dtype: Any) -> None:
    """Check that intensities are real numbers.

    Parameters
    ----------
    dtype : dtype
        Their type.

    Raises
    ------
    TypeError
        If they are not.
    """
    kind = np.dtype(dtype).kind
    if kind not in "buif":
        raise TypeError(
            f"Expected an image of integers or floating-point numbers, got dtype "
            f"{dtype}.{' Take its abs() first.' if kind == 'c' else ''}"
        )
