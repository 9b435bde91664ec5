"""The table of all sets that are only scored, by family, beside a floor and published scores.

`accuracy.py --all` prints it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import BENCHMARKS, write_rows
from _intervals import MEASURES, Interval, intervals
from _peer import otsu
from _scored import FLUORESCENCE, ScoredField, scored_fields

from napari_nucseg.measure.metrics import THRESHOLDS, Counts, match_counts, summarize
from napari_nucseg.registry import Model, load_model

__all__ = ["score_all"]

#: What the names in CSV and table say of the two methods.
MODEL, OTSU = "model", "Otsu + watershed"

_PUBLISHED = BENCHMARKS / "published.csv"
_HEADING = (
    f"  {'':48}{'images':>6} {'nuclei':>6}  {'AP50 per image':17}  {'mean AP per image':17}  "
    f"{'AP50 pooled':17}  {'mean AP pooled':17}"
)


def score_all(data: Path, model: str, views: int) -> None:
    """Score a model on all sets, print the table and write it as CSV.

    Parameters
    ----------
    data : Path
        Folder of the datasets.
    model : str
        Name or folder of the model.
    views : int
        Views of each image to average.
    """
    loaded = load_model(model)
    counts: dict[str, dict[str, list[Counts]]] = {}
    details = []
    for scored in scored_fields(data):
        found = _counts(scored, loaded, views)
        for method, one in found.items():
            details.append(_image_row(scored, method, one))
            for row in scored.rows:
                counts.setdefault(row, {}).setdefault(method, []).append(one)
        if len(details) % 20 == 0:
            print(f"  {len(details) // 2} images are scored", flush=True)
    rows = list(_rows(counts, loaded, views))
    print("  95 % intervals over images in brackets; mean AP is that of IoU .5 to .9")
    print("\n".join(_table(rows)))
    ending = "" if model == "nuclei" else f"_{Path(model).name}"
    write_rows(f"accuracy_all{ending}", rows)
    write_rows(f"accuracy_all{ending}_images", details)


def _counts(scored: ScoredField, model: Model, views: int) -> dict[str, Counts]:
    """Segment a field by both methods and match what they find with its labels."""
    from napari_nucseg import segment

    field = scored.field
    labels = {
        MODEL: segment(field, model, test_time_augmentations=views),
        OTSU: otsu("")(np.asarray(field.plane())),
    }
    return {method: match_counts(found, field.known_labels) for method, found in labels.items()}


def _rows(
    counts: dict[str, dict[str, list[Counts]]], model: Model, views: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table, the published scores after the set they belong to."""
    for name in _ordered(counts):
        for method, ours in counts[name].items():
            scores = summarize(ours)
            row: dict[str, Any] = {"set": name, "method": method}
            row |= {"model": "", "weights_sha256": "", "views": ""}
            if method == MODEL:
                card = model.card
                row |= {"model": card.name, "weights_sha256": card.weights_sha256}
                row["views"] = views
            row |= {"images": scores.images, "true": scores.true, "predicted": scores.predicted}
            yield row | _columns(intervals(ours))
        if name == FLUORESCENCE:
            yield from _published(scores.images, scores.true)


def _ordered(counts: dict[str, Any]) -> list[str]:
    """Return the rows with every family after its set, in the order of the alphabet."""
    sets = [name for name in counts if ":" not in name]
    return [name for one in sets for name in (one, *sorted(_families(counts, one)))]


def _families(counts: dict[str, Any], name: str) -> Iterator[str]:
    return (row for row in counts if row.startswith(f"{name}: "))


def _columns(scores: dict[str, Interval]) -> dict[str, Any]:
    """Return scores as columns of the CSV; a published one may be missing."""
    columns: dict[str, Any] = {}
    for measure in MEASURES:
        found = scores.get(measure)
        for part, ending in (("value", ""), ("low", "_low"), ("high", "_high")):
            columns[measure + ending] = round(getattr(found, part), 4) if found else ""
    return columns


def _published(images: int, true: int) -> Iterator[dict[str, Any]]:
    """Yield the published scores, which have no intervals."""
    with open(_PUBLISHED, newline="", encoding="utf-8") as file:
        for paper in csv.DictReader(file):
            ending = "pooled" if paper["averaging"] == "pooled" else "per_image"
            values = [paper[f"{at:.2f}"] for at in THRESHOLDS]
            row: dict[str, Any] = {
                "set": FLUORESCENCE,
                "method": f"published: {paper['method']}",
            }
            row |= {"model": "", "weights_sha256": "", "views": ""}
            row |= {"images": images, "true": true, "predicted": "", **_columns({})}
            row[f"ap50_{ending}"] = float(values[0])
            if all(values):
                mean = sum(map(float, values)) / len(values)
                row[f"mean_ap_{ending}"] = round(mean, 4)
            yield row


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table for people."""
    yield _HEADING
    last = ""
    for row in rows:
        if row["method"] == MODEL:
            name = row["set"]
            last = name
        else:
            name = f"    {row['method']}"
        cells = "  ".join(f"{_cell(row, measure):17}" for measure in MEASURES)
        counted = f"{row['images']:6} {row['true']:6}" if name == last else " " * 13
        yield f"  {name:48}{counted}  {cells}".rstrip()


def _cell(row: dict[str, Any], measure: str) -> str:
    """Write one score, with its interval if it has one."""
    value, low, high = (row[measure + ending] for ending in ("", "_low", "_high"))
    if value == "":
        return ""
    return str(Interval(value, low, high)) if low != "" else f"{value:.3f}"


def _image_row(scored: ScoredField, method: str, counts: Counts) -> dict[str, Any]:
    """Return the line of one image and method, to find the worst ones."""
    scores = summarize([counts])
    return {
        "set": scored.rows[0],
        "family": "; ".join(row.split(": ", 1)[1] for row in scored.rows[1:]),
        "image": scored.field.name,
        "method": method,
        "true": scores.true,
        "predicted": scores.predicted,
        "ap50": round(scores.ap_pooled[0.5], 4),
        "mean_ap": round(scores.mean_ap, 4),
    }
