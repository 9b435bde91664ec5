"""Several training sets: their names, and the files they travel in."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from napari_nucseg import fine_tune
from napari_nucseg.training import (
    TrainingSet,
    create_set,
    export_set,
    find_set,
    import_set,
    is_set_archive,
    list_sets,
    rename_set,
    set_of,
)


@pytest.fixture
def gut(field):
    """A training set with two fields, one of which is partly reviewed."""
    training_set = create_set("gut")
    training_set.add(field, {"model": "nuclei"}, {1: 1, 2: 2})
    seen = np.ones(field.shape, bool)
    seen[:, :4] = False
    training_set.add(dataclasses.replace(field, name="second", reviewed=seen))
    return training_set


@pytest.fixture
def archive(gut, tmp_path):
    return export_set(gut, tmp_path)


def names():
    return [one.name for one in list_sets()]


def test_new_set_is_empty_and_found_by_name_and_folder():
    made = create_set("gut")
    assert names() == ["default", "gut"]
    assert len(made) == 0
    for found in (find_set("gut"), find_set(made.folder), set_of("gut"), set_of(made.folder)):
        assert found.folder == made.folder
    assert find_set("default").folder == TrainingSet().folder


def test_unknown_set_lists_the_known_ones(gut, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'colon'\. There are: default, gut\."):
        find_set("colon")
    with pytest.raises(FileNotFoundError, match="training set"):
        find_set(tmp_path)
    assert set_of(tmp_path) is None


@pytest.mark.parametrize("name", ["gut", "GUT", "default", "Default"])
def test_name_that_is_taken(gut, name):
    with pytest.raises(FileExistsError, match="which exists"):
        create_set(name)


@pytest.mark.parametrize("name", ["", "a/b", "..", "con"])
def test_name_that_cannot_be_one(name):
    with pytest.raises(ValueError, match="Expected a name"):
        create_set(name)


def test_rename(gut):
    before = gut.entries()
    renamed = rename_set("gut", "colon")
    assert names() == ["default", "colon"]
    assert renamed.entries() == before
    with pytest.raises(FileExistsError):
        rename_set("colon", "default")


def test_first_set_can_be_renamed_and_leaves_an_empty_one(field):
    assert rename_set("default", "nothing yet").entries() == []
    entry = TrainingSet().add(field)
    assert rename_set("default", "first").entries() == [entry]
    assert names() == ["default", "first", "nothing yet"]
    assert len(TrainingSet()) == 0


def test_folder_somewhere_else_is_not_renamed(field, tmp_path):
    TrainingSet(tmp_path / "mine").add(field)
    with pytest.raises(ValueError, match="as you rename any folder"):
        rename_set(str(tmp_path / "mine"), "other")


def test_set_travels_in_a_file(gut, archive):
    assert archive.name == "gut.zip"
    assert is_set_archive(archive)
    copy = import_set(archive)
    assert copy.name == "gut 2"
    assert copy.entries() == gut.entries()
    one, two = copy.fields()
    assert (one.labels == gut.fields()[0].labels).all()
    assert (two.reviewed == gut.fields()[1].reviewed).all()
    assert copy.states(copy.entries()[0].key) == {1: 1, 2: 2}
    for entry in copy.entries():
        ours, theirs = (one.thumbnail(entry.key).read_bytes() for one in (gut, copy))
        assert ours == theirs
    assert import_set(archive, "named").name == "named"
    with pytest.raises(FileExistsError):
        import_set(archive, "named")


def test_export_without_what_was_removed(gut, tmp_path):
    gut.remove(gut.entries()[0].key)
    assert [entry.name for entry in import_set(export_set(gut, tmp_path)).entries()] == [
        "second"
    ]


def test_export_that_cannot_be(gut, archive, tmp_path):
    with pytest.raises(FileExistsError, match="Expected a new file"):
        export_set(gut, archive)
    with pytest.raises(ValueError, match="which is empty"):
        export_set(create_set("empty"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gut.zip"]


@pytest.mark.parametrize(
    "extra",
    [
        "evil.py",
        "one/evil.py",
        "../field.json",
        "/field.json",
        "a/b/field.json",
        "a\\..\\b/field.json",
        "C:/field.json",
        ".older/field.json",
        "a./image.tif",
        "one/image.tif/field.json",
    ],
)
def test_archive_with_other_files_is_refused(archive, extra):
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(extra, "{}")
    with pytest.raises(ValueError, match="do not trust"):
        import_set(archive, "copy")
    assert names() == ["default", "gut"]


def test_archive_with_a_file_twice_is_refused(gut, archive):
    key = gut.entries()[0].key
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(f"{key.upper()}/image.tif", "x")
    with pytest.raises(ValueError, match="once"):
        import_set(archive, "copy")


def repack(archive, changes):
    """Write the archive anew, with other contents of files, found by the end of their name."""
    with zipfile.ZipFile(archive) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in contents.items():
            changed = [new for end, new in changes.items() if name.endswith(end)]
            file.writestr(name, changed[0] if changed else content)


@pytest.mark.parametrize(
    "changes",
    [
        {"image.tif": b"no tiff"},
        {"labels.tif": b""},
        {"field.json": b"[]"},
        {"field.json": b"[" * 100_000},
        {"field.json": json.dumps({"name": 3}).encode()},
        {"states.json": b'{"accepted": 3}'},
        {"states.json": b"null"},
    ],
    ids=lambda changes: f"{next(iter(changes))} {next(iter(changes.values()))[:12]}",
)
def test_archive_with_a_damaged_field_is_refused(archive, changes):
    repack(archive, changes)
    with pytest.raises(ValueError, match="Expected whole fields"):
        import_set(archive, "copy")
    assert names() == ["default", "gut"]


@pytest.mark.parametrize(
    "told",
    [
        {"shape": [300_000, 300_000], "image_shape": [300_000, 300_000]},
        {"shape": [12, 16, 10**12]},
        {"shape": [True, 192]},
        {"shape": "12"},
        {"added": "yesterday"},
        {"nuclei": "many"},
        {"pixel_size": [0.5, 0.5, 0.5]},
        {"reviewed": "all"},
    ],
    ids=str,
)
def test_archive_whose_field_lies_is_refused(gut, archive, told):
    about = json.loads((gut.folder / gut.entries()[0].key / "field.json").read_text())
    repack(archive, {"field.json": json.dumps(about | told)})
    with pytest.raises(ValueError, match="Expected whole fields"):
        import_set(archive, "copy")
    assert names() == ["default", "gut"]


def test_what_is_no_archive(tmp_path, gut):
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("training_set.json", "{}")
    with pytest.raises(FileNotFoundError, match="nothing at"):
        import_set(tmp_path / "gone.zip")
    with pytest.raises(ValueError, match="is none or is incomplete"):
        import_set(tmp_path / "text.zip")
    with pytest.raises(ValueError, match="no field in it"):
        import_set(tmp_path / "other.zip")
    assert not is_set_archive(tmp_path / "text.zip")
    assert not is_set_archive(tmp_path / "gone.zip")


def test_damaged_archive_is_refused(archive):
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        info = next(one for one in file.infolist() if one.filename.endswith("image.tif"))
    place = info.header_offset + 40 + len(info.filename)
    archive.write_bytes(whole[:place] + b"\0\0\0\0" + whole[place + 4 :])
    with pytest.raises(ValueError, match=r"Expected (a )?whole"):
        import_set(archive, "copy")
    assert names() == ["default", "gut"]


def test_name_of_a_file_becomes_one_of_a_set(archive, tmp_path):
    odd = archive.rename(tmp_path / "(1) größe.zip")
    assert [import_set(odd).name, import_set(odd).name] == ["1_ gr__e", "1_ gr__e 2"]
    odd = odd.rename(tmp_path / "µ.zip")
    assert import_set(odd).name == "training set"


@pytest.mark.usefixtures("eagerly")
def test_fine_tuning_takes_a_training_set_as_it_stands(simulated, quick_learner):
    create_set("simulated").add(simulated)
    tiny = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}
    result = fine_tune("simulated", "mine", quick_learner, **tiny, rehearsal=0)
    assert result.name == "mine"
    assert result.nuclei > 0


def test_training_set_is_given_by_name_or_folder_or_as_it_is(gut, quick_learner, monkeypatch):
    given = []
    monkeypatch.setattr("napari_nucseg.api.execute", lambda task, _: given.append(task))
    for data in ("gut", gut.folder, gut, [str(gut.folder)]):
        fine_tune(data, "mine", quick_learner)
    for task in given:
        assert task.data == str(gut.folder)
        assert [field.name for field in task.fields] == ["two", "second"]
        assert not task.fields[1].reviewed[:, :4].any()


def test_empty_training_set_is_said_to_be_empty():
    for name in ("default", TrainingSet()):
        with pytest.raises(ValueError, match="Expected corrected fields in the training set"):
            fine_tune(name, name="ours")
