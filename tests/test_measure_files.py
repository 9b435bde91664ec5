"""Tables and summaries as files, and the command that makes them."""

import csv

import numpy as np
import pyarrow.parquet
import pytest
import tifffile

from napari_nucseg import Field, measure_nuclei
from napari_nucseg.cli import main
from napari_nucseg.image.files import write_labels
from napari_nucseg.measure import measure_image
from napari_nucseg.measure.table_file import join_tables, write_table


@pytest.fixture
def folder(tmp_path, two_nuclei):
    """Labels, images and a probability map of two fields."""
    image = (50 + 100 * (two_nuclei > 0)).astype(np.uint8)
    field = Field(image, pixel_size=(0.5, 0.5), unit="micrometer")
    (tmp_path / "images").mkdir()
    for name, labels in (("a", two_nuclei), ("b", two_nuclei * (two_nuclei == 2))):
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", image)
        write_labels(tmp_path / "labels" / f"{name}_labels.tif", labels, field)
    certain = np.full(two_nuclei.shape, 255, np.uint8)
    tifffile.imwrite(tmp_path / "labels" / "a_probability.tif", certain)
    return tmp_path


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def nucseg(*arguments):
    return main([str(argument) for argument in arguments])


def test_folder_makes_one_table_and_a_summary(folder, capsys):
    output = folder / "out" / "table.csv"
    options = ["--image", folder / "images", "--output", output]
    assert nucseg("measure", folder / "labels", *options) == 0
    rows = rows_of(output)
    assert [(row["file"], row["label"]) for row in rows] == [
        ("a_labels.tif", "1"),
        ("a_labels.tif", "2"),
        ("b_labels.tif", "2"),
    ]
    assert [row["mean_intensity"] for row in rows] == ["150"] * 3
    assert [row["mean_probability"] for row in rows] == ["1", "1", ""]
    expected = measure_nuclei(folder / "labels" / "a_labels.tif")
    for name in ("area_um2", "perimeter", "circularity", "orientation"):
        found = [float(row[name]) for row in rows[:2]]
        assert found == pytest.approx(expected[name], rel=1e-9)
    first, second = rows_of(folder / "out" / "table_summary.csv")
    assert (first["file"], first["nuclei"], second["nuclei"]) == ("a_labels.tif", "2", "1")
    assert float(first["coverage"]) == pytest.approx(72 / 192)
    assert float(first["density"]) == pytest.approx(2e6 / 192)
    assert float(first["density_per_mm2"]) == pytest.approx(2 / 48 * 1e6)
    assert float(first["median_area_um2"]) == pytest.approx(9)
    text, messages = capsys.readouterr()
    assert "a_labels.tif: 2 nuclei" in text
    assert messages == ""


def test_one_file_with_ring_and_names(folder):
    output = folder / "table.csv"
    status = nucseg(
        "measure",
        folder / "labels" / "a_labels.tif",
        f"--image={folder / 'images' / 'a.tif'}",
        f"--output={output}",
        "--ring-width=0.5",
        "--channel-names=DAPI",
        "--pixel-size=0.25",
    )
    assert status == 0
    row = rows_of(output)[0]
    assert (row["ring_mean_DAPI"], row["corrected_mean_DAPI"]) == ("50", "100")
    assert row["area_um2"] == "2.25"


def test_bad_file_is_named_and_the_rest_go_on(folder, capsys):
    (folder / "labels" / "c_labels.tif").write_bytes(b"II*\0 no more")
    output = folder / "table.csv"
    assert nucseg("measure", folder / "labels", "--output", output) == 1
    assert {row["file"] for row in rows_of(output)} == {"a_labels.tif", "b_labels.tif"}
    messages = capsys.readouterr().err
    assert "c_labels.tif" in messages
    assert "Failed: 1 of 3." in messages


def test_nothing_is_written_if_nothing_could_be_measured(tmp_path, capsys):
    (tmp_path / "a_labels.tif").write_bytes(b"no image")
    assert nucseg("measure", tmp_path, "--output", tmp_path / "table.csv") == 1
    assert not (tmp_path / "table.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["labels", "--output", "table.xlsx"], "one of the suffixes .csv, .parquet"),
        (["labels", "--image", "images/a.tif", "--output", "t.csv"], "a folder with an image"),
        (["images", "--image", "labels", "--output", "t.csv"], "Expected images"),
        (["empty", "--output", "t.csv"], "Expected label images"),
        (["labels", "--image", "few", "--output", "t.csv"], "none for 1: b_labels.tif"),
    ],
)
def test_wrong_use_is_told(folder, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    (folder / "few").mkdir()
    tifffile.imwrite(folder / "few" / "a.tif", np.zeros((12, 16), np.uint8))
    assert nucseg("measure", *arguments) == 1
    assert says in capsys.readouterr().err


def test_image_without_nuclei_has_a_summary():
    summary = measure_image(np.zeros((10, 20), int)).summary
    assert (summary["nuclei"], summary["coverage"], summary["width"]) == (0, 0, 20)
    assert np.isnan(summary["median_area"])


def test_summary_of_a_stack():
    labels = np.zeros((4, 10, 10), int)
    labels[1:3, 2:7, 2:7] = 1
    summary = measure_image(labels, pixel_size=(2, 1, 1)).summary
    assert (summary["depth"], summary["coverage"]) == (4, 50 / 400)
    assert summary["density_per_mm3"] == pytest.approx(1e9 / 800)
    assert summary["median_volume_um3"] == 100


def test_tables_with_other_columns_are_joined():
    one = {"label": np.array([1, 2]), "state": np.array(["ok", ""])}
    two = {"label": np.array([7]), "area": np.array([3.5])}
    joined = join_tables({"one": one, "two": two})
    assert joined["file"].tolist() == ["one", "one", "two"]
    assert joined["state"].tolist() == ["ok", "", ""]
    np.testing.assert_array_equal(joined["area"], [np.nan, np.nan, 3.5])
    assert join_tables({}) == {"file": pytest.approx([])}


def test_parquet_keeps_numbers_and_kinds(tmp_path, two_nuclei):
    table = join_tables({"a": measure_nuclei(two_nuclei, two_nuclei)})
    write_table(tmp_path / "table.parquet", table)
    read = pyarrow.parquet.read_table(tmp_path / "table.parquet").to_pydict()
    assert read == {name: values.tolist() for name, values in table.items()}


def test_labels_are_found_among_their_images(folder):
    for path in (folder / "images").iterdir():
        path.rename(folder / "labels" / path.name)
    output = folder / "table.csv"
    options = ["--image", folder / "labels", "--output", output]
    assert nucseg("measure", folder / "labels", *options) == 0
    assert [row["file"] for row in rows_of(output)] == ["a_labels.tif"] * 2 + ["b_labels.tif"]
