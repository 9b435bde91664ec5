"""Damaged cards and archives of models: an error that names them, and nothing is imported."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_nucseg.registry import export_model, import_model, load_model
from napari_nucseg.registry.store import list_models
from napari_nucseg.support.paths import HOME_VARIABLE

from .damage import clean, damaged, often


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with weights that nobody reads here."""
    from napari_nucseg.registry import Card, save_model

    made = tmp_path_factory.mktemp("models") / "tiny"
    card = Card("tiny", architecture={"kind": "unet"})
    return save_model(card, lambda path: path.write_bytes(bytes(500)), made).folder


@pytest.fixture(scope="module")
def archive(folder, tmp_path_factory):
    return export_model(folder, tmp_path_factory.mktemp("zips")).read_bytes()


@often(60)
@given(data=st.data())
def test_cards(folder, tmp_path, data):
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    card = copy / "model.json"
    told = json.loads(card.read_text(encoding="utf-8"))
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(told)))
        told[name] = data.draw(
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.text(max_size=3), inner, max_size=2)
                ),
                max_leaves=5,
            )
        )
        card.write_text(json.dumps(told), encoding="utf-8")
    else:
        card.write_bytes(data.draw(damaged([card.read_bytes()])))
    with clean(copy):
        load_model(copy)


@often(60)
@given(data=st.data())
def test_archives(archive, tmp_path, data):
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
