"""Copy as Python, copy as command: the code makes the same model from the same data."""

import dataclasses
import shlex
import shutil

import h5py
import numpy as np
import pytest

from napari_nucseg import fine_tune
from napari_nucseg.cli import main
from napari_nucseg.registry import Card, load_model, models_directory, rename_model
from napari_nucseg.training import Recipe, create_set

# Without the reference images, which take most of the time of a short training.
TINY = {
    "epochs": 1,
    "steps_per_epoch": 2,
    "batch_size": 1,
    "patch_size": 64,
    "rehearsal": 0.0,
}


@pytest.fixture
def parent(quick_learner):
    shutil.copytree(quick_learner, models_directory() / quick_learner.name)
    return quick_learner.name


@pytest.fixture
def mine(parent, simulated, eagerly):
    """The card of a model that was fine-tuned on a training set with an odd name."""
    training_set = create_set("it is mine")
    training_set.add(simulated)
    result = fine_tune(training_set, "mine", parent, **TINY, seed=3, keep_last=True)
    return load_model(result.name).card


def weights_of(name):
    values = {}

    def note(path, item):
        if isinstance(item, h5py.Dataset):
            values[path] = item[()]

    with h5py.File(load_model(name).folder / "model.weights.h5") as file:
        file.visititems(note)
    return values


def same_weights(one, two):
    one, two = weights_of(one), weights_of(two)
    assert one.keys() == two.keys()
    return all(np.allclose(one[path], two[path], atol=1e-5) for path in one)


def test_program_and_command_make_the_same_model_again(mine, parent):
    python = Recipe.of_card(mine, "by program").as_python()
    assert "nuclei in" in python.splitlines()[0]
    exec(compile(python, "recipe", "exec"), {})
    command = shlex.split(Recipe.of_card(mine, "by command").as_command())
    assert command[0] == "nucseg"
    assert main(command[1:]) == 0
    for name in ("by program", "by command"):
        card = load_model(name).card
        assert card.training == mine.training
        assert card.scores == mine.scores
        assert card.parent_sha256 == mine.parent_sha256
        assert same_weights(name, "mine")
    assert not same_weights("mine", parent)
    # The parent is named as it is called now.
    rename_model(parent, "its new name")
    assert Recipe.of_card(mine, "x").parent == "its new name"


def test_names_cannot_do_anything_in_the_code():
    evil = "x'; import os\n$(rm -rf ~) `ls` \\"
    values = {"epochs": 3, "keep_last": True, "channel": None, "unknown": 3}
    training = {"data": evil, "parameters": values, "fields": evil, "nuclei": 2}
    card = Card("a", parent=evil, training=training)
    recipe = Recipe.of_card(card, "b")
    words = shlex.split(recipe.as_command())
    assert words[2:] == [
        evil,
        "--model",
        evil,
        "--name",
        "b",
        "--epochs",
        "3",
        "--keep-last",
    ]
    made = []
    code = recipe.as_python().replace("from napari_nucseg import fine_tune", "")
    code = code.replace("print(result.comparison)", "")
    exec(code, {"fine_tune": lambda *given, **named: made.append((given, named))})
    assert made == [((evil, "b"), {"model": evil, "epochs": 3, "keep_last": True})]


def test_model_without_what_it_takes_has_no_recipe():
    with pytest.raises(ValueError, match="was not fine-tuned"):
        Recipe.of_card(Card("a", training={"parameters": {}, "data": "x"}), "x")
    card = Card("a", parent="nuclei", training={"parameters": {}})
    with pytest.raises(ValueError, match="does not say on which training set"):
        Recipe.of_card(card, "x")
    odd = dataclasses.replace(card, training={"parameters": {}, "data": 3})
    with pytest.raises(ValueError, match="does not say"):
        Recipe.of_card(odd, "x")
