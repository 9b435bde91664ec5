"""The engine with real child processes: the real one, and small ones that start fast."""

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import numpy as np
import psutil
import pytest

from napari_nucseg import segment
from napari_nucseg.engine.client import Engine, EngineError
from napari_nucseg.engine.worker import RelabelExpired
from napari_nucseg.image.field import Field
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network.predict import load_predictor
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.segmentation import relabel, segment_field
from napari_nucseg.registry.store import load_model
from napari_nucseg.support.callbacks import Stopped
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.training_set import TrainingSet

LONG = 180.0
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

#: A child with the real conversation but other tasks, and without TensorFlow.
SMALL_CHILD = """
import os, sys, time, warnings
import numpy as np
from napari_nucseg.engine import worker

class Odd(Exception):
    pass

class Rude(Exception):
    __module__ = "napari_nucseg.rude"

def echo(link, value):
    link.on_progress(1, 2, "echo")
    warnings.warn("faint")
    return value

def fail(link, kind):
    raise {
        "value": ValueError("too dark"),
        "late": TimeoutError("slow disk"),
        "odd": Odd("far away"),
        "rude": Rude("no"),
        "numpy": np.linalg.LinAlgError("singular"),
    }[kind]

def until_stopped(link):
    link.on_progress(0, 1, "waiting")
    while not link.should_stop():
        time.sleep(0.01)
    return "stopped early"

def deaf(link):
    link.on_progress(0, 1, "deaf")
    time.sleep(600)

def die(link):
    print("out of memory", file=sys.stderr, flush=True)
    os._exit(3)

worker.TASKS.update(
    echo=echo, fail=fail, until_stopped=until_stopped, deaf=deaf, die=die
)
if __name__ == "__main__":
    worker.main(warm=False)
"""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """One home for this file, because the child keeps the one it was started with."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="module")
def engine(home):
    """The real engine, warm."""
    engine = Engine()
    engine.submit("warm", {"model": "nuclei"}).wait(LONG)
    yield engine
    engine.close()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module of some source that ``python -m`` finds, and return its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(source):
        (tmp_path / "small_child.py").write_text(source)
        return "small_child"

    return write


@pytest.fixture
def small(module):
    """An engine with a child that starts fast."""
    engine = Engine(module(SMALL_CHILD))
    yield engine
    engine.close()


def request(field, **parameters):
    return {"field": field, "model": "nuclei", "parameters": SegmentParameters(**parameters)}


class Listener:
    """Waits for what a job says, and may do something about it on the engine's thread."""

    def __init__(self, act=None):
        self.heard = []
        self.spoken = threading.Event()
        self._act = act

    def __call__(self, *value):
        self.heard.append(value)
        if self._act and not self.spoken.is_set():
            self._act()
        self.spoken.set()

    def wait(self):
        assert self.spoken.wait(LONG)


class OnlyHere:
    """Can be pickled, but the child knows no module of this name."""


# Small children


def test_result_and_progress_come_back(small):
    progress, done = Listener(), Listener()
    job = small.submit("echo", {"value": np.arange(3)}, on_progress=progress, on_done=done)
    assert job.wait(LONG).tolist() == [0, 1, 2]
    assert progress.heard == [(1, 2, "echo")]
    done.wait()
    assert done.heard == [(job,)]
    assert (job.state, job.warnings) == ("done", ["faint"])


def test_large_arrays_travel(small):
    image = np.random.default_rng(0).integers(0, 255, (3000, 3000), np.uint8)
    assert (small.submit("echo", {"value": image}).wait(LONG) == image).all()


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("value", ValueError, "^too dark$"),
        ("late", TimeoutError, "slow disk"),
        ("odd", EngineError, "Odd: far away"),
        ("rude", EngineError, "Rude: no"),
        ("numpy", EngineError, "LinAlgError: singular"),
    ],
)
def test_exceptions_arrive_as_what_they_were_or_in_words(small, kind, error, says):
    job = small.submit("fail", {"kind": kind})
    with pytest.raises(error, match=says):
        job.wait(LONG)
    assert job.state == "failed"
    assert small.submit("echo", {"value": 1}).wait(LONG) == 1


def test_stop_lets_the_task_give_what_it_has(small):
    progress = Listener()
    job = small.submit("until_stopped", {}, on_progress=progress)
    progress.wait()
    process = small.process_id
    job.stop()
    assert job.wait(LONG) == "stopped early"
    assert small.process_id == process


def test_stop_is_not_lost_while_the_child_is_starting_or_busy(small):
    first, second = (small.submit("until_stopped", {}) for _ in range(2))
    second.stop()
    first.stop()
    assert first.wait(LONG) == second.wait(LONG) == "stopped early"


def test_cancel_of_a_task_that_does_not_listen(small):
    progress, done = Listener(), Listener()
    job = small.submit("deaf", {}, on_progress=progress, on_done=done)
    progress.wait()
    process = small.process_id
    job.cancel()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    done.wait()
    assert done.heard == [(job,)]
    assert small.submit("echo", {"value": 1}).wait(LONG) == 1
    assert small.process_id != process


def test_waiting_job_is_cancelled_at_once_and_never_runs(small):
    progress, unheard = Listener(), Listener()
    first = small.submit("until_stopped", {}, on_progress=progress)
    second = small.submit("echo", {"value": 2}, on_progress=unheard)
    progress.wait()
    second.cancel()
    with pytest.raises(Stopped):
        second.wait(0)
    assert first.state == "running"
    first.stop()
    first.wait(LONG)
    assert small.submit("echo", {"value": 3}).wait(LONG) == 3
    assert unheard.heard == []


def test_death_of_the_child_is_told_with_its_last_words(small):
    job = small.submit("die", {})
    with pytest.raises(EngineError, match=r"corrections are safe; try again(.|\n)*out of mem"):
        job.wait(LONG)
    assert small.submit("echo", {"value": 1}).wait(LONG) == 1


def test_idle_child_that_dies_is_replaced(small):
    small.submit("echo", {"value": 1}).wait(LONG)
    process = small.process_id
    psutil.Process(process).kill()
    limit = time.monotonic() + LONG
    while small.process_id == process and time.monotonic() < limit:
        time.sleep(0.02)
    assert small.process_id != process
    assert small.submit("echo", {"value": 2}).wait(LONG) == 2


@pytest.mark.parametrize("source", [None, "import no_such_package", "raise SystemExit(1)"])
def test_child_that_cannot_start(module, source):
    engine = Engine(module(source) if source else "no_such_module")
    try:
        for _ in range(2):
            with pytest.raises(EngineError, match="could not start") as caught:
                engine.submit("echo", {"value": 1}).wait(LONG)
            if source != "raise SystemExit(1)":
                assert "No module named" in str(caught.value)
    finally:
        engine.close()


def test_no_room_for_temporary_files_is_told_and_passes(small, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        with pytest.raises(EngineError, match=r"could not start.*none"):
            small.submit("echo", {"value": 1}).wait(LONG)
    assert small.submit("echo", {"value": 1}).wait(LONG) == 1


def test_arguments_that_cannot_travel_fail_the_job_and_nothing_else(small):
    process = small.submit("echo", {"value": 1}).wait(LONG) and small.process_id
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        small.submit("echo", {"value": lambda: 0}).wait(LONG)
    with pytest.raises(ModuleNotFoundError):
        small.submit("echo", {"value": OnlyHere()}).wait(LONG)
    assert small.submit("echo", {"value": 2}).wait(LONG) == 2
    assert small.process_id == process


def test_errors_of_who_listens_do_not_take_the_engine_down(small):
    def fail(*_):
        raise KeyError("window")

    with pytest.raises(KeyError, match="window"):
        small.submit("until_stopped", {}, on_progress=fail).wait(LONG)
    assert small.submit("echo", {"value": 1}, on_done=fail).wait(LONG) == 1
    assert small.submit("echo", {"value": 2}).wait(LONG) == 2


def test_close_ends_everything(small):
    progress = Listener()
    running = small.submit("deaf", {}, on_progress=progress)
    waiting = small.submit("echo", {"value": 1})
    progress.wait()
    process = psutil.Process(small.process_id)
    small.close()
    small.close()
    for job in (running, waiting):
        with pytest.raises(Stopped):
            job.wait(LONG)
    assert small.state == "off"
    assert not process.is_running()
    with pytest.raises(EngineError, match="closed"):
        small.submit("echo", {"value": 1})


PARENT = """
import sys, time
from napari_nucseg.engine.client import Engine
engine = Engine("small_child")
engine.submit("deaf", {}, on_progress=lambda *_: print(engine.process_id, flush=True))
time.sleep(600)
"""


@needs_kill
def test_child_leaves_when_its_parent_is_killed(module):
    module(SMALL_CHILD)
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    child.wait(LONG)


def test_script_that_ends_takes_the_engine_with_it(module):
    module(SMALL_CHILD)
    script = textwrap.dedent(
        """
        import warnings
        from napari_nucseg.engine import client as engine
        engine.Engine.__init__.__defaults__ = ("small_child",)
        with warnings.catch_warnings(record=True) as caught:
            print(engine.run_in_engine("echo", {"value": "heard"}))
        print(*[warning.message for warning in caught])
        try:
            engine.run_in_engine("fail", {"kind": "late"})
        except TimeoutError:
            print(engine.shared_engine().process_id)
        """
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=LONG
    )
    heard, warned, process = run.stdout.split()
    assert (run.stderr, heard, warned) == ("", "heard", "faint")
    assert not psutil.pid_exists(int(process))


# The real child


@pytest.fixture(scope="module")
def large():
    """A field that takes long enough to be interrupted."""
    image = np.random.default_rng(0).integers(0, 255, (2048, 2048), np.uint8)
    return Field(image, name="large")


@pytest.fixture
def training_set(simulated, tmp_path):
    training_set = TrainingSet(tmp_path / "set")
    for seed in range(2):
        training_set.add(
            dataclasses.replace(simulate_field((96, 128), seed=seed), name=f"field {seed}")
        )
    return training_set


@pytest.fixture
def endless(training_set, quick_learner, tmp_path):
    """Make the arguments of a fine-tuning that does not end by itself."""

    def make(name, model=quick_learner):
        return {
            "fields": training_set.folder,
            "model": model,
            "name": name,
            "parameters": TrainParameters(
                epochs=1000, steps_per_epoch=2, batch_size=2, patch_size=64
            ),
            "run_directory": tmp_path / "run",
        }

    return make


def after_first_epoch(act):
    """Return a listener that acts once an epoch has been trained."""
    listener = Listener()

    def on_epoch(epoch):
        if epoch.epoch > 0 and not listener.spoken.is_set():
            listener(epoch)
            act()

    return on_epoch


def test_labels_are_those_of_the_public_api(engine, simulated, nuclei):
    progress = Listener()
    reply = engine.submit("segment", request(simulated), on_progress=progress).wait(LONG)
    here = segment_field(simulated, load_predictor(nuclei), SegmentParameters(), keep_maps=True)
    assert reply.labels.max() > 5
    assert (reply.labels == here.labels).all()
    assert (reply.labels == segment(simulated)).all()
    assert np.abs(reply.probability / 255 - here.maps["foreground"]).max() < 0.003
    assert reply.diameter == here.diameter
    assert {**reply.provenance, "seconds": 0} == {**here.provenance, "seconds": 0}
    assert all(0 <= done <= total for done, total, _ in progress.heard)
    assert "Finding nuclei" in [text for *_, text in progress.heard]

    other = SegmentParameters(probability=0.8, minimum_size=200)
    again = engine.submit("relabel", {"key": reply.key, "parameters": other}).wait(LONG)
    assert (again.labels == relabel(here, other).labels).all()
    assert again.provenance["parameters"] == other.as_dict()


def test_one_channel_alone_gives_the_same_as_the_whole_image(engine, simulated, nuclei):
    whole = Field(np.stack([simulated.image[::-1], simulated.image]), "CYX", "two")
    chosen = SegmentParameters(channel=1)
    here = segment_field(whole, load_predictor(nuclei), chosen)
    arguments = {**request(whole.of_channel(1)), "channel": 1}
    reply = engine.submit("segment", arguments).wait(LONG)
    assert (reply.labels == here.labels).all()
    assert {**reply.provenance, "seconds": 0} == {**here.provenance, "seconds": 0}
    other = dataclasses.replace(chosen, minimum_size=200)
    again = engine.submit("relabel", {"key": reply.key, "parameters": other}).wait(LONG)
    assert again.provenance["parameters"] == other.as_dict()


def test_maps_are_kept_of_the_last_few_only(engine, field):
    replies = [engine.submit("segment", request(field)).wait(LONG) for _ in range(5)]
    for reply in replies[1:]:
        arguments = {"key": reply.key, "parameters": SegmentParameters()}
        assert engine.submit("relabel", arguments).wait(LONG).key == reply.key
    with pytest.raises(RelabelExpired, match="Segment again"):
        arguments = {"key": replies[0].key, "parameters": SegmentParameters()}
        engine.submit("relabel", arguments).wait(LONG)


def test_errors_are_those_of_the_pipeline(engine, field):
    channels = Field(np.zeros((2, 40, 50)), "CYX", "cells")
    with pytest.raises(ValueError, match="Choose a channel from 0 to 1"):
        engine.submit("segment", request(channels)).wait(LONG)
    with pytest.raises(FileNotFoundError, match="'none'"):
        engine.submit("segment", {**request(field), "model": "none"}).wait(LONG)
    assert engine.submit("segment", request(field)).wait(LONG).labels.shape == field.shape


def test_second_job_waits_for_the_first(engine, field, large):
    jobs, states, order = [], [], []
    last = Listener()

    def on_done(job):
        order.append(job)
        if len(order) == 2:
            last()

    def on_progress(*_):
        if len(jobs) == 2:
            states.append([job.state for job in jobs])

    for one in (large, field):
        asked = request(one, diameter=28)
        jobs.append(engine.submit("segment", asked, on_progress=on_progress, on_done=on_done))
    replies = [job.wait(LONG) for job in jobs]
    assert [reply.labels.shape for reply in replies] == [large.shape, field.shape]
    last.wait()
    assert order == jobs
    assert ["running", "waiting"] in states
    assert ["done", "running"] in states
    assert ["running", "running"] not in states


def test_cancel_while_segmenting(engine, field, large):
    progress = Listener()
    job = engine.submit("segment", request(large), on_progress=progress)
    progress.wait()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    assert (engine.submit("segment", request(field)).wait(LONG).labels == segment(field)).all()


@needs_kill
def test_kill_while_segmenting(engine, simulated, large):
    def kill():
        os.kill(engine.process_id, signal.SIGKILL)

    job = engine.submit("segment", request(large), on_progress=Listener(kill))
    with pytest.raises(EngineError, match="corrections are safe; try again"):
        job.wait(LONG)
    assert job.state == "failed"
    reply = engine.submit("segment", request(simulated)).wait(LONG)
    assert (reply.labels == segment(simulated)).all()


def test_cancel_while_fine_tuning(engine, endless, field):
    training = Listener()

    def on_progress(done, total, text):
        if text.startswith("Training"):
            training(text)

    arguments = endless("cancelled")
    # Not even one epoch ends by itself.
    arguments["parameters"] = dataclasses.replace(
        arguments["parameters"], steps_per_epoch=10_000
    )
    job = engine.submit("fine_tune", arguments, on_progress=on_progress)
    training.wait()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    with pytest.raises(FileNotFoundError):
        load_model("cancelled")
    assert engine.submit("segment", request(field)).wait(LONG).labels.shape == field.shape


def test_stop_while_fine_tuning_keeps_the_best_so_far(engine, endless):
    def stop():
        job.stop()

    job = engine.submit("fine_tune", endless("early"), on_epoch=after_first_epoch(stop))
    result = job.wait(LONG)
    assert 1 <= result.epochs < 1000
    model = load_model("early")
    assert model.folder == result.path
    assert model.card.scores["held_out_mean_ap"] == pytest.approx(result.score, abs=1e-6)


@needs_kill
def test_kill_while_fine_tuning(engine, endless, training_set, nuclei, simulated):
    def kill():
        os.kill(engine.process_id, signal.SIGKILL)

    arguments = endless("killed", "nuclei")
    before = training_set.fields()
    job = engine.submit("fine_tune", arguments, on_epoch=after_first_epoch(kill))
    with pytest.raises(EngineError, match="corrections are safe; try again"):
        job.wait(LONG)
    after = training_set.fields()
    assert [field.name for field in after] == ["field 0", "field 1"]
    for one, two in zip(before, after, strict=True):
        assert (one.image == two.image).all()
        assert (one.labels == two.labels).all()

    run = {"run_directory": arguments["run_directory"]}
    result = engine.submit("finish_run", run).wait(LONG)
    assert (result.name, result.parent) == ("killed", "nuclei")
    assert result.epochs >= 1
    child = load_model("killed")
    assert child.card.parent_sha256 == nuclei.card.weights_sha256
    labels = engine.submit("segment", {**request(simulated), "model": "killed"}).wait(LONG)
    assert (labels.labels == segment(simulated, "killed")).all()


def test_stop_before_the_first_epoch_has_nothing_to_give(engine, endless):
    job = engine.submit("fine_tune", endless("none"))
    job.stop()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    with pytest.raises(FileNotFoundError):
        load_model("none")
