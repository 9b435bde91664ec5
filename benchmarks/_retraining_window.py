"""A napari window that retrains and adds to the training set until it is killed.

It prints a line when the retraining has begun, with the process of the engine, and one when
the retraining is over, with what the window says of it.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import napari
from qtpy.QtTest import QTest

from napari_nucseg.engine import shared_engine
from napari_nucseg.training import TrainingSet

#: Epochs take moments, and there is no end to them.
NUMBERS = {"epochs": 10_000, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}


def main() -> None:
    """Retrain the model that is named, until the process is killed."""
    viewer = napari.Viewer()
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation", tabify=False
    )
    panel = dock.retrain
    panel.parent_model.refresh(sys.argv[1])
    for name, value in NUMBERS.items():
        panel.advanced.boxes[name].value = value
    threading.Thread(target=add_for_ever, daemon=True).start()
    panel.retrain_button.click()
    job = dock.runner.job
    while job.state == "waiting":
        QTest.qWait(10)
    print("retraining", shared_engine().process_id, flush=True)
    while is_at_work(dock):
        QTest.qWait(10)
    print("over", dock.status.text().replace("\n", " "), flush=True)
    while True:
        QTest.qWait(100)


def is_at_work(dock: Any) -> bool:
    """Return whether the retraining runs, or what it has left is being saved."""
    state = dock.retrain.state.text()
    return dock.runner.job is not None or bool(state and not state.startswith("Done"))


def add_for_ever() -> None:
    """Correct the same fields again and again, as a second window might."""
    training_set = TrainingSet()
    fields = training_set.fields()
    while True:
        for field in fields:
            training_set.add(field)


if __name__ == "__main__":
    main()
