"""Fine-tuning where it matters: what it gains, what it forgets, and whether the gate is right.

Fine-tunes a model on few corrected fields of a kind of images and scores it on other slides
or specimens of that kind, on the fluorescence test images and on stained tissue. Every run is
a row of a CSV that is written when the run is over: the same command goes on where it was
ended. With ``--bad`` the labels are spoiled first, to see what the gate makes of them.

    python benchmarks/retraining.py ../shared/data --model FOLDER --domains breast --fields 3
    python benchmarks/retraining.py ../shared/data --summary

Crops of the same dataset are left out of the reference set, so that nothing of the kind is
learned but from the corrected fields. For that, the model must not have seen it either.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _common import RESULTS
from _domains import DOMAINS, Domain, fluorescence, spoiled, stained

from napari_nucseg.image import Field
from napari_nucseg.measure.metrics import match_counts, summarize
from napari_nucseg.network import load_predictor, make_trainer
from napari_nucseg.pipeline import SegmentParameters, segment_plane
from napari_nucseg.registry import Model, load_model
from napari_nucseg.registry.store import models_directory
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.budgets import fine_tune_parameters
from napari_nucseg.training.reference import reference_set
from napari_nucseg.training.train import fine_tune_fields

_COLUMNS = (
    "domain",
    "fields",
    "draw",
    "budget",
    "bad",
    "model",
    "nuclei",
    "ap50_before",
    "ap50_after",
    "mean_ap_before",
    "mean_ap_after",
    "fluo_ap50_before",
    "fluo_ap50_after",
    "fluo_mean_ap_before",
    "fluo_mean_ap_after",
    "stained_ap50_before",
    "stained_ap50_after",
    "accepted",
    "doubts",
    "blend",
    "epochs",
    "seconds",
    "reason",
)
#: Scores of the base by the name of the set.
_KNOWN: dict[str, tuple[float, float]] = {}
_KEY = ("domain", "fields", "draw", "budget", "bad", "model")


def main() -> int:
    """Read the command line, run what is missing, print the summary.

    Returns
    -------
    int
        The status: 0.
    """
    options = _parser().parse_args()
    table = options.results
    if not options.summary:
        model = load_model(options.model)
        with tempfile.TemporaryDirectory() as home:
            _set_home(home)
            for wanted in _wanted(options, model.card.weights_sha256[:8]):
                if not any(_same(wanted, row) for row in _read(table)):
                    row = _run(wanted, model, options)
                    _append(table, row)
                    print(
                        {name: row[name] for name in _COLUMNS if name != "reason"}, flush=True
                    )
    _summarize(_read(table))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the datasets")
    parser.add_argument("--model", default="nuclei", help="name or folder of the base")
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=list(DOMAINS))
    parser.add_argument("--fields", nargs="+", type=int, default=[1, 3, 10], metavar="K")
    parser.add_argument("--draws", type=int, default=3, help="random draws of the fields")
    parser.add_argument("--budget", default="2", help="minutes, or 'best'")
    parser.add_argument("--bad", nargs="+", default=[""], help="how to spoil the labels")
    parser.add_argument("--test-fields", type=int, default=1000, help="of each set, at most")
    parser.add_argument("--summary", action="store_true", help="only print what there is")
    parser.add_argument("--results", type=Path, default=RESULTS / "retraining.csv")
    return parser


def _set_home(folder: str) -> None:
    import os

    os.environ[HOME_VARIABLE] = folder


def _wanted(options: Any, model: str) -> Iterator[dict[str, str]]:
    choices = itertools.product(
        options.domains, options.fields, range(options.draws), options.bad
    )
    for domain, fields, draw, bad in choices:
        values = (domain, fields, draw, options.budget, bad, model)
        yield dict(zip(_KEY, map(str, values), strict=True))


def _same(wanted: dict[str, str], row: dict[str, str]) -> bool:
    return all(row[name] == wanted[name] for name in _KEY)


def _run(wanted: dict[str, str], model: Model, options: Any) -> dict[str, Any]:
    """Fine-tune once, and score before and after."""
    domain: Domain = DOMAINS[wanted["domain"]]
    rng = np.random.default_rng([int(wanted["draw"]), int(wanted["fields"])])
    pool = domain.to_learn(options.data)
    chosen = [pool[i] for i in rng.permutation(len(pool))[: int(wanted["fields"])]]
    if wanted["bad"]:
        others = [field for field in pool if field not in chosen] or pool
        chosen = [spoiled(field, wanted["bad"], others, rng) for field in chosen]
    tests = _tests(domain, options)
    before = {
        name: _score_of_base(model, wanted["domain"] if name == "domain" else name, fields)
        for name, fields in tests.items()
    }
    name = "fine-tuned"
    began = time.monotonic()
    result = fine_tune_fields(
        chosen,
        model,
        name,
        fine_tune_parameters(wanted["budget"]),
        make_trainer,
        reference=reference_set(without=domain.left_out),
    )
    seconds = time.monotonic() - began
    child = load_model(models_directory() / name)
    after = {name: _score(child, fields) for name, fields in tests.items()}
    for path in sorted(child.folder.iterdir()):
        path.unlink()
    child.folder.rmdir()
    verdict = result.verdict
    return {
        **wanted,
        "nuclei": sum(field.nuclei for field in chosen),
        **_columns("", before["domain"], after["domain"]),
        **_columns("fluo_", before["fluo"], after["fluo"]),
        **_columns("stained_", before["stained"], after["stained"]),
        "accepted": int(result.better),
        "doubts": len(verdict.doubts) if verdict else 0,
        "blend": child.card.training.get("blend", 1.0),
        "epochs": result.epochs,
        "seconds": round(seconds, 1),
        "reason": verdict.reason if verdict else "",
    }


def _tests(domain: Domain, options: Any) -> dict[str, list[Field]]:
    return {
        "domain": domain.to_test(options.data)[: options.test_fields],
        "fluo": fluorescence(options.data)[: options.test_fields],
        "stained": stained(options.data)[: options.test_fields],
    }


def _score_of_base(model: Model, name: str, fields: Sequence[Field]) -> tuple[float, float]:
    """Score the base, once for each set of images."""
    if name not in _KNOWN:
        _KNOWN[name] = _score(model, fields)
    return _KNOWN[name]


def _score(model: Model, fields: Sequence[Field]) -> tuple[float, float]:
    """Return AP at IoU 0.5 and mean AP, per image."""
    predictor = load_predictor(model)
    counts = [
        match_counts(
            segment_plane(predictor, field.plane(), SegmentParameters())[0], field.known_labels
        )
        for field in fields
    ]
    scores = summarize(counts)
    return scores.ap_per_image[0.5], scores.mean_ap


def _columns(
    prefix: str, before: tuple[float, float], after: tuple[float, float]
) -> dict[str, float]:
    values = {
        f"{prefix}ap50_before": before[0],
        f"{prefix}ap50_after": after[0],
        f"{prefix}mean_ap_before": before[1],
        f"{prefix}mean_ap_after": after[1],
    }
    return {name: round(value, 4) for name, value in values.items() if name in _COLUMNS}


def _read(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with open(table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _append(table: Path, row: dict[str, Any]) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    is_new = not table.exists()
    with open(table, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def _summarize(rows: list[dict[str, str]]) -> None:
    """Print the mean gain and loss by domain and number of fields, and what the gate did."""
    good = [row for row in rows if not row["bad"]]
    print("domain      fields runs   AP50 before after  gain | fluo AP50  mean AP | stained")
    for key, group in itertools.groupby(
        sorted(good, key=lambda row: (row["domain"], int(row["fields"]))),
        key=lambda row: (row["domain"], int(row["fields"])),
    ):
        some = list(group)
        before, after = _mean(some, "ap50_before"), _mean(some, "ap50_after")
        fluo = _change(some, "fluo_ap50"), _change(some, "fluo_mean_ap")
        print(
            f"{key[0]:<12}{key[1]:>5}{len(some):>5}{before:>14.3f}{after:>6.3f}"
            f"{after - before:>+7.3f} |{fluo[0]:>+9.3f}{fluo[1]:>+9.3f} |"
            f"{_change(some, 'stained_ap50'):>+8.3f}"
        )
    _summarize_gate(rows)


def _summarize_gate(rows: list[dict[str, str]]) -> None:
    worse = [row for row in rows if _truly(row) <= -0.02]
    better = [row for row in rows if _truly(row) >= 0.03]
    refused = sum(row["accepted"] == "0" for row in worse)
    accepted = sum(row["accepted"] == "1" for row in better)
    print(f"worse by .02 or more: {len(worse)}, of which refused: {refused}")
    print(f"better by .03 or more: {len(better)}, of which accepted: {accepted}")
    if rows:
        seconds = [float(row["seconds"]) for row in rows]
        print(f"seconds: {min(seconds):.0f} to {max(seconds):.0f}")


def _truly(row: dict[str, str]) -> float:
    """Return what became of AP50: the loss elsewhere if that is a loss, or the gain here."""
    here = float(row["ap50_after"]) - float(row["ap50_before"])
    elsewhere = float(row["fluo_ap50_after"]) - float(row["fluo_ap50_before"])
    return min(here, elsewhere) if elsewhere <= -0.02 else here


def _mean(rows: Sequence[dict[str, str]], column: str) -> float:
    return float(np.mean([float(row[column]) for row in rows]))


def _change(rows: Sequence[dict[str, str]], column: str) -> float:
    return _mean(rows, f"{column}_after") - _mean(rows, f"{column}_before")


if __name__ == "__main__":
    sys.exit(main())
