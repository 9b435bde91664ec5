import dataclasses
import json
import os
import shutil
import tempfile
import zipfile

import h5py
import numpy as np
import pytest

from napari_nucseg.pipeline.predictor import DEFAULT_SPEC, ModelSpec, spec_of
from napari_nucseg.registry import (
    CARD_FILE,
    WEIGHTS_FILE,
    Card,
    Descent,
    Model,
    check_model_name,
    check_weights_file,
    export_model,
    import_model,
    is_model_archive,
    lineage,
    list_models,
    load_model,
    models_directory,
    remove_model,
    removed_models,
    rename_model,
    restore_model,
    save_model,
)


def write_weights(path):
    with h5py.File(path, "w") as file:
        file["layers/conv/vars/0"] = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def model():
    return save_model(Card("mine", description="A model of my own"), write_weights)


def test_saved_model_is_listed_after_the_bundled_one(model):
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]
    assert [m.bundled for m in list_models()] == [True, False]


def test_model_is_found_by_name_and_by_folder(model):
    assert load_model("mine") == load_model(model.folder) == model
    assert model.card.weights_sha256


def test_nothing_is_overwritten(model):
    for name in ("mine", "Mine", "nuclei"):
        with pytest.raises(FileExistsError, match="another name"):
            save_model(Card(name), write_weights)


def test_failure_while_writing_leaves_nothing():
    def fail(path):
        write_weights(path)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="Nothing was written"):
        save_model(Card("new"), fail)
    assert list(models_directory().iterdir()) == []


def test_what_is_no_name_is_named():
    with pytest.raises(TypeError, match="folder of a model, got NoneType"):
        load_model(None)


def test_unknown_name_lists_the_known_ones(model):
    with pytest.raises(FileNotFoundError, match=r"'other'.*nuclei, mine"):
        load_model("other")


def test_missing_weights(model):
    (model.folder / WEIGHTS_FILE).unlink()
    with pytest.raises(FileNotFoundError, match="Expected the weights"):
        load_model("mine")


def test_truncated_or_altered_weights(model):
    path = model.folder / WEIGHTS_FILE
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="checksum"):
            load_model("mine")


@pytest.mark.parametrize(
    "card", ["no json", "[]", "null", '{"name": "x"}', '{"name": "x", "format_version": 2}']
)
def test_damaged_card(model, card):
    (model.folder / CARD_FILE).write_text(card)
    with pytest.raises(ValueError, match="model card"):
        load_model(model.folder)
    assert [m.card.name for m in list_models()] == ["nuclei"]


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("[" * 100_000, "few lists"),
        ('{"scores": ' + '{"a":' * 40 + "1" + "}" * 41, "at most 16 lists and objects"),
        ('{"description": "\\ud800"}', "surrogates not allowed"),
        ('{"training": ' + "9" * 5000 + "}", "Exceeds the limit"),
        (b'{"name": "\xff"}', "codec can't decode"),
        (b" " * 10_000_001, "at most 10 MB"),
    ],
    ids=["deep", "many levels", "surrogate", "digits", "bytes", "large"],
)
def test_card_that_is_there_to_do_harm_hides_no_other_model(model, card, says):
    (model.folder / CARD_FILE).write_bytes(card if isinstance(card, bytes) else card.encode())
    with pytest.raises(ValueError, match=says):
        load_model(model.folder)
    assert [m.card.name for m in list_models()] == ["nuclei"]


@pytest.mark.skipif(os.name == "nt", reason="needs pipes")
def test_card_that_is_a_pipe_is_not_waited_for(model):
    (model.folder / CARD_FILE).unlink()
    os.mkfifo(model.folder / CARD_FILE)
    assert [m.card.name for m in list_models()] == ["nuclei"]


@pytest.mark.parametrize("score", [10**400, float("inf"), -(10**400)])
def test_score_that_no_model_has_hides_no_other_model(model, score):
    values = dataclasses.asdict(model.card) | {"scores": {"held_out_mean_ap": score}}
    (model.folder / CARD_FILE).write_text(json.dumps(values))
    assert [root.model.card.name for root in lineage(list_models())] == ["nuclei", "mine"]
    assert lineage(list_models())[1].scores[0] in (None, float("inf"))


@pytest.mark.parametrize(
    ("name", "value", "kinds"),
    [
        ("architecture", "lambda", "dict"),
        ("scores", None, "dict"),
        ("created", 2024, "str"),
        ("parent", 3, "str or NoneType"),
    ],
)
def test_card_with_a_value_of_the_wrong_type(model, name, value, kinds):
    values = dataclasses.asdict(model.card) | {name: value}
    (model.folder / CARD_FILE).write_text(json.dumps(values))
    with pytest.raises(ValueError, match=f"Expected '{name}' to be {kinds} in"):
        load_model(model.folder)


def test_folder_without_card(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.json"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".a", "a\\b", "con", "LPT1.x", "a.", "a" * 65, "a:b", "ä"]
)
def test_names_that_are_no_folder_somewhere(name):
    with pytest.raises(ValueError, match="Expected a name"):
        check_model_name(name)


def test_remove(model):
    kept = remove_model("mine")
    assert not model.folder.exists()
    assert [m.card.name for m in list_models()] == ["nuclei"]
    assert removed_models() == [kept]
    with pytest.raises(FileNotFoundError):
        remove_model("mine")
    with pytest.raises(ValueError, match="stays"):
        remove_model("nuclei")


def test_removed_model_comes_back(model):
    remove_model("mine")
    assert restore_model("mine") == load_model("mine") == model
    assert removed_models() == []
    with pytest.raises(FileNotFoundError, match=r"was removed, got .mine.\. There are: none"):
        restore_model("mine")


def test_removed_model_comes_back_beside_a_newer_one_of_its_name(model):
    remove_model("mine")
    save_model(Card("mine", description="newer"), write_weights)
    assert restore_model("mine").card.name == "mine 2"
    assert load_model("mine").card.description == "newer"
    assert load_model("mine 2").card.description == "A model of my own"


def test_the_model_that_was_removed_last_comes_back(model):
    remove_model("mine")
    save_model(Card("mine", description="newer"), write_weights)
    remove_model("mine")
    assert restore_model("mine").card.description == "newer"
    assert restore_model("mine").card.name == "mine 2"


def test_rename(model):
    (model.folder / "README.md").write_text("About it")
    renamed = rename_model("mine", "of the gut")
    assert load_model("of the gut") == renamed
    assert renamed.card == dataclasses.replace(model.card, name="of the gut")
    assert (renamed.folder / "README.md").read_text() == "About it"
    assert [m.card.name for m in list_models()] == ["nuclei", "of the gut"]
    assert removed_models() == []


@pytest.mark.parametrize(
    ("name", "new", "error", "says"),
    [
        ("mine", "nuclei", FileExistsError, "which exists"),
        ("mine", "a/b", ValueError, "Expected a name"),
        ("nuclei", "other", ValueError, "came with napari-nucseg"),
        ("lost", "other", FileNotFoundError, "Nothing was renamed"),
    ],
)
def test_rename_that_cannot_be(model, name, new, error, says):
    with pytest.raises(error, match=says):
        rename_model(name, new)
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]


def made_up(name, parent="", own=""):
    card = Card(name, parent=parent, parent_sha256=parent and f"{parent}!", weights_sha256=own)
    return Model(card, models_directory() / name)


def names_of(roots):
    return [(root.model.card.name, names_of(root.children)) for root in roots]


def test_lineage_is_a_tree_from_the_parent_down():
    models = [made_up("a", own="a!"), made_up("b", "a", "b!"), made_up("c", "b", "c!")]
    models += [made_up("d", "a", "d!"), made_up("orphan", "gone", "o!")]
    assert names_of(lineage(models)) == [
        ("a", [("b", [("c", [])]), ("d", [])]),
        ("orphan", []),
    ]


def test_lineage_knows_a_parent_by_its_weights():
    renamed = made_up("new name", own="a!")
    copy = made_up("a", own="a!")
    child = made_up("child", "a", "c!")
    assert names_of(lineage([renamed, child])) == [("new name", [("child", [])])]
    assert names_of(lineage([renamed, copy, child]))[1] == ("a", [("child", [])])


def test_cards_that_name_each_other_as_parents_are_all_shown():
    models = [
        made_up("a", "b", "a!"),
        made_up("b", "a", "b!"),
        made_up("self", "self", "self!"),
    ]
    models.append(made_up("below", "b", "below!"))
    assert names_of(lineage(models)) == [("a", []), ("b", [("below", [])]), ("self", [])]


def test_scores_of_a_model_that_says_nothing_are_not_known():
    scores = {"held_out_mean_ap": 0.5, "parent_held_out_mean_ap": 0.25}
    told = Model(Card("a", scores=scores), models_directory())
    assert Descent(told).scores == (0.5, 0.25)
    odd = Model(Card("a", scores={"held_out_mean_ap": "high"}), models_directory())
    assert Descent(odd).scores == (None, None)


def test_archive_of_a_model_is_known_by_its_card(model, tmp_path):
    assert is_model_archive(export_model("mine", tmp_path))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("other.zip", "text.zip", "nothing.zip"):
        assert not is_model_archive(tmp_path / name)


def test_export_and_import(model, tmp_path):
    path = export_model("mine", tmp_path)
    assert path.name == "mine.zip"
    with pytest.raises(FileExistsError):
        export_model("mine", path)
    again = import_model(path, "again")
    assert again.card.weights_sha256 == model.card.weights_sha256
    assert load_model("again").card.description == "A model of my own"
    with pytest.raises(FileExistsError):
        import_model(path)
    assert import_model(model.folder, "third").card.name == "third"


@pytest.mark.parametrize("extra", ["evil.py", "model.keras", "../model.json", "a/model.json"])
def test_archive_with_other_files_is_refused(model, tmp_path, extra):
    path = export_model("mine", tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(extra, "print('hello')")
    with pytest.raises(ValueError, match="do not trust"):
        import_model(path, "again")
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]


def test_altered_archive_is_refused(model, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(model.folder, folder)
    with h5py.File(folder / WEIGHTS_FILE, "a") as file:
        file["layers/conv/vars/0"][0, 0] = 99
    with pytest.raises(ValueError, match="checksum"):
        import_model(folder, "again")
    text = tmp_path / "text.zip"
    text.write_text("no zip")
    with pytest.raises(ValueError, match="zip"):
        import_model(text)


def test_damaged_archive_is_refused(model, tmp_path):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (CARD_FILE, WEIGHTS_FILE):
            archive.write(model.folder / file, file)
        begins = archive.getinfo(WEIGHTS_FILE).header_offset + 30 + len(WEIGHTS_FILE)
    damaged = bytearray(path.read_bytes())
    damaged[begins] = 0xFF  # the first block is of a kind that does not exist
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"a whole zip file, got .*packed\.zip"):
        import_model(path, "again")


def packed(model, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in (CARD_FILE, WEIGHTS_FILE):
            archive.write(model.folder / file, file)
    return path


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED]
)
def test_damage_anywhere_in_an_archive_is_told_with_its_name(model, tmp_path, method):
    path = packed(model, tmp_path / "packed.zip", method)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(whole), 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        is_model_archive(path)
        try:
            import_model(path, "again")
        except ValueError as error:
            assert "packed.zip" in str(error)
        else:  # a byte that says nothing, such as the date of a file
            assert load_model("again").card.weights_sha256 == model.card.weights_sha256
            remove_model("again")
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([WEIGHTS_FILE], "Expected each file of a model once"),
        ([f"__MACOSX/{number}" for number in range(200)], "got 202 files"),
        (["../README.md"], "do not trust"),
        (["/README.md"], "do not trust"),
        (["C:\\README.md"], "do not trust"),
        (["con"], "do not trust"),
        (["README.md/"], "do not trust"),
        (["MODEL.JSON"], "do not trust"),
    ],
    ids=["twice", "rubbish", "above", "absolute", "drive", "reserved", "folder", "capitals"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive_with_odd_names_is_refused(model, tmp_path, names, says):
    path = packed(model, tmp_path / "packed.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for name in names:
            archive.writestr(name, "rubbish")
    with pytest.raises(ValueError, match=says):
        import_model(path, "again")
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]


def test_archive_that_would_fill_the_disk_is_refused(model, tmp_path):
    path = packed(model, tmp_path / "packed.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", bytes(51_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"at most 50 MB for README\.md in .*packed\.zip"):
        import_model(path, "again")


def test_only_files_of_a_model_are_unpacked(model, tmp_path):
    path = packed(model, tmp_path / "packed.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/../evil.py", "evil")
        archive.writestr(".DS_Store", "litter")
    seen = []
    import_model(path, "again", lambda one: seen.extend(one.folder.rglob("*")))
    assert sorted(file.name for file in seen) == [CARD_FILE, WEIGHTS_FILE]


def test_model_that_does_not_pass_the_check_is_not_taken(model, tmp_path):
    def check(one):
        raise ValueError(f"Expected a better model in {one.folder}.")

    path = export_model("mine", tmp_path)
    with pytest.raises(ValueError, match=rf"better model in {path}\."):
        import_model(path, "again", check)
    assert [m.card.name for m in list_models()] == ["nuclei", "mine"]


def test_what_is_refused_in_an_archive_is_not_told_of_a_temporary_file(model, tmp_path):
    (model.folder / CARD_FILE).write_text("{}")
    path = packed(model, tmp_path / "packed.zip")
    with pytest.raises(ValueError, match=r"packed\.zip") as caught:
        import_model(path)
    assert tempfile.gettempdir() + "/tmp" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("name", ["README.md", WEIGHTS_FILE, CARD_FILE])
def test_folder_with_a_link_is_refused(model, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(model.folder, folder)
    secret = tmp_path / "secret"
    secret.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    with pytest.raises(ValueError, match=f"got a link, .* at '{name}'"):
        import_model(folder, "again")


@pytest.mark.skipif(os.name == "nt", reason="needs pipes")
def test_folder_with_a_pipe_or_a_folder_is_refused(model, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(model.folder, folder)
    os.mkfifo(folder / "README.md")
    with pytest.raises(ValueError, match=r"at 'README\.md'"):
        import_model(folder, "again")
    os.unlink(folder / "README.md")
    (folder / "README.md").mkdir()
    with pytest.raises(ValueError, match=r"at 'README\.md'"):
        import_model(folder, "again")


def test_damage_anywhere_in_weights_is_told_with_their_name(tmp_path):
    path = tmp_path / "a.weights.h5"
    write_weights(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for kind in range(300):
        damaged = bytearray(whole)
        place = random.integers(0, len(whole) - 8)
        if kind % 3 == 0:
            damaged = damaged[:place]
        elif kind % 3 == 1:
            damaged[place] = random.integers(256)
        else:
            damaged[place : place + 8] = b"\xff" * 8
        path.write_bytes(damaged)
        try:
            check_weights_file(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        # A number that is another number is left to the checksum.
    assert refused > 100


def _link(file):
    file["away"] = h5py.ExternalLink("other.h5", "/")


def _text(file):
    file["text"] = "import os"


@pytest.mark.parametrize("spoil", [_link, _text])
def test_weights_that_are_no_numbers_are_refused(spoil):
    def write(path):
        with h5py.File(path, "w") as file:
            spoil(file)

    with pytest.raises(ValueError, match="Expected"):
        save_model(Card("new"), write)
    assert "new" not in [m.card.name for m in list_models()]


def test_card_may_say_what_the_network_sees(model):
    spec = ModelSpec(diameter=40.5, stride=16, halo=48, maps=("distance",), size_stride=4)
    saved = save_model(Card("other", spec=spec.for_card()), write_weights)
    read = spec_of(load_model(saved.folder).card)
    assert dataclasses.replace(read, name="", weights_sha256="", version="") == spec
    part = spec_of(Card("part", spec={"halo": 64}))
    assert (part.halo, part.diameter, part.maps) == (64, 28.0, DEFAULT_SPEC.maps)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"scale": 2}, "spec of diameter, .*got scale"),
        ({"diameter": 0}, "'diameter' in the spec to be a number of pixels from 1 to 1000"),
        ({"diameter": float("nan")}, "'diameter'.* got nan"),
        ({"stride": 32.0}, "'stride' .*whole number"),
        ({"stride": True}, "'stride'"),
        ({"halo": -1}, "'halo'"),
        ({"size_stride": 10**9}, "'size_stride'"),
        ({"maps": "foreground"}, "'maps'"),
        ({"maps": []}, "'maps'"),
        ({"maps": ["a", "a"]}, "'maps'"),
        ({"maps": [1]}, "'maps'"),
    ],
)
def test_spec_without_sense_is_refused(model, spec, says):
    with pytest.raises(ValueError, match=says):
        save_model(Card("new", spec=spec), write_weights)
    path = model.folder / CARD_FILE
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, "spec": spec}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"model\.json: .*{says}"):
        load_model(model.folder)


def test_bundled_card_needs_no_spec():
    card = load_model("nuclei").card
    assert card.format_version == 1
    assert spec_of(card).for_card() == DEFAULT_SPEC.for_card()
