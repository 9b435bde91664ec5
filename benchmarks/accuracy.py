"""How well nuclei are found: AP, F1, PQ, Dice and IoU against known labels.

Scores the data sets in runs/data that are never trained on, test and heldout, where
tools/prepare_data.py has made them, and otherwise simulated fields, condition by condition.
``--all DATA`` scores every set that is never trained on, straight from the folder of the
datasets, by family and with intervals, beside a simple method and published scores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _all_sets import score_all
from _common import ROOT, score_values, write_rows
from _conditions import SEEDS, SIDE, conditions, degraded, degrades
from _figure import Result, draw

from napari_nucseg.image.field import Field
from napari_nucseg.measure.metrics import THRESHOLDS, Scores, match_counts, summarize
from napari_nucseg.pipeline.parameters import SegmentParameters

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

DATA = ROOT / "runs" / "data"
#: The data sets that are scored if they are there, and their bars, those of the bundled model
#: with one view: what is as good as the best that is published.
BARS = {
    "test": {"AP at 0.5": 0.885, "mean AP": 0.73, "AP at 0.5 pooled": 0.865, "IoU": 0.88},
    "heldout": {"AP at 0.5": 0.75},
}


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="with images/ and masks/")
    parser.add_argument(
        "--all",
        type=Path,
        metavar="DATA",
        help="score every set of this folder that is never trained on, by family, with "
        "intervals, beside Otsu's threshold with a watershed and published scores",
    )
    parser.add_argument("--simulated", action="store_true", help="score simulated fields")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="score the images that the bundled model was not trained on but chosen by, as "
        "they are and, if they are fluorescence, made worse in several ways",
    )
    parser.add_argument("--model", default="nuclei", help="name or folder of the model")
    parser.add_argument(
        "--resize",
        type=float,
        default=1.0,
        metavar="F",
        help="resize the images by this, and score on the original grid",
    )
    parser.add_argument(
        "--test-time-augmentations",
        type=int,
        default=SegmentParameters().test_time_augmentations,
        metavar="N",
        help="views of each image to average",
    )
    parser.add_argument("--figure", action="store_true", help="also draw a PNG for each set")
    options = parser.parse_args()
    if options.all:
        score_all(options.all, options.model, options.test_time_augmentations)
        return 0
    rows, details = [], []
    for name, fields in data_sets(options):
        results = [segment_one(field, options) for field in fields]
        scores = summarize([result.counts for result in results])
        print(table(name, scores, results))
        rows.append(summary_row(name, scores, results, options))
        details += [image_row(name, result) for result in results]
        if options.figure:
            draw(name, scores, results)
    ending = "" if options.resize == 1 else f"_x{options.resize:g}"
    ending += (
        ""
        if options.test_time_augmentations == 1
        else f"_{options.test_time_augmentations}_views"
    )
    write_rows(f"accuracy{ending}", rows)
    write_rows(f"accuracy{ending}_images", details)
    return 0


def data_sets(options: Any) -> Iterator[tuple[str, list[Field]]]:
    """Yield the name and the fields of each set, and say what is scored."""
    from napari_nucseg.image.pairs import read_fields

    folders, simulated = options.folders, options.simulated
    if not (folders or simulated or options.validation):
        folders = [DATA / name for name in BARS if (DATA / name).is_dir()]
        if not folders:
            print(f"  There is no data in {DATA}: make it with tools/prepare_data.py.")
            simulated = True
    for folder in folders:
        yield folder.name, read_fields([folder])
    if options.validation:
        yield from validation_sets()
    if simulated:
        print(f"  Simulated fields of {SIDE} x {SIDE} pixels, {SEEDS} for each condition.")
        for name, make in conditions().items():
            yield name, [make(seed) for seed in range(SEEDS)]


def validation_sets() -> Iterator[tuple[str, list[Field]]]:
    """Yield what `make train` chooses by, and the fluorescence among it made worse."""
    from napari_nucseg.image.pairs import read_fields

    names = ("grey", "stained", "brightfield", "simulated")
    sets = {name: read_fields([DATA / "validation" / name]) for name in names}
    for name, fields in sets.items():
        yield f"validation {name}", fields
    for name, degrade in degrades().items():
        yield (
            f"validation grey, {name}",
            [degraded(field, degrade, seed) for seed, field in enumerate(sets["grey"])],
        )


def segment_one(field: Field, options: Any) -> Result:
    """Segment a field and match what was found with its labels."""
    from napari_nucseg import segment

    factor = options.resize
    parameters: dict[str, Any] = {"test_time_augmentations": options.test_time_augmentations}
    image: Field | np.ndarray = field
    start = time.perf_counter()
    if factor != 1:
        # Objects are dropped below the same size on the original grid.
        smallest = max(1, round(SegmentParameters().minimum_size * factor**2))
        parameters["minimum_size"] = smallest
        image = resized(field, factor)
    labels = segment(image, options.model, **parameters)
    if factor != 1:
        labels = on_grid(labels, field.shape)
    seconds = time.perf_counter() - start
    return Result(field, labels, match_counts(labels, field.known_labels), seconds)


def resized(field: Field, factor: float) -> np.ndarray:
    """Return the image of a field on another grid."""
    from skimage.transform import resize

    plane = field.plane()
    shape = tuple(max(1, round(length * factor)) for length in field.shape)
    # Every axis that is left out stays as it is: the colors.
    return resize(plane, shape, order=1, preserve_range=True, anti_aliasing=factor < 1)


def on_grid(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return labels on another grid; every pixel takes the nearest label."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def table(name: str, scores: Scores, results: list[Result]) -> str:
    """Write the scores of a set for people."""
    lines = [
        f"  {name}: {scores.images} images, {scores.true} nuclei, {scores.predicted} found",
        "    IoU at least " + " ".join(f"{at:5.2f}" for at in THRESHOLDS),
        "    AP pooled    " + " ".join(f"{ap:5.3f}" for ap in scores.ap_pooled.values()),
        "    AP per image " + " ".join(f"{ap:5.3f}" for ap in scores.ap_per_image.values()),
        f"    mean AP {scores.mean_ap:.3f}  F1 {scores.f1:.3f}  "
        f"PQ {scores.panoptic_quality:.3f}  Dice {scores.dice:.3f}  IoU {scores.iou:.3f}  "
        f"{statistics.median(r.seconds for r in results):.2f} s an image",
    ]
    if name in BARS:
        values = {
            "AP at 0.5": scores.ap_per_image[0.5],
            "mean AP": scores.mean_ap,
            "AP at 0.5 pooled": scores.ap_pooled[0.5],
            "IoU": scores.iou,
        }
        held = (f"{what} {_held(values[what], bar)}" for what, bar in BARS[name].items())
        lines.append("    bars: " + ", ".join(held))
    return "\n".join(lines)


def _held(value: float, bar: float) -> str:
    return f"{value:.3f} of {bar:.3f} ({'met' if value >= bar else 'missed'})"


def summary_row(
    name: str, scores: Scores, results: list[Result], options: Any
) -> dict[str, Any]:
    """Return a row of the CSV with all scores of a set."""
    values: dict[str, Any] = {"set": name, "model": options.model}
    values |= {
        "resize": options.resize,
        "test_time_augmentations": options.test_time_augmentations,
    }
    values |= {"images": scores.images, "predicted": scores.predicted, "true": scores.true}
    values |= score_values(scores)
    seconds = statistics.median(result.seconds for result in results)
    return values | {"seconds_per_image": round(seconds, 3)}


def image_row(name: str, result: Result) -> dict[str, Any]:
    """Return a row of the CSV with a line for each image, to find the worst ones."""
    scores = result.scores
    return {
        "set": name,
        "image": result.field.name,
        "predicted": scores.predicted,
        "true": scores.true,
        "ap_0.50": round(scores.ap_pooled[0.5], 4),
        "mean_ap": round(scores.mean_ap, 4),
        "iou": round(scores.iou, 4),
        "seconds": round(result.seconds, 3),
    }


if __name__ == "__main__":
    sys.exit(main())
