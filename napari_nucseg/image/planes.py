"""One plane out of an image, for the code that works in two dimensions."""

from __future__ import annotations

from .axes import one_plane_expected
from .base import BaseImage
from .channel_names import named_nuclear_channel

__all__ = ["check_channel", "check_plane", "nuclear_channel_of", "plane_of"]


def check_plane(image: BaseImage) -> None:
    """Check that an image is a single plane, of any channels or in color.

    Parameters
    ----------
    image : BaseImage
        The image.

    Raises
    ------
    ValueError
        If it is a stack; the message says of what, and how to choose a plane.
    """
    axes = image.squeeze().axes
    if not (set(axes) <= set("YXC") or set(axes) == set("YXS")):
        raise ValueError(one_plane_expected(image.axes, image.sizes, image.guessed))


def check_channel(image: BaseImage, channel: int | None = None) -> None:
    """Check that a plane can be looked at in a channel, without reading it.

    Parameters
    ----------
    image : BaseImage
        A plane.
    channel : int, optional
        See `plane_of`.

    Raises
    ------
    ValueError
        See `plane_of`.
    """
    if not set("CS") & set(image.axes):
        if channel not in (None, 0):
            raise ValueError(
                f"Expected channel 0 for the grey image {image.name!r}, got {channel}."
            )
    elif channel is None:
        unknown = nuclear_channel_of(image) is None
        if image.channels > 1 and not image.is_color and unknown:
            raise ValueError(_channel_expected(image))
    elif not 0 <= channel < image.channels:
        raise ValueError(
            f"Expected a channel from 0 to {image.channels - 1} for the image "
            f"{image.name!r}, got {channel}."
        )


def nuclear_channel_of(image: BaseImage) -> int | None:
    """Return which of several channels shows nuclei by its name.

    Parameters
    ----------
    image : BaseImage
        The image.

    Returns
    -------
    int or None
        Counted from 0; None if there is one channel only, or no name tells.
    """
    several = "C" in image.axes and image.channels > 1
    fits = len(image.channel_names) == image.channels
    return named_nuclear_channel(image.channel_names) if several and fits else None


def _channel_expected(image: BaseImage) -> str:
    """Say that a channel has to be chosen, and what else the channels may be."""
    text = (
        f"Expected one channel, got the image {image.name!r} with {image.channels} channels "
        f"(axes {image.axes}). Choose a channel from 0 to {image.channels - 1} (--channel of "
        f"the command)."
    )
    if image.guessed:
        text += (
            " Nothing names the axes, and so few planes are counted as channels: if they are a "
            "stack or a time series, choose one all the same, or give the axes."
        )
    elif image.channels in (3, 4):
        text += " If they are the samples of a color, the letter of their axis is S."
    return text


def plane_of(image: BaseImage, channel: int | None = None) -> BaseImage:
    """Return what the network looks at, without reading it.

    Parameters
    ----------
    image : BaseImage
        A plane.
    channel : int, optional
        Which channel, counted from 0. Left out, a color image is used
        whole (without its alpha), a single channel as it is, and of several that which is
        named after nuclei or a dye of DNA.

    Returns
    -------
    BaseImage
        Of axes YX, or YXS with three colors.

    Raises
    ------
    ValueError
        If the channel does not exist, or none was chosen out of several; if the image
        is a stack.
    """
    check_plane(image)
    check_channel(image, channel)
    flat = image.squeeze()
    if flat.ndim == 2:
        return flat.in_order()
    if flat.is_color and channel is None:
        return flat.view({"S": slice(3)}).in_order()
    if channel is None:
        channel = nuclear_channel_of(image) or 0
    return flat.view({"S" if flat.is_color else "C": channel}).in_order()
