"""What the channels of an image are called."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from .described import Described

__all__ = ["channel_number", "names_in_tiff"]


def channel_number(image: Described, channel: int | str | None) -> int | None:
    """Return the number of a channel that may be given by its name.

    Parameters
    ----------
    image : Described
        The image.
    channel : int, str or None
        Number from 0, or name; upper and lower case are the same.

    Returns
    -------
    int or None
        None if none was given.

    Raises
    ------
    ValueError
        If no channel has that name, or several have.
    """
    if not isinstance(channel, str):
        return channel
    text = channel.strip()
    names = [name.strip().casefold() for name in image.channel_names]
    if names.count(text.casefold()) == 1:
        return names.index(text.casefold())
    if text.isdecimal():
        return int(text)
    known = ", ".join(image.channel_names)
    told = f"whose channels are called {known}" if known else "which names none"
    raise ValueError(
        f"Expected the name of one channel of the image {image.name!r}, {told}, got {text!r}. "
        f"Give its number, counted from 0."
    )


def names_in_tiff(file: Any) -> tuple[str, ...]:
    """Return the names of the channels if an OME or ImageJ TIFF says.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.

    Returns
    -------
    tuple of str
        Empty if they are not known.
    """
    if file.is_ome and file.ome_metadata:
        try:
            root = ElementTree.fromstring(file.ome_metadata)
        except ElementTree.ParseError:
            return ()
        for pixels in root.iter():
            if pixels.tag.endswith("}Pixels"):
                names = [one.get("Name", "") for one in pixels if one.tag.endswith("}Channel")]
                return tuple(names) if all(names) else ()
    if file.is_imagej and file.imagej_metadata:
        known = file.imagej_metadata
        labels = known.get("Labels", ())
        if isinstance(labels, list | tuple) and len(labels) == known.get("channels"):
            return tuple(map(str, labels))
    return ()
