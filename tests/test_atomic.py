"""Files and folders appear whole or not at all, whatever goes wrong meanwhile."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from napari_nucseg.support.atomic import new_file, new_folder


def test_new_file_is_made_with_its_folder(tmp_path):
    path = tmp_path / "a" / "b" / "labels.tif"
    with new_file(path) as aside:
        assert aside.suffix == ".tif"
        assert not path.exists()
        aside.write_text("whole")
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["labels.tif"]


@pytest.mark.skipif(os.name == "nt", reason="paths are short there")
def test_longest_name_of_a_file_can_be_written(tmp_path):
    path = tmp_path / f"{'n' * 246}.tif"
    with new_file(path) as aside:
        aside.write_text("whole")
    assert path.read_text() == "whole"


def test_file_is_replaced_at_once_and_only_when_it_is_whole(tmp_path):
    path = tmp_path / "labels.tif"
    path.write_text("before")
    with new_file(path) as aside:
        aside.write_text("half")
        assert path.read_text() == "before"
    assert path.read_text() == "half"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError("no number")])
def test_error_while_writing_a_file_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "labels.tif"
    path.write_text("before")
    with pytest.raises(type(error)) as caught, new_file(path) as aside:
        aside.write_text("half")
        raise error
    assert caught.value is error
    assert os.listdir(tmp_path) == ["labels.tif"]
    assert path.read_text() == "before"


def test_new_folder_is_seen_only_when_it_is_whole(tmp_path):
    with new_folder(tmp_path / "a" / "model") as aside:
        (aside / "inner").mkdir()
        (aside / "inner" / "weights").write_text("whole")
        assert not (tmp_path / "a" / "model").exists()
    assert (tmp_path / "a" / "model" / "inner" / "weights").read_text() == "whole"
    assert os.listdir(tmp_path / "a") == ["model"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_error_while_filling_a_folder_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), new_folder(tmp_path / "model") as aside:
        (aside / "weights").write_text("half")
        raise error
    assert os.listdir(tmp_path) == []


def test_folder_is_never_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError, match="model"), new_folder(tmp_path / "model"):
        pytest.fail("there is nothing to fill")


def test_folder_that_appears_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(OSError, match="Nothing was written"), new_folder(path) as aside:
        (aside / "weights").write_text("second")
        path.mkdir()
        (path / "weights").write_text("first")
    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "first"


def test_two_writers_do_not_meet(tmp_path):
    with new_file(tmp_path / "a") as one, new_file(tmp_path / "a") as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "a").read_text() == "one"


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_folder_that_is_a_file_is_named(tmp_path, make):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Nothing was written.*file"), make(tmp_path / "file/a"):
        pytest.fail("there is nowhere to write")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_file_that_a_scanner_looks_at_is_in_the_way_for_a_moment(tmp_path, monkeypatch, make):
    monkeypatch.setattr("napari_nucseg.support.atomic._WINDOWS", True)
    refused = []

    def once(move):
        def moved(aside, path):
            if not refused:
                refused.append(path)
                raise PermissionError(13, "is being used by another process")
            move(aside, path)

        return moved

    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, once(getattr(os, name)))
    with make(tmp_path / "new") as aside:
        if make is new_file:
            aside.touch()
    assert refused == [tmp_path / "new"]
    assert (tmp_path / "new").exists()


def test_what_killed_processes_left_goes_after_a_day(tmp_path):
    names = [f".new-{digit * 12}" for digit in "abc"] + [".new-ideas", "other"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").touch()
    (tmp_path / f".new-{'d' * 12}.txt").touch()
    two_days_ago = time.time() - 2 * 24 * 3600
    for path in tmp_path.iterdir():
        if path.name != names[0]:
            os.utime(path, (two_days_ago, two_days_ago))
    with new_folder(tmp_path / "model"):
        pass
    assert sorted(os.listdir(tmp_path)) == [names[0], ".new-ideas", "model", "other"]


SAVE = """
import numpy as np
import h5py, tifffile, PIL.Image
from pathlib import Path
from napari_nucseg.image.field import Field
from napari_nucseg.image.files import write_labels
from napari_nucseg.registry.archive import export_model
from napari_nucseg.registry.store import Card, save_model
from napari_nucseg.training.training_set import TrainingSet

noise = np.random.default_rng(0).integers(1, 9999, (200, 200))

def weights(path):
    with h5py.File(path, "w") as file:
        file["weights"] = noise

def attempt(save):
    try:
        save()
    except OSError as error:
        print(type(error).__name__, error)
    else:
        print("saved")

def save_all(folder):
    attempt(lambda: write_labels(folder / "labels.tif", noise))
    attempt(lambda: TrainingSet(folder / "set").add(Field(noise, labels=noise)))
    attempt(lambda: save_model(Card("mine"), weights, folder / "mine"))
"""


def run_script(script, folder):
    script = textwrap.dedent(SAVE) + textwrap.dedent(script)
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the size of files")
def test_full_disk_leaves_nothing_half_written(tmp_path):
    """The operating system limits the size of files, as a full disk would."""
    script = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        save_all(Path("."))
        attempt(lambda: export_model("nuclei", "nuclei.zip"))
    """
    said = run_script(script, tmp_path)
    assert len(said) == 4
    assert all("Nothing was written" in line for line in said)
    left = [path.name for path in tmp_path.rglob("*")]
    assert left in ([], ["set"])


@pytest.mark.skipif(os.name == "nt", reason="needs the permissions of POSIX")
def test_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o555)
    # Root may write everywhere, so it becomes nobody once everything is imported.
    script = """
        import os
        if os.geteuid() == 0:
            os.seteuid(65534)
        save_all(Path("."))
    """
    try:
        said = run_script(script, tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert len(said) == 3
    for line in said:
        assert line.startswith("PermissionError")
        assert "the folder can be written to" in line
    assert os.listdir(tmp_path) == []


def test_the_same_script_saves_where_there_is_room(tmp_path):
    assert run_script("save_all(Path('.'))", tmp_path) == ["saved"] * 3
    assert sorted(os.listdir(tmp_path)) == ["labels.tif", "mine", "set"]
