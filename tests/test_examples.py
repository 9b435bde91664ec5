"""Every example runs as a user would run it."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.registry.store import load_model
from napari_nucseg.training.parameters import TrainParameters

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch, capsys):
    """A function that runs an example, in this process, as TensorFlow takes long to load."""

    def run(name, *arguments, status=0):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        ended = 0
        try:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        except SystemExit as leaving:
            ended = leaving.code
            if isinstance(ended, str):
                print(ended, file=sys.stderr)
                ended = 1
        answer = capsys.readouterr()
        assert (ended or 0) == status, answer.err
        return answer

    return run


def test_segment_in_python(example, tmp_path):
    answer = example("segment_in_python", "out.tif")
    labels = tifffile.imread(tmp_path / "out.tif")
    assert labels.shape == (512, 512)
    assert f"{labels.max()} nuclei" in answer.out


def test_segment_a_folder(example, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    field = simulate_field((96, 96), seed=1)
    tifffile.imwrite(images / "good.tif", field.image)
    (images / "bad.tif").write_text("no image")
    answer = example("segment_a_folder", images, tmp_path / "out", status=1)
    labels = tifffile.imread(tmp_path / "out" / "good_labels.tif")
    rows = (tmp_path / "out" / "counts.csv").read_text().split()
    assert rows == ["image,nuclei", f"good.tif,{labels.max()}"]
    assert "bad.tif" in answer.err
    assert "Failed: 1 of 2." in answer.err


def test_measure_a_folder(example, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name, seed in {"a": 1, "b": 2}.items():
        tifffile.imwrite(images / f"{name}.tif", simulate_field((96, 96), seed=seed).image)
    (images / "bad.tif").write_text("no image")
    answer = example("measure_a_folder", images, tmp_path / "table.csv", "2", status=1)
    with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    for name in ("a.tif", "b.tif"):
        of_image = [row for row in rows if row["image"] == name]
        assert f"{name}: {len(of_image)} nuclei" in answer.out
        assert all(float(row["mean_intensity"]) > 0 for row in of_image)
    assert "ring_mean_intensity" in rows[0]
    assert "bad.tif" in answer.err
    assert "Failed: 1 of 3." in answer.err


def test_images_that_would_overwrite_each_other_are_refused(example, tmp_path):
    for name in ("a.png", "a.tif"):
        (tmp_path / name).touch()
    answer = example("segment_a_folder", tmp_path, tmp_path / "out", status=1)
    assert "got a.png and another" in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("eagerly")
def test_fine_tune_on_corrections(example, tmp_path, monkeypatch):
    short = TrainParameters(epochs=1, steps_per_epoch=1, batch_size=1, patch_size=64)
    monkeypatch.setattr("napari_nucseg.api.fine_tune_parameters", lambda budget: short)
    for folder in ("images", "masks"):
        (tmp_path / "corrected" / folder).mkdir(parents=True)
    field = simulate_field((128, 128), seed=2)
    tifffile.imwrite(tmp_path / "corrected/images/a.tif", field.image)
    tifffile.imwrite(tmp_path / "corrected/masks/a.tif", field.labels.astype(np.uint16))
    answer = example("fine_tune_on_corrections", tmp_path / "corrected", "mine")
    assert "epoch 1: score" in answer.out
    assert "Use the model" in answer.out
    assert load_model("mine").card.parent == "nuclei"


def test_evaluate_against_truth(example):
    lines = example("evaluate_against_truth").out.splitlines()
    scores = dict(line.split(": ") for line in lines if line.startswith("AP at IoU"))
    assert float(scores["AP at IoU 0.50"]) > 0.7
    assert len(scores) == 9


def test_every_example_is_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= tested
