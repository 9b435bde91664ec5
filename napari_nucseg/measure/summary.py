"""The nuclei of an image in one row: how many, how dense, how large."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .table import MICROMETERS, Pixel, Table

__all__ = ["Measurement"]

#: Columns whose median says nothing.
_NO_MEDIAN = (
    *("label", "t", "touches_border", "orientation"),
    *("top", "left", "bottom", "right", "first_z", "end_z"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """The measured nuclei of one image.

    Parameters
    ----------
    table : Table
        A row for each nucleus, see `measure_nuclei`.
    sizes : mapping of str to int
        Length of each axis of the labels by its letter.
    pixel : Pixel
        Size of a pixel.
    """

    table: Table
    sizes: Mapping[str, int]
    pixel: Pixel

    @property
    def summary(self) -> dict[str, Any]:
        """The image in one row.

        Returns
        -------
        dict of str to object
            ``nuclei``; the lengths of the image; ``coverage``, the part of it that nuclei
            cover; ``density``, nuclei in 1,000,000 pixels or voxels, and, where the size of a
            pixel is known, ``density_per_mm2`` or ``density_per_mm3``; ``at_border``, how many
            touch the border; and ``median_…`` of the columns of the table, without nuclei
            NaN. A series counts all of its time points.
        """
        table = self.table
        pixels = int(np.prod([*self.sizes.values()], dtype=np.int64))
        is_stack = "Z" in self.sizes
        covered = float(np.sum(table["voxels" if is_stack else "area"]))
        count = int(table["label"].size)
        found: dict[str, Any] = {"nuclei": count}
        names = {"T": "time_points", "Z": "depth", "Y": "height", "X": "width"}
        found |= {names[axis]: length for axis, length in self.sizes.items()}
        found["coverage"] = covered / pixels
        found["density"] = 1e6 * count / pixels
        if self.pixel.unit in MICROMETERS:
            whole = pixels * float(np.prod(self.pixel.size))
            found[f"density_per_mm{len(self.pixel.size)}"] = (
                count * 1000.0 ** len(self.pixel.size) / whole
            )
        found["at_border"] = int(np.sum(table["touches_border"]))
        return found | self._medians()

    def _medians(self) -> dict[str, float]:
        """Return the medians of the columns that are numbers, of nuclei that have one."""
        found = {}
        for name, values in self.table.items():
            if name in _NO_MEDIAN or name.startswith("centroid_") or values.dtype.kind in "UO":
                continue
            known = values[np.isfinite(values)]
            found[f"median_{name}"] = float(np.median(known)) if known.size else np.nan
        return found
