"""Stacks and series as planes that the network can look at."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from ..image import BaseImage, check_channel, nuclear_channel_of
from .parameters import StackParameters
from .volumes import mean_plane

__all__ = ["Planes", "voxel_depth"]


def voxel_depth(image: BaseImage, stack: StackParameters) -> float | None:
    """Return how many times a voxel is as deep as wide.

    Parameters
    ----------
    image : BaseImage
        The image.
    stack : StackParameters
        What it says counts before the image.

    Returns
    -------
    float or None
        None if it is not known.
    """
    if stack.voxel_depth is not None:
        return stack.voxel_depth
    spacing = dict(zip(image.axes, image.spacing, strict=True))
    unit = dict(zip(image.axes, image.unit, strict=True))
    deep, wide = spacing.get("Z"), spacing.get("X")
    return deep / wide if deep and wide and unit.get("Z") == unit.get("X") else None


@dataclasses.dataclass(frozen=True, eq=False)
class Planes:
    """An image as planes that the network can look at, read one at a time.

    Parameters
    ----------
    image : BaseImage
        Of axes out of T, Z, Y, X and S, in this order.
    axes : str
        Its axes without S.
    shape : tuple of int
        Their lengths.
    chosen : int, optional
        The channel or color in which nuclei are looked for, if nobody named it.
    """

    image: BaseImage
    axes: str
    shape: tuple[int, ...]
    chosen: int | None = None

    @classmethod
    def of(cls, image: BaseImage, channel: int | None) -> Planes:
        """Choose a channel of an image, and put its axes in order.

        Parameters
        ----------
        image : BaseImage
            The image.
        channel : int or None
            Which one. None takes a color as it is, a single channel, and of several that
            which is named after nuclei or a dye of DNA.

        Returns
        -------
        Planes
            Not read.

        Raises
        ------
        ValueError
            If the channel does not exist, or has to be chosen.
        """
        check_channel(image, channel)
        flat = image.squeeze()
        chosen = nuclear_channel_of(flat) if channel is None else None
        if flat.is_color and channel is None:
            flat = flat.view({"S": slice(3)})
        elif set("CS") & set(flat.axes):
            taken = chosen if channel is None else channel
            flat = flat.view({"S" if flat.is_color else "C": taken or 0})
        flat = flat.in_order()
        axes = flat.axes.removesuffix("S")
        return cls(flat, axes, flat.shape[: len(axes)], chosen)

    def of_color(self, color: int) -> Planes:
        """Choose a color of the planes, for light of several dyes on black.

        Parameters
        ----------
        color : int
            0 for red, 1 for green, 2 for blue.

        Returns
        -------
        Planes
            Of this color, as grey.
        """
        return dataclasses.replace(self, image=self.image.view({"S": color}), chosen=color)

    @property
    def frames(self) -> int:
        """Number of time points."""
        return self.image.sizes.get("T", 1)

    @property
    def deep(self) -> int:
        """Number of planes of a time point."""
        return self.image.sizes.get("Z", 1)

    def read(self, t: int, z: int) -> np.ndarray:
        """Read a plane.

        Parameters
        ----------
        t, z : int
            Which one.

        Returns
        -------
        ndarray, shape (Y, X) or (Y, X, 3)
            Intensities.
        """
        places = {"T": t, "Z": z}
        return self.image.read({a: n for a, n in places.items() if a in self.axes})

    def read_frame(self, t: int) -> np.ndarray:
        """Read a time point.

        Parameters
        ----------
        t : int
            Which one.

        Returns
        -------
        ndarray, shape (Z, Y, X) or (Z, Y, X, 3)
            Intensities.
        """
        return self.image.read({"T": t} if "T" in self.axes else {})

    def sample(self, count: int, t: int | None = None) -> Iterator[np.ndarray]:
        """Read some planes, evenly spread over all of them or over those of a time point.

        Parameters
        ----------
        count : int
            How many, at most.
        t : int, optional
            The time point.

        Yields
        ------
        ndarray, shape (Y, X) or (Y, X, 3)
            One after the other.
        """
        frames = range(self.frames) if t is None else [t]
        every = list(itertools.product(frames, range(self.deep)))
        count = min(count, len(every))
        for number in range(count):
            yield self.read(*every[(2 * number + 1) * len(every) // (2 * count)])

    def sample_means(
        self, count: int, diameter: float, depth: float, t: int | None = None
    ) -> Iterator[np.ndarray]:
        """Read some planes of a time point, averaged with those near them.

        Parameters
        ----------
        count : int
            About how many, at most.
        diameter, depth : float
            See `mean_plane`.
        t : int, optional
            The time point; left out, the middle one.

        Yields
        ------
        ndarray, shape (Y, X) or (Y, X, 3)
            See `mean_plane`.
        """
        volume = self.read_frame(self.frames // 2 if t is None else t)
        for z in np.unique(np.linspace(0, self.deep - 1, count + 2).round().astype(int)):
            yield mean_plane(volume, "Z", int(z), diameter, depth)
