"""What a stack is taken for if nothing names its axes."""

from __future__ import annotations

from ..support import warn_user
from .base import BaseImage

__all__ = ["understood"]

#: So many planes without names may be the channels of one plane; more are a stack.
_MOST_CHANNELS = 4


def understood(image: BaseImage, channel: int | str | None = None) -> BaseImage:
    """Return an image with the axes that it is taken to have.

    More than four planes without names of their axes, of which no channel is chosen, are
    taken for a stack through z.

    Parameters
    ----------
    image : BaseImage
        The image.
    channel : int or str, optional
        The channel that was asked for, if one was.

    Returns
    -------
    BaseImage
        The same pixels.

    Warns
    -----
    UserWarning
        If planes are taken for a stack because of their number; the text says how many, and
        what else they may be.
    """
    if not image.guessed or image.is_color or image.ndim != 3:
        return image
    if channel is None and "C" in image.axes and image.channels > _MOST_CHANNELS:
        image = image.in_order().with_axes("ZYX")
        image.guessed = True
    if image.axes == "ZYX":
        warn_user(
            f"Nothing names the axes of {image.name!r}. It is understood as a stack of "
            f"{image.describe()} (axes ZYX). If these are time points, give axes=TYX, if they "
            f"are channels, CYX (--axes of the command)."
        )
    return image
