import dataclasses
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_nucseg.image.field import Field
from napari_nucseg.training import training_set as training_set_module
from napari_nucseg.training.training_set import TrainingSet


@pytest.fixture
def training_set():
    return TrainingSet()


def test_a_field_comes_back_as_it_was(training_set, two_nuclei):
    image = np.stack([two_nuclei, two_nuclei * 3]).astype(np.float32)
    field = Field(image, "CYX", "cells", (0.5, 0.25), "micrometer", two_nuclei)
    entry = training_set.add(field, {"model": "nuclei"})
    assert (entry.name, entry.nuclei, entry.shape) == ("cells", 2, (12, 16))
    assert entry.source == {"model": "nuclei"}
    (again,) = TrainingSet(training_set.folder).fields()
    assert (again.image == image).all()
    assert (again.labels == two_nuclei).all()
    for name in ("axes", "name", "pixel_size", "unit"):
        assert getattr(again, name) == getattr(field, name)


def test_colors_that_were_saved_when_their_axis_was_that_of_channels(training_set, two_nuclei):
    image = np.stack([two_nuclei] * 3, axis=-1)
    for axes in ("YXS", "YXC"):
        training_set.add(Field(image, axes, axes, labels=two_nuclei))
    about = {entry.name: training_set.folder / entry.key for entry in training_set.entries()}
    assert [field.axes for field in training_set.fields()] == ["YXS", "YXC"]
    for folder in about.values():
        path = folder / "field.json"
        old = {k: v for k, v in json.loads(path.read_text()).items() if k != "color"}
        path.write_text(json.dumps({**old, "axes": "YXC"}))
    for field in training_set.fields():
        assert field.is_color
        assert (field.image == image).all()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64, bool]),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_every_dtype_and_shape(tmp_path, dtype, shape):
    shutil.rmtree(tmp_path / "set", ignore_errors=True)
    image = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    training_set = TrainingSet(tmp_path / "set")
    training_set.add(Field(image, "YX", labels=np.ones(shape, int)))
    (field,) = training_set.fields()
    assert field.image.shape == shape
    assert (field.image == image).all()


def test_new_corrections_of_an_image_replace_the_old(training_set, field):
    training_set.add(field)
    other = field.labels.copy()
    other[other == 2] = 0
    training_set.add(dataclasses.replace(field, labels=other))
    (entry,) = training_set.entries()
    assert entry.nuclei == 1
    training_set.add(dataclasses.replace(field, name="second"))
    assert [entry.name for entry in training_set.entries()] == ["two", "second"]


def test_remove(training_set, field):
    entry = training_set.add(field)
    training_set.remove(entry.key)
    assert len(training_set) == 0
    with pytest.raises(KeyError):
        training_set.remove(entry.key)


def test_field_without_nuclei_is_refused(training_set, field):
    for labels in (None, np.zeros_like(field.labels)):
        with pytest.raises(ValueError, match="Expected nuclei"):
            training_set.add(dataclasses.replace(field, labels=labels))
    assert len(training_set) == 0


def test_what_a_crash_leaves_half_written_is_not_seen(training_set, field):
    entry = training_set.add(field)
    aside = training_set.folder / ".new-abc"
    shutil.copytree(training_set.folder / entry.key, aside)
    (aside / "field.json").unlink()
    assert len(training_set.fields()) == 1


def test_field_corrected_again_while_the_set_is_read(training_set, field, monkeypatch):
    training_set.add(dataclasses.replace(field, name="other"))
    training_set.add(field)
    again = dataclasses.replace(field, labels=field.labels * 2)
    read = TrainingSet._read
    added = []

    def interrupted(self, entry):
        if not added:
            added.append(training_set.add(again))
        return read(self, entry)

    monkeypatch.setattr(TrainingSet, "_read", interrupted)
    fields = training_set.fields()
    assert [one.name for one in fields] == ["other", field.name]
    assert (fields[1].labels == again.labels).all()


def test_field_corrected_again_while_the_set_is_listed(training_set, field, monkeypatch):
    training_set.add(field)
    again = dataclasses.replace(field, labels=field.labels * 2)
    entry_of = training_set_module._entry_of
    added = []

    def interrupted(folder):
        if not added:
            added.append(folder)
            training_set.add(again)
        return entry_of(folder)

    monkeypatch.setattr(training_set_module, "_entry_of", interrupted)
    (read,) = training_set.fields()
    assert (read.labels == again.labels).all()


def test_damaged_entries_do_not_take_the_others_down(training_set, field):
    damaged = training_set.add(field)
    training_set.add(dataclasses.replace(field, name="whole"))
    path = training_set.folder / damaged.key / "image.tif"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.warns(UserWarning, match="damaged"):
        assert [f.name for f in training_set.fields()] == ["whole"]
    (training_set.folder / damaged.key / "field.json").write_text("{")
    with pytest.warns(UserWarning, match="damaged"):
        assert [e.name for e in training_set.entries()] == ["whole"]


@pytest.mark.parametrize(
    "content", ["null", "[]", "3", '{"name": 3}', '{"source": null}', '{"axes": 5}']
)
def test_entry_that_says_something_else_does_not_take_the_others_down(
    training_set, field, content
):
    path = training_set.folder / training_set.add(field).key / "field.json"
    training_set.add(dataclasses.replace(field, name="whole"))
    values = json.loads(content)
    told = json.loads(path.read_text()) | values if isinstance(values, dict) else values
    path.write_text(json.dumps(told))
    with pytest.warns(UserWarning, match=r"damaged and left out: Expected .*field\.json"):
        assert [e.name for e in training_set.entries()] == ["whole"]


def test_folder_that_cannot_be_written(tmp_path, field):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Nothing was written"):
        TrainingSet(tmp_path / "file").add(field)


def test_older_version_is_kept_and_can_be_restored(training_set, field):
    first = training_set.add(field)
    assert training_set.version_of(field) == first
    again = dataclasses.replace(field, labels=np.where(field.labels == 2, 0, field.labels))
    second = training_set.add(again)
    assert training_set.version_of(field) == second
    assert training_set.older() == [first]
    assert training_set.restore(first.key) == first
    assert training_set.entries() == [first]
    assert (training_set.read(first.key).labels == field.labels).all()
    assert training_set.older() == [second]


def test_removed_field_can_be_restored(training_set, field):
    entry = training_set.add(field)
    assert training_set.remove(entry.key) == entry
    assert len(training_set) == 0
    assert training_set.version_of(field) is None
    training_set.restore(entry.key)
    assert training_set.entries() == [entry]
    with pytest.raises(KeyError):
        training_set.restore(entry.key)
