"""Labels of other programs are brought in from a file, and lie over their image."""

import json

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog


@pytest.fixture
def outline(tmp_path):
    """A file with a square of 4 x 5 pixels."""
    ring = [[20, 30], [24, 30], [24, 35], [20, 35], [20, 30]]
    path = tmp_path / "cells.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    return path


@pytest.fixture
def choose(monkeypatch):
    """Answer the question for a file, which is a window of the system."""
    return lambda path: monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (str(path), "")
    )


def test_outlines_lie_over_their_image(window, simulated, outline, choose):
    correct = window.dock.correct
    assert not correct.import_button.isEnabled()
    image = window.viewer.add_image(simulated.image, name="cells", scale=(0.5, 0.5))
    choose(outline)
    window.click(correct.import_button)
    window.wait(window.labels)
    (layer,) = window.labels()
    assert [*np.argwhere(layer.data).min(axis=0)] == [30, 20]
    assert np.count_nonzero(layer.data) == 20
    assert tuple(layer.scale) == (0.5, 0.5)
    assert window.status == "Imported 1 nucleus from cells.geojson."
    assert correct.labels.layer() == layer
    assert correct.image.layer() == image
    assert not window.add()
    window.wait(lambda: len(correct.training_set))
    (entry,) = correct.training_set.entries()
    assert entry.source["imported"] == str(outline)


def test_nothing_is_chosen(window, simulated, choose):
    window.viewer.add_image(simulated.image)
    choose("")
    window.click(window.dock.correct.import_button)
    assert not window.labels()


def test_file_that_does_not_fit_is_told(window, simulated, tmp_path, choose):
    window.viewer.add_image(simulated.image)
    np.save(tmp_path / "small.npy", np.ones((5, 5), int))
    choose(tmp_path / "small.npy")
    window.click(window.dock.correct.import_button)
    window.wait(lambda: window.errors)
    assert "small.npy" in window.status
    assert "(160, 192), got (5, 5)" in window.status
    assert not window.labels()
