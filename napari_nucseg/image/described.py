"""What an image says of itself: axes, lengths, spacing, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .axes import check_axes, describe_axes
from .image import check_dtype
from .origin import Origin

__all__ = ["Described"]


class Described:
    """What an image says of itself, without its pixels.

    Parameters
    ----------
    axes, shape, dtype, name, spacing, unit, guessed
        See `BaseImage`.

    Raises
    ------
    TypeError, ValueError
        See `BaseImage`.
    """

    def __init__(
        self,
        axes: str,
        shape: Sequence[int],
        dtype: Any,
        *,
        name: str = "image",
        spacing: Mapping[str, float] | None = None,
        unit: Mapping[str, str] | None = None,
        guessed: bool = False,
    ) -> None:
        check_dtype(dtype)
        check_axes(axes, shape)
        self.name = name
        self.axes = axes
        self.shape = tuple(int(length) for length in shape)
        self.dtype = np.dtype(dtype)
        self.spacing = tuple((spacing or {}).get(axis) for axis in axes)
        self.unit = tuple((unit or {}).get(axis) for axis in axes)
        self.guessed = guessed
        #: What the channels are called; empty if it is not known.
        self.channel_names: tuple[str, ...] = ()
        # Of the whole image: its lengths, and which of its places are here along each axis.
        self._lengths = self.sizes
        self._places: dict[str, range | int] = {
            axis: range(n) for axis, n in self.sizes.items()
        }

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by its letter."""
        return dict(zip(self.axes, self.shape, strict=True))

    @property
    def is_color(self) -> bool:
        """Whether the pixels are colors, RGB or RGBA."""
        return "S" in self.axes

    @property
    def channels(self) -> int:
        """Number of channels, or of samples of a color; 1 for a grey image."""
        return self.sizes.get("C", self.sizes.get("S", 1))

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Height and width of a pixel, None if they are not known."""
        height, width = (self.spacing[self.axes.index(axis)] for axis in "YX")
        return None if height is None or width is None else (height, width)

    def describe(self) -> str:
        """Say in words how large the image is.

        Returns
        -------
        str
            Such as ``"12 time points, 2 channels, 30 planes of 512 x 512"``.
        """
        return describe_axes(self.sizes)

    @property
    def origin(self) -> Origin:
        """Where the image comes from, if it was chosen out of a larger one."""
        plane = {
            axis: place
            for axis, place in self._places.items()
            if isinstance(place, int) and self._lengths[axis] > 1
        }
        return Origin("".join(self._lengths), self.guessed, plane)

    def _come_from(self, image: Described, part: Mapping[str, range | int]) -> None:
        """Note which places along the axes of an image are here."""
        self._lengths = image._lengths
        self.channel_names = image.channel_names
        self._places = dict(image._places)
        for axis, one in part.items():
            inside = image._places[axis]
            assert isinstance(inside, range)
            self._places[axis] = (
                inside[one] if isinstance(one, int) else inside[one.start : one.stop : one.step]
            )

    def _call_axes(self, axes: str) -> None:
        """Call the axes otherwise."""
        new = dict(zip(self.axes, axes, strict=True))
        kept = [
            (new.get(axis, axis), axis)
            for axis, length in self._lengths.items()
            if axis in new or (length > 1 and axis not in axes)
        ]
        self._lengths = {letter: self._lengths[axis] for letter, axis in kept}
        self._places = {letter: self._places[axis] for letter, axis in kept}
        self.axes, self.guessed = axes, False
