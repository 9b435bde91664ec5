"""How long each edit of labels takes, without a window.

The layer has 5,000 nuclei of 24 x 20 pixels that are round, lie close to each other and are
drawn from ellipses; the maps belong to them. Each edit is done on many nuclei, one at a time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import Measure, report

from napari_nucseg import corrections
from napari_nucseg.corrections import Edit, Journal
from napari_nucseg.pipeline import Maps

SIDE, NUCLEI = 2048, 5000
DIAMETER = 22.0

#: Bars in milliseconds: the median and the 95th percentile of one, and all at once.
ONE, ONE_SLOW, ALL = 50.0, 100.0, 500.0


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the layer, in pixels")
    parser.add_argument("--nuclei", type=int, default=NUCLEI, help="how many, about")
    parser.add_argument("--runs", type=int, default=20, help="nuclei that each edit is done on")
    options = parser.parse_args()
    scene = Scene(options.side, options.nuclei)
    print(f"{scene.middles.shape[0]} nuclei on {options.side} x {options.side}")
    rng = np.random.default_rng(1)
    chosen = rng.choice(scene.middles.shape[0], options.runs, replace=False)
    measures = [*of_one(scene, chosen), *of_all(scene), *of_journal(scene)]
    report("corrections", measures)
    return 0


class Scene:
    """A layer of ellipses on a grid, and its maps.

    Parameters
    ----------
    side : int
        Height and width in pixels.
    nuclei : int
        How many, about.
    """

    def __init__(self, side: int, nuclei: int) -> None:
        rng = np.random.default_rng(0)
        step = side / int(np.sqrt(nuclei))
        grid = np.arange(step / 2, side, step)
        rows, columns = np.meshgrid(grid, grid, indexing="ij")
        self.middles = np.stack([rows.ravel(), columns.ravel()], axis=1)
        self.labels = np.zeros((side, side), np.int32)
        height = np.zeros((side, side), np.float32)
        for number, (y, x) in enumerate(self.middles, start=1):
            box = tuple(
                slice(max(int(one - step / 2), 0), min(int(one + step / 2) + 1, side))
                for one in (y, x)
            )
            away_y, away_x = np.ogrid[box]
            long, short = rng.uniform(0.4, 0.46, 2) * step
            inside = 1 - np.hypot((away_y - y) / long, (away_x - x) / short)
            self.labels[box][(inside > 0) & (self.labels[box] == 0)] = number
            np.maximum(height[box], inside, out=height[box])
        foreground = np.clip(0.5 + 4 * height, 0, 1) * (self.labels > 0)
        values = np.stack([foreground, height, np.zeros_like(height)], axis=-1)
        self.maps = Maps(values.astype(np.float32))
        self.step = step

    def around(self, middle: np.ndarray, radius: float) -> np.ndarray:
        """Return a circle as a person draws it."""
        angles = np.linspace(0, 2 * np.pi, 60)
        return middle + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)


def edits_of_one(scene: Scene, middle: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the edits of the nucleus at a point, by name."""
    labels, maps, step = scene.labels, scene.maps, scene.step
    number = int(labels[tuple(middle.astype(int))])
    side = step if middle[1] < labels.shape[1] / 2 else -step
    beside = middle + np.array([0, side])
    without = _done(labels, corrections.delete(labels, [number]))
    merged = _done(labels, corrections.merge(labels, [middle, beside]))
    across = middle + np.array([[-0.49 * step, 0], [0.49 * step, 0]])
    brush = middle + np.array([[0, 0], [0, step / 3]])
    return {
        "delete": lambda: corrections.delete(labels, [number]),
        "add": lambda: corrections.add(without, middle, maps, diameter=DIAMETER),
        "merge": lambda: corrections.merge(labels, [middle, beside]),
        "split along a line": lambda: corrections.split_along(labels, across),
        "split by a click": lambda: corrections.split_at(merged, middle, maps),
        "redraw": lambda: corrections.redraw(labels, scene.around(middle, step / 2)),
        "push": lambda: corrections.push(labels, number, brush, step / 3, True),
        "smooth": lambda: corrections.smooth(labels, [number]),
        "fill holes": lambda: corrections.fill_holes(labels, [number]),
        "grow": lambda: corrections.grow(labels, [number]),
        "shrink": lambda: corrections.shrink(labels, [number]),
        "what a gesture means": lambda: corrections.meaning_of(labels, [middle, beside]),
    }


def of_one(scene: Scene, chosen: np.ndarray) -> Iterator[Measure]:
    """Measure edits of single nuclei."""
    times: dict[str, list[float]] = {}
    for index in chosen:
        for name, work in edits_of_one(scene, scene.middles[index]).items():
            times.setdefault(name, []).append(_milliseconds(work))
    for name, taken in times.items():
        slow = float(np.percentile(taken, 95))
        yield Measure(f"{name}, median", statistics.median(taken), "ms", at_most=ONE)
        yield Measure(f"{name}, 95 %", slow, "ms", at_most=ONE_SLOW)


def of_all(scene: Scene) -> Iterator[Measure]:
    """Measure what is done with all nuclei at once."""
    labels, maps = scene.labels, scene.maps
    half = range(1, scene.middles.shape[0], 2)
    corner, opposite = (0, 0), (labels.shape[0] / 2, labels.shape[1] / 2)
    works: dict[str, Callable[[], Any]] = {
        "delete half of them": lambda: corrections.delete(labels, half),
        "ids in a box": lambda: corrections.ids_in_box(labels, corner, opposite),
        "ids at the border": lambda: corrections.ids_at_border(labels),
        "ids of the small ones": lambda: corrections.ids_smaller_than(labels, 300),
        "smooth all": lambda: corrections.smooth(labels),
        "fill holes of all": lambda: corrections.fill_holes(labels),
        "grow all": lambda: corrections.grow(labels),
        "shrink all": lambda: corrections.shrink(labels),
        "pieces": lambda: corrections.pieces(labels),
    }
    for name, work in works.items():
        yield Measure(name, min(_milliseconds(work) for _ in range(3)), "ms", at_most=ALL)
    work = lambda: corrections.suspicions(labels, maps, diameter=DIAMETER)  # noqa: E731
    yield Measure("suspicions", min(_milliseconds(work) for _ in range(2)), "ms")


def of_journal(scene: Scene) -> Iterator[Measure]:
    """Measure what the window does for the journal, and what another thread does."""
    labels = scene.labels
    edit = corrections.delete(labels, [1])
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        yield Measure("journal: begin", _milliseconds(lambda: journal.begin(labels, {})), "ms")
        yield Measure("journal: record", _milliseconds(lambda: journal.record(edit)), "ms")
        yield Measure("journal: flush", _milliseconds(journal.flush), "ms")
        whole = (slice(None),) * labels.ndim
        keys = corrections.keys_in(whole, labels.shape)
        compare = lambda: [  # noqa: E731
            journal.differs(key, corrections.block_of(labels, key)) for key in keys
        ]
        yield Measure("journal: compare a plane", _milliseconds(compare), "ms")
        yield Measure("journal: restore", _milliseconds(journal.restore), "ms")


def _done(labels: np.ndarray, edit: Edit) -> np.ndarray:
    changed = labels.copy()
    changed[edit.indices] = edit.values
    return changed


def _milliseconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
