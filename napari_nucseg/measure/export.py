"""The public function that exports labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..image import Field, as_labels
from .exports import FORMATS, ExportFormat, Labeled
from .sources import channels_of, labels_image, named_alike, pixel_of, source_image

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
    pixel_size: float | Sequence[float] | None = None,
    classes: Mapping[int, str] | None = None,
) -> None:
    """Write labels for another program.

    Parameters
    ----------
    labels : array_like of int, path, Image, Field or Segmentation
        (Y, X); 0 is background. ``"tiff"``, ``"ome-tiff"`` and ``"centroids"`` hold stacks
        and series, too: (Z, Y, X), (T, Y, X), (T, Z, Y, X).
    path : path
        File to make or replace; it appears whole or not at all.
    to : str
        The format: ``"imagej"`` (ZIP of ROIs), ``"geojson"`` (detections for QuPath, with
        measurements), ``"coco"`` (JSON, masks as run lengths), ``"tiff"`` (label image for
        ImageJ), ``"ome-tiff"`` (label image with OME metadata), ``"cellpose"`` (masks for its
        training), ``"overlay"`` (PNG of the image with outlines) or ``"centroids"`` (CSV). The
        classes in ``napari_nucseg.measure.exports`` say where each has its point (0, 0): in
        CSV and in napari it is the center of the first pixel, in the others its corner, so
        that all lie right to less than half a pixel.
    image : array_like, path, Image or Field, optional
        The image that the labels were made from, for intensities in GeoJSON and for the
        overlay; left out, that of a Field.
    axes, z, t
        See `measure_nuclei`.
    pixel_size : float or sequence of float, optional
        Micrometers along Y and X, of a stack along Z, too, or one number for all; left out,
        what image or labels say.
    classes : mapping of int to str, optional
        The class of nuclei by their labels, for GeoJSON, COCO and the CSV.

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
    image = labels if image is None and isinstance(labels, Field) else image
    source = None if image is None else source_image(image, axes).select(z=z, t=t)
    known = labels_image(labels, source, "" if source else axes.upper())
    if known.axes != "YX" and not chosen.holds_stacks:
        able = [name for name, one in sorted(FORMATS.items()) if one.holds_stacks]
        raise ValueError(
            f"Expected labels of one plane, (Y, X), for {to}, got {known.describe()}. Export "
            f"them plane by plane, or to {' or '.join(able)}, which hold stacks."
        )
    if source is not None:
        source = named_alike(source, known)
        channels_of(source, known)  # which says so if they do not fit
    path = Path(path)
    name = path.name.removesuffix(chosen.ending) if known.name == "labels" else known.name
    labeled = Labeled(
        as_labels(np.asarray(known), known.shape),
        known.axes,
        source.name if source is not None else name,
        pixel_of(known, source, pixel_size),
        source,
        dict(classes or {}),
    )
    chosen.write(path, labeled)


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
