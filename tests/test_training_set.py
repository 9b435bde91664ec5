import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_nucseg.corrections import State
from napari_nucseg.image import Field
from napari_nucseg.training import training_set as training_set_module
from napari_nucseg.training.entry import identity_of
from napari_nucseg.training.set_folder import is_training_set
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


@pytest.mark.parametrize(
    "dtype", [bool, np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.float32, np.float64]
)
@pytest.mark.parametrize("samples", [3, 4])
def test_colors_of_every_dtype(training_set, two_nuclei, dtype, samples):
    image = np.stack([two_nuclei % 2] * samples, axis=-1).astype(dtype)
    image[0, 0] = range(samples)
    training_set.add(Field(image, "YXS", labels=two_nuclei))
    (field,) = training_set.fields()
    assert field.is_color
    assert (np.asarray(field.image) == image).all()


def test_color_image_is_one_page_for_other_programs(training_set, two_nuclei):
    image = np.stack([two_nuclei] * 3, axis=-1).astype(np.uint8)
    entry = training_set.add(Field(image, "YXS", labels=two_nuclei))
    with tifffile.TiffFile(training_set.folder / entry.key / "image.tif") as file:
        assert len(file.pages) == 1
        assert file.pages[0].photometric.name == "RGB"


def test_reviewed_area_comes_back(training_set, field):
    seen = np.zeros(field.shape, bool)
    seen[:, :8] = True
    entry = training_set.add(dataclasses.replace(field, reviewed=seen))
    assert (entry.nuclei, entry.reviewed) == (1, 0.5)
    (again,) = training_set.fields()
    assert (again.reviewed == seen).all()
    assert (again.labels == field.labels).all()
    assert training_set.entries() == [entry]


def test_review_states_come_back(training_set, field):
    states = {1: State.ACCEPTED, 2: State.EDITED, 99: State.EDITED}
    entry = training_set.add(field, states=states)
    # 99 is gone.
    assert training_set.states(entry.key) == {1: 1, 2: 2}
    again = training_set.add(dataclasses.replace(field, labels=field.labels * 3))
    assert training_set.states(again.key) == {}
    with pytest.raises(KeyError):
        training_set.states("../x")


def test_folder_says_what_is_in_it(training_set, field):
    odd = "embryo 1/3: [DAPI] µ*"
    entry = training_set.add(dataclasses.replace(field, name=odd), {"model": "nuclei"})
    folder = training_set.folder / entry.key
    assert entry.key.startswith("embryo 1_3_ _DAPI_ µ_ 2")
    assert sorted(path.name for path in folder.iterdir()) == [
        "field.json",
        "image.tif",
        "labels.tif",
        "thumbnail.png",
    ]
    about = json.loads((folder / "field.json").read_text(encoding="utf-8"))
    assert about["name"] == odd
    assert about["source"] == {"model": "nuclei"}
    assert "nucseg fine-tune" in (training_set.folder / "README.txt").read_text()
    assert is_training_set(training_set.folder)
    assert not is_training_set(folder)


def test_set_of_an_earlier_version_is_read_corrected_and_restored(training_set, field):
    """Its folders are called by checksum and time, and have no thumbnail."""
    image = np.asarray(field.image)
    identity = identity_of(field.name, image)
    key = f"{identity}-{1_700_000_000_000_000_000:020d}-0a1b2c"
    folder = training_set.folder / key
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "image.tif", image, photometric="minisblack", metadata=None)
    tifffile.imwrite(
        folder / "labels.tif", field.labels, photometric="minisblack", metadata=None
    )
    about = {
        "name": field.name,
        "axes": "YX",
        "color": False,
        "image_shape": image.shape,
        "pixel_size": None,
        "unit": "pixel",
        "nuclei": 2,
        "shape": field.shape,
        "added": "2023-11-14T22:13:20+00:00",
        "source": {"model": "nuclei"},
    }
    (folder / "field.json").write_text(json.dumps(about))
    assert is_training_set(training_set.folder)
    (old,) = training_set.entries()
    assert (old.identity, old.time, old.reviewed) == (identity, 1.7e9, 1.0)
    assert training_set.version_of(field) == old
    (again,) = training_set.fields()
    assert (again.labels == field.labels).all()
    assert training_set.thumbnail(key).stat().st_size > 0
    new = training_set.add(field)
    assert training_set.entries() == [new]
    assert training_set.older() == [old]
    assert training_set.restore(key) == old
    assert training_set.entries() == [old]


@pytest.mark.parametrize("axes", ["YX", "CYX", "YXC", "YXS"])
def test_thumbnail_shows_the_image_and_the_outlines(training_set, axes):
    labels = np.zeros((300, 500), np.int32)
    labels[100:200, 100:200] = 1
    shape = tuple({"Y": 300, "X": 500}.get(axis, 3) for axis in axes)
    image = np.full(shape, 10, np.uint8)
    image[..., 100:200, 100:200] = 200
    entry = training_set.add(Field(image, axes, labels=labels))
    path = training_set.thumbnail(entry.key)
    with PIL.Image.open(path) as file:
        picture = np.asarray(file)
    assert picture.shape == (77, 128, 3)
    yellow = (picture == (255, 214, 0)).all(axis=-1)
    assert 60 < yellow.sum() < 140
    before = path.read_bytes()
    path.unlink()
    assert training_set.thumbnail(entry.key).read_bytes() == before


def test_thumbnail_of_an_image_without_contrast_or_numbers(training_set, field):
    image = np.full(field.shape, np.nan, np.float32)
    image[0] = np.inf
    entry = training_set.add(Field(image, "YX", labels=field.labels))
    with PIL.Image.open(training_set.thumbnail(entry.key)) as picture:
        assert picture.size == (16, 12)


def test_two_processes_that_add_the_same_field_leave_one_version(training_set, field):
    """They add and remove at once; nothing is lost, damaged or there twice."""
    script = """
        import sys, numpy as np
        from napari_nucseg.image import Field
        from napari_nucseg.training import TrainingSet
        labels = np.zeros((12, 16), int)
        labels[3:9, 2:8] = 1
        training_set = TrainingSet(sys.argv[1])
        for number in range(12):
            training_set.add(Field(labels, "YX", "same", labels=labels))
            training_set.add(Field(labels, "YX", f"{sys.argv[2]} {number}", labels=labels))
            training_set.fields()
    """
    training_set.add(field)
    command = [sys.executable, "-c", textwrap.dedent(script), str(training_set.folder)]
    with (
        subprocess.Popen([*command, "one"], stderr=subprocess.PIPE) as one,
        subprocess.Popen([*command, "two"], stderr=subprocess.PIPE) as two,
    ):
        said = [process.communicate()[1].decode() for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), said
    names = sorted(entry.name for entry in training_set.entries())
    wanted = [f"{who} {number}" for who in ("one", "two") for number in range(12)]
    assert names == sorted([*wanted, "same", field.name])
    assert len(list(training_set.folder.glob("[!.]*/field.json"))) == 26
    assert len(training_set.older()) == 23


ADD_FOR_EVER = """
import sys
from napari_nucseg.training import TrainingSet

training_set = TrainingSet(sys.argv[1])
fields = training_set.fields()
print("begins", flush=True)
while True:
    for field in fields:
        training_set.add(field)
        training_set.restore(training_set.older()[-1].key)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_set_is_whole_after_its_program_was_killed(training_set, field):
    """See benchmarks/kills.py for the same with a window that retrains."""
    for name in ("one", "two"):
        training_set.add(dataclasses.replace(field, name=name))
    command = [sys.executable, "-c", ADD_FOR_EVER, str(training_set.folder)]
    for wait in (0.05, 0.13):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout.readline() == b"begins\n"
                time.sleep(wait)
            finally:
                process.kill()
        fields = training_set.fields()
        assert sorted(one.name for one in fields) == ["one", "two"]
        assert all((one.labels == field.labels).all() for one in fields)
        for entry in training_set.entries():  # no lock is left that nobody holds
            training_set.restore(training_set.remove(entry.key).key)


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
    read = training_set_module.read_field
    added = []

    def interrupted(folder):
        if not added:
            added.append(training_set.add(again))
        return read(folder)

    monkeypatch.setattr(training_set_module, "read_field", interrupted)
    fields = training_set.fields()
    assert [one.name for one in fields] == ["other", field.name]
    assert (fields[1].labels == again.labels).all()


def test_field_corrected_again_while_the_set_is_listed(training_set, field, monkeypatch):
    training_set.add(field)
    again = dataclasses.replace(field, labels=field.labels * 2)
    read = training_set_module.read_entry
    added = []

    def interrupted(folder):
        if not added:
            added.append(folder)
            training_set.add(again)
        return read(folder)

    monkeypatch.setattr(training_set_module, "read_entry", interrupted)
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
