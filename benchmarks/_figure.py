"""Scores as a picture: overlays of some images, and AP against the IoU threshold."""

from __future__ import annotations

import csv
import dataclasses
from typing import Any

import matplotlib
import numpy as np
from _common import BENCHMARKS, RESULTS, ROOT
from skimage.segmentation import find_boundaries

from napari_nucseg.image.field import Field
from napari_nucseg.measure.metrics import THRESHOLDS, Counts, Scores, summarize
from napari_nucseg.pipeline.normalize import normalize

matplotlib.use("Agg")

from matplotlib import pyplot as plt

_PUBLISHED = BENCHMARKS / "published.csv"


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found in one image.

    Parameters
    ----------
    field : Field
        With the true labels.
    labels : ndarray of int32, shape (Y, X)
        Those that were found.
    counts : Counts
        How the two match.
    seconds : float
        How long it took.
    """

    field: Field
    labels: np.ndarray
    counts: Counts
    seconds: float

    @property
    def scores(self) -> Scores:
        """The scores of this image alone."""
        return summarize([self.counts])


def draw(name: str, scores: Scores, results: list[Result]) -> None:
    """Draw the best, the median and the worst image, and AP against the IoU threshold."""
    ranked = sorted(results, key=lambda result: -result.scores.mean_ap)
    figure, axes = plt.subplots(1, 4, figsize=(17, 4.4), layout="constrained")
    chosen = (ranked[0], ranked[len(ranked) // 2], ranked[-1])
    for axis, title, result in zip(axes, ("best", "median", "worst"), chosen, strict=False):
        axis.imshow(overlay(result), interpolation="nearest")
        axis.set_title(f"{title}: mean AP {result.scores.mean_ap:.2f}")
        axis.set_axis_off()
    draw_curves(axes[3], name, scores)
    figure.suptitle(f"{name}: outlines found (magenta), true (green), both (white)")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"accuracy_{name.replace(' ', '_')}.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"    drew {path.relative_to(ROOT)}")


def overlay(result: Result) -> np.ndarray:
    """Return the image as RGB with the outlines of nuclei found and true."""
    picture = np.clip(normalize(result.field.plane()), 0, 1)
    found, true = (
        find_boundaries(labels, mode="inner")
        for labels in (result.labels, result.field.known_labels)
    )
    picture[found & ~true] = (1, 0, 1)
    picture[true & ~found] = (0, 1, 0)
    picture[found & true] = (1, 1, 1)
    return picture


def draw_curves(axis: Any, name: str, scores: Scores) -> None:
    """Draw AP against the IoU threshold, for the test set beside the published ones."""
    ours = {"pooled": ("k-o", scores.ap_pooled), "per image": ("k--o", scores.ap_per_image)}
    for averaging, (style, values) in ours.items():
        label = f"ours, {averaging}"
        axis.plot(THRESHOLDS, list(values.values()), style, markersize=5, label=label)
    if name == "test":
        with open(_PUBLISHED, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                points = [(at, row[f"{at:.2f}"]) for at in THRESHOLDS if row[f"{at:.2f}"]]
                at, ap = zip(*((at, float(ap)) for at, ap in points), strict=True)
                style = "-" if row["averaging"] == "pooled" else "--"
                label = f"{row['method']}, {row['averaging']}"
                alone = {"marker": "*", "markersize": 12, "zorder": 3} if len(at) == 1 else {}
                axis.plot(at, ap, style, **{"marker": ".", **alone}, label=label)
    axis.set(xlabel="IoU threshold", ylabel="AP", ylim=(0, 1))
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1))
