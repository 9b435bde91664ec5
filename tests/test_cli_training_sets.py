"""The commands ``nucseg training-set …``."""

import shutil
import subprocess
import sysconfig

import pytest

from napari_nucseg.cli import main
from napari_nucseg.training import TrainingSet, create_set, find_set

COMMAND = shutil.which("nucseg", path=sysconfig.get_path("scripts"))


@pytest.fixture
def nucseg(capsys):
    """Run the command here and return its exit status, output and messages."""

    def run(*arguments):
        status = main(["training-set", *(str(argument) for argument in arguments)])
        return status, *capsys.readouterr()

    return run


def rows(text):
    return [line.split()[0] for line in text.splitlines()]


def test_the_real_command(pairs, tmp_path):
    """From pairs to a file and back, without TensorFlow."""

    def run(*arguments):
        return subprocess.run(
            [COMMAND, "training-set", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("create", "gut").returncode == 0
    added = run("add", pairs, "--set", "gut")
    assert added.stdout.startswith("Added 2 fields, "), added.stderr
    assert run("export", "gut", tmp_path).stdout == f"Wrote {tmp_path / 'gut.zip'}.\n"
    taken = run("import", tmp_path / "gut.zip", "--name", "copy")
    assert taken.stdout.startswith("Training set 'copy' (2 fields, "), taken.stderr
    assert rows(run("list").stdout) == ["default", "copy", "gut"]
    wrong = run("list", "none")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("nucseg: Expected the name or the folder of a training set")


def test_fields_are_removed_and_put_back(nucseg, pairs):
    nucseg("add", pairs)
    status, text, _ = nucseg("list", "default")
    assert status == 0
    assert rows(text) == ["a", "b", "2"]
    status, text, _ = nucseg("remove", "a")
    (entry,) = TrainingSet().older()
    assert text == (f"Removed 'a'. To put it back: nucseg training-set restore '{entry.key}'\n")
    assert rows(nucseg("list", "default")[1]) == ["b", "1"]
    assert nucseg("restore", "a")[:2] == (0, "Put 'a' back.\n")
    nucseg("remove", entry.key, "b")
    assert len(TrainingSet()) == 0
    nucseg("restore", entry.key, "b")
    assert len(TrainingSet()) == 2


def test_name_of_several_fields(nucseg, pairs, tmp_path):
    shutil.copytree(pairs, tmp_path / "other")
    for folder in ("images", "masks"):
        (tmp_path / "other" / folder / "a.tif").unlink()
        (tmp_path / "other" / folder / "b.tif").rename(tmp_path / "other" / folder / "a.tif")
    nucseg("add", pairs, tmp_path / "other")
    status, text, messages = nucseg("remove", "a")
    assert (status, text) == (1, "")
    assert "which several are called. Give the key of one: 'a 2" in messages
    assert len(TrainingSet()) == 3


def test_what_is_not_there(nucseg, pairs, tmp_path):
    nucseg("add", pairs)
    for arguments, says in [
        (["remove", "c"], "There are: a, b. Nothing was changed."),
        (["remove", "a", "c"], "got 'c'"),
        (["restore", "c"], "There are: none"),
        (["add", tmp_path / "none"], "got nothing"),
        (["add", pairs, "--set", "none"], "There are: default."),
        (["add", "default"], "another training set"),
        (["export", "none", tmp_path], "There are: default."),
        (["import", tmp_path / "none.zip"], "nothing at"),
        (["create", "default"], "which exists"),
    ]:
        status, text, messages = nucseg(*arguments)
        assert (status, text) == (1, ""), arguments
        assert says in messages
    assert len(TrainingSet()) == 2


def test_sets_are_merged_with_what_is_known_of_their_fields(nucseg, field, tmp_path):
    gut = create_set("gut")
    entry = gut.add(field, {"model": "nuclei"}, {1: 1})
    status, text, _ = nucseg("add", "gut")
    assert (status, text) == (
        0,
        f"Added 1 field, 2 nuclei to 'default', in {TrainingSet().folder}.\n",
    )
    (copy,) = TrainingSet().entries()
    assert (copy.name, copy.source) == (entry.name, {"model": "nuclei"})
    assert TrainingSet().states(copy.key) == {1: 1}
    assert "from nuclei" in nucseg("list", "default")[1]
    nucseg("rename", "gut", "colon")
    assert find_set("colon").entries() == [entry]
    TrainingSet(tmp_path / "mine").add(field)
    assert nucseg("add", tmp_path / "mine", "--set", "colon")[0] == 0
