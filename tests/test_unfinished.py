"""Runs of which only the files are real: nothing is trained."""

import json
import os
import shutil
import time

import h5py
import numpy as np
import pytest

from napari_nucseg.registry.store import list_models, load_model
from napari_nucseg.support.callbacks import Epoch, Stopped
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.checkpoint import (
    AVERAGE_FILE,
    KEPT_FILE,
    NETWORK_FILE,
    best_of,
    remove_old_runs,
    write_checkpoint,
)
from napari_nucseg.training.fine_tune import fine_tune_fields, finish_run
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.unfinished import discard_run, unfinished_runs

NO_PROCESS = 2**31 - 1


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def leave(home):
    """What leaves a run behind, as a process that was killed does."""

    def leave(name, *, parent="nuclei", scores=(0.5, 0.6), began=1e9, process=NO_PROCESS):
        folder = home / "runs" / name
        folder.mkdir(parents=True)
        plan = {
            "name": f"model of {name}",
            "parent_folder": str(load_model(parent).folder),
            "training": {"parameters": {}, "fields": 1, "nuclei": 5, "nuclei_held_out": 2},
            "began": began,
            "process": process,
        }
        (folder / "plan.json").write_text(json.dumps(plan))
        if len(scores) > 1:
            write_epochs(folder, scores)
        return folder

    return leave


def write_epochs(folder, scores):
    history = [Epoch(i, len(scores), 0.1, score, 1.0) for i, score in enumerate(scores)]
    files = (NETWORK_FILE, AVERAGE_FILE, KEPT_FILE)
    write_checkpoint(folder, history, best_of(history), dict.fromkeys(files, weights))


@pytest.fixture
def fine_tune(field, monkeypatch):
    """Fine-tuning that learns nothing, in which something happens after the last epoch."""

    def fine_tune(happens, scores=(0.5, 0.6)):
        class Trainer:
            def __init__(self, *_):
                pass

            def fit(self, data, folder, callbacks):
                if len(scores) > 1:
                    write_epochs(folder, scores)
                happens()

        monkeypatch.setattr("napari_nucseg.network.fit.Trainer", Trainer)
        return fine_tune_fields([field], load_model("nuclei"), "mine", TrainParameters())

    return fine_tune


def weights(path):
    with h5py.File(path, "w") as file:
        file["weights"] = np.arange(5)


def own_models():
    return [model.card.name for model in list_models() if not model.bundled]


def test_what_can_be_finished_is_found_newest_first(leave, home):
    assert unfinished_runs(home / "runs") == []
    leave("older", scores=(0.5, 0.4, 0.45), began=1000)
    leave("newer", began=2000)
    leave("without an epoch", scores=(0.5,))
    (leave("damaged") / "plan.json").write_text("{")
    (home / "runs" / "file").touch()
    newer, older = unfinished_runs(home / "runs")
    assert (newer.name, newer.began) == ("model of newer", 2000)
    assert (older.parent_score, older.score) == (0.5, 0.45)


def test_run_that_goes_on_is_not_unfinished(leave, home):
    leave("mine", process=os.getpid(), began=time.time())
    assert unfinished_runs(home / "runs") == []
    # The number of the process was another one's when the run began.
    leave("theirs", process=os.getpid(), began=1e9)
    (run,) = unfinished_runs(home / "runs")
    assert run.name == "model of theirs"


def test_finished_run_is_not_offered_again(leave, home):
    folder = leave("run")
    result = finish_run(folder)
    assert (result.name, result.score) == ("model of run", 0.6)
    assert unfinished_runs(home / "runs") == []
    assert finish_run(folder).path == result.path


def test_name_can_be_another_one(leave):
    folder = leave("run")
    assert finish_run(folder, "mine").name == "mine"
    assert own_models() == ["mine"]


def test_run_of_a_version_that_did_not_count_can_be_finished(leave):
    folder = leave("old")
    plan = json.loads((folder / "plan.json").read_text())
    del plan["training"]["nuclei_held_out"]
    (folder / "plan.json").write_text(json.dumps(plan))
    assert finish_run(folder).comparison.startswith("On the held-out part it scores")


def test_card_says_once_that_fields_were_corrected(leave):
    child = finish_run(leave("child"))
    grandchild = finish_run(leave("grandchild", parent=child.name))
    data = load_model(grandchild.name).card.training_data
    assert data == load_model(child.name).card.training_data
    assert data == f"{load_model('nuclei').card.training_data}; fields corrected by the user"


def test_discarded_run_takes_its_model_along_and_no_other(leave, home):
    other = finish_run(leave("other"))
    folder = leave("run")
    finish_run(folder)
    discard_run(folder)
    assert own_models() == [other.name]
    discard_run(folder)
    assert [path.name for path in (home / "runs").iterdir()] == ["other"]


def test_model_of_the_same_name_is_not_of_the_run(leave):
    folder = leave("run")
    finish_run(folder)
    with h5py.File(next(folder.glob("checkpoint-*")) / KEPT_FILE, "a") as file:
        file["weights"][0] = 7
    discard_run(folder)
    assert own_models() == ["model of run"]
    assert not folder.exists()


def test_runs_are_removed_after_a_week(leave, home):
    week = 7 * 24 * 3600
    for name, age in [("young", week - 3600), ("old", week + 3600)]:
        then = time.time() - age
        os.utime(leave(name), (then, then))
    remove_old_runs(home / "runs")
    assert [path.name for path in (home / "runs").iterdir()] == ["young"]


def raising(error):
    """Return what raises the error."""

    def happens():
        raise error

    return happens


def test_nothing_but_the_model_is_left_of_fine_tuning(fine_tune, home):
    assert fine_tune(lambda: None).score == 0.6
    assert own_models() == ["mine"]
    assert list((home / "runs").iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        ValueError("The loss is no number."),
        OSError(28, "No space left on device", "file"),
        KeyboardInterrupt(),
        UnicodeDecodeError("ascii", b"x", 0, 1, "made of other things than a text"),
    ],
)
def test_what_was_learned_before_an_error_is_offered(fine_tune, home, error):
    with pytest.raises(type(error)) as caught:
        fine_tune(raising(error))
    (folder,) = (home / "runs").iterdir()
    assert str(caught.value) == str(error)
    assert caught.value.__notes__ == [
        f"What was learned is kept in {folder}: the napari widget offers it when it opens."
    ]
    assert own_models() == []
    (run,) = unfinished_runs(home / "runs")
    assert (run.name, run.score) == ("mine", 0.6)


def test_name_that_is_taken_meanwhile_costs_nothing(fine_tune, home):
    with pytest.raises(FileExistsError):
        fine_tune(
            lambda: shutil.copytree(load_model("nuclei").folder, home / "models" / "mine")
        )
    (folder,) = (home / "runs").iterdir()
    assert finish_run(folder, "other").score == 0.6


@pytest.mark.parametrize("error", [ValueError("no"), Stopped("no")])
def test_fine_tuning_without_an_epoch_leaves_nothing(fine_tune, home, error):
    with pytest.raises(type(error)):
        fine_tune(raising(error), scores=(0.5,))
    assert own_models() == list((home / "runs").iterdir()) == []
