"""Damaged cards of models: an error that names them."""

import json
import shutil

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_nucseg.registry import (
    Card,
    load_model,
    save_model,
)

from .damage import clean, damaged, often


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with weights that nobody reads here."""
    made = tmp_path_factory.mktemp("models") / "tiny"
    card = Card("tiny", architecture={"kind": "unet"})
    return save_model(card, lambda path: h5py.File(path, "w").close(), made).folder


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
