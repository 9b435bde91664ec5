"""Copy as Python, copy as command: the code finds the same nuclei and the same numbers."""

import csv
import shlex

import numpy as np
import pytest
import tifffile

from napari_nucseg import find_nuclei, measure_nuclei
from napari_nucseg.cli import main
from napari_nucseg.measure import MeasureRecipe

MADE = {"model": "nuclei", "parameters": {}, "weights_sha256": "abc", "software": "x"}


@pytest.fixture
def found(tmp_path, simulated, monkeypatch):
    """A file with an odd name in two channels, and the nuclei in the second."""
    monkeypatch.chdir(tmp_path)
    plane = np.asarray(simulated.image)
    path = tmp_path / "it is mine.tif"
    tifffile.imwrite(path, np.stack([plane // 2, plane]), metadata={"axes": "CYX"})
    result = find_nuclei(path, channel=1, diameter=20, minimum_size=9)
    return path, result


def run(code):
    names = {}
    exec(compile(code, "copied", "exec"), names)
    return names


def test_code_makes_the_same_numbers(found, tmp_path):
    path, result = found
    options = {"ring_width": 2.0, "pixel_size": (0.5, 0.5), "channel_names": ["a", "b"]}
    recipe = MeasureRecipe("", str(path), result.provenance, options, {"": str(path)})
    made = run(recipe.as_python())
    np.testing.assert_array_equal(made["found"].labels, result.labels)
    expected = measure_nuclei(result, path, **options)
    assert list(made["table"]) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(made["table"][name], values, err_msg=name)
    for line in recipe.as_command().splitlines():
        command = shlex.split(line)
        assert command[0] == "nucseg"
        assert main(command[1:]) == 0
    labels = tifffile.imread(tmp_path / "it is mine_labels.tif")
    np.testing.assert_array_equal(labels, result.labels)
    with open(tmp_path / "it is mine_table.csv", newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    for name, values in expected.items():
        if name not in ("mean_probability", "touches_border"):
            told = [float(row[name] or "nan") for row in rows]
            np.testing.assert_allclose(told, values, rtol=1e-9, err_msg=name)


def test_segmentation_alone(found):
    path, result = found
    code = MeasureRecipe("", str(path), result.provenance).as_python()
    assert "measure_nuclei" not in code
    np.testing.assert_array_equal(run(code)["found"].labels, result.labels)


def test_labels_of_a_file_and_several_images(tmp_path, two_nuclei):
    paths = {}
    for name, plane in {
        "dapi": 9 * two_nuclei,
        "ki67": two_nuclei,
        "labels": two_nuclei,
    }.items():
        paths[name] = str(tmp_path / f"{name}.tif")
        tifffile.imwrite(paths[name], plane.astype(np.uint16))
    labels = paths.pop("labels")
    recipe = MeasureRecipe(labels, measured={"ring_width": 0.0}, images=paths)
    code = recipe.as_python()
    assert "find_nuclei" not in code and "ring_width" not in code
    assert run(code)["table"]["mean_ki67"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="one image to measure in, got 2"):
        recipe.as_command()
    shapes = MeasureRecipe(labels, measured={"pixel_size": (0.5, 0.5)}).as_command()
    assert shlex.split(shapes)[2:] == [
        *(labels, "--output", "labels_table.csv", "--pixel-size", "0.5"),
    ]


def test_what_no_command_can_do_is_told():
    oblong = MeasureRecipe("", "a.tif", MADE, {"pixel_size": (0.5, 1.0)})
    with pytest.raises(ValueError, match=r"as high as wide, got \(0.5, 1.0\)"):
        oblong.as_command()


def test_names_cannot_do_anything_in_the_code():
    evil = "x'; import os\n$(rm -rf ~) `ls` \\.tif"
    made = {**MADE, "model": evil, "software": evil}
    made |= {"plane": {"Z": 3}, "parameters": {evil: 1}}
    recipe = MeasureRecipe("", evil, made, {}, {"": evil})
    code = recipe.as_python().replace(
        "from napari_nucseg import find_nuclei, measure_nuclei", ""
    )
    called = []

    def call(*given, **named):
        called.append((given, named))
        return {"label": []}

    exec(code, {"find_nuclei": call, "measure_nuclei": call, "print": lambda *_: None})
    assert called[0] == ((evil, evil), {"z": 3})
    first, second = recipe.as_command().split("\nnucseg")
    assert shlex.split(first)[2:] == [evil, "--output", ".", "--model", evil, "--z", "3"]
    assert shlex.split(second)[3] == evil
