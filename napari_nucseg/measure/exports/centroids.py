"""Positions as a table."""

from __future__ import annotations

from pathlib import Path

from ..table_file import write_table
from .base import ExportFormat, Plane

__all__ = ["Centroids"]


class Centroids(ExportFormat):
    """CSV with the mean position of the pixels of each nucleus.

    The center of the first pixel is (0, 0), as in napari and scikit-image. ImageJ and QuPath
    count from the corner of the first pixel: add half a pixel for them. Where the size of a
    pixel is known, there are columns in its unit, too.
    """

    name = "centroids"
    summary = "CSV of positions"
    ending = "_centroids.csv"

    def _write(self, path: Path, plane: Plane) -> None:
        names = [name for name in plane.table if name.startswith("centroid_")]
        write_table(path, {name: plane.table[name] for name in ("label", *names)})
