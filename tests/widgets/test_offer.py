"""What a retraining that ended with its window has left is offered by the next one."""

import json
import os
import shutil
import signal
import threading

import pytest

from napari_nucseg.engine import FineTune, shared_engine
from napari_nucseg.registry.store import list_models, load_model
from napari_nucseg.support.callbacks import Callbacks
from napari_nucseg.training.parameters import TrainParameters

PATIENCE = 180  # seconds
NUMBERS = {"epochs": 1000, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}


@pytest.fixture(scope="module")
def killed_run(user_folder, simulated, quick_learner, tmp_path_factory):
    """What a retraining would leave if its process was killed after an epoch."""
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("needs a process that can be held")
    folder = tmp_path_factory.mktemp("killed") / "run"
    begun = threading.Event()
    job = shared_engine().submit(
        FineTune([simulated], quick_learner, "mine", TrainParameters(**NUMBERS), folder),
        Callbacks(on_epoch=lambda epoch: begun.set() if epoch.epoch else None),
    )
    assert begun.wait(PATIENCE)
    process = shared_engine().process_id
    os.kill(process, signal.SIGSTOP)
    left = shutil.copytree(folder, folder.with_name("left"))
    os.kill(process, signal.SIGCONT)
    job.stop()
    job.wait(PATIENCE)
    shutil.rmtree(user_folder / "models")
    # Nobody works on the copy.
    (left / "process.json").unlink()
    return left


@pytest.fixture
def two_runs(killed_run, quick_learner, home):
    """Two such runs, the newer one better than its parent, which the window can choose."""
    shutil.copytree(quick_learner, home / "models" / quick_learner.name)
    runs = {}
    for name, began, score in [("older", 1e9, 0.1), ("newer", 1.1e9, 0.9)]:
        folder = shutil.copytree(killed_run, home / "runs" / name)
        change(folder / "plan.json", lambda plan, began=began: plan.update(began=began))
        (history,) = folder.glob("checkpoint-*/history.json")
        change(history, lambda told, score=score: score_of_kept(told).update(score=score))
        change(history, lambda told: told["epochs"][0].update(score=0.5))
        runs[name] = folder
    return runs


def score_of_kept(told):
    return next(epoch for epoch in told["epochs"] if epoch["epoch"] == told["kept"])


def change(path, how):
    content = json.loads(path.read_text())
    how(content)
    path.write_text(json.dumps(content))


def own_models():
    return [model.card.name for model in list_models() if not model.bundled]


def test_nothing_is_offered_when_nothing_is_left(window):
    assert not window.dock.retrain.offer.isVisible()


def test_best_of_a_killed_run_is_kept(two_runs, window, simulated, quick_learner):
    panel = window.dock.retrain
    assert "2004-11" in panel.offer.text.text()
    assert "0.900" in panel.offer.text.text()
    with window.new_model():
        window.click(panel.offer.keep_button)
    card = load_model("mine").card
    assert card.parent == quick_learner.name
    assert card.scores == {"held_out_mean_ap": 0.9, "parent_held_out_mean_ap": 0.5}
    for choice in (panel.parent_model, window.dock.segment.model):
        assert choice.currentText() == "mine"
    assert not two_runs["newer"].exists()
    assert two_runs["older"].exists()
    window.viewer.add_image(simulated.image)
    assert window.segment().metadata["nucseg"]["model"] == "mine"

    assert "2001-09" in panel.offer.text.text()
    with window.new_model():
        window.click(panel.offer.keep_button)
    assert own_models() == ["mine", "mine 2", quick_learner.name]
    assert "is worse" in window.status
    assert panel.parent_model.currentText() == quick_learner.name
    assert not panel.offer.isVisible()
    assert not window.errors


def test_runs_are_discarded_one_by_one(two_runs, window, trained_on, quick_learner):
    offer = window.dock.retrain.offer
    window.click(offer.discard_button)
    assert [folder.exists() for folder in two_runs.values()] == [True, False]
    window.click(offer.discard_button)
    assert not any(folder.exists() for folder in two_runs.values())
    assert not offer.isVisible()
    assert own_models() == [quick_learner.name]
    assert len(trained_on) == 1


def test_run_that_cannot_be_kept_stays_and_is_told(two_runs, window, quick_learner):
    offer = window.dock.retrain.offer
    (weights,) = two_runs["newer"].glob("checkpoint-*/kept.weights.h5")
    whole = weights.read_bytes()
    weights.unlink()
    window.click(offer.keep_button)
    window.wait(lambda: window.errors)
    assert "Not kept" in window.status
    assert own_models() == [quick_learner.name]
    weights.write_bytes(whole)
    with window.new_model():
        window.click(offer.keep_button)
    assert own_models() == ["mine", quick_learner.name]


@pytest.mark.usefixtures("trained_on")
def test_unfinished_run_is_gone_on_with(two_runs, window, quick_learner):
    panel, epochs = window.dock.retrain, []
    window.dock.runner.epoch.connect(epochs.append)
    with window.new_model():
        window.click(panel.offer.resume_button)
        assert "2001-09" in panel.offer.text.text()
        assert "being retrained" in panel.offer.resume_button.toolTip()
        for button in (panel.offer.resume_button, panel.retrain_button):
            assert not button.isEnabled()
        assert not window.dock.segment.segment_button.isEnabled()
        window.wait(lambda: epochs)
        window.click(panel.stop_button)
    assert epochs[0].epoch > 1
    assert not two_runs["newer"].exists()
    assert load_model("mine").card.parent == quick_learner.name
    assert not window.errors
