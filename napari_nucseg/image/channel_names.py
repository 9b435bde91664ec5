"""What channels are called, and which of them shows nuclei by its name."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from .described import Described

__all__ = ["channel_names_in", "channel_number", "named_nuclear_channel"]

#: Dyes of DNA and other words for nuclei; the first that is found decides.
_NUCLEAR = (
    r"dapi",
    r"hoechst|h ?33342|h ?33258",
    r"draq ?[57]",
    r"nucblue|nucred|nucgreen|sytox|syto(?![a-z])|to-?pro|yoyo|picogreen|7-?aad",
    r"propidium|(?<![a-z])pi(?![a-z0-9])",
    r"h2[ab]|histone",
    r"nucle(i|us|ar)(?![a-z])|(?<![a-z])nuc(?![a-z])|(?<![a-z])dna(?![a-z])",
    r"h(a)?ematoxylin",
)

#: Wavelengths in nanometers at which DAPI and Hoechst shine and are lit.
_EMISSION, _EXCITATION = (420, 475), (340, 410)


def channel_names_in(file: Any) -> tuple[str, ...]:
    """Return what the channels of a TIFF are called.

    Parameters
    ----------
    file : tifffile.TiffFile
        Open.

    Returns
    -------
    tuple of str
        A name for each channel of an OME-TIFF, with the dye and the wavelengths if they are
        known, such as ``"C1 Hoechst, emission 461 nm"``; empty if there are none.
    """
    names = []
    with contextlib.suppress(ElementTree.ParseError, TypeError):
        for pixels in ElementTree.fromstring(file.ome_metadata or "<none/>").iter():
            if pixels.tag.rpartition("}")[2] != "Pixels":
                continue
            channels = (one for one in pixels if one.tag.rpartition("}")[2] == "Channel")
            names = [_name_of(one.attrib) for one in channels]
            break  # the first image is the one that is read
    return tuple(names) if any(names) else _of_imagej(file)


def _name_of(known: Any) -> str:
    words = [known.get("Name", ""), known.get("Fluor", "")]
    parts = [" ".join(word for word in words if word)]
    for what in ("Emission", "Excitation"):
        if known.get(f"{what}WavelengthUnit", "nm") == "nm" and known.get(f"{what}Wavelength"):
            parts.append(f"{what.lower()} {known[f'{what}Wavelength']} nm")
    return ", ".join(part for part in parts if part)


def named_nuclear_channel(names: Sequence[str]) -> int | None:
    """Return which channel shows nuclei by its name.

    Parameters
    ----------
    names : sequence of str
        A name for each channel.

    Returns
    -------
    int or None
        The channel that names a dye of DNA or nuclei, otherwise the one whose light is that
        of DAPI; None if there is not exactly one.
    """
    for pattern in _NUCLEAR:
        found = [n for n, name in enumerate(names) if re.search(pattern, name.lower())]
        if found:
            return found[0] if len(found) == 1 else None
    for what, (low, high) in (("emission", _EMISSION), ("excitation", _EXCITATION)):
        lengths = [re.search(rf"{what} ([\d.]+) nm", name) for name in names]
        found = [n for n, one in enumerate(lengths) if one and low <= float(one[1]) <= high]
        if len(found) == 1:
            return found[0]
    return None


def _of_imagej(file: Any) -> tuple[str, ...]:
    """Return the labels of an ImageJ TIFF if there is one for each channel."""
    known = (file.imagej_metadata if file.is_imagej else None) or {}
    labels = known.get("Labels", ())
    fits = isinstance(labels, list | tuple) and len(labels) == known.get("channels")
    return tuple(map(str, labels)) if fits else ()


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
    names = [name.split(",")[0].strip().casefold() for name in image.channel_names]
    if text.casefold() not in names:
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
