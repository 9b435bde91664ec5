"""How long it takes to measure and to export many nuclei, beside scikit-image.

The labels have ellipses of about 24 pixels on a grid, and two channels of noise. Both tables
have the same properties: position, box, area, perimeter, axes, orientation, eccentricity,
solidity, Feret's diameter, and five intensities of each channel; ours has more.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _common import Measure, report

from napari_nucseg import export_labels, measure_nuclei

SIDE, NUCLEI = 8192, 20_000

#: Bar in seconds.
SECONDS = 15.0

#: Properties of scikit-image, and the columns that are the same.
SAME = {
    "area": "area",
    "perimeter": "perimeter",
    "axis_major_length": "major_axis",
    "axis_minor_length": "minor_axis",
    "solidity": "solidity",
    "feret_diameter_max": "feret",
    "centroid-0": "centroid_y",
    "centroid-1": "centroid_x",
    "intensity_mean-1": "mean_channel_1",
    "intensity_median-0": "median_channel_0",
}
PROPERTIES = (
    *("label", "centroid", "bbox", "area", "perimeter", "axis_major_length"),
    *("axis_minor_length", "orientation", "eccentricity", "solidity", "feret_diameter_max"),
    *(f"intensity_{name}" for name in ("mean", "median", "std", "min", "max")),
)


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status: 1 if the numbers are not those of scikit-image.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the image, in pixels")
    parser.add_argument("--nuclei", type=int, default=NUCLEI, help="how many, about")
    options = parser.parse_args()
    labels = ellipses(options.side, options.nuclei)
    shape = (2, *labels.shape)
    image = np.random.default_rng(0).integers(100, 4000, shape, np.uint16)
    print(f"{labels.max()} nuclei on {options.side} x {options.side}, 2 channels")
    ours, table = timed(lambda: measure_nuclei(labels, image, axes="CYX"))
    with_ring, _ = timed(lambda: measure_nuclei(labels, image, axes="CYX", ring_width=3))
    theirs, expected = timed(lambda: of_scikit_image(labels, image))
    apart = max(
        float(np.max(np.abs(table[name] / expected[other] - 1))) for other, name in SAME.items()
    )
    measures = [
        Measure("measure_nuclei", ours, "s", at_most=SECONDS),
        Measure("measure_nuclei with a ring", with_ring, "s"),
        Measure("regionprops_table", theirs, "s"),
        Measure("largest relative difference", apart, ""),
        *exports(labels),
    ]
    report("measure", measures)
    return 0 if apart < 1e-9 else 1


def ellipses(side: int, nuclei: int) -> np.ndarray:
    """Draw ellipses on a grid.

    Parameters
    ----------
    side : int
        Height and width in pixels.
    nuclei : int
        How many, about.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Labels.
    """
    rng = np.random.default_rng(1)
    labels = np.zeros((side, side), np.int32)
    step = side // int(np.sqrt(nuclei))
    y, x = np.mgrid[:step, :step] - (step - 1) / 2
    number = 0
    for top in range(0, side - step + 1, step):
        for left in range(0, side - step + 1, step):
            number += 1
            angle, (long, short) = rng.uniform(0, np.pi), rng.uniform(9, 15, 2)
            along = y * np.cos(angle) + x * np.sin(angle)
            across = x * np.cos(angle) - y * np.sin(angle)
            inside = (along / long) ** 2 + (across / short) ** 2 <= 1
            labels[top : top + step, left : left + step][inside] = number
    return labels


def of_scikit_image(labels: np.ndarray, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the table of scikit-image."""
    from skimage.measure import regionprops_table

    found: dict[str, np.ndarray] = regionprops_table(
        labels, np.moveaxis(image, 0, -1), properties=PROPERTIES
    )
    return found


def exports(labels: np.ndarray) -> list[Measure]:
    """Measure how long files take."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for to in ("imagej", "geojson", "coco"):
            path = Path(folder) / to
            seconds, _ = timed(functools.partial(export_labels, labels, path, to))
            found.append(Measure(f"export to {to}", seconds, "s"))
    return found


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how many seconds something takes, and what comes out of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    sys.exit(main())
