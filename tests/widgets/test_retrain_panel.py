"""Part 3 of the dock widget: fine-tune a model on the training set."""

import os
import signal

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_nucseg.engine import FineTune, Segment, shared_engine
from napari_nucseg.registry.archive import import_model
from napari_nucseg.registry.store import list_models, load_model, models_directory
from napari_nucseg.training.budgets import fine_tune_parameters
from napari_nucseg.widgets.retrain import retrain_panel

PATIENCE = 180

# There is a field to train on when the window opens.
pytestmark = pytest.mark.usefixtures("trained_on")


@pytest.fixture
def epochs(window):
    """The epochs that have ended."""
    epochs = []
    window.dock.runner.epoch.connect(epochs.append)
    return epochs


@pytest.fixture
def patient(monkeypatch):
    """Stop waits for the engine however long it takes, and may not outlive its window."""
    monkeypatch.setattr(retrain_panel, "_PATIENCE", PATIENCE * 1000)


def train_for_an_epoch(window, epochs):
    """Begin a retraining that does not end by itself, and wait for an epoch of it."""
    window.retrain(epochs=1000)
    window.wait(lambda: len(epochs) > 1)


def new_models():
    """Return the names of the models that were made in the window."""
    return [
        model.card.name for model in list_models() if model.card.parent and not model.bundled
    ]


def test_reasons_against_retraining(window):
    panel = window.dock.retrain
    assert panel.retrain_button.isEnabled()
    for name, reason in [("nuclei", "exists"), ("", "letters"), ("a/b", "letters")]:
        panel.name.setText(name)
        assert not panel.retrain_button.isEnabled()
        assert reason in panel.retrain_button.toolTip()
    panel.name.setText("mine")
    assert panel.retrain_button.isEnabled()


def test_budget_fills_in_the_numbers(window):
    panel = window.dock.retrain
    for index in range(panel.budget.count()):
        panel.budget.setCurrentIndex(index)
        parameters = fine_tune_parameters(panel.budget.currentData())
        assert panel.advanced.parameters() == parameters
    panel.advanced.boxes["epochs"].value = 7
    assert panel.budget.currentIndex() == panel.budget.count() - 1
    panel.advanced.boxes["minutes"].value = 3
    assert panel.budget.currentIndex() == -1
    assert panel.advanced.parameters().epochs == 7
    panel.budget.setCurrentIndex(0)
    assert panel.advanced.parameters().minutes == panel.budget.currentData()


def test_numbers_that_do_not_go_together(window):
    panel = window.dock.retrain
    panel.advanced.boxes["patch_size"].value = 100
    window.click(panel.retrain_button)
    assert window.dock.runner.job is None
    assert "multiple of 32" in window.status
    assert window.errors == [window.status]


def test_new_model_knows_where_it_comes_from(window, epochs, trained_on, quick):
    panel = window.dock.retrain
    name = panel.name.text()
    with window.new_model():
        window.retrain(epochs=2)
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    parent, child = load_model(quick).card, load_model(name).card
    assert child.parent == quick
    assert child.parent_sha256 == parent.weights_sha256
    assert child.training["fields"] == len(trained_on) == 1
    assert child.training["parameters"]["patch_size"] == 64
    for choice in (panel.parent_model, window.dock.segment.model):
        listed = [choice.itemText(i) for i in range(choice.count())]
        assert listed == ["nuclei", *sorted([name, quick])]
    assert panel.name.text() not in ("", name)
    assert panel.retrain_button.isEnabled()
    assert not window.errors


def test_worse_model_is_said_to_be_worse_and_not_chosen(window):
    panel = window.dock.retrain
    name = panel.name.text()
    with window.new_model():
        window.retrain(learning_rate=0.1)
    scores = load_model(name).card.scores
    assert scores["held_out_mean_ap"] < scores["parent_held_out_mean_ap"]
    assert "is worse" in window.status
    assert not window.errors
    for choice in (panel.parent_model, window.dock.segment.model):
        assert choice.currentText() == "nuclei"
        assert choice.findText(name) >= 0


@pytest.mark.usefixtures("patient")
def test_stop_keeps_the_best_so_far(window, epochs, quick):
    panel = window.dock.retrain
    name = panel.name.text()
    with window.new_model():
        train_for_an_epoch(window, epochs)
        window.click(panel.stop_button)
        assert not panel.stop_button.isEnabled()
    assert new_models() == [name]
    best = load_model(name).card.training["kept_epoch"]
    assert 1 <= best <= epochs[-1].epoch < 1000
    assert not window.errors


def test_name_that_is_taken_while_training(window, epochs, quick):
    panel = window.dock.retrain
    name = panel.name.text()
    with window.new_model():
        train_for_an_epoch(window, epochs)
        taken = import_model(models_directory() / quick, name)
        window.click(panel.stop_button)
    assert load_model(name).card.weights_sha256 == taken.card.weights_sha256
    assert load_model(f"{name} 2").card.training["kept_epoch"] >= 1
    assert window.status.startswith(f"New model '{name} 2'.")
    assert window.status.endswith(f"The name '{name}' was taken meanwhile.")
    assert not window.errors


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a process that can be held")
def test_stop_takes_the_best_from_the_disk_if_the_engine_is_busy(
    window, epochs, simulated, quick
):
    panel = window.dock.retrain
    name = panel.name.text()
    window.viewer.add_image(simulated.image, name="field")
    allowed = []
    with window.new_model():
        train_for_an_epoch(window, epochs)
        os.kill(shared_engine().process_id, signal.SIGSTOP)
        window.click(panel.stop_button)
        window.dock.runner.done.connect(
            lambda job: allowed.append(
                (panel.retrain_button.isEnabled(), panel.retrain_button.toolTip())
            )
        )
        window.wait(lambda: allowed)
    assert allowed == [(False, "The new model is being saved.")]
    assert new_models() == [name]
    assert load_model(name).card.training["kept_epoch"] >= 1
    assert panel.retrain_button.isEnabled()
    assert not window.errors
    window.dock.segment.model.setCurrentText("nuclei")
    assert window.segment().data.max() > 0


@pytest.mark.usefixtures("trained_on", "quick")
def test_stop_before_the_first_epoch(window, trained_on, engine_held):
    panel = window.dock.retrain
    with engine_held():
        window.retrain()
        window.click(panel.stop_button)
        window.finish()
    assert new_models() == []
    assert "there is no new model" in window.status
    assert not window.errors
    assert len(trained_on) == 1
    assert panel.retrain_button.isEnabled()
    assert not panel.stop_button.isEnabled()


@pytest.mark.usefixtures("trained_on", "quick")
def test_cancel_keeps_nothing(window, epochs, trained_on, simulated, home):
    panel = window.dock.retrain
    name = panel.name.text()
    train_for_an_epoch(window, epochs)
    assert list((home / "runs").iterdir())
    window.click(panel.stop_button)
    window.click(panel.cancel_button)
    assert not panel.cancel_button.isEnabled()
    window.finish()
    assert "Nothing was kept" in window.status
    assert new_models() == []
    assert list((home / "runs").iterdir()) == []
    (field,) = trained_on.fields()
    assert (field.labels == simulated.labels).all()
    assert panel.name.text() == name
    assert panel.retrain_button.isEnabled()
    assert not window.errors
    window.viewer.add_image(simulated.image, name="field")
    assert window.segment().data.max() > 0


@pytest.mark.usefixtures("trained_on", "quick")
def test_cancel_before_the_first_epoch(window, engine_held, home):
    panel = window.dock.retrain
    with engine_held():
        window.retrain()
        window.click(panel.cancel_button)
        window.finish()
    assert "Nothing was kept" in window.status
    assert new_models() == []
    assert not list(home.glob("runs/*"))
    assert panel.retrain_button.isEnabled()
    assert not panel.cancel_button.isEnabled()
    assert not window.errors


def test_model_that_was_saved_while_it_was_cancelled_goes_too(window, home, quick):
    panel = window.dock.retrain
    job = window.retrain()
    assert job.has_ended(PATIENCE)  # in the engine; the window has not heard of it yet
    assert new_models()
    window.click(panel.cancel_button)
    window.finish()
    assert "Nothing was kept" in window.status
    assert new_models() == []
    assert not list(home.glob("runs/*"))


@pytest.mark.usefixtures("trained_on", "quick")
def test_second_click_does_nothing(window, simulated, engine_held, tasks):
    panel = window.dock.retrain
    window.viewer.add_image(simulated.image, name="field")
    with engine_held():
        window.retrain()
        for button in (panel.retrain_button, window.dock.segment.segment_button):
            assert not button.isEnabled()
            assert "being retrained" in button.toolTip()
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert tasks.count(FineTune) == 1
        assert Segment not in tasks
        window.dock.runner.cancel()
        window.finish()


@pytest.mark.usefixtures("trained_on", "quick")
def test_both_models_are_compared_and_one_click_goes_back(window, quick):
    panel = window.dock.retrain
    name = panel.name.text()
    assert not panel.old_and_new.isVisible()
    with window.new_model():
        window.retrain()
    assert "held-out part" in panel.old_and_new.table.text()
    used = panel.parent_model.currentText()
    other = {name: quick, quick: name}[used]
    assert panel.old_and_new.other_button.text() == f"Use '{other}' instead"
    window.click(panel.old_and_new.other_button)
    for choice in (panel.parent_model, window.dock.segment.model):
        assert choice.currentText() == other
    assert panel.old_and_new.other_button.text() == f"Use '{used}' instead"
    assert not window.errors
