"""How fast table, plot and image follow each other with 20,000 nuclei in a real window.

The labels are those of ``measure.py``, on 8192 x 8192 pixels. A row is clicked, a nucleus is
clicked in the image, a gate is drawn around half of all, the table is sorted; each time from
the event to when everything is drawn. Without a display a virtual one is made.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _common import Measure, report
from _window import Mouse, in_window
from measure import ellipses

SIDE, NUCLEI, ROUNDS = 8192, 20_000, 9

#: Bar in milliseconds.
AT_MOST = 100.0


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the image, in pixels")
    parser.add_argument("--nuclei", type=int, default=NUCLEI, help="how many, about")
    options = parser.parse_args()
    return in_window(lambda: benchmark(options.side, options.nuclei))


def benchmark(side: int, nuclei: int) -> int:
    """Open a window, measure the nuclei, and use table, plot and image.

    Parameters
    ----------
    side, nuclei : int
        Of the image.

    Returns
    -------
    int
        Exit status.
    """
    import napari

    labels = ellipses(side, nuclei)
    viewer = napari.Viewer()
    viewer.window.resize(1366, 728)
    image = np.random.default_rng(0).integers(100, 4000, labels.shape, np.uint16)
    viewer.add_image(image, name="image")
    layer = viewer.add_labels(labels, name="nuclei")
    _, dock = viewer.window.add_plugin_dock_widget("napari-nucseg", "Nucleus Segmentation")
    panel = dock.numbers
    dock.open_part(panel)
    _settle(1.0)
    try:
        start = time.perf_counter()
        panel.measure_button.click()
        while panel.measurer.is_busy:
            _settle(0.01)
        measures = [Measure("Measure, 2 cores", time.perf_counter() - start, "s")]
        _settle(1.0)
        measures += use(viewer, layer, panel)
    finally:
        viewer.close()
    report("table", measures)
    return 0


def use(viewer: Any, layer: Any, panel: Any) -> list[Measure]:
    """Return how long it takes until everything is drawn."""
    count = panel.chosen.rows.ids.size
    rng = np.random.default_rng(1)
    places = panel.chosen.rows.places(2)
    x = np.asarray(panel.chosen.rows.columns["area"], float)
    panel.plot.x.setCurrentText("area")
    panel.plot.y.setCurrentText("mean_intensity")
    y = np.asarray(panel.chosen.rows.columns["mean_intensity"], float)
    low, high = y.min() - 1, y.max() + 1
    lefts = np.quantile(x, np.linspace(0.4, 0.6, ROUNDS))
    gates = (
        np.array([(left, low), (x.max() + 1, low), (x.max() + 1, high), (left, high)])
        for left in lefts
    )
    rows = iter(rng.integers(0, count, 3 * ROUNDS).tolist())
    mouse, turn = Mouse(viewer, layer), itertools.count()
    names = panel.chosen.rows.names

    def click_image() -> None:
        row = next(rows)
        viewer.scene.camera.center = (0.0, *places[row])
        _settle(0.2)
        mouse.drag([places[row]])

    def sort() -> None:
        panel.table.sortByColumn(names.index("area") + next(turn) % 5, _falling())

    return [
        _measure("click a row", lambda: panel.table.selectRow(next(rows))),
        _measure("click a nucleus", click_image, lambda: mouse.last_event),
        _measure("draw a gate around half", lambda: panel.plot.choose_within(next(gates))),
        _measure("sort by a column", sort),
        _measure("choose all", panel.table.selectAll, None, 1),
    ]


def _falling() -> Any:
    from qtpy.QtCore import Qt

    return Qt.SortOrder.DescendingOrder


def _measure(
    name: str,
    act: Callable[[], Any],
    began: Callable[[], float] | None = None,
    rounds: int = ROUNDS,
) -> Measure:
    """Return the median time from an action to when everything is drawn, in milliseconds."""
    waits = []
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        _drawn()
        waits.append(1000 * (time.perf_counter() - (began() if began else start)))
        _settle(0.3)
    print(f"  {name}: {', '.join(f'{wait:.0f}' for wait in waits)} ms", flush=True)
    return Measure(name, statistics.median(waits), "ms", at_most=AT_MOST)


def _drawn() -> None:
    """Have all that waits be done, which is to draw."""
    from qtpy.QtWidgets import QApplication

    for _ in range(3):
        QApplication.processEvents()


def _settle(seconds: float) -> None:
    from qtpy.QtTest import QTest

    QTest.qWait(round(1000 * seconds))


if __name__ == "__main__":
    sys.exit(main())
