"""Damaged plans of runs and files of training sets: an error that says which."""

import contextlib
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_nucseg.image.field import Field
from napari_nucseg.training.field_folder import read_field
from napari_nucseg.training.plan import ModelInfo, RunPlan
from napari_nucseg.training.training_set import TrainingSet

from .damage import damaged, often

LABELS = np.zeros((24, 32), np.int32)
LABELS[4:12, 5:15] = 3


@pytest.fixture(scope="module")
def training_set(tmp_path_factory):
    made = TrainingSet(tmp_path_factory.mktemp("sets") / "one")
    made.add(Field((LABELS * 50).astype(np.uint8), name="one", labels=LABELS))
    return made


@often(60)
@given(data=st.data())
def test_files_of_a_field(training_set, tmp_path, data):
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(training_set.folder / training_set.entries()[0].key, copy)
    path = data.draw(st.sampled_from(sorted(copy.iterdir())))
    path.write_bytes(data.draw(damaged([path.read_bytes()])))
    # The set names the field.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        read_field(copy)


PLAN = RunPlan(
    info=ModelInfo("one"),
    output=None,
    parent="nuclei",
    parent_sha256="0" * 64,
    architecture={"kind": "unet"},
    encoder_weights=None,
    parameters={"epochs": 3},
    fields=[["one", "0" * 64]],
    sampling_weights=[1.0],
    validation=["one"],
    counts={"nuclei": 1},
    began=0.0,
)


@often(60)
@given(data=st.data())
def test_plans(data):
    whole = PLAN.to_json()
    if data.draw(st.booleans()):
        told = json.loads(whole)
        told[data.draw(st.sampled_from(sorted(told)))] = data.draw(
            st.none()
            | st.integers()
            | st.text(max_size=5)
            | st.lists(st.integers(), max_size=2)
        )
        text = json.dumps(told)
    else:
        text = data.draw(damaged([whole.encode()])).decode("utf-8", errors="replace")
    with contextlib.suppress(ValueError):  # the run that reads it names it
        RunPlan.from_json(text)
