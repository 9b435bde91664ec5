"""The table of all sets that are only scored: families, intervals, the simple method."""

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_nucseg.image import simulate_field
from napari_nucseg.measure.metrics import match_counts, summarize

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TABLES = {
    "dsb2018_other": [
        {"file": "a.tif", "family": "violet", "part": "heldout"},
        {"file": "b.tif", "family": "white", "part": "train"},
    ],
    "kromp2020": [
        {"file": f"{name}.tif", "preparation": kind, "magnification": zoom, "part": part}
        for name, kind, zoom, part in (
            ("c", "tissue section", "20x", "heldout"),
            ("d", "tissue section", "63x", "heldout"),
            ("e", "cellline cytospin", "20x", "heldout"),
            ("f", "tissue section", "20x", "train"),
        )
    ],
    "tnbc2018": [
        {"file": "g.tif", "slide": "slide_09", "part": "heldout"},
        {"file": "h.tif", "slide": "slide_01", "part": "train"},
    ],
}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let the scripts import each other, as they do when they are run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def data(tmp_path):
    """A tiny folder of all datasets."""
    _write(tmp_path / "dsb2018_fluo" / "test", "z.tif")
    for name, rows in TABLES.items():
        for row in rows:
            _write(tmp_path / name, row["file"])
        with open(tmp_path / name / "split.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return tmp_path


def _write(folder, name):
    field = simulate_field((96, 96), seed=1)
    for kind, array in (("images", field.image), ("masks", field.labels.astype(np.uint16))):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / kind / name, array)


@pytest.fixture
def counts():
    """Counts of six images, in which more and more nuclei are missed."""
    found = []
    for seed in range(6):
        true = simulate_field((128, 128), diameter=16, seed=seed).known_labels
        found.append(match_counts(np.where(true > 2 * seed, true, 0), true))
    return found


def test_only_what_is_held_out_is_scored_by_family(data, monkeypatch):
    import _scored

    monkeypatch.setattr(_scored, "test_fields", lambda: iter(()))
    rows = {one.field.name: one.rows for one in _scored.scored_fields(data)}
    assert set(rows) == set("zacdeg")
    assert rows["z"] == ("dsb2018_fluo/test",)
    assert rows["a"] == ("dsb2018_other heldout", "dsb2018_other heldout: violet")
    sections = "kromp2020 heldout: tissue section at 20x"
    assert [sections in rows[name] for name in "cde"] == [True, False, False]
    assert "kromp2020 heldout: 20x" in rows["e"]
    assert rows["g"] == ("tnbc2018 heldout", "tnbc2018 heldout: slide_09")


def test_a_folder_without_datasets_is_an_error(tmp_path):
    import _scored

    with pytest.raises(FileNotFoundError, match="kromp2020"):
        list(_scored.scored_fields(tmp_path))


def test_intervals_hold_the_scores_of_the_whole_set(counts):
    from _intervals import intervals

    found, scores = intervals(counts), summarize(counts)
    assert found["ap50_per_image"].value == scores.ap_per_image[0.5]
    assert found["ap50_pooled"].value == scores.ap_pooled[0.5]
    assert found["mean_ap_per_image"].value == pytest.approx(scores.mean_ap)
    for one in found.values():
        assert one.low < one.value < one.high
    assert intervals(counts) == found


def test_the_interval_of_alike_images_is_a_point(counts):
    from _intervals import intervals

    one = intervals(counts[3:4] * 5)["ap50_per_image"]
    assert one.low == one.value == one.high


def test_published_scores_stand_below_the_set_they_belong_to():
    import _all_sets

    published = list(_all_sets._published(50, 2460))
    stardist = next(row for row in published if row["method"] == "published: StarDist")
    assert stardist["ap50_pooled"] == 0.864
    assert stardist["mean_ap_pooled"] == pytest.approx(0.598, abs=1e-3)
    assert stardist["ap50_per_image"] == ""
    assert len(list(_all_sets._table(published))) == len(published) + 1


def test_the_simple_method_finds_dark_nuclei_in_color():
    from _peer import otsu

    true = simulate_field((128, 128), diameter=20, touching=0, seed=2).known_labels
    bright = np.where(true > 0, 200, 20).astype(np.uint8)
    stained = np.full((*true.shape, 3), 240, np.uint8)
    stained[true > 0] = 90, 70, 160
    for image in (bright, stained):
        assert summarize([match_counts(otsu("")(image), true)]).ap_pooled[0.5] > 0.9
