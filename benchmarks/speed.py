"""How fast segmentation is without a window, stage by stage, and how much memory it takes.

A simulated fluorescence field, a fifth of it under nuclei, goes from intensities to
labels with the model loaded; the estimate of the size of the nuclei is included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _common import Measure, PeakMemory, report, simulated_image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

#: The bars are for this field.
SIDE, DIAMETER = 2048, 24.0
#: Of smaller fields, of fewer than 1.5 megapixels, the size is no stage of its own.
SMALLEST = 1225
STAGES = ("normalise", "size estimate", "network", "instances")


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the field, in pixels")
    parser.add_argument("--diameter", type=float, default=DIAMETER, help="of the nuclei")
    parser.add_argument("--runs", type=int, default=5, help="how many to take the median of")
    parser.add_argument("--model", default="nuclei", help="name or folder of the model")
    options = parser.parse_args()
    if options.side < SMALLEST:
        parser.error(
            f"Expected a side of at least {SMALLEST}, got {options.side}: in smaller fields "
            f"the size is estimated while nuclei are found, and is no stage of its own."
        )
    image = simulated_image(options.side, options.diameter)
    report(f"speed_{options.side}", measure(image, options))
    return 0


def measure(image: np.ndarray, options: Any) -> list[Measure]:
    """Measure memory first, while nothing has been left behind, then speed."""
    from napari_nucseg import segment
    from napari_nucseg.network.predict import load_predictor
    from napari_nucseg.pipeline.maps import predict_maps
    from napari_nucseg.registry.store import load_model

    predictor = load_predictor(load_model(options.model))
    predict_maps(predictor, np.zeros((64, 64, 3), np.float32))
    with PeakMemory() as memory:
        labels = segment(image, options.model)
    seconds = []
    stages: dict[str, list[float]] = {name: [] for name in STAGES}
    for _ in range(options.runs):
        start = time.perf_counter()
        segment(image, options.model)
        seconds.append(time.perf_counter() - start)
        staged, times = by_stage(predictor, image)
        if not np.array_equal(staged, labels):
            raise RuntimeError("Expected the stages to be what segment does; they differ.")
        for name in STAGES:
            stages[name].append(times[name])
    print(f"  {image.shape[0]} x {image.shape[1]} pixels, {labels.max()} nuclei")
    return speeds(image, seconds, stages) + memories(image, memory)


def by_stage(predictor: Any, image: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """Do what `segment` does step by step, and return the labels and the seconds of each."""
    from napari_nucseg.pipeline.instances import instances_from_maps
    from napari_nucseg.pipeline.maps import estimate_diameter, predict_maps
    from napari_nucseg.pipeline.normalize import normalize
    from napari_nucseg.pipeline.parameters import SegmentParameters

    times = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        times[name] = time.perf_counter() - start
        return result

    plane = timed("normalise", lambda: normalize(image))
    found = timed("size estimate", lambda: estimate_diameter(predictor, plane))
    maps = timed("network", lambda: predict_maps(predictor, plane, found))
    parameters = SegmentParameters()
    labels = timed("instances", lambda: instances_from_maps(maps, parameters, found))
    return labels, times


def speeds(
    image: np.ndarray, seconds: list[float], stages: dict[str, list[float]]
) -> list[Measure]:
    """Return the medians over all runs."""
    megapixels = image.size / 1e6
    whole = statistics.median(seconds)
    bar = {SIDE: 1.2, 2 * SIDE: 2.0}.get(image.shape[0])
    measures = [
        Measure("end to end", megapixels / whole, "MP/s", at_least=bar),
        Measure("end to end, time", whole, "s"),
        Measure("end to end, slowest run", max(seconds), "s"),
    ]
    for name in STAGES:
        median = statistics.median(stages[name])
        measures.append(Measure(f"{name}, time", median, "s"))
        measures.append(Measure(name, megapixels / median, "MP/s"))
    return measures


def memories(image: np.ndarray, memory: PeakMemory) -> list[Measure]:
    """Return the memory of the process and its children, held against its bar."""
    # For a large field six times the image as float32, and a gigabyte.
    bars = {SIDE: 3.0, 4 * SIDE: (6 * 4 * image.size + 1e9) / 1e9}
    bar = bars.get(image.shape[0])
    return [
        Measure("peak resident memory", memory.peak / 1e9, "GB", at_most=bar),
        Measure("of it before, with the model and the image", memory.before / 1e9, "GB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
