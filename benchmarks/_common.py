"""What the benchmarks have in common: rows of results, memory, simulated images."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from napari_nucseg.measure.metrics import Scores

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
RESULTS = BENCHMARKS / "results"

_SAMPLE_SECONDS = 0.01
_SIMULATE = """
import sys
import numpy as np
from napari_nucseg.image.simulate import simulate_field
side, diameter = int(sys.argv[1]), float(sys.argv[2])
np.save(sys.argv[3], simulate_field((side, side), diameter=diameter, coverage=0.2).image)
"""


@dataclasses.dataclass(frozen=True)
class Measure:
    """One number, and the bar that it is held against.

    Parameters
    ----------
    name : str
        What was measured.
    value : float
        The number.
    unit : str, optional
        Its unit.
    at_least, at_most : float, optional
        The bar, if there is one.
    """

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bar(self) -> str:
        """The bar in words, empty if there is none."""
        bars = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bar:g}" for word, bar in bars if bar is not None)

    @property
    def verdict(self) -> str:
        """Whether the bar is met, empty if there is none."""
        if not self.bar:
            return ""
        low = self.at_least is None or self.value >= self.at_least
        high = self.at_most is None or self.value <= self.at_most
        return "met" if low and high else "missed"


def score_values(scores: Scores) -> dict[str, float]:
    """Return scores by the names that they have in every CSV.

    Parameters
    ----------
    scores : Scores
        Of a set of images.

    Returns
    -------
    dict of str to float
        AP at every threshold, pooled and per image, and the others, 0 to 1.
    """
    values = {f"ap_per_image_{at:.2f}": ap for at, ap in scores.ap_per_image.items()}
    values |= {f"ap_pooled_{at:.2f}": ap for at, ap in scores.ap_pooled.items()}
    values |= {"mean_ap": scores.mean_ap, "f1": scores.f1, "pq": scores.panoptic_quality}
    values |= {"dice": scores.dice, "iou": scores.iou}
    return {name: round(value, 4) for name, value in values.items()}


def report(name: str, measures: Iterable[Measure]) -> None:
    """Print measures and write them as CSV.

    Parameters
    ----------
    name : str
        Of the file in `RESULTS`, without its suffix.
    measures : iterable of Measure
        What to report.
    """
    measures = list(measures)
    for m in measures:
        bar = f"   ({m.bar}: {m.verdict})" if m.bar else ""
        print(f"  {m.name:<58} {m.value:>9.3f} {m.unit:<6}{bar}")
    write_rows(
        name,
        [
            {
                "measure": m.name,
                "value": round(m.value, 4),
                "unit": m.unit,
                "bar": m.bar,
                "verdict": m.verdict,
            }
            for m in measures
        ],
    )


def write_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV.

    Parameters
    ----------
    name : str
        Of the file in `RESULTS`, without its suffix.
    rows : sequence of mapping
        All with the same keys.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"  wrote {path.relative_to(ROOT)}")


class PeakMemory:
    """Watches the resident memory of a process and its children together.

    A context: afterwards `before`, `peak` and `after` are known, in bytes.

    Parameters
    ----------
    process : int, optional
        Number of the process, this one when left out.
    alone : bool, optional
        Whether its children do not count.
    """

    def __init__(self, process: int | None = None, *, alone: bool = False) -> None:
        self._process, self._alone = process, alone

    def __enter__(self) -> PeakMemory:
        self._end = threading.Event()
        self.before = self.peak = self._resident()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._end.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, self._resident())

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()
        self.after = self._resident()
        self.peak = max(self.peak, self.after)

    def _resident(self) -> int:
        total = 0
        try:
            watched = psutil.Process(self._process)
            family = [watched, *([] if self._alone else watched.children(recursive=True))]
        except psutil.Error:  # ended meanwhile
            return total
        for process in family:
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total


def simulated_image(side: int, diameter: float) -> np.ndarray:
    """Simulate a fluorescence field, a fifth of it under nuclei.

    Another process does it, so that its memory does not count as ours.

    Parameters
    ----------
    side : int
        Height and width in pixels.
    diameter : float
        Of a typical nucleus, in pixels.

    Returns
    -------
    ndarray of uint16, shape (side, side)
        The image.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.npy")
        command = [sys.executable, "-c", _SIMULATE, str(side), str(diameter), path]
        subprocess.run(command, check=True)
        return np.load(path)
