"""What a report knows of an image."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...image import LABELS_ENDING, Field, read_provenance
from ..measurements import measure_image
from ..pictures import draw_outlines, shown
from ..sources import labels_image, source_image
from ..summary import Measurement

__all__ = ["STATES", "STATES_KEY", "ReportEntry", "report_entry"]

#: What a person may have done with a nucleus.
UNREVIEWED = "unreviewed"
#: Where a provenance has labels by their state.
STATES_KEY = "states"
STATES = ("edited", "accepted", UNREVIEWED)

#: Sides of a picture in pixels, and qualities, that are tried until it is small enough.
_SIDES = (1400, 1000, 700, 500)
_QUALITIES = (85, 70, 50)

#: So that 50 pictures, written as text, take less than 25 MB.
_MOST_BYTES = 330_000


@dataclasses.dataclass(frozen=True, eq=False)
class ReportEntry:
    """What a report knows of an image.

    Parameters
    ----------
    name : str
        What the image is called.
    measurement : Measurement
        Its nuclei.
    picture : bytes
        JPEG of the image with outlines.
    provenance : mapping of str to object
        How the labels came about, empty if that is not known.
    corrected : mapping of str to int, optional
        How many nuclei a person has ``edited``, ``accepted`` and left ``unreviewed``; empty if
        that is not known.
    """

    name: str
    measurement: Measurement
    picture: bytes
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    corrected: Mapping[str, int] = dataclasses.field(default_factory=dict)


def report_entry(
    labels: Any,
    image: Any = None,
    *,
    name: str = "",
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    pixel_size: float | Sequence[float] | None = None,
    states: Mapping[int, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> ReportEntry:
    """Measure an image and draw it for a report.

    Parameters
    ----------
    labels : array_like of int, path, Image, Field or Segmentation
        (Y, X), or a stack or series, of which the middle plane is drawn.
    image : array_like, path, Image or Field, optional
        The image that the labels were made from; left out, that of a Field. Without one the
        picture is black.
    name : str, optional
        What it is called; left out, as the file of the labels is.
    axes, z, t, pixel_size
        See `measure_nuclei`.
    states : mapping of int to str, optional
        What a person has done with the nuclei, by their labels: ``"edited"`` or
        ``"accepted"``; all others are ``"unreviewed"``. Left out, what the provenance says.
    provenance : mapping of str to object, optional
        How the labels came about; left out, what their file or the segmentation says.

    Returns
    -------
    ReportEntry
        For `write_report`. It takes less than half a megabyte.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        See `measure_nuclei`.
    """
    image = labels if image is None and isinstance(labels, Field) else image
    source = None if image is None else source_image(image, axes).select(z=z, t=t)
    known = labels_image(labels, source, "" if source else axes.upper())
    if provenance is None:
        provenance = _provenance_of(labels)
    if states is None:
        states = _states_in(provenance)
    measurement = measure_image(known, source, pixel_size=pixel_size)
    middle: dict[str, int | slice] = {
        axis: length // 2 for axis, length in known.sizes.items() if axis in "TZ"
    }
    plane = np.asarray(known.view(middle))
    picture = np.zeros((*plane.shape, 3), np.uint8)
    if source is not None:
        here = {axis: at for axis, at in middle.items() if axis in source.axes}
        picture = shown(source.view(here))
    told = name or known.name.removesuffix(LABELS_ENDING)
    corrected = {} if states is None else _counted(measurement.table["label"], states)
    return ReportEntry(told, measurement, _as_jpeg(picture, plane), provenance, corrected)


def _provenance_of(labels: Any) -> Mapping[str, Any]:
    if isinstance(labels, str | Path):
        return read_provenance(labels)
    known: Mapping[str, Any] = getattr(labels, "provenance", {})
    return known


def _states_in(provenance: Mapping[str, Any]) -> dict[int, str] | None:
    """Return the states of nuclei that labels in a file have beside them."""
    told = provenance.get(STATES_KEY)
    if not isinstance(told, Mapping):
        return None
    return {
        one: state
        for state, ids in told.items()
        if isinstance(ids, list)
        for one in ids
        if isinstance(one, int)
    }


def _counted(labels: np.ndarray, states: Mapping[int, str]) -> dict[str, int]:
    """Count the nuclei of each state."""
    counts = dict.fromkeys(STATES, 0)
    for one in labels.tolist():
        state = states.get(one, UNREVIEWED)
        counts[state if state in counts else UNREVIEWED] += 1
    return counts


def _as_jpeg(picture: np.ndarray, labels: np.ndarray) -> bytes:
    """Draw outlines, and return a JPEG that is small enough."""
    import PIL.Image

    height, width = labels.shape
    for side in _SIDES:
        scale = min(1.0, side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(PIL.Image.fromarray(picture).resize(size, PIL.Image.Resampling.BOX))
        # Outlines are drawn after it was made smaller, so that they stay a pixel wide.
        rows = (np.arange(size[1]) + 0.5) * height // size[1]
        columns = (np.arange(size[0]) + 0.5) * width // size[0]
        outlined = draw_outlines(small, labels[rows.astype(int)][:, columns.astype(int)])
        for quality in _QUALITIES:
            file = io.BytesIO()
            options = {"quality": quality, "subsampling": 0, "optimize": True}
            PIL.Image.fromarray(outlined).save(file, "JPEG", **options)
            if file.tell() <= _MOST_BYTES:
                return file.getvalue()
    return file.getvalue()
