"""The whole loop in a real window, and the same when the engine is killed on the way."""

import numpy as np
import pytest
from qtpy.QtTest import QTest
from scipy.ndimage import distance_transform_edt

from napari_nucseg.measure.metrics import compare
from napari_nucseg.registry.store import load_model
from napari_nucseg.training.training_set import TrainingSet


def far_from_nuclei(labels):
    """Return the place with the most room for one more nucleus."""
    room = distance_transform_edt(labels == 0)
    return np.unravel_index(room.argmax(), room.shape)


def correct(window, labels):
    """Remove the first nucleus and draw another one, as a person would."""
    panel = window.dock.correct
    window.click(panel.tools.buttons["fill"])
    assert labels.mode == "fill"
    labels.fill(tuple(np.argwhere(labels.data == 1)[0]), 0)
    place = far_from_nuclei(labels.data)
    window.click(panel.tools.new_button)
    assert labels.mode == "paint"
    labels.paint(place, labels.selected_label)
    return place


def test_the_loop(window):
    viewer, dock = window.viewer, window.dock
    viewer.open_sample("napari-nucseg", "simulated")
    truth = viewer.layers["simulated truth"].data
    labels = window.segment()
    assert compare(labels.data, truth).ap_pooled[0.5] >= 0.8

    found = labels.data.max()
    place = correct(window, labels)
    assert labels.data[place] == found + 1
    assert not (labels.data == 1).any()
    corrected = labels.data.copy()
    window.add()
    window.wait(lambda: dock.correct.fields.entries.count() == 1)
    (field,) = TrainingSet().fields()
    assert (field.labels == corrected).all()
    assert (field.image == viewer.layers["simulated"].data).all()

    dock.retrain.name.selectAll()
    QTest.keyClicks(dock.retrain.name, "mine")
    with window.new_model():
        window.retrain()
    card = load_model("mine").card
    assert card.parent == "nuclei"
    score = card.scores["held_out_mean_ap"]
    used = dock.segment.model.currentText()
    assert used == dock.retrain.parent_model.currentText()
    assert used in ("mine", "nuclei")
    if score < card.scores["parent_held_out_mean_ap"]:
        assert used == "nuclei"  # otherwise it depends on how sure the gate can be
    for choice in (dock.segment.model, dock.retrain.parent_model):
        assert choice.findText("mine") >= 0

    dock.segment.model.setCurrentText("mine")
    again = window.segment()
    assert again is not labels
    assert again.metadata["nucseg"]["model"] == "mine"
    assert again.metadata["nucseg"]["weights_sha256"] == card.weights_sha256
    assert again.data.max() > 0
    assert (labels.data == corrected).all()
    assert not window.errors


def test_engine_killed_while_segmenting(
    trained_on, window, simulated, engine_held, kill_engine
):
    window.viewer.add_image(simulated.image, name="field")
    with engine_held():
        window.start(window.dock.segment.segment_button)
        kill_engine()
        window.finish()
    assert window.labels() == []
    (error,) = window.errors
    assert "safe; try again" in error
    assert window.status == error
    assert len(trained_on) == 1
    window.click(window.dock.segment.segment_button)
    window.finish()
    assert window.labels()[0].data.max() > 0
    assert window.status != error


@pytest.mark.usefixtures("trained_on", "quick")
def test_engine_killed_before_the_first_epoch(
    trained_on, window, simulated, engine_held, kill_engine
):
    retrain = window.dock.retrain
    name = retrain.name.text()
    with engine_held():
        window.retrain()
        kill_engine()
        window.finish()
    (error,) = window.errors
    assert window.status == error
    with pytest.raises(FileNotFoundError):
        load_model(name)
    (field,) = trained_on.fields()
    assert (field.labels == simulated.labels).all()
    with window.new_model():
        window.retrain()
    assert load_model(name).card.parent == "quick learner"


def test_engine_killed_after_an_epoch(trained_on, window, simulated, kill_engine, home):
    retrain = window.dock.retrain
    name = retrain.name.text()
    epochs = []
    window.dock.runner.epoch.connect(epochs.append)
    with window.new_model():
        window.retrain(epochs=1000)
        window.wait(lambda: epochs and epochs[-1].epoch >= 1)
        kill_engine()
    (error,) = window.errors
    assert "The best model so far was kept" in error
    assert window.status == error
    card = load_model(name).card
    assert card.parent == "nuclei"
    assert card.training["kept_epoch"] >= 1
    assert retrain.parent_model.findText(name) >= 0
    (field,) = trained_on.fields()
    assert (field.labels == simulated.labels).all()
    assert not list((home / "runs").iterdir())
    window.viewer.add_image(simulated.image, name="field")
    window.click(window.dock.segment.segment_button)
    window.finish()
    assert window.labels()[0].data.max() > 0
