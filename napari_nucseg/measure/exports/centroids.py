"""Positions as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..table_file import write_table
from .base import ExportFormat, Labeled

__all__ = ["Centroids"]


class Centroids(ExportFormat):
    """CSV with the mean position of the pixels of each nucleus.

    The center of the first pixel is (0, 0), as in napari and scikit-image. ImageJ and QuPath
    count from the corner of the first pixel: add half a pixel for them. Where the size of a
    pixel is known, there are columns in its unit, too; ``t`` in a series, and ``class`` if
    nuclei have classes.
    """

    name = "centroids"
    summary = "CSV of positions"
    ending = "_centroids.csv"
    holds_stacks = True

    def _write(self, path: Path, labeled: Labeled) -> None:
        table = labeled.table
        chosen = {
            name: values
            for name, values in table.items()
            if name in ("t", "label") or name.startswith("centroid_")
        }
        if labeled.classes:
            classes = [labeled.classes.get(one, "") for one in table["label"].tolist()]
            chosen["class"] = np.array(classes, object)
        write_table(path, chosen)
