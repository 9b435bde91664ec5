"""How large pixels are, by what OME and ImageJ write into TIFF files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

__all__ = ["MICROMETER", "is_plausible", "spacing_of"]

MICROMETER = "micrometer"
_SECOND = "second"

#: Micrometers that a pixel can be high and wide.
_PIXEL_SIZES = (1e-4, 1e4)
_MICROMETERS = {
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}


def spacing_of(file: Any) -> tuple[dict[str, float], dict[str, str]]:
    """Return the distances between pixels if an OME or ImageJ TIFF says.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.

    Returns
    -------
    spacing : dict of str to float
        By axis: micrometers for Z, Y and X, seconds for T. Y and X are there together or not
        at all, and what cannot be true is left out.
    unit : dict of str to str
        Their units.

    Raises
    ------
    ValueError
        If the metadata are damaged; the pixels may still be read.
    """
    steps: Mapping[str, float] = {}
    if file.is_ome and file.ome_metadata:
        steps = _of_ome(file.ome_metadata)
    elif file.is_imagej and file.imagej_metadata:
        steps = _of_imagej(file.imagej_metadata, file.pages[0].tags)
    known: dict[str, float] = {}
    if is_plausible([steps.get("Y", np.nan), steps.get("X", np.nan)]):
        known = {"Y": steps["Y"], "X": steps["X"]}
    if is_plausible([steps.get("Z", np.nan)]):
        known["Z"] = steps["Z"]
    if 0 < steps.get("T", np.nan) < np.inf:
        known["T"] = steps["T"]
    return known, {axis: _SECOND if axis == "T" else MICROMETER for axis in known}


def is_plausible(sizes: Sequence[float]) -> bool:
    """Tell if a pixel can be of a size; metadata may say anything.

    Parameters
    ----------
    sizes : sequence of float
        Micrometers.

    Returns
    -------
    bool
        Whether all can be true.
    """
    low, high = _PIXEL_SIZES
    return all(low <= size <= high for size in sizes)


def _of_ome(metadata: str) -> dict[str, float]:
    try:
        root = ElementTree.fromstring(metadata)
    except ElementTree.ParseError as error:
        raise ValueError(f"its OME-XML is damaged ({error})") from error
    for element in root.iter():
        if element.tag.endswith("}Pixels") and "PhysicalSizeX" in element.attrib:
            steps = {
                axis: _number(element.get(f"PhysicalSize{axis}"))
                * _MICROMETERS.get(element.get(f"PhysicalSize{axis}Unit", "µm"), np.nan)
                for axis in "ZYX"
            }
            seconds = _SECONDS.get(element.get("TimeIncrementUnit", "s"), np.nan)
            return {**steps, "T": _number(element.get("TimeIncrement")) * seconds}
    return {}


def _of_imagej(metadata: Mapping[str, Any], tags: Any) -> dict[str, float]:
    factor = _MICROMETERS.get(str(metadata.get("unit")), np.nan)
    steps = {}
    for axis in "YX":
        name = f"{axis}Resolution"
        numerator, denominator = tags[name].value if name in tags else (0, 1)
        steps[axis] = factor * denominator / numerator if numerator else np.nan
    steps["Z"] = factor * _number(metadata.get("spacing"))
    seconds = _SECONDS.get(str(metadata.get("tunit", "sec")), np.nan)
    return {**steps, "T": seconds * _number(metadata.get("finterval"))}


def _number(text: Any) -> float:
    """Return the number that metadata give, NaN if it is none."""
    try:
        return float(text or "nan")
    except (TypeError, ValueError):
        return np.nan
