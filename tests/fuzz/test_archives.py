"""Damaged archives of models and training sets: errors name them, and nothing is imported."""

import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_nucseg.image.field import Field
from napari_nucseg.registry import (
    Card,
    export_model,
    import_model,
    list_models,
    save_model,
)
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.set_archive import export_set, import_set
from napari_nucseg.training.training_set import TrainingSet

from .damage import clean, damaged, often

LABELS = np.zeros((24, 32), np.int32)
LABELS[4:12, 5:15] = 3


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A model with weights that nobody reads here."""
    made = tmp_path_factory.mktemp("models") / "tiny"
    card = Card("tiny", architecture={"kind": "unet"})
    folder = save_model(card, lambda path: h5py.File(path, "w").close(), made).folder
    return export_model(folder, tmp_path_factory.mktemp("zips")).read_bytes()


@pytest.fixture(scope="module")
def set_archive(tmp_path_factory):
    made = TrainingSet(tmp_path_factory.mktemp("sets") / "one")
    made.add(Field((LABELS * 50).astype(np.uint8), name="one", labels=LABELS))
    return export_set(made, tmp_path_factory.mktemp("zips")).read_bytes()


@often(60)
@given(data=st.data())
def test_archives_of_models(archive, tmp_path, data):
    path = tmp_path / "model.zip"
    path.write_bytes(data.draw(damaged([archive])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        before = {model.card.name for model in list_models()}
        done = False
        with clean(path):
            import_model(path)
            done = True
        after = {model.card.name for model in list_models()}
        assert done or after == before
        assert not [*(tmp_path / "home").rglob(".new-*")]


@often(30)
@given(data=st.data())
def test_archives_of_training_sets(set_archive, home, tmp_path, data):
    path = tmp_path / "set.zip"
    path.write_bytes(data.draw(damaged([set_archive])))
    with clean(path):
        shutil.rmtree(import_set(path).folder)
    assert not [*home.rglob(".new-*")]
