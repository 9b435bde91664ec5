"""Labels as images for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..table import MICROMETERS
from .base import ExportFormat, Labeled

__all__ = ["CellposeMasks", "LabelTiff", "OmeTiff"]

_MOST_16 = int(np.iinfo(np.uint16).max)
#: Up to here all whole numbers are numbers of 32 bits with a floating point.
_MOST_FLOAT = 1 << 24


class LabelTiff(ExportFormat):
    """A TIFF with the labels as values, which ImageJ opens with its pixel size.

    A pixel of the file is a pixel of the image. Values have 16 bits, or, with labels above
    65,535, are 32-bit numbers with a floating point, as ImageJ has no other ones. Stacks and
    series are hyperstacks.
    """

    name = "tiff"
    summary = "label image for ImageJ, with the size of a pixel"
    ending = "_labels.tif"
    holds_stacks = True

    def _write(self, path: Path, labeled: Labeled) -> None:
        import tifffile

        most = int(labeled.labels.max(initial=0))
        if most > _MOST_FLOAT:
            raise ValueError(
                f"Expected labels up to {_MOST_FLOAT}, which ImageJ can hold, got {most}. "
                f"Number the nuclei anew."
            )
        options: dict[str, Any] = {"metadata": {"axes": labeled.axes, "max": most}}
        if labeled.pixel.unit:
            *depth, height, width = labeled.pixel.size
            options["resolution"] = (1 / width, 1 / height)
            options["metadata"]["unit"] = labeled.pixel.ending()[1:]
            if depth:
                options["metadata"]["spacing"] = depth[0]
        kind = np.uint16 if most <= _MOST_16 else np.float32
        tifffile.imwrite(
            path, labeled.labels.astype(kind), imagej=True, compression="zlib", **options
        )


class OmeTiff(ExportFormat):
    """A TIFF with the labels as values, which says axes and sizes of a pixel as OME does.

    Bio-Formats, QuPath, Napari and OMERO read it; so does ImageJ through Bio-Formats. A pixel
    of the file is a pixel of the image. Values have 16 bits, or 32 with labels above 65,535.
    """

    name = "ome-tiff"
    summary = "label image with OME metadata"
    ending = "_labels.ome.tif"
    holds_stacks = True

    def _write(self, path: Path, labeled: Labeled) -> None:
        import tifffile

        most = int(labeled.labels.max(initial=0))
        kind = np.uint16 if most <= _MOST_16 else np.uint32
        about: dict[str, Any] = {"axes": labeled.axes, "Name": labeled.name}
        if labeled.pixel.unit in MICROMETERS:
            axes = "ZYX"[-len(labeled.pixel.size) :]
            for axis, size in zip(axes, labeled.pixel.size, strict=True):
                about |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
        tifffile.imwrite(
            path, labeled.labels.astype(kind), ome=True, compression="zlib", metadata=about
        )


class CellposeMasks(ExportFormat):
    """A TIFF with the labels as values, named as Cellpose expects it for training.

    A pixel of the file is a pixel of the image. The labels are numbered anew from 1, as
    Cellpose does, and have 16 bits, or 32 if there are more than 65,535 nuclei.
    """

    name = "cellpose"
    summary = "masks for the training of Cellpose"
    ending = "_masks.tif"

    def _write(self, path: Path, labeled: Labeled) -> None:
        import tifffile

        ids, masks = np.unique(np.append(0, labeled.labels), return_inverse=True)
        kind = np.uint16 if ids.size <= _MOST_16 + 1 else np.uint32
        masks = masks[1:].reshape(labeled.labels.shape).astype(kind)
        tifffile.imwrite(path, masks, compression="zlib")
