"""The reference set that ships with the package."""

from pathlib import Path

import numpy as np

import napari_nucseg
from napari_nucseg.training.reference import reference_set

FOLDER = Path(napari_nucseg.__file__).parent / "training" / "reference_set"


def kinds_of(fields):
    return {field.name.rsplit("_", 1)[0] for field in fields}


def test_nearly_every_kind_is_rehearsed_and_measured_and_no_image_for_both():
    found = reference_set()
    assert len(kinds_of(found.rehearsal)) == 9
    assert len(kinds_of(found.measure)) >= 8
    names = [field.name for field in [*found.rehearsal, *found.measure]]
    assert len(set(names)) == len(names) == 64
    assert {field.is_color for field in found.measure} == {True, False}
    for field in found.rehearsal:
        assert field.shape == (256, 256)
        assert len(np.unique(field.labels)) > 5


def test_images_like_those_of_a_benchmark_can_be_left_out():
    found = reference_set(["kromp2020", "tnbc2018"])
    assert {field.name.split("_")[0] for field in found.rehearsal} == {"dsb2018"}
    assert len(found.measure) < len(reference_set().measure)


def test_it_is_small_and_names_its_licences():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 4e6
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for kind in kinds_of(reference_set().rehearsal):
        assert f"{kind.split('_')[0]}_" in text
    assert "CC-BY-4.0" in text
    assert "CC0-1.0" in text
