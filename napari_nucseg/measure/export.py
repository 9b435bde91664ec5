"""The public function that exports labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..image import as_labels
from .exports import FORMATS, ExportFormat, Plane
from .sources import channels_of, labels_image, pixel_of, source_image

__all__ = ["export_format", "export_labels"]


def export_labels(
    labels: Any,
    path: str | Path,
    to: str,
    *,
    image: Any = None,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    pixel_size: float | tuple[float, float] | None = None,
) -> None:
    """Write the labels of a plane for another program.

    Parameters
    ----------
    labels : array_like of int, path, Image, Field or Segmentation
        (Y, X); 0 is background.
    path : path
        File to make or replace; it appears whole or not at all.
    to : str
        The format: ``"imagej"`` (ZIP of ROIs), ``"geojson"`` (detections for QuPath, with
        measurements), ``"coco"`` (JSON, masks as run lengths), ``"tiff"`` (label image for
        ImageJ), ``"cellpose"`` (masks for its training), ``"overlay"`` (PNG of the image with
        outlines) or ``"centroids"`` (CSV). The classes in ``napari_nucseg.measure.exports`` say
        where each has its point (0, 0): in CSV and in napari it is the center of the first
        pixel, in the others its corner, so that all lie right to less than half a pixel.
    image : array_like, path, Image or Field, optional
        The image that the labels were made from, for intensities in GeoJSON and for the
        overlay.
    axes, z, t
        See `measure_nuclei`.
    pixel_size : float or tuple of float, optional
        Micrometers along Y and X; left out, what image or labels say.

    Raises
    ------
    TypeError, ValueError
        If there is no such format, it cannot hold the labels, or they are those of a stack.
    FileNotFoundError
        If there is no such file.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> labels = segment("field.tif")
    >>> export_labels(labels, "field_rois.zip", "imagej")
    """
    chosen = export_format(to)
    source = None if image is None else source_image(image, axes).select(z=z, t=t)
    known = labels_image(labels, source, "" if source else axes.upper())
    if known.axes != "YX":
        raise ValueError(
            f"Expected labels of one plane, (Y, X), got {known.describe()}. Export them plane "
            f"by plane."
        )
    if source is not None:
        channels_of(source, known)  # which says so if they do not fit
    path = Path(path)
    name = path.name.removesuffix(chosen.ending) if known.name == "labels" else known.name
    plane = Plane(
        as_labels(np.asarray(known), (known.shape[0], known.shape[1])),
        source.name if source is not None else name,
        pixel_of(known, source, pixel_size),
        source,
    )
    chosen.write(path, plane)


def export_format(name: str) -> ExportFormat:
    """Return a format by its name.

    Parameters
    ----------
    name : str
        Such as ``"geojson"``.

    Returns
    -------
    ExportFormat
        The format.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in FORMATS:
        raise ValueError(
            f"Expected a format out of {', '.join(sorted(FORMATS))}, got {name!r}."
        )
    return FORMATS[name]
