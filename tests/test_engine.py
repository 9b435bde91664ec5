"""The engine with real child processes: the real one, and a small one that starts fast."""

import dataclasses
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from napari_nucseg import find_nuclei, fine_tune, segment, train
from napari_nucseg.engine import (
    Engine,
    EngineError,
    FetchMaps,
    FineTune,
    Relabel,
    RelabelExpired,
    Segment,
    SegmentImage,
    Warm,
    execute,
    execution,
)
from napari_nucseg.engine.messages import Done, Progress, Stop
from napari_nucseg.image.field import Field
from napari_nucseg.image.files import open_image
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network.predict import load_predictor
from napari_nucseg.pipeline.parameters import SegmentParameters, StackParameters
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.pipeline.stacks import relabel
from napari_nucseg.registry.store import load_model
from napari_nucseg.support.callbacks import Callbacks, Stopped
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.run import Run
from napari_nucseg.training.training_set import TrainingSet

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from small_engine import (
        Deaf,
        Die,
        Echo,
        Fail,
        Invent,
        Unknown,
        Unreadable,
        UntilMessage,
        UntilStopped,
    )

LONG = 180.0
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")


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
    engine.submit(Warm("nuclei")).wait(LONG)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def lasting():
    """An engine with a small child, for tests that leave it running and without a job."""
    with tempfile.TemporaryDirectory() as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", folder)
            patch.setattr(tempfile, "tempdir", folder)
            patch.setenv("PYTHONPATH", str(Path(__file__).parent))
            engine = Engine("small_engine")
            engine.submit(Echo(1)).wait(LONG)
        yield engine
        engine.close()
        assert list(Path(folder).iterdir()) == []


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module of some source that ``python -m`` finds, and return its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(source):
        (tmp_path / "some_child.py").write_text(source)
        return "some_child"

    return write


def request(field, model="nuclei", **parameters):
    return Segment(field, model, SegmentParameters(**parameters), keep_maps=True)


class Listener:
    """Waits for a call, and may do something about it on the thread that calls."""

    def __init__(self, act=None):
        self.heard = []
        self.called = threading.Event()
        self._act = act

    def __call__(self, *value):
        self.heard.append(value)
        if self._act and not self.called.is_set():
            self._act()
        self.called.set()

    def wait(self):
        assert self.called.wait(LONG)


def heard_by(progress):
    return Callbacks(on_progress=progress)


# The small child


def test_result_and_progress_come_back(lasting):
    progress, done = Listener(), Listener()
    task = Echo(np.arange(3))
    job = lasting.submit(task, heard_by(progress), done)
    assert (job.id, job.kind) == (task.id, Echo)
    assert job.wait(LONG).tolist() == [0, 1, 2]
    assert progress.heard == [(1, 2, "echo")]
    done.wait()
    assert done.heard == [(job,)]
    assert (job.state, job.warnings) == ("done", ["faint"])
    assert job.task is None


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("value", ValueError, "^too dark$"),
        ("late", TimeoutError, "slow disk"),
        ("odd", EngineError, "Odd: far away"),
        ("rude", EngineError, "Rude: no"),
        ("numpy", EngineError, "LinAlgError: singular"),
    ],
)
def test_exceptions_arrive_as_what_they_were_or_as_text(lasting, kind, error, text):
    job = lasting.submit(Fail(kind))
    with pytest.raises(error, match=text):
        job.wait(LONG)
    assert job.state == "failed"
    assert lasting.submit(Echo(1)).wait(LONG) == 1


def test_unknown_kind_of_task_is_an_error_here_and_there(lasting):
    with pytest.raises(TypeError, match="kind of task"):
        lasting.submit(Unknown()).wait(LONG)
    with pytest.raises(TypeError, match="kind of task"):
        execute(Unknown())


def test_without_a_window_a_task_is_done_here():
    with pytest.warns(UserWarning, match="faint"):
        assert execute(Echo("value")) == "value"
    with pytest.raises(ValueError, match="too dark"):
        execute(Fail("value"))


def test_labels_are_made_again_without_a_window(simulated):
    task = Segment(simulated, "nuclei", SegmentParameters(), keep_maps=True)
    found = execute(task)
    other = SegmentParameters(probability=0.8, minimum_size=200)
    again = execute(Relabel(task.id, other))
    assert again.provenance["parameters"] == other.as_dict()
    assert 0 < np.count_nonzero(again.labels) < np.count_nonzero(found.labels)
    with pytest.raises(RelabelExpired):
        execute(Relabel("none", other))


def test_stack_travels_as_its_file(engine, simulated, tmp_path, monkeypatch):
    stack = np.stack([simulated.image[:64, :64], simulated.image[:64, 64:128]])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TYX"})
    monkeypatch.chdir(tmp_path)  # the child has another folder
    task = SegmentImage(open_image("a.tif"), "nuclei", SegmentParameters(), StackParameters())
    calls = []
    job = engine.submit(task, Callbacks(lambda *call: calls.append(call)))
    found = job.wait(LONG)
    here = execute(task)
    assert (found.labels == here.labels).all()
    assert found.tracks.divisions == here.tracks.divisions
    assert (0, 2, "Finding nuclei") in calls


def test_kept_maps_are_brought_in_half_precision(simulated):
    parameters = SegmentParameters()
    with_maps = execute(Segment(simulated, "nuclei", parameters, return_maps=True))
    task = Segment(simulated, "nuclei", parameters, keep_maps=True)
    execute(task)
    brought = execute(FetchMaps(task.id))
    assert brought.values.dtype == np.float16
    assert brought.spec == with_maps.maps.spec
    assert np.abs(brought.values - with_maps.maps.values).max() < 0.001
    with pytest.raises(RelabelExpired):
        execute(FetchMaps(with_maps.id))


def test_stop_lets_the_task_return_what_it_has(lasting):
    progress = Listener()
    job = lasting.submit(UntilStopped(), heard_by(progress))
    progress.wait()
    process = lasting.process_id
    job.stop()
    assert job.wait(LONG) == "stopped early"
    assert lasting.process_id == process


def test_should_stop_is_asked_while_the_task_is_done(lasting):
    asked = []
    callbacks = Callbacks(should_stop=lambda: asked.append(1) or len(asked) > 3)
    assert lasting.submit(UntilStopped(), callbacks).wait(LONG) == "stopped early"
    assert len(asked) == 4


def test_stop_is_not_lost_while_the_child_is_starting_or_busy(small):
    first, second = (small.submit(UntilStopped()) for _ in range(2))
    second.stop()
    first.stop()
    assert first.wait(LONG) == second.wait(LONG) == "stopped early"


def test_stop_that_is_late_does_not_end_the_next_task(lasting, tmp_path):
    progress, file = Listener(), tmp_path / "file"
    first = lasting.submit(UntilStopped(file), heard_by(progress))
    progress.wait()
    file.touch()
    assert first.wait(LONG) == "went on"
    # It ends when the child has dealt with the late message, and not before.
    second = lasting.submit(UntilMessage(), heard_by(lambda *_: stop_late(lasting, first)))
    assert second.wait(LONG) == "went on"
    # The same in time.
    third = lasting.submit(UntilMessage(), heard_by(lambda *_: lasting._current.stop()))
    assert third.wait(LONG) == "stopped early"


def stop_late(engine, job):
    """Stop a job that has ended in all ways that there are, also with a message."""
    job.stop()
    job.cancel()
    engine._child._channel.send(Stop(job.id))


def test_cancel_of_a_job_that_has_ended_kills_nothing(lasting):
    job = lasting.submit(Echo(1))
    job.wait(LONG)
    process = lasting.process_id
    job.cancel()
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
    assert (job.wait(0), job.state) == (1, "done")
    assert lasting.submit(Echo(2)).wait(LONG) == 2
    assert lasting.process_id == process


def test_cancel_of_a_task_that_does_not_listen(small):
    progress, done = Listener(), Listener()
    job = small.submit(Deaf(), heard_by(progress), done)
    progress.wait()
    process = small.process_id
    job.cancel()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    done.wait()
    assert done.heard == [(job,)]
    assert small.submit(Echo(1)).wait(LONG) == 1
    assert small.process_id != process


def test_waiting_job_is_cancelled_at_once_and_never_runs(lasting):
    progress, unheard = Listener(), Listener()
    first = lasting.submit(UntilStopped(), heard_by(progress))
    second = lasting.submit(Echo(2), heard_by(unheard))
    progress.wait()
    second.cancel()
    with pytest.raises(Stopped):
        second.wait(0)
    assert first.state == "running"
    first.stop()
    first.wait(LONG)
    assert lasting.submit(Echo(3)).wait(LONG) == 3
    assert unheard.heard == []


def test_death_of_the_child_is_reported_with_what_it_printed_last(small):
    job = small.submit(Die())
    with pytest.raises(EngineError, match=r"corrections are safe; try again(.|\n)*out of mem"):
        job.wait(LONG)
    assert small.submit(Echo(1)).wait(LONG) == 1


def test_idle_child_that_dies_is_replaced(small):
    small.submit(Echo(1)).wait(LONG)
    process = small.process_id
    psutil.Process(process).kill()
    limit = time.monotonic() + LONG
    while small.process_id in (process, None) and time.monotonic() < limit:
        time.sleep(0.02)
    assert small.process_id not in (process, None)
    assert small.submit(Echo(2)).wait(LONG) == 2


@pytest.mark.parametrize("source", [None, "import no_such_package", "raise SystemExit(1)"])
def test_child_that_cannot_start(module, source, temporary):
    engine = Engine(module(source) if source else "no_such_module")
    try:
        for _ in range(2):
            with pytest.raises(EngineError, match="could not start") as caught:
                engine.submit(Echo(1)).wait(LONG)
            if source != "raise SystemExit(1)":
                assert "No module named" in str(caught.value)
    finally:
        engine.close()
    assert list(temporary.iterdir()) == []


def test_no_room_for_temporary_files_is_reported_and_passes(small, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        with pytest.raises(EngineError, match=r"could not start.*none"):
            small.submit(Echo(1)).wait(LONG)
    assert small.submit(Echo(1)).wait(LONG) == 1


def test_task_that_cannot_travel_fails_and_nothing_else(lasting):
    process = lasting.submit(Echo(1)).wait(LONG) and lasting.process_id
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        lasting.submit(Echo(lambda: 0)).wait(LONG)
    with pytest.raises(ModuleNotFoundError, match="only there"):
        lasting.submit(Echo(Unreadable())).wait(LONG)
    assert lasting.submit(Echo(2)).wait(LONG) == 2
    assert lasting.process_id == process


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("what cannot be pickled", (AttributeError, TypeError, EngineError)),
        ("what cannot be read", ModuleNotFoundError),
    ],
)
def test_result_that_cannot_travel_fails_and_nothing_else(lasting, what, error):
    process = lasting.submit(Echo(1)).wait(LONG) and lasting.process_id
    with pytest.raises(error, match=r"pickle|only there"):
        lasting.submit(Invent(what)).wait(LONG)
    assert lasting.submit(Echo(2)).wait(LONG) == 2
    assert lasting.process_id == process


def test_errors_of_callbacks_do_not_end_the_engine(small):
    def fail(*_):
        raise KeyError("window")

    for callbacks in (heard_by(fail), Callbacks(should_stop=fail)):
        with pytest.raises(KeyError, match="window"):
            small.submit(UntilStopped(), callbacks).wait(LONG)
    assert small.submit(Echo(1), on_done=fail).wait(LONG) == 1
    assert small.submit(Echo(2)).wait(LONG) == 2


def test_close_ends_everything(small):
    progress = Listener()
    running = small.submit(Deaf(), heard_by(progress))
    waiting = small.submit(Echo(1))
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
        small.submit(Echo(1))


SCRIPT = """
import warnings
import vispy  # which stands for a window
from napari_nucseg.engine import Engine, execute, shared_engine
from small_engine import Echo, Fail
Engine.__init__.__defaults__ = ("small_engine",)
with warnings.catch_warnings(record=True) as caught:
    print(execute(Echo("value")))
print(*[f"{warning.message} {warning.filename}:{warning.lineno}" for warning in caught])
try:
    execute(Fail("late"))
except TimeoutError:
    print(shared_engine().process_id)
"""


@pytest.mark.skipif(not importlib.util.find_spec("vispy"), reason="needs vispy")
def test_script_that_ends_takes_the_engine_with_it(small, temporary):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=LONG
    )
    value, text, where, process = run.stdout.split()
    line = 1 + SCRIPT.splitlines().index('    print(execute(Echo("value")))')
    assert (run.stderr, value, text, where) == ("", "value", "faint", f"<string>:{line}")
    assert not psutil.pid_exists(int(process))


LIGHT = """
import sys
from napari_nucseg import engine
from napari_nucseg.engine import messages
heavy = ["tensorflow", "keras", "scipy.ndimage", "napari_nucseg.engine.worker"]
print(*[name for name in heavy if name in sys.modules])
"""


def test_front_door_loads_nothing_that_takes_long():
    run = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout.split()) == (0, [])


def test_messages_name_their_task_and_cannot_be_changed():
    one, two = Warm("nuclei"), Warm("nuclei")
    assert one.id != two.id
    for message in (one, Stop(one.id), Progress(one.id, 1, 2, ""), Done(one.id, 1)):
        name = dataclasses.fields(message)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(message, name, "other")
        assert getattr(pickle.loads(pickle.dumps(message)), name) == one.id


# The real child


@pytest.fixture(scope="module")
def large():
    """A field that takes long enough to be interrupted."""
    image = np.random.default_rng(0).integers(0, 255, (1024, 1024), np.uint8)
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
    """Make the task of a fine-tuning that does not end by itself."""

    def make(name, model=quick_learner, steps=2):
        return FineTune(
            training_set.folder,
            model,
            name,
            TrainParameters(epochs=1000, steps_per_epoch=steps, batch_size=2, patch_size=64),
            tmp_path / "runs" / name,
        )

    return make


def after_first_epoch(act):
    """Return callbacks that act once an epoch has been trained."""
    listener = Listener(act)
    return Callbacks(on_epoch=lambda epoch: listener(epoch) if epoch.epoch > 0 else None)


def test_labels_are_those_of_the_public_api(engine, simulated, nuclei):
    progress = Listener()
    reply = engine.submit(request(simulated), heard_by(progress)).wait(LONG)
    here = segment_field(simulated, load_predictor(nuclei), SegmentParameters(), keep_maps=True)
    assert reply.maps is None
    assert reply.labels.max() > 5
    assert (reply.labels == here.labels).all()
    assert (reply.labels == segment(simulated)).all()
    assert (reply.probability == here.probability).all()
    assert reply.diameter == here.diameter
    assert {**reply.provenance, "seconds": 0} == {**here.provenance, "seconds": 0}
    assert all(0 <= done <= total for done, total, _ in progress.heard)
    assert "Finding nuclei" in [text for *_, text in progress.heard]

    other = SegmentParameters(probability=0.8, minimum_size=200)
    again = engine.submit(Relabel(reply.id, other)).wait(LONG)
    assert (again.labels == relabel(here, other).labels).all()
    assert again.provenance["parameters"] == other.as_dict()


def test_one_channel_alone_gives_the_same_as_the_whole_image(engine, simulated, nuclei):
    whole = Field(np.stack([simulated.image[::-1], simulated.image]), "CYX", "two")
    chosen = SegmentParameters(channel=1)
    here = segment_field(whole, load_predictor(nuclei), chosen)
    task = dataclasses.replace(request(whole.of_channel(1)), channel=1)
    reply = engine.submit(task).wait(LONG)
    assert (reply.labels == here.labels).all()
    assert {**reply.provenance, "seconds": 0} == {**here.provenance, "seconds": 0}
    other = dataclasses.replace(chosen, minimum_size=200)
    again = engine.submit(Relabel(reply.id, other)).wait(LONG)
    assert again.provenance["parameters"] == other.as_dict()


def test_maps_are_kept_of_the_last_few_only(engine, field):
    replies = [engine.submit(request(field)).wait(LONG) for _ in range(5)]
    unkept = Segment(field, "nuclei", SegmentParameters())
    engine.submit(unkept).wait(LONG)
    for reply in replies[1:]:
        task = Relabel(reply.id, SegmentParameters())
        assert engine.submit(task).wait(LONG).id == reply.id
    for key in (replies[0].id, unkept.id):
        with pytest.raises(RelabelExpired, match="Segment again"):
            engine.submit(Relabel(key, SegmentParameters())).wait(LONG)


def test_errors_are_those_of_the_pipeline(engine, field):
    channels = Field(np.zeros((2, 40, 50)), "CYX", "cells")
    with pytest.raises(ValueError, match="Choose a channel from 0 to 1"):
        engine.submit(request(channels)).wait(LONG)
    with pytest.raises(FileNotFoundError, match="'none'"):
        engine.submit(request(field, "none")).wait(LONG)
    assert engine.submit(request(field)).wait(LONG).labels.shape == field.shape


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
        jobs.append(engine.submit(asked, heard_by(on_progress), on_done))
    replies = [job.wait(LONG) for job in jobs]
    assert [reply.labels.shape for reply in replies] == [large.shape, field.shape]
    last.wait()
    assert order == jobs
    assert ["running", "waiting"] in states
    assert ["done", "running"] in states
    assert ["running", "running"] not in states


def test_cancel_while_segmenting(engine, field, large):
    progress = Listener()
    job = engine.submit(request(large), heard_by(progress))
    progress.wait()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    assert (engine.submit(request(field)).wait(LONG).labels == segment(field)).all()


@needs_kill
def test_kill_while_segmenting(engine, simulated, large):
    def kill():
        os.kill(engine.process_id, signal.SIGKILL)

    job = engine.submit(request(large), heard_by(Listener(kill)))
    with pytest.raises(EngineError, match="corrections are safe; try again"):
        job.wait(LONG)
    assert job.state == "failed"
    reply = engine.submit(request(simulated)).wait(LONG)
    assert (reply.labels == segment(simulated)).all()


def test_cancel_while_fine_tuning(engine, endless, field):
    training = Listener()

    def on_progress(done, total, text):
        if text.startswith("Training"):
            training(text)

    # Not even one epoch ends by itself.
    job = engine.submit(endless("cancelled", steps=10_000), heard_by(on_progress))
    training.wait()
    job.cancel()
    with pytest.raises(Stopped):
        job.wait(LONG)
    with pytest.raises(FileNotFoundError):
        load_model("cancelled")
    assert engine.submit(request(field)).wait(LONG).labels.shape == field.shape


def test_stop_while_fine_tuning_keeps_the_best_so_far(engine, endless):
    was_training = []

    def stop():
        was_training.append(engine.is_training)
        job.stop()

    assert not engine.is_training
    job = engine.submit(endless("early"), after_first_epoch(stop))
    result = job.wait(LONG)
    assert was_training and all(was_training) and not engine.is_training
    assert 1 <= result.epochs < 1000
    model = load_model("early")
    assert model.folder == result.path
    assert model.card.scores["held_out_mean_ap"] == pytest.approx(result.score, abs=1e-6)


def test_stop_before_the_first_epoch_has_nothing_to_give(engine, endless):
    job = engine.submit(endless("none"))
    job.stop()
    with pytest.raises(Stopped):
        job.wait(LONG)
    assert job.state == "stopped"
    with pytest.raises(FileNotFoundError):
        load_model("none")


# The public functions beside a window


@pytest.fixture
def beside_a_window(engine, monkeypatch):
    """Do in the engine what is not to be done here."""
    monkeypatch.setattr(execution, "needs_engine", lambda: True)
    monkeypatch.setattr(execution, "shared_engine", lambda: engine)


@pytest.fixture
def image(pairs):
    return pairs / "images" / "a.tif"


@pytest.fixture
def found_here(image):
    """What is found without an engine."""
    assert not execution.needs_engine()
    return find_nuclei(image, keep_maps=True, minimum_size=40)


def test_beside_a_window_the_same_is_found(found_here, beside_a_window, image):
    found = find_nuclei(image, keep_maps=True, minimum_size=40)
    for there, expected in (
        (found.labels, found_here.labels),
        (found.probability, found_here.probability),
        (found.maps.values, found_here.maps.values),
    ):
        assert there.dtype == expected.dtype
        np.testing.assert_array_equal(there, expected)
    assert found.maps.spec == found_here.maps.spec
    assert {**found.provenance, "seconds": 0} == {**found_here.provenance, "seconds": 0}
    assert (found.parameters, found.diameter) == (found_here.parameters, found_here.diameter)
    assert find_nuclei(image).maps is None


def test_beside_a_window_progress_and_errors_are_the_same(
    beside_a_window, image, pairs, tmp_path
):
    progress = Listener()
    assert segment(image, callbacks=heard_by(progress)).shape == (96, 128)
    assert len(progress.heard) > 1
    with pytest.raises(FileNotFoundError, match="'none'"):
        segment(image, "none")
    with pytest.raises(ValueError, match="Expected channel 0"):
        segment(image, channel=3)
    with pytest.raises(Stopped):
        segment(image, callbacks=Callbacks(should_stop=lambda: True))
    with pytest.raises(ValueError, match="Expected a sampling weight"):
        train([pairs], tmp_path / "new", sampling_weights=[1, 1])


def test_beside_a_window_a_model_is_fine_tuned(beside_a_window, pairs, quick_learner):
    epochs = []
    tiny = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}
    tiny["rehearsal"] = 0
    callbacks = Callbacks(on_epoch=epochs.append)
    result = fine_tune(pairs, "beside", quick_learner, callbacks=callbacks, **tiny)
    assert [epoch.epoch for epoch in epochs] == [0, 1]
    assert load_model(result.name).card.parent == quick_learner.name


# The end

FINISH = """
import sys
from pathlib import Path
from napari_nucseg.training import Run

print(Run(Path(sys.argv[1])).finish().path)
assert "tensorflow" not in sys.modules
"""


@needs_kill
def test_kill_while_fine_tuning(engine, endless, training_set, quick_learner):
    """The last one, so that no other test has to wait for the next child.

    One process trains and is killed, another finishes the run, and a third discards it.
    """
    task = endless("killed")
    run, runs = Run(task.run_directory), task.run_directory.parent
    offered = []

    def kill():
        # While the process works on it, it is not offered.
        offered.extend(Run.unfinished(runs))
        os.kill(engine.process_id, signal.SIGKILL)

    before = training_set.fields()
    job = engine.submit(task, after_first_epoch(kill))
    with pytest.raises(EngineError, match="corrections are safe; try again"):
        job.wait(LONG)
    assert offered == []
    after = training_set.fields()
    assert [field.name for field in after] == ["field 0", "field 1"]
    for one, two in zip(before, after, strict=True):
        assert (one.image == two.image).all()
        assert (one.labels == two.labels).all()

    (left,) = Run.unfinished(runs)
    assert (left.name, left.run.folder) == ("killed", run.folder)
    command = [sys.executable, "-c", FINISH, str(run.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    child = load_model("killed")
    assert done.stdout.strip() == str(child.folder)
    assert child.card.parent == quick_learner.name
    assert child.card.parent_sha256 == load_model(quick_learner).card.weights_sha256
    assert child.card.training["kept_epoch"] >= 1
    assert Run.unfinished(runs) == []
    assert segment(simulate_field((64, 64)), "killed").shape == (64, 64)
    run.discard()
    assert not run.folder.exists()
    with pytest.raises(FileNotFoundError):
        load_model("killed")
