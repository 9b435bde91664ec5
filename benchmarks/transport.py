"""What the engine costs beside the work: an image there, its labels back.

The engine is the real one, in a process of its own. What it costs is the time until the
labels are here, less the time that segmenting took according to the provenance; and the
memory that this process needs for more than one copy of each array that comes back.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from typing import Any

import numpy as np
from _common import Measure, PeakMemory, report, simulated_image

from napari_nucseg.engine import Engine, Segment, Warm
from napari_nucseg.image import Field
from napari_nucseg.pipeline import SegmentParameters

#: The bar is for this image, of type uint16.
SIDE, DIAMETER = 4096, 24.0
BAR = 0.3  # seconds
COPIES = 1.1  # of what comes back; a little is taken by everything
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
        field = Field(image)
        report("transport", [*measure(engine, field, options), *measure_memory(engine, field)])
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


def measure_memory(engine: Engine, field: Field) -> list[Measure]:
    """Measure how much resident memory of both processes the arrays take.

    Parameters
    ----------
    engine : Engine
        Warm.
    field : Field
        It has been segmented before, so that the network has its memory.

    Returns
    -------
    list of Measure
        This process and the engine, before, at most and after.
    """
    gc.collect()
    with PeakMemory(alone=True) as here, PeakMemory(engine.process_id, alone=True) as there:
        task = Segment(field, "nuclei", SegmentParameters(diameter=DIAMETER), keep_maps=True)
        found = engine.submit(task).wait(PATIENCE)
        # A mapped file takes memory when it is read.
        found.labels.max(), found.probability.max()
    arrays = found.labels.nbytes + found.probability.nbytes
    megabyte = 1e6
    return [
        Measure("image, which is here before", field.image.nbytes / megabyte, "MB"),
        Measure("labels and probability map, which come back", arrays / megabyte, "MB"),
        Measure("  this process: grew by", (here.after - here.before) / megabyte, "MB"),
        Measure(
            "  this process: copies of what came back, at the end",
            (here.after - here.before) / arrays,
            at_most=COPIES,
        ),
        Measure(
            "  this process: copies of what came back, at the peak",
            (here.peak - here.before) / arrays,
            at_most=COPIES,
        ),
        Measure("  engine: before", there.before / megabyte, "MB"),
        Measure("  engine: peak", there.peak / megabyte, "MB"),
        Measure("  engine: after, with the maps that it keeps", there.after / megabyte, "MB"),
    ]


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
