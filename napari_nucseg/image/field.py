"""Field: one image with its axes, pixel size and, if known, its labels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

__all__ = ["AXES", "Field", "as_labels", "guess_axes", "has_channels_last"]

#: The axes an image can have. Y is down, X is right, C is the channel or colour.
AXES = ("YX", "YXC", "CYX")

_MOST_CHANNELS = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """One field of view.

    Parameters
    ----------
    image : array_like
        Intensities, of any integer, floating or boolean dtype. Anything with
        ``shape``, ``dtype`` and slicing will do; it is not copied.
    axes : str, optional
        One of `AXES`. Guessed from the shape when left out, see `guess_axes`.
    name : str, optional
        What the field is called in messages and file names.
    pixel_size : tuple of float, optional
        Height and width of a pixel in `unit`; None if not known.
    unit : str, optional
        Unit of `pixel_size`.
    labels : ndarray of int32, shape (Y, X), optional
        0 is background and every nucleus has a positive integer of its own.

    Raises
    ------
    TypeError
        If the image is no array, or its dtype is not a real number.
    ValueError
        If the image is empty, or shape, axes and labels do not fit together.
    """

    image: Any
    axes: str = ""
    name: str = "image"
    pixel_size: tuple[float, float] | None = None
    unit: str = "pixel"
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        image = self.image
        if not (hasattr(image, "shape") and hasattr(image, "dtype")):
            image = np.asarray(image)
            if image.dtype.kind not in "buifc":
                kind = type(self.image).__name__
                raise TypeError(
                    f"Expected an array of intensities, got {kind}. Give one of shape (Y, X), "
                    f"(Y, X, 3) or (C, Y, X)."
                )
        _check_dtype(image.dtype)
        axes = self.axes.upper() or guess_axes(image.shape)
        _check_axes(axes, image.shape)
        object.__setattr__(self, "image", image)
        object.__setattr__(self, "axes", axes)
        if self.labels is not None:
            object.__setattr__(self, "labels", as_labels(self.labels, self.shape))

    def __getstate__(self) -> dict[str, Any]:
        """A lazy image is read when the field goes to another process."""
        return {**self.__dict__, "image": np.asarray(self.image)}

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        rows, columns = self.axes.index("Y"), self.axes.index("X")
        return int(self.image.shape[rows]), int(self.image.shape[columns])

    @property
    def channels(self) -> int:
        """Number of channels, or of colours; 1 for a grey image."""
        return int(self.image.shape[self.axes.index("C")]) if "C" in self.axes else 1

    @property
    def is_color(self) -> bool:
        """Whether the image can be read as RGB or RGBA colour."""
        return self.axes == "YXC" and self.channels in (3, 4)

    @property
    def known_labels(self) -> np.ndarray:
        """The labels; a ValueError says so if there are none."""
        if self.labels is None:
            raise ValueError(f"Expected labels for the field {self.name!r}, got none.")
        return self.labels

    @property
    def nuclei(self) -> int:
        """Number of labelled nuclei."""
        return int(np.count_nonzero(np.unique(self.known_labels)))

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
        return dataclasses.replace(self, image=self._unread_plane(channel), axes="YX")

    def plane(self, channel: int | None = None) -> np.ndarray:
        """Return what the network looks at, in memory.

        Parameters
        ----------
        channel : int, optional
            Which channel, counted from 0. Left out, a colour image is used
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
        return np.asarray(self._unread_plane(channel))

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
        if "C" not in self.axes:
            if channel not in (None, 0):
                raise ValueError(
                    f"Expected channel 0 for the grey image {self.name!r}, got {channel}."
                )
        elif channel is None:
            if self.channels > 1 and not self.is_color:
                raise ValueError(
                    f"Expected one channel, got the image {self.name!r} with "
                    f"{self.channels} channels (axes {self.axes}). Choose a channel from 0 to "
                    f"{self.channels - 1} (--channel of the command). The planes of a stack "
                    f"are counted as channels, too."
                )
        elif not 0 <= channel < self.channels:
            raise ValueError(
                f"Expected a channel from 0 to {self.channels - 1} for the image "
                f"{self.name!r}, got {channel}."
            )

    def _unread_plane(self, channel: int | None) -> Any:
        """Return the part of the image that `plane` reads."""
        self.check_channel(channel)
        if "C" not in self.axes:
            return self.image
        if channel is None and self.is_color:
            return self.image[..., :3]
        index = channel or 0
        return self.image[index] if self.axes == "CYX" else self.image[..., index]


def guess_axes(shape: tuple[int, ...]) -> str:
    """Guess the axes of an image from its shape.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image array.

    Returns
    -------
    str
        ``"YX"`` for two dimensions; for three, ``"YXC"`` if the last has the
        length of a colour (3 or 4), ``"CYX"`` or ``"YXC"`` if the first or last
        is short enough for channels.

    Raises
    ------
    ValueError
        If no guess is possible, such as for a z-stack.
    """
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3:
        if has_channels_last(shape):
            return "YXC"
        if shape[0] <= _MOST_CHANNELS:
            return "CYX"
    raise ValueError(
        f"Expected a 2-D, RGB or multichannel image, got an image of shape "
        f"{tuple(shape)}. Pick one plane of a stack or time series, or give the "
        f"axes, one of {', '.join(AXES)}."
    )


def has_channels_last(shape: tuple[int, ...]) -> bool:
    """Tell from the shape if the last of three axes is that of the channels.

    Parameters
    ----------
    shape : tuple of int
        Three lengths.

    Returns
    -------
    bool
        Whether the last is short enough for channels, and the first is not or is longer;
        also if it has the length of a colour (3 or 4).
    """
    first, last = shape[0], shape[-1]
    return last in (3, 4) or (last <= _MOST_CHANNELS and first > last)


def as_labels(labels: Any, shape: tuple[int, int]) -> np.ndarray:
    """Check labels against the shape of their image.

    Parameters
    ----------
    labels : array_like, shape (Y, X)
        Instance labels of any integer or boolean dtype, or floating with whole
        numbers.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        The labels.

    Raises
    ------
    TypeError
        If the labels are not numbers.
    ValueError
        If the shapes differ, or a label is negative, too large for 32 bits or
        not a whole number.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "buif":
        raise TypeError(f"Expected labels of an integer dtype, got {array.dtype}.")
    if array.shape != tuple(shape):
        raise ValueError(
            f"Expected labels of the shape of their image, {tuple(shape)}, got "
            f"{array.shape}. Check that labels and image belong together."
        )
    if array.dtype == np.int32 and (array.size == 0 or array.min() >= 0):
        return array
    if array.dtype.kind == "f" and not (
        np.isfinite(array).all() and (array == np.floor(array)).all()
    ):
        raise ValueError(
            f"Expected labels that are whole numbers, got {array.dtype} with "
            f"fractions, NaN or infinity. Is this an image or a probability map?"
        )
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise ValueError(
            f"Expected labels from 0 to {np.iinfo(np.int32).max}, got "
            f"{array.min()} to {array.max()}. Number the nuclei from 1; the "
            f"background is 0."
        )
    return array.astype(np.int32)


def _check_dtype(dtype: np.dtype) -> None:
    if np.dtype(dtype).kind not in "buif":
        raise TypeError(
            f"Expected an image of integers or floating-point numbers, got dtype "
            f"{dtype}.{' Take its abs() first.' if np.dtype(dtype).kind == 'c' else ''}"
        )


def _check_axes(axes: str, shape: tuple[int, ...]) -> None:
    if axes not in AXES:
        raise ValueError(f"Expected axes out of {', '.join(AXES)}, got {axes!r}.")
    if len(axes) != len(shape):
        raise ValueError(
            f"Expected an image with {len(axes)} dimensions for axes {axes}, got "
            f"shape {tuple(shape)}."
        )
    if 0 in shape:
        raise ValueError(
            f"Expected an image with pixels in it, got the empty shape {tuple(shape)}."
        )
