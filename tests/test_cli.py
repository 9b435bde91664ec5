"""The command, mostly in this process; a few times as a real one, to interrupt it."""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import warnings
from pathlib import Path

import h5py
import numpy as np
import PIL.Image
import pytest
import tifffile

from napari_nucseg import __version__, find_nuclei, segment
from napari_nucseg.cli import main
from napari_nucseg.engine import Load, Segment, execute
from napari_nucseg.image.files import open_image, read_image, read_labels, write_labels
from napari_nucseg.image.provenance import read_provenance
from napari_nucseg.measure.metrics import compare
from napari_nucseg.network.predict import load_network
from napari_nucseg.registry import Card, list_models, load_model, save_model
from napari_nucseg.support.paths import HOME_VARIABLE

TINY = ["--epochs=2", "--steps-per-epoch=4", "--batch-size=1", "--patch-size=64"]
COMMAND = shutil.which("nucseg", path=sysconfig.get_path("scripts"))


@pytest.fixture
def nucseg(capsys):
    """Run the command here and return its exit status, output and messages.

    Warnings are among the messages, as in a shell, and no errors.
    """

    def run(*arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as error:  # of argparse
                status = error.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def images(tmp_path, simulated):
    """A folder with a grey TIFF that knows its pixel size, a PNG and a colored one."""
    folder = tmp_path / "images"
    folder.mkdir()
    tifffile.imwrite(
        folder / "a.tif",
        simulated.image,
        imagej=True,
        resolution=(2, 2),
        metadata={"unit": "um", "axes": "YX"},
    )
    small = (simulated.image[:90, :120] / 8).clip(0, 255).astype(np.uint8)
    PIL.Image.fromarray(small).save(folder / "b.png")
    PIL.Image.fromarray(np.stack([small, small // 2, small], -1)).save(folder / "c.png")
    return folder


# segment


def test_segment_a_folder(nucseg, images, tmp_path):
    output = tmp_path / "new" / "labels"
    status, text, messages = nucseg("segment", images, "--output", output)
    assert status == 0
    assert sorted(os.listdir(output)) == ["a_labels.tif", "b_labels.tif", "c_labels.tif"]
    for path in sorted(images.iterdir()):
        labels = read_labels(output / f"{path.stem}_labels.tif")
        assert (labels == segment(path)).all()
        assert f"{path.stem}_labels.tif: {labels.max()} nuclei" in text
    assert read_image(output / "a_labels.tif").pixel_size == pytest.approx((0.5, 0.5))
    assert messages == ""  # there is no bar where there is no terminal


def test_image_of_one_intensity_is_told_from_one_without_nuclei(nucseg, tmp_path):
    tifffile.imwrite(tmp_path / "black.tif", np.zeros((40, 50), np.uint8))
    tifffile.imwrite(tmp_path / "ramp.tif", np.mgrid[:40, :50][1].astype(np.uint8))
    status, text, _ = nucseg("segment", tmp_path, "--output", tmp_path / "labels")
    black, ramp = text.splitlines()
    assert status == 0
    assert black.endswith("black_labels.tif: 0 nuclei, all pixels are alike")
    assert ramp.endswith("ramp_labels.tif: 0 nuclei")


def test_work_goes_on_when_nobody_reads_the_output(
    nucseg, images, quick_learner, tmp_path, monkeypatch
):
    output = tmp_path / "labels"
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        status, _, messages = nucseg(
            "segment", images, "--output", output, "--model", quick_learner
        )
    assert (status, messages) == (0, "")
    assert len(list(output.iterdir())) == 3


def test_process_whose_output_nobody_reads_ends_well():
    with start("models", "list") as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
@pytest.mark.parametrize(
    ("redirected", "status", "says"),
    [
        ("models list >&-", 0, ""),
        ("models list >&- 2>&- <&-", 0, ""),
        ("models show lost 2>&-", 1, ""),
        ("models list >/dev/full", 1, "No space left on device"),
        ("--help >/dev/full", 1, "No space left on device"),
        ("models show lost 2>&1 | true; exit ${PIPESTATUS[0]}", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(redirected, status, says):
    if not (COMMAND and shutil.which("bash")):
        pytest.skip("needs the command and a shell")
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} {redirected}"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == done.stderr.count("nucseg: ") == (1 if says else 0)
    assert says in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
def test_files_do_not_get_what_is_printed_to_a_closed_stream(tmp_path):
    script = """
        import os, sys
        from napari_nucseg.cli.process import check_streams
        check_streams()
        with open("file", "w") as file:
            os.write(1, b"printed by a library")
            os.write(2, b"printed by a library")
            print("printed")
            print("printed", file=sys.stderr)
        sys.exit(file.fileno() if not file.closed else os.path.getsize("file"))
    """
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, textwrap.dedent(script)],
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_memory_that_is_short_is_told_in_words(nucseg, two_nuclei, tmp_path, monkeypatch):
    def evaluate(*_):
        np.empty((1 << 24, 1 << 24), np.int32)

    monkeypatch.setattr("napari_nucseg.api.evaluate", evaluate)
    write_labels(tmp_path / "a.tif", two_nuclei)
    status, text, messages = nucseg("evaluate", tmp_path / "a.tif", tmp_path / "a.tif")
    assert (status, text) == (1, "")
    assert messages.startswith("nucseg: Expected more memory (Unable to allocate 1.00 PiB")
    assert messages.endswith("the same with fewer pixels.\n")


def test_image_too_large_for_memory_is_told_and_the_rest_go_on(
    nucseg, images, quick_learner, tmp_path, monkeypatch
):
    monkeypatch.setattr("napari_nucseg.support.memory.free_memory", lambda: 500_000)
    status, _, messages = nucseg(
        "segment", images, "--output", tmp_path / "out", "--model", quick_learner
    )
    assert status == 1
    assert "Expected at least 0.0 GB of free memory for segmenting 'a' of 192 x 192" in messages
    assert messages.endswith("Failed: 1 of 3.\n")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_segment_files_with_parameters(nucseg, images, tmp_path):
    options = ["--probability=0.8", "--minimum-size=200", "--channel=0", "--diameter=24"]
    inputs = (images / "a.tif", images / "c.png")
    assert nucseg("segment", *inputs, "--output", tmp_path, *options)[0] == 0
    for path in inputs:
        expected = segment(path, probability=0.8, minimum_size=200, channel=0, diameter=24)
        assert (read_labels(tmp_path / f"{path.stem}_labels.tif") == expected).all()
    assert not (tmp_path / "b_labels.tif").exists()


def test_segment_a_plane_of_stacks(nucseg, tmp_path, simulated):
    stack = np.stack([np.zeros_like(simulated.image), simulated.image])[None]
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(tmp_path / "b.tif", stack, photometric="minisblack", metadata=None)
    output = tmp_path / "labels"
    options = ["--output", output, "--axes=ZYX", "--z=1", "--t=0"]
    assert nucseg("segment", tmp_path, *options)[0] == 0
    for name in ("a_labels.tif", "b_labels.tif"):
        assert (read_labels(output / name) == segment(simulated)).all()


def test_segment_stacks_and_series_whole(nucseg, tmp_path, simulated):
    size = {"resolution": (2, 2), "metadata": {"axes": "ZYX", "unit": "um", "spacing": 4}}
    empty = np.zeros_like(simulated.image)
    stack = np.stack([empty, simulated.image, simulated.image, empty])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, **size)
    size["metadata"] = {"axes": "TYX", "unit": "um", "finterval": 60}
    tifffile.imwrite(tmp_path / "b.tif", stack[1:3], imagej=True, **size)
    out = tmp_path / "out"
    options = ("--tracks", "--table", "--probability-map", "--output", out)
    status, said, _ = nucseg("segment", tmp_path / "a.tif", tmp_path / "b.tif", *options)
    assert status == 0
    assert "a.tif: 4 planes of 192 x 192, axes ZYX" in said
    assert "b.tif: 2 time points of 192 x 192, axes TYX" in said
    for name, axes, steps, unit in (
        ("a", "ZYX", (4, 0.5, 0.5), "micrometer"),
        ("b", "TYX", (60, 0.5, 0.5), "second"),
    ):
        image = open_image(out / f"{name}_labels.tif")
        assert (image.axes, image.spacing, image.unit[0]) == (axes, steps, unit)
        expected = find_nuclei(tmp_path / f"{name}.tif")
        assert (np.asarray(image) == expected.labels).all()
        assert read_provenance(out / f"{name}_labels.tif")["axes"] == axes
        chance = open_image(out / f"{name}_probability.tif")
        assert (np.asarray(chance) == expected.probability).all()
    assert {path.name for path in out.iterdir() if "_" in path.stem} >= {
        "b_tracks.csv",
        "b_tracks.xml",
        "b_lineage.csv",
        "b_nuclei.csv",
        "a_nuclei.csv",
    }
    assert not (out / "a_tracks.csv").exists()
    table = tmp_path / "table.csv"
    assert nucseg("measure", out, "--output", table)[0] == 0
    columns = table.read_text().splitlines()[0].split(",")
    assert {"voxels", "volume_um3", "area_um2", "t"} <= set(columns)
    # The same again, as the labels say.
    again = tmp_path / "again"
    made = out / "a_labels.tif"
    assert nucseg("segment", tmp_path / "a.tif", "--from", made, "--output", again)[0] == 0
    assert (again / "a_labels.tif").stat().st_size > 0


def test_labels_beside_the_images_are_not_segmented_the_next_time(nucseg, images):
    for _ in range(2):
        assert nucseg("segment", images, "--output", images)[0] == 0
    assert len(list(images.iterdir())) == 6


def test_probability_provenance_and_table_beside_the_labels(nucseg, images, tmp_path):
    options = ("--probability-map", "--provenance", "--table", "--minimum-size=40")
    for _ in range(2):  # what was written is no image the second time
        assert nucseg("segment", images, "--output", images, *options)[0] == 0
    written = ("_labels.json", "_labels.tif", "_nuclei.csv", "_probability.tif")
    names = {f"{stem}{ending}" for stem in "abc" for ending in written}
    assert set(os.listdir(images)) == {"a.tif", "b.png", "c.png", *names}
    found = find_nuclei(images / "a.tif", minimum_size=40)
    probability = read_image(images / "a_probability.tif")
    assert probability.image.dtype == np.uint8
    assert (np.asarray(probability.image) == found.probability).all()
    assert probability.pixel_size == pytest.approx((0.5, 0.5))
    about = json.loads((images / "a_labels.json").read_text(encoding="utf-8"))
    assert {**about, "seconds": 0} == {**found.provenance, "seconds": 0}
    with open(images / "a_nuclei.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(found.nuclei)
    for name, column in found.nuclei.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], column, atol=5e-5)


def test_probability_maps_are_no_labels_to_evaluate(nucseg, images, tmp_path):
    output = tmp_path / "out"
    image = images / "b.png"
    assert nucseg("segment", image, "--output", output, "--probability-map")[0] == 0
    status, text, messages = nucseg("evaluate", output, output)
    assert (status, messages) == (0, "")
    assert "1 image" in text


def test_image_is_no_labels_to_evaluate(nucseg, images):
    status, text, messages = nucseg("evaluate", images / "a.tif", images / "a.tif")
    assert (status, text) == (1, "")
    assert messages.startswith("nucseg: Expected labels with a value for each nucleus, got in")
    assert "as in an image" in messages


@pytest.mark.parametrize("choice", ["--z=99", "--axes=TZ"])
def test_plane_that_is_not_there_is_told_before_the_network_is_loaded(
    nucseg, tmp_path, simulated, monkeypatch, choice
):
    monkeypatch.setattr("napari_nucseg.cli.segment._load", pytest.fail)
    tifffile.imwrite(tmp_path / "stack.ome.tif", simulated.image[None].repeat(3, 0))
    status, _, messages = nucseg("segment", tmp_path, "--output", tmp_path / "out", choice)
    assert status == 1
    assert "stack.ome.tif" in messages
    assert messages.endswith("Failed: 1 of 1.\n")


def test_nothing_but_labels_is_nothing_to_segment(nucseg, two_nuclei, tmp_path):
    write_labels(tmp_path / "a_labels.tif", two_nuclei)
    status, _, messages = nucseg("segment", tmp_path, "--output", tmp_path / "new")
    assert status == 1
    assert "got only 1 named as labels" in messages
    assert not (tmp_path / "new").exists()


def test_bad_files_are_reported_and_the_rest_go_on(nucseg, images, tmp_path):
    (images / "text.tif").write_text("This is no image at all.")
    whole = (images / "a.tif").read_bytes()
    (images / "cut.tif").write_bytes(whole[: len(whole) // 2])
    tifffile.imwrite(images / "stack.tif", np.zeros((6, 5, 40, 50), np.uint8))
    tifffile.imwrite(images / "complex.tif", np.zeros((40, 50), np.complex64))
    output = tmp_path / "labels"
    status, text, messages = nucseg(
        "segment", images, tmp_path / "none.tif", "--output", output
    )
    assert status == 1
    for name in ("text.tif", "cut.tif", "stack.tif", "complex.tif", "none.tif"):
        assert messages.count(name) == 1
    assert "Failed: 5 of 8." in messages
    assert "Traceback" not in text + messages
    assert sorted(os.listdir(output)) == ["a_labels.tif", "b_labels.tif", "c_labels.tif"]


def test_output_that_cannot_be_written(nucseg, images, tmp_path):
    (tmp_path / "file").touch()
    status, _, messages = nucseg("segment", images, "--output", tmp_path / "file")
    assert status == 1
    assert messages.count("Expected a folder that labels can be written to, got the file") == 1
    status, _, messages = nucseg("segment", images, "--output", tmp_path / "file" / "labels")
    assert status == 1
    assert messages.count("Expected a folder that labels can be written to") == 1


def test_nothing_is_made_for_images_that_are_missing(nucseg, tmp_path):
    status, _, messages = nucseg(
        "segment", tmp_path / "none.tif", "--output", tmp_path / "labels"
    )
    assert status == 1
    assert messages.count("none.tif") == 1
    assert not (tmp_path / "labels").exists()


def test_output_named_like_an_image(nucseg, images, tmp_path):
    status, _, messages = nucseg("segment", images, "--output", tmp_path / "labels.tif")
    assert status == 1
    assert "Expected a folder for the labels, got" in messages
    assert not (tmp_path / "labels.tif").exists()
    (tmp_path / "labels.tif").mkdir()
    status, _, _ = nucseg("segment", images, "--output", tmp_path / "labels.tif")
    assert status == 0


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a folder of the kernel's")
def test_folder_that_is_there_and_cannot_be_written(nucseg, images):
    status, text, messages = nucseg("segment", images, "--output", "/proc")
    assert status == 1
    assert messages.count("Expected a folder that labels can be written to, got ") == 1
    assert not text


def test_image_given_twice_is_taken_once(nucseg, images, tmp_path, monkeypatch):
    monkeypatch.chdir(images)
    output = tmp_path / "labels"
    status, text, _ = nucseg("segment", "a.tif", images / "a.tif", images, "--output", output)
    assert status == 0
    assert len(text.splitlines()) == len(list(output.iterdir())) == 3


def test_images_that_would_overwrite_each_other_are_refused(nucseg, images, tmp_path):
    PIL.Image.new("L", (40, 40)).save(images / "a.png")
    status, _, messages = nucseg("segment", images, "--output", tmp_path / "labels")
    assert status == 1
    assert "a.png and" in messages
    assert not (tmp_path / "labels").exists()


def test_paths_that_lead_nowhere_do_not_stop_the_others(
    nucseg, images, quick_learner, tmp_path, monkeypatch
):
    """Links in a circle, names that no file can have, and a folder that may not be opened."""
    (images / "circle.tif").symlink_to(images / "circle.tif")
    (images / "gone.png").symlink_to(tmp_path / "gone.png")
    (images / "folder.tif").mkdir()
    closed = tmp_path / "closed"
    closed.mkdir()
    listed = Path.iterdir

    def iterdir(folder):
        if folder == closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    odd = ["nul\0.tif", "\ud800.tif", f"{'long' * 100}.tif", "x/" * 3000 + "deep.tif"]
    inputs = (closed, *odd, images, tmp_path / "none")
    output = tmp_path / "labels"
    status, text, messages = nucseg(
        "segment", *inputs, "--output", output, "--model", quick_learner
    )
    assert status == 1
    assert sorted(path.name[0] for path in output.iterdir()) == ["a", "b", "c"]
    assert len(text.splitlines()) == 3
    lines = messages.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "Failed: 9 of 12."
    assert all(line.startswith("nucseg: ") for line in lines[:-1])
    assert "a folder of images that may be opened, got" in lines[0]
    for name in ("closed", *"cfg", "deep", "long", "none"):
        assert any(name in line for line in lines[:-1])


def test_names_of_outputs_are_checked_before_anything_is_computed(
    nucseg, images, quick_learner, tmp_path
):
    output, name = tmp_path / "labels", "n" * 245
    shutil.copy(images / "b.png", images / f"{name}.png")
    (output / "c_nuclei.csv").mkdir(parents=True)
    for table, failed in (((), {name}), (("--table",), {name, "c"})):
        status, text, messages = nucseg(
            "segment", images, "--output", output, "--model", quick_learner, *table
        )
        assert status == 1
        lines = messages.splitlines()
        assert len(lines) == len(failed) + 1
        assert "cannot be the name of a file (File name too long)" in messages
        assert (f"{output / 'c_nuclei.csv'}, which is a folder" in messages) == ("c" in failed)
        assert lines[-1] == f"Failed: {len(failed)} of 4."
        assert len(text.splitlines()) == 4 - len(failed)
        assert list(output.glob("n*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_name_that_is_no_text(nucseg, images, quick_learner, tmp_path):
    folder, output = tmp_path / "odd", tmp_path / "labels"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9")
    shutil.copy(images / "b.png", folder / f"{name}.png")
    options = ["--provenance", "--table", "--probability-map"]
    status, text, messages = nucseg(
        "segment", folder, "--output", output, "--model", quick_learner, *options
    )
    assert (status, messages) == (0, "")
    assert "caf" in text
    assert len(list(output.iterdir())) == 4
    json.loads((output / f"{name}_labels.json").read_text(encoding="utf-8"))


def test_damaged_files_do_not_stop_the_others(nucseg, images, quick_learner, tmp_path):
    """They are told by their names, and nothing is written for them."""
    for name in ("b.png", "a.tif"):
        cut = (images / name).read_bytes()
        (images / f"cut_{name}").write_bytes(cut[: int(0.9 * len(cut))])
    tifffile.imwrite(images / "raw.tif", np.zeros((40, 50), np.uint8))
    with tifffile.TiffFile(images / "raw.tif", mode="r+") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(32803)
    output = tmp_path / "labels"
    status, text, messages = nucseg(
        "segment", images, "--output", output, "--model", quick_learner
    )
    assert status == 1
    assert len(text.splitlines()) == len(list(output.iterdir())) == 3
    lines = messages.splitlines()
    assert len(lines) == 4
    for name in ("cut_a.tif", "cut_b.png", "raw.tif"):
        assert sum(str(images / name) in line for line in lines) == 1


def test_model_that_is_damaged_or_unknown(nucseg, images, quick_learner, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(quick_learner, copy)
    assert nucseg("segment", images, "--model", copy, "--output", tmp_path / "a")[0] == 0
    weights = copy / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-100])
    for model, says in ((copy, "checksum"), ("none", "There are: nuclei")):
        status, _, messages = nucseg(
            "segment", images, "--model", model, "--output", tmp_path / "b"
        )
        assert status == 1
        assert says in messages
    assert not (tmp_path / "b").exists()


# Usage


def test_version_and_help(nucseg):
    assert nucseg("--version")[:2] == (0, f"{__version__}\n")
    status, text, _ = nucseg("segment", "--help")
    assert status == 0
    assert "Area below which an object is dropped. In pixels. Default: 20." in " ".join(
        text.split()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "paint",
        "segment a.tif",
        "segment --output x",
        "segment a.tif --output x --probability high",
        "segment a.tif --output x --threshold 1",
        "train --output x",
        "fine-tune data",
        "fine-tune data --name new --budget slow",
        "evaluate a.tif",
        "models",
        "models paint",
        "models show",
    ],
)
def test_wrong_usage_shows_the_right_one(nucseg, arguments):
    status, _, messages = nucseg(*arguments.split())
    assert status == 2
    assert messages.startswith("usage: nucseg")


def test_values_out_of_range_are_named(nucseg, images, tmp_path):
    status, _, messages = nucseg(
        "segment", images, "--output", tmp_path / "x", "--probability", "2"
    )
    assert status == 2
    assert "argument --probability: Expected 'probability' between 0 and 1, got 2.0" in messages


# evaluate


def test_evaluate_files(nucseg, two_nuclei, tmp_path):
    write_labels(tmp_path / "true.tif", two_nuclei)
    write_labels(tmp_path / "found.tif", np.where(two_nuclei == 1, 1, 0))
    status, text, _ = nucseg("evaluate", tmp_path / "found.tif", tmp_path / "true.tif")
    assert status == 0
    assert "1 image, 1 nucleus found, 2 true" in text
    assert "F1 at IoU 0.5        0.667" in text


def test_evaluate_folders_by_name_as_json(nucseg, two_nuclei, tmp_path):
    one = np.where(two_nuclei == 1, 1, 0)
    for name, found in (("a", one), ("b", two_nuclei)):
        write_labels(tmp_path / "found" / f"{name}_labels.tif", found)
        write_labels(tmp_path / "true" / f"{name}.tif", two_nuclei)
    write_labels(tmp_path / "found" / "more_labels.tif", one)
    status, text, messages = nucseg("evaluate", tmp_path / "found", tmp_path / "true", "--json")
    assert status == 0
    assert "Not scored" in messages
    assert "1 label image in" in messages
    assert messages.endswith(", more\n")
    scores = json.loads(text)
    assert scores["images"] == 2
    assert scores["ap_pooled"]["0.50"] == pytest.approx(3 / 4)
    assert scores["ap_per_image"]["0.90"] == pytest.approx((1 / 2 + 1) / 2)
    assert set(compare(one, one).as_dict()) == set(scores)


def test_evaluate_takes_a_binary_mask_apart(nucseg, tmp_path):
    apart = np.zeros((12, 16), np.int32)
    apart[1:4, 1:4], apart[6:9, 6:9] = 1, 2
    write_labels(tmp_path / "found.tif", apart)
    write_labels(tmp_path / "true.tif", (apart > 0) * 255)
    found, true = tmp_path / "found.tif", tmp_path / "true.tif"
    status, text, messages = nucseg("evaluate", found, true)
    assert status == 0
    assert "true.tif a binary mask" in messages
    assert "2 true" in text


def test_evaluate_says_what_is_missing(nucseg, two_nuclei, tmp_path):
    write_labels(tmp_path / "found" / "a_labels.tif", two_nuclei)
    for name in "abc":
        write_labels(tmp_path / "true" / f"{name}.tif", two_nuclei)
    status, text, messages = nucseg("evaluate", tmp_path / "found", tmp_path / "true")
    assert (status, text) == (1, "")
    assert "none for 2: b, c" in messages
    assert "The folder of the truth comes second." in messages
    (tmp_path / "empty").mkdir()
    status, _, messages = nucseg("evaluate", tmp_path / "found", tmp_path / "empty")
    assert status == 1
    assert "true labels in" in messages
    status, _, messages = nucseg("evaluate", tmp_path / "none", tmp_path / "true")
    assert status == 1
    assert "none" in messages
    write_labels(tmp_path / "small.tif", two_nuclei[:5])
    status, _, messages = nucseg("evaluate", tmp_path / "small.tif", tmp_path / "true/a.tif")
    assert status == 1
    assert "one shape" in messages
    status, _, messages = nucseg("evaluate", tmp_path / "small.tif", tmp_path / "true")
    assert status == 1
    assert "one of which is a folder" in messages


# models


def test_models_travel_from_person_to_person(nucseg, nuclei, tmp_path):
    archive = tmp_path / "nuclei.zip"
    status, text, _ = nucseg("models", "export", "nuclei", archive)
    assert (status, text) == (0, f"Wrote {archive}.\n")
    assert nucseg("models", "import", archive, "--name", "mine")[0] == 0
    status, text, _ = nucseg("models", "list")
    assert [line.split()[:2] for line in text.splitlines()] == [
        ["nuclei", "bundled"],
        ["mine", "from"],
    ]
    status, text, _ = nucseg("models", "show", "mine", "--json")
    assert json.loads(text)["weights_sha256"] == nuclei.card.weights_sha256
    status, text, _ = nucseg("models", "show", "mine")
    shown = dict(line.split(": ", 1) for line in text.splitlines())
    assert shown["name"].strip() == "mine"
    assert float(shown["score held out mean ap"]) == nuclei.card.scores["held_out_mean_ap"]
    assert Path(shown["folder"].strip()) == load_model("mine").folder
    assert nucseg("models", "rename", "mine", "yours")[0] == 0
    assert nucseg("models", "remove", "yours")[:2] == (
        0,
        "Removed 'yours'. 'nucseg models restore' brings it back.\n",
    )
    assert [model.card.name for model in list_models()] == ["nuclei"]
    assert nucseg("models", "restore", "yours")[0] == 0
    assert load_model("yours").card.weights_sha256 == nuclei.card.weights_sha256


def test_list_of_models_is_a_tree_with_scores(nucseg, nuclei):
    parent, sha = nuclei.card.name, nuclei.card.weights_sha256
    scores = {"held_out_mean_ap": 0.51, "parent_held_out_mean_ap": 0.4}
    card = Card("child", parent=parent, parent_sha256=sha, scores=scores)

    def write(path):
        shutil.copyfile(nuclei.folder / path.name, path)
        with h5py.File(path, "a") as file:
            file["more"] = [1.0]

    child = save_model(card, write).card.weights_sha256
    save_model(Card("grandchild", parent="child", parent_sha256=child), write)
    _, text, _ = nucseg("models", "list")
    lines = text.splitlines()
    assert [line[:18].rstrip() for line in lines] == ["nuclei", "  child", "    grandchild"]
    assert "from nuclei" in lines[1]
    assert "mean AP 0.510 (parent 0.400)" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("show none", "'none'"),
        ("remove none", "Nothing was removed"),
        ("remove nuclei", "stays"),
        ("rename nuclei mine", "stays"),
        ("restore none", "'none'"),
        ("import none.zip", "nothing at"),
        ("export none x.zip", "'none'"),
    ],
)
def test_what_cannot_be_done_with_models(nucseg, arguments, says):
    status, text, messages = nucseg("models", *arguments.split())
    assert (status, text) == (1, "")
    assert messages.startswith("nucseg: ")
    assert says in messages


def test_card_of_a_stranger_is_shown_as_lines_of_text(nucseg, nuclei, tmp_path):
    shutil.copytree(nuclei.folder, tmp_path / "strange")
    card = json.loads((nuclei.folder / "model.json").read_text())
    card |= {"description": "Fine\nlicense: none\x1b[31m", "scores": {"name": "other"}}
    (tmp_path / "strange" / "model.json").write_text(json.dumps(card))
    status, text, _ = nucseg("models", "show", tmp_path / "strange")
    shown = dict(line.split(": ", 1) for line in text.splitlines())
    assert status == 0
    assert shown["name"].strip() == "nuclei"
    assert shown["license"].strip() == "BSD-3-Clause"
    assert "\x1b" not in text


def test_home_that_is_a_file(nucseg, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file"))
    status, text, messages = nucseg("models", "list")
    assert (status, text) == (1, "")
    assert f"Expected the environment variable {HOME_VARIABLE} to name a folder" in messages


def test_import_of_a_model_that_carries_code(nucseg, nuclei, tmp_path):
    folder = tmp_path / "evil"
    shutil.copytree(nuclei.folder, folder)
    (folder / "setup.py").write_text("print('hello')")
    status, text, messages = nucseg("models", "import", folder, "--name", "evil")
    assert (status, text) == (1, "")
    assert "do not trust" in messages
    assert [model.card.name for model in list_models()] == ["nuclei"]


# train and fine-tune


@pytest.mark.slow
def test_fine_tune(nucseg, pairs, quick_learner):
    options = ["--name=mine", "--model", quick_learner, "--rehearsal=0", *TINY]
    status, text, messages = nucseg("fine-tune", pairs, *options)
    assert status == 0
    assert "Epoch 0 of 2: score" in text
    assert re.search(r"Epoch 1 of 2: loss [\d.]+, score [\d.]+, \d+ (s|min) left\n", text)
    assert re.search(r"Epoch 2 of 2: loss [\d.]+, score [\d.]+\n", text)
    card = load_model("mine").card
    assert card.parent == quick_learner.name
    assert card.training["fields"] == 2
    assert re.search(r"held-out part \(\d+ nuclei\): [\d.]+, before [\d.]+", text)
    refused = not card.scores["comparison"]["accepted"]
    assert (f"Keep using '{quick_learner.name}'" in text) is refused
    assert "too few nuclei" not in messages
    status, _, messages = nucseg("fine-tune", pairs, *options)
    assert status == 1
    assert "another name" in messages


def test_training_data_that_is_none(nucseg, tmp_path):
    (tmp_path / "images").mkdir()
    for command in (("train", "--output", tmp_path / "x"), ("fine-tune", "--name", "x")):
        name, *options = command
        status, _, messages = nucseg(name, tmp_path, *options)
        assert status == 1
        assert "masks/ with files of the same names" in messages
    assert os.listdir(tmp_path) == ["images"]


def test_training_data_of_other_names(nucseg, two_nuclei, tmp_path):
    write_labels(tmp_path / "images" / "a.tif", two_nuclei)
    write_labels(tmp_path / "masks" / "b.tif", two_nuclei)
    status, _, messages = nucseg("fine-tune", tmp_path, "--name", "x")
    assert status == 1
    assert "images such as a.tif (1) and masks such as b.tif (1)" in messages


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--architecture=resnet"], "'mobilenetv2', 'unet'"),
        (["--validation=nowhere"], "nowhere"),
        (["--encoder-weights=random"], "only for a new network"),
        (["--architecture=mobilenetv2", "--encoder-weights=none.h5"], "no such file"),
        (["--architecture=mobilenetv2", "--widths", "8", "8"], "four widths"),
        (["--architecture=unet", "--model=nuclei"], "of the parent model, 'mobilenetv2'"),
    ],
)
def test_training_that_cannot_start_leaves_nothing(nucseg, pairs, tmp_path, options, says):
    status, _, messages = nucseg("train", pairs, "--output", tmp_path / "x", *options)
    assert status == (2 if "resnet" in options[0] else 1)
    assert says in messages
    assert os.listdir(tmp_path) == []


def start(*arguments, stderr=subprocess.PIPE):
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=stderr
    )


class Terminal:
    """A command at a terminal, which shows its messages."""

    def __init__(self, *arguments):
        import termios  # not on Windows

        self._screen, there = os.openpty()
        termios.tcsetwinsize(there, (24, 120))
        self.process = start(*arguments, stderr=there)
        os.close(there)
        self.messages = b""

    def _read(self):
        try:
            chunk = os.read(self._screen, 4096)
        except OSError:  # what Linux says when nobody writes there any more
            chunk = b""
        self.messages += chunk
        return chunk

    def wait_for(self, text):
        while text not in self.messages:
            assert self._read(), self.messages.decode()

    def end(self):
        """Return the exit status and the output."""
        while self._read():
            pass
        os.close(self._screen)
        text, _ = self.process.communicate()
        return self.process.returncode, text


CTRL_C_WHILE_LOADING = """
import signal, sys

# What was started in the background of a script ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)

class PressCtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, PressCtrlC())
from napari_nucseg.cli import main
sys.exit(main(["models"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs Ctrl-C")
@pytest.mark.parametrize("module", ["napari_nucseg.cli.command", "numpy"])
def test_ctrl_c_is_silent_while_the_command_is_loaded(module):
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_WHILE_LOADING, module],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs Ctrl-C")
def test_ctrl_c_is_answered_while_tensorflow_is_loaded(pairs, tmp_path):
    command = Terminal("segment", pairs / "images", "--output", tmp_path)
    command.wait_for(b"image/s")
    command.process.send_signal(signal.SIGINT)
    command.wait_for(b"Ctrl-C again")
    status, text = command.end()
    assert status == 130
    assert text == b""
    assert b"Stopped after 0 of 2 images." in command.messages
    assert b"Traceback" not in command.messages


def test_each_image_is_a_task_and_the_model_is_loaded_before(
    nucseg, images, tmp_path, monkeypatch
):
    done = []

    def noting(task, *rest):
        done.append(type(task))
        return execute(task, *rest)

    monkeypatch.setattr("napari_nucseg.cli.segment.execute", noting)
    assert nucseg("segment", images, "--output", tmp_path / "labels")[0] == 0
    assert done == [Load, Segment, Segment, Segment]


def test_error_in_the_model_is_told_once(nucseg, images, tmp_path, nuclei):
    model = tmp_path / "model"
    shutil.copytree(nuclei.folder, model)
    for weights in model.glob("*.h5"):
        weights.write_bytes(b"damaged")
    status, text, messages = nucseg("segment", images, "--model", model, "--output", tmp_path)
    assert (status, text) == (1, "")
    assert messages.count("\n") == messages.count("nucseg: ") == 1


def test_stop_says_what_is_done(nucseg, images, tmp_path, monkeypatch):
    stop = threading.Event()

    @contextlib.contextmanager
    def interruptible():
        yield stop.is_set

    monkeypatch.setattr("napari_nucseg.cli.segment.interruptible", interruptible)
    monkeypatch.setattr("napari_nucseg.cli.segment.say", lambda _: stop.set())
    status, _, messages = nucseg("segment", images, "--output", tmp_path / "labels")
    assert status == 130
    where = tmp_path / "labels"
    assert messages == f"Stopped after 1 of 3 images; their labels are in {where}.\n"
    assert os.listdir(where) == ["a_labels.tif"]


def test_second_ctrl_c_leaves_at_once(nucseg, pairs, tmp_path, monkeypatch):
    def interrupt(model):
        error = KeyboardInterrupt()
        error.add_note("What was learned is kept.")
        raise error

    monkeypatch.setattr("napari_nucseg.cli.segment._load", interrupt)
    status, text, messages = nucseg("segment", pairs / "images", "--output", tmp_path)
    assert (status, text) == (130, "")
    assert messages == "\nLeft at once.\nWhat was learned is kept.\n"


def say_and_press_ctrl_c(text):
    print(text)
    if text.startswith("Epoch 1"):
        signal.raise_signal(signal.SIGINT)


KILLED_IN_ITS_FIRST_STEP = """
import os, signal, sys
from napari_nucseg.cli import main
from napari_nucseg.network.learner import Learner

def kill(*_):
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)

Learner.step = kill
main(sys.argv[1:])
"""


@pytest.mark.usefixtures("eagerly")
@pytest.mark.skipif(os.name == "nt", reason="needs Ctrl-C and kill -9")
def test_interrupted_and_killed_training_equals_one_in_a_piece(
    nucseg, pairs, quick_learner, tmp_path, monkeypatch
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = [*TINY, "--model", quick_learner, "--name=tiny", "--data-license=CC0-1.0"]
    options += ["--keep-last", "--steps-per-epoch=2"]
    assert nucseg("train", pairs, "--output", whole, *options)[0] == 0

    with monkeypatch.context() as patch:
        patch.setattr("napari_nucseg.cli.terminal.say", say_and_press_ctrl_c)
        status, text, messages = nucseg("train", pairs, "--output", parts, *options)
    assert status == 130
    assert "Epoch 0 of 2: score" in text
    assert "Epoch 1 of 2: loss" in text
    assert "Stopping after this step" in messages
    assert "goes on after epoch 1" in messages
    assert not parts.exists()

    command = [sys.executable, "-c", KILLED_IN_ITS_FIRST_STEP]
    command += map(str, ["train", pairs, "--output", parts, *options])
    killed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout.startswith("Found a run that finished epoch 1")
    assert "Epoch" not in killed.stdout
    assert not parts.exists()

    status, text, _ = nucseg("train", pairs, "--output", parts, *options)
    assert status == 0
    assert "Epoch 1 of 2" not in text
    assert "Epoch 2 of 2: loss" in text
    assert f"Model 'tiny' is in {parts}" in text
    scores = r"\((\d+) nuclei\) its mean AP is [\d.]+, that of 'quick learner' [\d.]+\."
    nuclei = int(re.search(scores, text)[1])
    assert nuclei == load_model(parts).card.training["nuclei_held_out"]
    assert ("So few nuclei" in text) is (nuclei < 50)
    assert sorted(os.listdir(tmp_path)) == ["parts", "whole"]
    one, two = load_model(whole), load_model(parts)
    assert one.card.scores == two.card.scores
    assert one.card.data_license == "CC0-1.0"
    assert one.card.training["kept_epoch"] == 2
    assert (whole / "history.csv").read_text() == (parts / "history.csv").read_text()
    weights = (load_network(model).get_weights() for model in (one, two))
    for a, b in zip(*weights, strict=True):
        assert np.allclose(a, b, atol=1e-6)
    status, _, messages = nucseg("train", pairs, "--output", parts, *options)
    assert status == 1
    assert "this training is finished" in messages


def test_image_is_opened_once_and_its_warnings_are_told_once(nucseg, tmp_path, simulated):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, simulated.image[:64, :64], metadata=None)
    tifffile.imwrite(path, simulated.image[:60, :64], metadata=None, append=True)
    status, _, messages = nucseg("segment", path, "--output", tmp_path / "out")
    assert (status, messages.count("holds 2 images")) == (0, 1)
    with pytest.warns(UserWarning, match="holds 2 images") as told:
        labels = segment(path)
    assert len(told) == 1
    assert (labels == read_labels(tmp_path / "out" / "a_labels.tif")).all()


def test_options_that_do_nothing_are_pointed_out_once(nucseg, tmp_path, simulated):
    plane = simulated.image[:48, :64]
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    stack = {"--directions=1": "stacks", "--voxel-depth=4": "stacks"}
    series = {"--largest-step=2": "series", "--range-per-frame": "series", "--tracks": "series"}
    output = ("--output", tmp_path / "out")
    paths = (tmp_path / "a.tif", tmp_path / "b.tif")
    status, _, messages = nucseg("segment", *paths, *output, *stack, *series)
    assert status == 0
    for option, meant in (stack | series).items():
        name = option.partition("=")[0]
        assert (
            messages.count(f"{name} is for {'time ' * (meant == 'series')}{meant} (axis ") == 1
        )
    assert messages.count("does nothing for 'a', 48 x 64 (axes YX)") == 5
    tifffile.imwrite(
        tmp_path / "c.tif", np.stack([plane] * 3), imagej=True, metadata={"axes": "ZYX"}
    )
    path = tmp_path / "c.tif"
    messages = nucseg("segment", path, *output, *stack, "--tracks")[2]
    assert messages.count("does nothing") == messages.count("--tracks is for time series") == 1
    assert nucseg("segment", path, *output, *stack)[2] == ""
    messages = nucseg("segment", path, *output, *stack, "--z=1")[2]
    assert messages.count("does nothing") == 2
    with pytest.warns(UserWarning, match="voxel_depth is for stacks .* nothing for 'a', 48 x"):
        segment(paths[0], voxel_depth=4)
