"""Runs that ended without a model. Only their files are real; `test_engine.py` kills one."""

import json
import math
import os
import shutil
import time

import h5py
import numpy as np
import pytest

from napari_nucseg.network import make_trainer
from napari_nucseg.registry.store import list_models, load_model
from napari_nucseg.support.callbacks import Epoch, Stopped
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.checkpoint import AVERAGE_FILE, KEPT_FILE, NETWORK_FILE, best_of
from napari_nucseg.training.initialization import Initialization
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.plan import ModelInfo
from napari_nucseg.training.run import Run
from napari_nucseg.training.train import TrainingSpec, fine_tune_fields, train_fields

pytestmark = pytest.mark.filterwarnings("ignore:.*too few nuclei")

NO_PROCESS = 2**31 - 1


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return tmp_path


class QuickTrainer:
    """A trainer that learns nothing: it writes the files of its epochs, then does something."""

    def __init__(self, scores, happens, initialization, parameters):
        # What is written down of the run is that of the real trainer.
        trainer = make_trainer(initialization, parameters)
        self.architecture, self.parameters = trainer.architecture, trainer.parameters
        self.encoder_weights = trainer.encoder_weights
        self.scores, self.happens = scores, happens

    def fit(self, data, run, callbacks):
        if len(self.scores) > 1:
            write_epochs(run, self.scores)
        self.happens()
        return run.checkpoint


def write_epochs(run, scores):
    history = [Epoch(i, len(scores), 0.1, score, 1.0) for i, score in enumerate(scores)]
    files = (NETWORK_FILE, AVERAGE_FILE, KEPT_FILE)
    run.save(history, best_of(history), dict.fromkeys(files, weights))


@pytest.fixture
def fine_tune(field):
    """Fine-tuning that learns nothing, in which something happens after the last epoch."""

    def fine_tune(happens, scores=(0.5, 0.6), name="mine", parent="nuclei", folder=None):
        return fine_tune_fields(
            [field],
            load_model(parent),
            name,
            TrainParameters(),
            lambda *given: QuickTrainer(scores, happens, *given),
            run_directory=folder,
        )

    return fine_tune


@pytest.fixture
def leave(home, fine_tune):
    """A function that leaves a run behind, as a process that was killed does."""

    def leave(name, *, parent="nuclei", scores=(0.5, 0.6), began=1e9, process=NO_PROCESS):
        folder, copy = home / "runs" / name, home / "copy"

        def is_killed():
            shutil.copytree(folder, copy)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fine_tune(is_killed, scores, f"model of {name}", parent, folder)
        shutil.rmtree(folder, ignore_errors=True)
        copy.rename(folder)
        change(folder / "plan.json", began=began)
        change(folder / "process.json", began=began, process=process)
        return folder

    return leave


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def weights(path):
    with h5py.File(path, "w") as file:
        file["weights"] = np.arange(5)


def own_models():
    return [model.card.name for model in list_models() if not model.bundled]


def test_what_can_be_finished_is_found_newest_first(leave, home):
    assert Run.unfinished(home / "runs") == []
    leave("older", scores=(0.5, 0.4, 0.45), began=1000)
    leave("newer", began=2000)
    leave("without an epoch", scores=(0.5,))
    (leave("damaged") / "plan.json").write_text("{")
    (leave("of something else") / "plan.json").write_text('{"format": 3, "info": {}}')
    (home / "runs" / "file").touch()
    newer, older = Run.unfinished(home / "runs")
    assert (newer.name, newer.began) == ("model of newer", 2000)
    assert (older.parent_score, older.score) == (0.5, 0.45)


@pytest.mark.parametrize("content", ["null", "[]", "3", '"text"', "{"])
@pytest.mark.parametrize("file", ["process.json", "plan.json", "history.json"])
def test_file_that_holds_something_else_hides_no_other_run(leave, home, file, content):
    leave("whole")
    (path,) = leave("damaged").rglob(file)
    path.write_text(content)
    found = {run.name for run in Run.unfinished(home / "runs")}
    # Nobody can be found who works on it, which hinders no one from making a model of it.
    others = {"model of damaged"} if file == "process.json" else set()
    assert found == {"model of whole"} | others


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("process.json", {"process": "a"}),
        ("process.json", {"process": -1}),
        ("process.json", {"process": os.getpid(), "began": None}),
        ("plan.json", {"began": None}),
        ("history.json", {"kept": []}),
        ("history.json", {"epochs": None}),
    ],
)
def test_file_with_other_values_hides_no_other_run(leave, home, file, values):
    leave("whole")
    (path,) = leave("damaged").rglob(file)
    change(path, **values)
    assert "model of whole" in [run.name for run in Run.unfinished(home / "runs")]


def test_damaged_history_says_what_to_do(leave, field):
    folder = leave("run")
    (path,) = folder.rglob("history.json")
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"Expected a JSON object in .*history\.json"):
        Run(folder).finish()
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"Remove the folder .* to start anew"):
        Run(folder).finish()


def test_run_that_goes_on_is_not_unfinished(leave, home):
    leave("mine", process=os.getpid(), began=time.time())
    assert Run.unfinished(home / "runs") == []
    # The number of the process was another one's when the run began.
    leave("theirs", process=os.getpid(), began=1e9)
    (run,) = Run.unfinished(home / "runs")
    assert run.name == "model of theirs"


def test_finished_run_is_not_offered_again(leave, home):
    folder = leave("run")
    result = Run(folder).finish()
    assert (result.name, result.score) == ("model of run", 0.6)
    assert Run.unfinished(home / "runs") == []
    assert Run(folder).finish().path == result.path


def test_name_can_be_another_one(leave):
    folder = leave("run")
    assert Run(folder).finish("mine").name == "mine"
    assert own_models() == ["mine"]


def test_run_of_another_version_is_not_offered(leave, home):
    change(leave("old") / "plan.json", format=2)
    assert Run.unfinished(home / "runs") == []


def test_card_says_once_that_fields_were_corrected(leave):
    child = Run(leave("child")).finish()
    grandchild = Run(leave("grandchild", parent=child.name)).finish()
    data = load_model(grandchild.name).card.training_data
    assert data == load_model(child.name).card.training_data
    assert data == f"{load_model('nuclei').card.training_data}; fields corrected by the user"


def test_discarded_run_takes_its_model_along_and_no_other(leave, home):
    other = Run(leave("other")).finish()
    folder = leave("run")
    Run(folder).finish()
    Run(folder).discard()
    assert own_models() == [other.name]
    Run(folder).discard()
    assert [path.name for path in (home / "runs").iterdir()] == ["other"]


def test_model_of_the_same_name_is_not_of_the_run(leave):
    folder = leave("run")
    Run(folder).finish()
    with h5py.File(next(folder.glob("checkpoint-*")) / KEPT_FILE, "a") as file:
        file["weights"][0] = 7
    Run(folder).discard()
    assert own_models() == ["model of run"]
    assert not folder.exists()


def test_runs_are_removed_after_a_week(leave, home):
    week = 7 * 24 * 3600
    for name, age in [("young", week - 3600), ("old", week + 3600)]:
        then = time.time() - age
        os.utime(leave(name), (then, then))
    Run.remove_old(home / "runs")
    assert [path.name for path in (home / "runs").iterdir()] == ["young"]


def test_folder_that_is_no_run_is_left_alone(home):
    """Also where it looks like one: a week old, with files of the same names."""
    folder = home / "runs" / "notes"
    (folder / "checkpoint-best").mkdir(parents=True)
    for name in ("notes.txt", "history.csv", "plan.json", "checkpoint-best/weights"):
        (folder / name).write_text("{}")
    os.utime(folder, (0, 0))
    Run.remove_old(home / "runs")
    Run(folder).discard()
    Run(folder).remove()
    assert len(list(folder.rglob("*"))) == 5


@pytest.mark.parametrize("scores", [(0.5,), (0.5, 0.6)])
@pytest.mark.parametrize("name", ["notes.txt", "plan.json"])
def test_training_refuses_the_folder_of_a_person(fine_tune, home, scores, name):
    folder = home / "mine.run"
    folder.mkdir()
    (folder / name).write_text('{"monday": "split the cells"}')
    with pytest.raises(FileExistsError, match=f"holds other files \\({name}\\).*Rename"):
        fine_tune(raising(Stopped("no")), scores, folder=folder)
    assert (folder / name).read_text() == '{"monday": "split the cells"}'
    assert len(list(folder.iterdir())) == 1


def test_file_that_a_person_put_into_a_run_stays(leave):
    folder = leave("run")
    (folder / "notes.txt").write_text("split the cells")
    Run(folder).discard()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_nothing_is_left_of_a_run_that_was_killed_while_it_wrote(leave):
    folder = leave("run")
    (folder / ".new-0123456789ab.json").touch()
    (folder / ".new-0123456789ac").mkdir()
    Run(folder).remove()
    assert not folder.exists()


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
    (run,) = Run.unfinished(home / "runs")
    assert (run.name, run.score) == ("mine", 0.6)


def test_name_that_is_taken_meanwhile_costs_nothing(fine_tune, home):
    with pytest.raises(FileExistsError):
        fine_tune(
            lambda: shutil.copytree(load_model("nuclei").folder, home / "models" / "mine")
        )
    (folder,) = (home / "runs").iterdir()
    assert Run(folder).finish("other").score == 0.6


@pytest.mark.parametrize("error", [ValueError("no"), Stopped("no")])
def test_fine_tuning_without_an_epoch_leaves_nothing(fine_tune, home, error):
    with pytest.raises(type(error)):
        fine_tune(raising(error), scores=(0.5,))
    assert own_models() == list((home / "runs").iterdir()) == []


def test_plan_and_card_are_of_one_schema(fine_tune, field, home):
    """Training from scratch and fine-tuning leave the same things on disk."""
    plans = []

    def read(folder):
        plans.append(json.loads((folder / "plan.json").read_text()))

    child = load_model(fine_tune(lambda: read(home / "run"), folder=home / "run").name).card
    card = train_fields(
        TrainingSpec([[field]], initialization=Initialization(widths=[4, 6, 8, 10])),
        home / "new",
        ModelInfo("new"),
        TrainParameters(),
        lambda *given: QuickTrainer((math.nan, 0.6), lambda: read(home / "new.run"), *given),
    ).card
    assert plans[0].keys() == plans[1].keys()
    assert plans[0]["format"] == plans[1]["format"]
    assert child.training.keys() == card.training.keys()
    assert child.scores == {"held_out_mean_ap": 0.6, "parent_held_out_mean_ap": 0.5}
    assert card.scores == {"held_out_mean_ap": 0.6}
    assert (card.parent, child.parent) == (None, "nuclei")
