"""The tool that sorts the datasets into groups to train on."""

import csv
import dataclasses

import numpy as np
import pytest
import tifffile

from napari_nucseg.image import read_fields

TABLES = {
    "dsb2018_other": [
        {"file": "violet_1.tif", "family": "violet", "part": "train"},
        {"file": "violet_2.tif", "family": "violet", "part": "heldout"},
        {"file": "pale_1.tif", "family": "brightfield", "part": "train"},
    ],
    "kromp2020": [
        {"file": f"kromp_{name}.tif", "preparation": preparation, "part": part}
        for name, preparation, part in (
            ("Ganglioneuroblastoma_2", "tissue section", "train"),
            ("Ganglioneuroblastoma_3", "tissue section", "train"),
            ("Ganglioneuroblastoma_4", "tissue section", "heldout"),
            ("Neuroblastoma_0", "Tumor touch imprint", "train"),
            ("Neuroblastoma_1", "BM cytospin", "train"),
            ("normal_26", "cellline cytospin", "heldout"),
        )
    ],
    "tnbc2018": [
        {"file": f"tnbc_{slide}_1.tif", "slide": f"slide_{slide}", "part": part}
        for slide, part in (
            ("06", "train"),
            ("07", "train"),
            ("08", "train"),
            ("09", "heldout"),
        )
    ],
}


def write_pair(folder, name, seed):
    labels = np.zeros((16, 16), np.uint16)
    labels[2:8, 2:8], labels[10:14, 10:14] = 1, 2
    noise = np.random.default_rng(seed).integers(0, 40, labels.shape)
    image = (100 * (labels > 0) + noise).astype(np.uint8)
    for kind, array in (("images", image), ("masks", labels)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / kind / name, array)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A tiny folder of all datasets."""
    folder = tmp_path_factory.mktemp("datasets")
    for number in range(10):
        write_pair(folder / "dsb2018_fluo" / "train", f"grey_{number}.tif", number)
    write_pair(folder / "dsb2018_fluo" / "test", "test_1.tif", 50)
    for name, rows in TABLES.items():
        for number, row in enumerate(rows):
            write_pair(folder / name, row["file"], 100 + number)
        with open(folder / name / "split.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture
def tool(load_tool, monkeypatch):
    """The tool with few and small simulated fields, and a note of those it draws."""
    module = load_tool("prepare_data")
    monkeypatch.setattr(module, "_SHAPE", (96, 96))
    module.drawn = []

    def noting(simulation):
        def draw(seed):
            module.drawn.append((simulation.group, seed))
            return simulation.draw(seed)

        return dataclasses.replace(simulation, seeds=simulation.seeds[:3], draw=draw)

    monkeypatch.setattr(module, "SIMULATIONS", tuple(map(noting, module.SIMULATIONS)))
    return module


def files_in(folder):
    return {path.name for path in (folder / "images").iterdir()}


def test_every_group_has_the_images_that_may_be_trained_on(tool, dataset, tmp_path):
    counts = tool.prepare(dataset, tmp_path)
    assert files_in(tmp_path / "kromp_sections") == {"kromp_Ganglioneuroblastoma_2.tif"}
    assert files_in(tmp_path / "kromp_cells") == {"kromp_Neuroblastoma_1.tif"}
    assert files_in(tmp_path / "tnbc") == {"tnbc_06_1.tif"}
    assert files_in(tmp_path / "stained") == {"violet_1.tif"}
    assert counts["grey"] == 9
    assert counts["validation/grey"] == 1
    for group in tool.TRAINED:
        assert len(read_fields([tmp_path / group])) == counts[group]


def test_validation_takes_whole_slides_and_preparations(tool, dataset, tmp_path):
    tool.prepare(dataset, tmp_path)
    validation = tmp_path / "validation"
    assert files_in(validation / "kromp_sections") == {"kromp_Ganglioneuroblastoma_3.tif"}
    assert files_in(validation / "kromp_cells") == {"kromp_Neuroblastoma_0.tif"}
    assert files_in(validation / "tnbc") == {"tnbc_07_1.tif", "tnbc_08_1.tif"}


def test_nothing_that_is_only_scored_is_trained_on(tool, dataset, tmp_path):
    tool.prepare(dataset, tmp_path)
    scored = {row["file"] for rows in TABLES.values() for row in rows if row["part"] != "train"}
    scored.add("test_1.tif")
    for group in tool.TRAINED:
        for place in (tmp_path / group, tmp_path / "validation" / group):
            assert not files_in(place) & scored
    assert files_in(tmp_path / "test") == {"test_1.tif"}
    assert files_in(tmp_path / "heldout") == {"violet_2.tif"}


def test_a_second_call_draws_nothing_anew_and_gives_the_same(tool, dataset, tmp_path):
    counts = tool.prepare(dataset, tmp_path)
    files = {group: files_in(tmp_path / group) for group in tool.TRAINED}
    assert len(tool.drawn) == 9
    assert tool.prepare(dataset, tmp_path) == counts
    assert {group: files_in(tmp_path / group) for group in tool.TRAINED} == files
    assert len(tool.drawn) == 9


def test_an_interrupted_call_goes_on_where_it_stopped(tool, dataset, tmp_path):
    tool.prepare(dataset, tmp_path)
    first, *_ = tmp_path.glob("drawn-*/simulated_stained/images/*.tif")
    before = tifffile.imread(first)
    first.unlink()
    tool.drawn.clear()
    tool.prepare(dataset, tmp_path)
    assert len(tool.drawn) == 1
    assert np.array_equal(tifffile.imread(first), before)


def test_a_changed_simulator_draws_all_anew(tool, dataset, tmp_path, monkeypatch):
    tool.prepare(dataset, tmp_path)
    monkeypatch.setattr(tool, "_fingerprint", lambda: "another")
    tool.prepare(dataset, tmp_path)
    assert len(tool.drawn) == 18
    assert [path.name for path in tmp_path.glob("drawn-*")] == ["drawn-another"]


def test_tissue_is_drawn_in_all_its_kinds_and_stains(tool):
    tissue = [simulation for simulation in tool.SIMULATIONS if simulation.group != "simulated"]
    fluorescent, stained = ([s.draw(seed) for seed in s.seeds] for s in tissue)
    assert not any(field.is_color for field in fluorescent)
    assert all(field.is_color for field in stained)
    assert all(field.nuclei > 0 for field in fluorescent + stained)


def test_seeds_of_simulated_fields_differ(load_tool):
    seeds = [seed for s in load_tool("prepare_data").SIMULATIONS for seed in s.seeds]
    assert len(seeds) == len(set(seeds)) == 310


def test_a_missing_file_is_named_before_anything_is_made(tool, dataset, tmp_path):
    copy = tmp_path / "datasets"
    copy.mkdir()
    for one in dataset.iterdir():
        (copy / one.name).symlink_to(one)
    (copy / "tnbc2018").unlink()
    (copy / "tnbc2018").mkdir()
    (copy / "tnbc2018" / "split.csv").write_text(
        (dataset / "tnbc2018" / "split.csv").read_text()
    )
    with pytest.raises(FileNotFoundError, match=r"tnbc_06_1\.tif"):
        tool.prepare(copy, tmp_path / "output")
    assert not (tmp_path / "output").exists()


def test_an_unknown_part_is_an_error(tool, dataset, tmp_path):
    copy = tmp_path / "datasets"
    copy.mkdir()
    for one in dataset.iterdir():
        (copy / one.name).symlink_to(one)
    (copy / "tnbc2018").unlink()
    (copy / "tnbc2018").mkdir()
    (copy / "tnbc2018" / "split.csv").write_text("file,slide,part\na.tif,slide_01,tested\n")
    with pytest.raises(ValueError, match="Expected the part"):
        tool.prepare(copy, tmp_path / "output")
