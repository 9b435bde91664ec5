"""What the engine costs beside the work: an image there, its labels back.

The engine is the real one, in a process of its own. What it costs is the time until the
labels are here, less the time that segmenting took according to the provenance.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import numpy as np
from _common import Measure, report, simulated_image

from napari_nucseg.engine import Engine, Segment, Warm
from napari_nucseg.image import Field
from napari_nucseg.pipeline import SegmentParameters

#: The bar is for this image, of type uint16.
SIDE, DIAMETER = 4096, 24.0
BAR = 0.3  # seconds
PATIENCE = 600.0  # seconds


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the image, in pixels")
    parser.add_argument("--runs", type=int, default=3, help="how many to take the median of")
    options = parser.parse_args()
    image = simulated_image(options.side, DIAMETER).astype(np.uint16)
    engine = Engine()
    try:
        engine.submit(Warm("nuclei")).wait(PATIENCE)
        report("transport", measure(engine, Field(image), options))
    finally:
        engine.close()
    return 0


def measure(engine: Engine, field: Field, options: Any) -> list[Measure]:
    """Measure without the maps, as a script gets it, and with them, as the window does."""
    side = options.side
    bar = BAR if side == SIDE else None
    measures = []
    for keep_maps, name in ((False, "labels"), (True, "labels and probability map")):
        times = [_times(engine, field, keep_maps) for _ in range(options.runs)]
        beside = statistics.median(whole - segmenting for whole, segmenting in times)
        segmenting = statistics.median(segmenting for _, segmenting in times)
        what = f"{side} x {side} there, {name} back"
        measures.append(
            Measure(f"{what}, beside", beside, "s", at_most=None if keep_maps else bar)
        )
        measures.append(Measure("  segmenting itself", segmenting, "s"))
    return measures


def _times(engine: Engine, field: Field, keep_maps: bool) -> tuple[float, float]:
    """Return the seconds until the labels are here, and those that segmenting took."""
    task = Segment(field, "nuclei", SegmentParameters(diameter=DIAMETER), keep_maps=keep_maps)
    start = time.perf_counter()
    found = engine.submit(task).wait(PATIENCE)
    # A mapped file is read when it is first used.
    found.labels.max()
    return time.perf_counter() - start, found.provenance["seconds"]


if __name__ == "__main__":
    sys.exit(main())
