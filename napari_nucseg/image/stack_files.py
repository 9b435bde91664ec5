"""Labels of stacks and series as TIFF files, with their axes, spacing and units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..support import new_file
from .described import Described
from .microns import MICROMETER, is_plausible
from .provenance import PROVENANCE

__all__ = ["write_stack"]

_SECOND = "second"


def write_stack(
    path: str | Path,
    values: np.ndarray,
    axes: str,
    image: Described | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write labels or a probability of any axes as a compressed TIFF.

    It is a hyperstack of ImageJ or, if there are more labels than 16 bits hold, an OME-TIFF.

    Parameters
    ----------
    path : path
        File to make or replace; it appears whole or not at all.
    values : ndarray of int
        Of the axes.
    axes : str
        A letter for each axis: T, Z, Y, X.
    image : Described, optional
        The spacing along its axes is taken from here, as far as it is known.
    provenance : mapping of str to object, optional
        How the labels came about, see `read_provenance`.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import tifffile

    if values.dtype != np.uint8 and values.max(initial=0) <= np.iinfo(np.uint16).max:
        values = values.astype(np.uint16)
    known = {} if image is None else _known(image)
    text = json.dumps(dict(provenance), indent=2) if provenance else ""
    options: dict[str, Any]
    if values.dtype in (np.uint8, np.uint16):
        options = {"imagej": True, **_for_imagej(axes, known)}
        if text:
            options["metadata"][PROVENANCE] = text
    else:
        options = {"ome": True, "metadata": _for_ome(axes, known)}
        if text:
            options["metadata"]["Description"] = text
    with new_file(Path(path)) as aside:
        tifffile.imwrite(aside, values, compression="zlib", photometric="minisblack", **options)


def _known(image: Described) -> dict[str, float]:
    """Return what can be written of the spacing: micrometers, and seconds."""
    units = {"T": _SECOND, "Z": MICROMETER, "Y": MICROMETER, "X": MICROMETER}
    return {
        axis: float(step)
        for axis, step, unit in zip(image.axes, image.spacing, image.unit, strict=True)
        if step and unit == units.get(axis) and (axis == "T" or is_plausible([step]))
    }


def _for_imagej(axes: str, known: Mapping[str, float]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes}
    options: dict[str, Any] = {"metadata": metadata}
    if {"Y", "X"} <= set(known):
        options["resolution"] = (1 / known["X"], 1 / known["Y"])
        metadata["unit"] = "um"
    if "Z" in axes and "Z" in known:
        metadata["spacing"] = known["Z"]
    if "T" in axes and "T" in known:
        metadata |= {"finterval": known["T"], "tunit": "sec"}
    return options


def _for_ome(axes: str, known: Mapping[str, float]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes}
    for axis in set(known) & set("ZYX"):
        metadata |= {f"PhysicalSize{axis}": known[axis], f"PhysicalSize{axis}Unit": "µm"}
    if "T" in known:
        metadata |= {"TimeIncrement": known["T"], "TimeIncrementUnit": "s"}
    return metadata
