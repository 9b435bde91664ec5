"""Training from scratch and fine-tuning, on little data and few steps."""

import dataclasses
import json
import math
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.network import load_predictor, make_trainer, resolve
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.registry.store import load_model
from napari_nucseg.support.callbacks import Callbacks, Epoch, Stopped
from napari_nucseg.support.process import process_stamp
from napari_nucseg.training.budgets import BUDGETS, fine_tune_parameters
from napari_nucseg.training.checkpoint import (
    AVERAGE_FILE,
    KEPT_FILE,
    NETWORK_FILE,
    best_of,
    latest_checkpoint,
    write_checkpoint,
)
from napari_nucseg.training.gate import CORRECTIONS, HELD_OUT
from napari_nucseg.training.initialization import Initialization
from napari_nucseg.training.parameters import TrainParameters
from napari_nucseg.training.plan import ModelInfo
from napari_nucseg.training.result import FineTuneResult
from napari_nucseg.training.run import Run
from napari_nucseg.training.train import TrainingSpec, fine_tune_fields, train_fields

pytestmark = pytest.mark.filterwarnings("ignore:.*too few nuclei")

#: A training that takes seconds and teaches little, of a network that can learn little.
SMALL = Initialization(widths=[4, 6, 8, 10])
TINY = TrainParameters(epochs=2, steps_per_epoch=2, batch_size=2, patch_size=64)
#: Who ends a training before its first step.
STOPPING = Callbacks(should_stop=lambda: True)


def train_with(spec, output, info, parameters, callbacks=Callbacks()):
    return train_fields(spec, output, info, parameters, make_trainer, callbacks=callbacks)


@pytest.fixture(scope="module")
def fields():
    return [
        dataclasses.replace(simulate_field((96, 128), seed=seed), name=f"field {seed}")
        for seed in range(3)
    ]


def weights_of(model):
    from napari_nucseg.network.predict import load_network

    return load_network(model).get_weights()


def same(one, two):
    return all(
        np.allclose(a, b, atol=1e-6)
        for a, b in zip(weights_of(one), weights_of(two), strict=True)
    )


def same_checkpoint(one, two):
    """Whether two runs came to the same weights, and the same state of the optimizer."""
    import h5py

    def numbers(folder):
        found = {}

        def note(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[...]

        for file in (NETWORK_FILE, AVERAGE_FILE):
            with h5py.File(latest_checkpoint(folder).folder / file) as h5:
                h5.visititems(note)
        return found

    first, second = numbers(one), numbers(two)
    assert first.keys() == second.keys()
    return all(np.allclose(first[name], second[name], atol=1e-6) for name in first)


@pytest.fixture(scope="module")
def whole(fields, tmp_path_factory):
    """A model trained in one piece, with its epochs and the losses of all steps.

    What the run had on the disk after each epoch is in folders beside it.
    """
    from napari_nucseg.network.learner import Learner

    epochs, losses = [], []
    step = Learner.step

    def listen(*arguments):
        losses.append(step(*arguments))
        return losses[-1]

    def on_epoch(epoch):
        epochs.append(epoch)
        shutil.copytree(folder.with_name("new.run"), folder.with_name(f"after {epoch.epoch}"))

    folder = tmp_path_factory.mktemp("training") / "new"
    info = ModelInfo("new", training_data="simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "step", listen)
        spec = TrainingSpec([fields], initialization=SMALL)
        model = train_with(spec, folder, info, TINY, Callbacks(on_epoch=on_epoch))
    return model, epochs, losses


def test_training_makes_a_model_with_history_and_curves(whole, fields):
    model, epochs, _ = whole
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert {path.name for path in model.folder.iterdir()} == {
        "model.json",
        "model.weights.h5",
        "history.csv",
        "curves.png",
    }
    card = load_model(model.folder).card
    assert (card.training_data, card.spec["maps"][0]) == ("simulated", "foreground")
    assert len((model.folder / "history.csv").read_text().splitlines()) == 3
    assert not model.folder.with_name("new.run").exists()
    labels = segment_field(fields[0], load_predictor(model), SegmentParameters()).labels
    assert labels.shape == fields[0].shape


def test_loss_of_an_epoch_is_the_mean_of_its_steps(whole):
    _, epochs, losses = whole
    means = np.mean(np.reshape(losses, (2, 2)), axis=1)
    assert [epoch.loss for epoch in epochs] == pytest.approx(means.tolist())


@pytest.mark.usefixtures("eagerly")
def test_fields_to_score_on_can_be_given(fields, tmp_path, monkeypatch):
    from napari_nucseg.network.fit import score_fields

    seen = []

    def score(predictor, held_out, *rest):
        seen.extend(field.name for field in held_out)
        return score_fields(predictor, held_out, *rest)

    monkeypatch.setattr("napari_nucseg.network.fit.score_fields", score)
    spec = TrainingSpec([fields[:2]], initialization=SMALL, validation=fields[2:])
    parameters = dataclasses.replace(TINY, epochs=1, steps_per_epoch=1)
    model = train_with(spec, tmp_path / "x", ModelInfo("x"), parameters)
    assert seen == ["field 2"]
    counts = model.card.training
    assert (counts["fields"], counts["fields_held_out"]) == (2, 1)
    with pytest.raises(ValueError, match="to score on, got 'field 2' without"):
        TrainingSpec([fields], validation=[dataclasses.replace(fields[2], labels=None)])


def test_training_that_goes_on_gives_the_same_weights(fields, whole, tmp_path):
    """The seed decides: a run in two parts equals a run in one."""
    model, *_ = whole
    shutil.copytree(model.folder.with_name("after 1"), tmp_path / "parts.run")
    epochs = []

    def on_epoch(epoch):
        epochs.append(epoch)
        shutil.copytree(tmp_path / "parts.run", tmp_path / "after 2")
        worked_on = json.loads((tmp_path / "after 2" / "process.json").read_text())
        assert worked_on["process"] == os.getpid()

    spec = TrainingSpec([fields], initialization=SMALL)
    parts = train_with(
        spec, tmp_path / "parts", ModelInfo("a"), TINY, Callbacks(on_epoch=on_epoch)
    )
    assert [epoch.epoch for epoch in epochs] == [2]
    assert same_checkpoint(model.folder.with_name("after 2"), tmp_path / "after 2")
    assert not same_checkpoint(model.folder.with_name("after 1"), tmp_path / "after 2")
    assert same(model, parts)
    assert parts.card.scores == model.card.scores
    history, other = ((one.folder / "history.csv").read_text() for one in (model, parts))
    assert history == other


def test_existing_output_is_not_overwritten(fields, tmp_path):
    with pytest.raises(FileExistsError, match="another one"):
        train_with(TrainingSpec([fields]), tmp_path, ModelInfo("x"), TINY)


@pytest.mark.parametrize(
    "sampling_weights", [[1], [1, -1], [0, 0], [math.nan, 1], np.array([1, math.nan])]
)
def test_sampling_weights_must_fit_the_groups(fields, sampling_weights):
    with pytest.raises(ValueError, match="sampling weight"):
        TrainingSpec([fields, fields], sampling_weights)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("ignore:Even though the")
@pytest.mark.parametrize(("keep_last", "kept"), [(False, 1), (True, 2)])
def test_best_epoch_is_kept_or_the_last(fields, tmp_path, monkeypatch, keep_last, kept):
    scores = iter([0.9, 0.4])
    monkeypatch.setattr("napari_nucseg.network.fit.score_fields", lambda *_: next(scores))
    files = []

    def on_epoch(epoch):
        checkpoint = latest_checkpoint(tmp_path / "x.run")
        assert checkpoint.kept.epoch == (epoch.epoch if keep_last else 1)
        files.append((checkpoint.folder / KEPT_FILE).read_bytes())

    spec = TrainingSpec([fields], initialization=SMALL)
    parameters = dataclasses.replace(TINY, keep_last=keep_last)
    model = train_with(
        spec, tmp_path / "x", ModelInfo("x"), parameters, Callbacks(on_epoch=on_epoch)
    )
    assert model.card.training["kept_epoch"] == kept
    assert model.card.scores["held_out_mean_ap"] == (0.4 if keep_last else 0.9)
    assert (model.folder / "model.weights.h5").read_bytes() == files[1]
    assert (files[0] == files[1]) is not keep_last


@pytest.fixture
def not_scored(monkeypatch):
    """Leave out what takes longest where no score matters."""
    monkeypatch.setattr("napari_nucseg.network.fit.score_fields", lambda *_: 0.5)


@pytest.mark.usefixtures("eagerly", "not_scored")
@pytest.mark.filterwarnings("ignore:Even though the")
def test_training_goes_on_from_a_model_with_levels_added_to_it(fields, whole, tmp_path):
    widths, (shallow, *_) = [*SMALL.widths, 12], whole
    deeper = train_with(
        TrainingSpec([fields], initialization=Initialization(shallow.folder, widths=widths)),
        tmp_path / "deeper",
        ModelInfo("deeper"),
        dataclasses.replace(TINY, epochs=1, steps_per_epoch=1),
    )
    assert deeper.card.architecture["widths"] == widths
    assert deeper.card.parent_sha256 == shallow.card.weights_sha256
    with pytest.raises(ValueError, match=r"parent model .* begin with \[4, 6, 8, 10\]"):
        resolve(Initialization(shallow, widths=[8] * 5))


@pytest.fixture
def thin(monkeypatch):
    """The kind of a MobileNetV2 with few filters, which takes little time."""
    from napari_nucseg.network.architectures import base, mobilenetv2

    monkeypatch.setattr(base, "_KINDS", dict(base._KINDS))

    @dataclasses.dataclass(frozen=True)
    class Thin(mobilenetv2.MobileNetUNet):
        kind = "thin"
        widths: tuple[int, ...] = (4, 4, 4, 4)
        alpha: float = 0.35

    return Thin


@pytest.mark.usefixtures("eagerly", "not_scored")
@pytest.mark.filterwarnings("ignore:Even though the")
def test_encoder_is_frozen_and_then_released_also_when_training_is_resumed(
    fields, tmp_path, thin
):
    from napari_nucseg.network.backend import keras

    encoder = keras.applications.MobileNetV2(
        (224, 224, 3), alpha=0.35, include_top=False, weights=None
    )
    file = tmp_path / "encoder.weights.h5"
    encoder.save_weights(file)
    start = Initialization(architecture=thin.kind, encoder_weights=file)
    spec = TrainingSpec([fields], initialization=start)
    parameters = dataclasses.replace(TINY, steps_per_epoch=1)

    run = tmp_path / "new.run"

    def on_epoch(epoch):
        shutil.copytree(run, tmp_path / f"after {epoch.epoch}")

    with pytest.raises(Stopped):
        train_with(
            spec,
            tmp_path / "new",
            ModelInfo("x"),
            parameters,
            Callbacks(on_epoch=on_epoch, should_stop=(tmp_path / "after 1").exists),
        )
    # Its weights are in the checkpoint now.
    file.unlink()
    model = train_with(
        spec, tmp_path / "new", ModelInfo("x"), parameters, Callbacks(on_epoch=on_epoch)
    )
    assert model.card.architecture["kind"] == thin.kind
    assert model.card.training["encoder_weights"] == file.name
    assert model.card.training["parameters"]["frozen_epochs"] == 1
    network = thin().build(batch_norm=True)
    known = encoder.get_layer("block_1_expand").get_weights()[0]
    for epoch, frozen in ((1, True), (2, False)):
        checkpoint = latest_checkpoint(tmp_path / f"after {epoch}")
        network.load_weights(checkpoint.folder / AVERAGE_FILE)
        kernel = network.get_layer("block_1_expand").get_weights()[0]
        assert (kernel == known).all() is np.bool(frozen)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"architecture": "resnet"}, "mobilenetv2, unet, got 'resnet'"),
        (
            {"encoder_weights": "imagenet"},
            "only for a new network of architecture 'mobilenetv2'",
        ),
        ({"architecture": "mobilenetv2", "widths": [4, 4, 4]}, "four widths"),
    ],
)
def test_initializations_that_make_no_sense(options, says):
    with pytest.raises(ValueError, match=says):
        resolve(Initialization(**options))


def test_start_from_a_model_by_its_name(nuclei):
    start = resolve(Initialization("nuclei"))
    assert start.parent.card == nuclei.card
    assert start.architecture.as_dict() == nuclei.card.architecture


def test_start_from_a_model_of_another_architecture(nuclei):
    with pytest.raises(ValueError, match="of the parent model, 'mobilenetv2'"):
        resolve(Initialization(nuclei, "unet"))
    with pytest.raises(ValueError, match="only for a new network"):
        resolve(Initialization(nuclei, encoder_weights="random"))


@pytest.mark.parametrize(
    ("options", "given", "epochs"),
    [
        ({}, None, 0),
        ({"architecture": "mobilenetv2"}, 3, 3),
        ({"architecture": "mobilenetv2"}, None, 2),
        ({"architecture": "mobilenetv2"}, 0, 0),
        ({"architecture": "mobilenetv2", "encoder_weights": "random"}, None, 0),
    ],
)
def test_encoder_is_frozen_for_a_tenth_of_the_epochs(options, given, epochs):
    parameters = TrainParameters(epochs=20, frozen_epochs=given)
    assert (
        make_trainer(Initialization(**options), parameters).parameters.frozen_epochs == epochs
    )


def test_freezing_an_encoder_with_random_weights_is_refused():
    parameters = TrainParameters(epochs=20, frozen_epochs=3)
    with pytest.raises(ValueError, match="random weights"):
        make_trainer(Initialization(), parameters)
    with pytest.raises(ValueError, match="less than the 3 epochs"):
        TrainParameters(epochs=3, frozen_epochs=3)


def test_file_of_encoder_weights_is_found_from_where_it_was_named(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    start = Initialization(architecture="mobilenetv2", encoder_weights="encoder.weights.h5")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resolve(start).encoder_weights == str(tmp_path / "encoder.weights.h5")


def test_initialization_can_be_sent_to_another_process(quick_learner):
    start = Initialization(quick_learner, widths=np.array([4, 6, 8, 10]))
    assert start.parent.folder == quick_learner
    sent = pickle.loads(pickle.dumps(start))
    assert resolve(sent).architecture == resolve(start).architecture


def test_learning_rate_is_half_a_cosine_with_a_second_warm_up():
    from napari_nucseg.network.schedule import LearningRate

    for parameters in (
        TrainParameters(epochs=10, steps_per_epoch=20, frozen_epochs=2),
        TrainParameters(epochs=3, steps_per_epoch=8),
        TrainParameters(epochs=1, steps_per_epoch=1),
    ):
        rate = LearningRate(parameters)
        total = parameters.epochs * parameters.steps_per_epoch
        warm_up = max(1, total // 20)
        released = (parameters.frozen_epochs or 0) * parameters.steps_per_epoch
        for step in range(total):
            since = step - released if step >= released else step
            phase = max(0, step - warm_up) / max(1, total - warm_up)
            cosine = 0.01 + 0.99 * (1 + math.cos(math.pi * phase)) / 2
            expected = parameters.learning_rate * min(1, (since + 1) / warm_up) * cosine
            assert rate(step) == pytest.approx(expected, rel=1e-5)


def test_starts_from_something_else():
    with pytest.raises(TypeError, match="a model, its name or its folder, got int"):
        Initialization(5)


def test_run_of_something_else_is_not_mixed_up(fields, whole, tmp_path):
    model, *_ = whole
    shutil.copytree(model.folder.with_name("after 1"), tmp_path / "x.run")
    seed = dataclasses.replace(TINY, seed=5)
    small = TrainingSpec([fields], initialization=SMALL)
    for spec, parameters, what in (
        (TrainingSpec([fields]), TINY, r"others: .*architecture"),
        (small, seed, f"others: seed {TINY.seed} then and 5 now"),
    ):
        with pytest.raises(ValueError, match=what):
            train_with(spec, tmp_path / "x", ModelInfo("x"), parameters)
    # What is the default may be named or left out.
    start = Initialization(architecture="unet", widths=np.array(SMALL.widths))
    named = TrainingSpec([fields], np.array([3.0]), start)
    with pytest.raises(Stopped):
        train_with(named, tmp_path / "x", ModelInfo("x"), TINY, STOPPING)
    path = tmp_path / "x.run" / "plan.json"
    older = json.loads(path.read_text())
    older["format"] -= 1
    path.write_text(json.dumps(older))
    with pytest.raises(ValueError, match="begun by another version"):
        train_with(named, tmp_path / "x", ModelInfo("x"), TINY)


def test_fine_tuning_does_not_go_on_with_another_run(fields, whole, quick_learner, tmp_path):
    model, *_ = whole
    folder = shutil.copytree(model.folder.with_name("after 1"), tmp_path / "run")
    parent = load_model(quick_learner)
    with pytest.raises(ValueError, match=r"others: .*parent_sha256"):
        fine_tune_fields(fields, parent, "x", TINY, make_trainer, run_directory=folder)
    assert Run(folder).last_epoch == 1


def test_a_run_without_an_epoch_leaves_nothing(fields, tmp_path):
    spec = TrainingSpec([fields], initialization=SMALL)
    for parameters in (TINY, dataclasses.replace(TINY, seed=5)):
        with pytest.raises(Stopped):
            train_with(spec, tmp_path / "x", ModelInfo("x"), parameters, STOPPING)
        assert list(tmp_path.iterdir()) == []


def test_run_that_another_process_works_on_is_left_alone(fields, whole, tmp_path):
    spec, output = TrainingSpec([fields], initialization=SMALL), tmp_path / "x"
    stamp = tmp_path / "x.run" / "process.json"
    shutil.copytree(whole[0].folder.with_name("after 1"), tmp_path / "x.run")
    before = (tmp_path / "x.run" / "plan.json").read_text()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        theirs = json.dumps({**process_stamp(), "process": other.pid})
        stamp.write_text(theirs)
        says = f"nobody works on, but process {other.pid} trains in .*another output"
        with pytest.raises(ValueError, match=says):
            train_with(spec, output, ModelInfo("x"), TINY, STOPPING)
        assert stamp.read_text() == theirs
        assert (tmp_path / "x.run" / "plan.json").read_text() == before
        other.kill()
    with pytest.raises(Stopped):
        train_with(spec, output, ModelInfo("x"), TINY, STOPPING)
    assert not stamp.exists()
    assert Run.of_output(output).last_epoch == 1


@pytest.mark.parametrize(
    ("parent_score", "score", "better", "says"),
    [
        (0.5, 0.6, True, "(80 nuclei) it scores 0.600, 'old' 0.500."),
        (0.5, 0.0, False, "More corrected fields usually help."),
        (0.6123, 0.6121, True, "Both do equally well there."),
        (0.0, 0.0, False, "each nucleus has a value of its own."),
    ],
)
def test_what_the_scores_say(parent_score, score, better, says):
    result = FineTuneResult("new", Path(), "old", parent_score, score, 80, 5, 60.0)
    assert result.better is better
    assert result.comparison.endswith(says)
    assert "So few nuclei tell little" not in result.comparison
    few = dataclasses.replace(result, nuclei=3)
    assert "(3 nuclei)" in few.comparison
    assert "So few nuclei tell little" in few.comparison


@pytest.mark.usefixtures("eagerly")
def test_fine_tuning_makes_a_child_and_leaves_the_parent(fields, quick_learner, tmp_path):
    epochs = []
    parent = load_model(quick_learner)
    before = weights_of(parent)
    result = fine_tune_fields(
        fields,
        parent,
        "child",
        dataclasses.replace(TINY, epochs=1),
        make_trainer,
        run_directory=tmp_path,
        callbacks=Callbacks(on_epoch=epochs.append),
    )
    assert [epoch.epoch for epoch in epochs] == [0, 1]
    part = result.verdict.part(HELD_OUT)
    assert (result.parent_score, result.score) == (part.parent, part.child)
    assert part.nuclei == result.nuclei
    assert [one.name for one in result.verdict.parts] == [HELD_OUT, CORRECTIONS]
    assert result.nuclei == load_model("child").card.training["nuclei_held_out"]
    child = load_model("child")
    assert child.card.parent == parent.card.name
    assert child.card.parent_sha256 == parent.card.weights_sha256
    assert not same(child, parent)
    assert all((a == b).all() for a, b in zip(before, weights_of(parent), strict=True))
    with pytest.raises(FileExistsError):
        fine_tune_fields(fields, parent, "child", TINY, make_trainer)


def test_stop_before_the_first_epoch_has_nothing_to_give(fields, nuclei):
    with pytest.raises(Stopped):
        fine_tune_fields(fields, nuclei, "none", TINY, make_trainer, callbacks=STOPPING)
    with pytest.raises(FileNotFoundError):
        load_model("none")


def test_fine_tuning_on_nothing(field, nuclei):
    empty = dataclasses.replace(field, labels=np.zeros_like(field.labels))
    with pytest.raises(ValueError, match="all zero"):
        fine_tune_fields([empty], nuclei, "x", TINY, make_trainer)
    with pytest.raises(ValueError, match="at least one"):
        fine_tune_fields([], nuclei, "x", TINY, make_trainer)


def test_finish_without_an_epoch(tmp_path):
    with pytest.raises(Stopped):
        Run(tmp_path).finish()


def test_budgets_take_as_long_as_they_say():
    chosen = [fine_tune_parameters(budget) for budget in BUDGETS]
    assert [one.minutes for one in chosen][:3] == [1, 2, 10]
    assert [one.epochs for one in chosen] == sorted(one.epochs for one in chosen)
    assert fine_tune_parameters("0.5").minutes == 0.5
    for bad in ("slow", 0, -1):
        with pytest.raises(ValueError, match=r"minutes"):
            fine_tune_parameters(bad)


def rows(*scores):
    return [Epoch(number, 9, 1.0, score, 0.0) for number, score in enumerate(scores)]


def test_best_epoch_is_the_last_with_the_highest_score_after_the_start():
    assert best_of(rows(0.9, 0.4, 0.6, 0.6, 0.5)).epoch == 3


def test_checkpoint_is_whole_or_the_one_before(tmp_path):
    def write(path):
        path.write_text("weights")

    def fail(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    history = rows(0, 2, 1)
    assert latest_checkpoint(tmp_path) is None
    write_checkpoint(tmp_path, history[:2], history[1], {"a": write})
    with pytest.raises(OSError, match="space"):
        write_checkpoint(tmp_path, history, history[1], {"a": write, "b": fail})
    checkpoint = latest_checkpoint(tmp_path)
    assert checkpoint.history[-1].epoch == 1
    assert (checkpoint.folder / "a").read_text() == "weights"
    assert len(list(tmp_path.iterdir())) == 1
    write_checkpoint(tmp_path, history, history[1], {"a": write})
    assert latest_checkpoint(tmp_path).history == history
    assert latest_checkpoint(tmp_path).kept == history[1]
    assert len(list(tmp_path.iterdir())) == 1
