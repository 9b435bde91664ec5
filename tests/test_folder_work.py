"""A folder of images that is worked through: what is known of it, whatever happens."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.cli import main
from napari_nucseg.corrections import (
    RESULT,
    FolderRow,
    FolderWork,
    ImageState,
    Journal,
    Journals,
    State,
    States,
    StoredLabels,
    arrange,
    following,
    made_with,
)
from napari_nucseg.engine import SegmentFile, execute
from napari_nucseg.engine.tasks import KeptMaps, perform
from napari_nucseg.image import labels_in, stamp_of
from napari_nucseg.image.files import read_labels, write_labels
from napari_nucseg.image.provenance import read_provenance
from napari_nucseg.measure import Outputs
from napari_nucseg.pipeline import SegmentParameters
from napari_nucseg.support import Callbacks

NAMES = ["a.tif", "b.tif", "c.tif"]
RECORD = "nucseg_folder.json"


@pytest.fixture
def folder(tmp_path):
    """A folder with three small images."""
    made = tmp_path / "images"
    made.mkdir()
    for number, name in enumerate(NAMES):
        tifffile.imwrite(made / name, np.full((12, 16), 50 + number, np.uint8))
    return made


def states_of(work):
    return [str(row.state) for row in work.rows()]


def of_model(labels, weights="abc"):
    """Labels as a segmentation leaves them."""
    about = {"software": "napari-nucseg 1", "weights_sha256": weights, "parameters": {}}
    return StoredLabels(labels, about)


def segmented(work, name, labels, weights="abc"):
    work.save(name, of_model(labels, weights))
    work.note_segmented(
        name, nuclei=2, suspicion=0.25, shape=labels.shape, made=made_with(weights, {})
    )


def opened(folder, output=None):
    work = FolderWork(folder, output)
    work.open()
    return work


def test_new_folder_has_new_images_and_one_small_file(folder):
    work = FolderWork(folder)
    rows = work.open()
    assert [row.name for row in rows] == NAMES
    assert states_of(work) == ["new"] * 3
    assert rows[0].labels == folder / "a_labels.tif"
    assert rows[0].size == (folder / "a.tif").stat().st_size
    assert (folder / RECORD).is_file()


def test_second_opening_goes_on_where_it_was(folder, two_nuclei):
    work = opened(folder)
    segmented(work, "a.tif", two_nuclei)
    work.mark("a.tif", ImageState.DONE)
    work.note_failed("b.tif", "No image.")
    work.claim("c.tif")
    work.keep_settings({"model": "nuclei"})
    again = opened(folder)
    assert again.rows() == work.rows()
    assert states_of(again) == ["done", "error", "new"]
    assert again.row("a.tif").nuclei == 2
    assert again.row("a.tif").shape == (12, 16)
    assert again.row("b.tif").reason == "No image."
    assert (again.at, again.settings) == ("c.tif", {"model": "nuclei"})


def test_labels_say_what_a_lost_record_does_not(folder, two_nuclei):
    work = opened(folder)
    segmented(work, "a.tif", two_nuclei)
    work.save("b.tif", StoredLabels(two_nuclei, {}, corrected=True))
    write_labels(folder / "c_labels.tif", two_nuclei)  # of another program
    for damage in (None, "{", "[]", '{"images": {"a.tif": {"state": "odd"}, "b.tif": 3}}'):
        (folder / RECORD).unlink()
        if damage is not None:
            (folder / RECORD).write_text(damage)
        again = opened(folder)
        assert states_of(again) == ["segmented", "corrected", "corrected"]
        assert [row.name for row in again.to_segment(made_with("abc", {}))] == []


def test_images_are_segmented_again_only_with_another_model_and_untouched(folder, two_nuclei):
    work = opened(folder)
    for name in NAMES:
        segmented(work, name, two_nuclei)
    work.save("b.tif", StoredLabels(two_nuclei, {}, corrected=True))
    work.mark("c.tif", ImageState.DONE)
    assert work.to_segment(made_with("abc", {})) == []
    assert [row.name for row in work.to_segment(made_with("new", {}))] == ["a.tif"]


def test_error_holds_until_the_image_is_another(folder):
    work = opened(folder)
    work.note_failed("a.tif", "No image.")
    tifffile.imwrite(folder / "a.tif", np.zeros((20, 20), np.uint8))
    assert states_of(opened(folder)) == ["new"] * 3


def test_removed_labels_make_an_image_new(folder, two_nuclei):
    work = opened(folder)
    segmented(work, "a.tif", two_nuclei)
    work.mark("a.tif", ImageState.TRAINING)
    (folder / "a_labels.tif").unlink()
    assert states_of(opened(folder)) == ["new"] * 3


def test_what_the_command_has_replaced_is_not_done_any_more(folder, two_nuclei):
    work = opened(folder)
    segmented(work, "a.tif", two_nuclei)
    work.mark("a.tif", ImageState.DONE)
    about = of_model(two_nuclei).provenance
    write_labels(folder / "a_labels.tif", two_nuclei > 0, provenance=about)
    os.utime(folder / "a_labels.tif", ns=(1, 1))
    assert states_of(opened(folder))[0] == "segmented"


def test_labels_and_states_come_back_as_they_were(folder, two_nuclei):
    work = opened(folder, folder / "out")
    states = States({1: State.ACCEPTED, 2: State.EDITED})
    about = {**of_model(two_nuclei).provenance, RESULT: "somewhere"}
    work.save("a.tif", StoredLabels(two_nuclei, about, states, corrected=True))
    found = opened(folder, folder / "out").read("a.tif")
    assert np.array_equal(found.labels, two_nuclei)
    assert found.states.as_dict() == states.as_dict()
    assert found.corrected
    assert found.provenance["weights_sha256"] == "abc"
    assert RESULT not in found.provenance  # no path of a computer in a file
    assert work.read("b.tif") is None
    assert not list(folder.glob("*labels*"))


def test_saving_keeps_what_is_finished(folder, two_nuclei):
    work = opened(folder)
    work.mark("a.tif", ImageState.DONE)
    work.save("a.tif", StoredLabels(two_nuclei, {}, corrected=True))
    assert work.row("a.tif").state is ImageState.DONE
    assert work.row("a.tif").nuclei == 2


def test_images_that_become_the_same_file_are_errors(folder, two_nuclei):
    tifffile.imwrite(folder / "a.tiff", np.zeros((4, 4), np.uint8))
    work = opened(folder)
    assert states_of(work) == ["error", "error", "new", "new"]
    assert "a.tif and a.tiff would both become a_labels.tif" in work.row("a.tif").reason
    assert [row.name for row in work.to_segment("")] == ["b.tif", "c.tif"]


def test_folders_that_cannot_be_worked_in_are_refused(folder, tmp_path):
    with pytest.raises(NotADirectoryError, match="Expected a folder of images"):
        opened(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="Expected images"):
        opened(tmp_path / "empty")
    with pytest.raises(OSError):
        opened(folder, folder / "a.tif")


def test_two_folders_of_images_share_no_folder_for_labels(folder, tmp_path, two_nuclei):
    output, other = tmp_path / "out", tmp_path / "other"
    opened(folder, output).save("a.tif", corrections(two_nuclei))
    other.mkdir()
    tifffile.imwrite(other / "a.tif", np.zeros((12, 16), np.uint8))
    with pytest.raises(ValueError, match="Choose another folder for the labels"):
        opened(other, output)
    with pytest.raises(ValueError, match="Choose another folder for the labels"):
        opened(other, opened(folder).folder)
    assert states_of(opened(folder, output))[0] == "corrected"
    moved = folder.rename(tmp_path / "moved")
    assert states_of(opened(moved, output))[0] == "corrected"


def test_two_windows_share_a_folder(folder, two_nuclei):
    one, other = opened(folder), opened(folder)
    assert one.claim("a.tif") == ""
    assert "Another window works on a.tif" in other.claim("a.tif")
    assert "Another window" in other.claim("a.tif", to_segment=True)
    assert one.claim("a.tif", to_segment=True) == ""  # its own does not count
    one.release("a.tif", to_segment=True)
    assert other.claim("a.tif")
    one.release("a.tif")
    assert other.claim("a.tif") == ""
    segmented(one, "b.tif", two_nuclei)
    other.mark("c.tif", ImageState.DONE)
    assert states_of(opened(folder)) == ["new", "segmented", "done"]


def test_claim_of_a_process_that_was_killed_does_not_count(folder):
    program = (
        "import os, signal, sys; from napari_nucseg.corrections import FolderWork;"
        "work = FolderWork(sys.argv[1]); work.open(); work.claim('a.tif', to_segment=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, folder], check=False)
    assert "process" in (folder / RECORD).read_text()
    assert opened(folder).claim("a.tif") == ""


@pytest.mark.parametrize(("hours", "is_held"), [(1, True), (25, False)])
def test_claim_of_another_computer_counts_for_a_day(folder, hours, is_held):
    opened(folder).claim("a.tif")
    record = json.loads((folder / RECORD).read_text())
    (claim,) = record["images"]["a.tif"]["claims"].values()
    claim.update(host="another", process=1, began=claim["began"] - hours * 3600)
    (folder / RECORD).write_text(json.dumps(record))
    assert bool(opened(folder).claim("a.tif")) is is_held


def test_threads_lose_nothing_of_each_other(folder):
    works = [opened(folder) for _ in NAMES]

    def work_on(work, name):
        for _ in range(5):
            work.mark(name, ImageState.DONE)
            work.keep_settings({name: 1})

    threads = [
        threading.Thread(target=work_on, args=pair) for pair in zip(works, NAMES, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = opened(folder)
    assert states_of(again) == ["done"] * 3
    assert set(again.settings) == set(NAMES)


def test_corrections_in_a_journal_come_into_the_file(folder, two_nuclei):
    work = opened(folder)
    segmented(work, "a.tif", two_nuclei)
    journals = Journals()
    corrected = np.where(two_nuclei == 2, 7, two_nuclei)
    about = {**of_model(two_nuclei).provenance, RESULT: str(work.row("a.tif").labels)}
    left = journals.new()
    Journal(left).begin(corrected, {"provenance": about}, States({7: State.EDITED}))
    journals.release(left)
    other = journals.new()
    Journal(other).begin(two_nuclei, {"provenance": {}})
    journals.release(other)
    assert work.recover(journals) == ["a.tif"]
    found = work.read("a.tif")
    assert np.array_equal(found.labels, corrected)
    assert found.states[7] is State.EDITED
    assert work.row("a.tif").state is ImageState.CORRECTED
    assert [one.folder for one in journals.left()] == [other]
    assert work.recover(journals) == []


def test_older_corrections_do_not_replace_newer_labels(folder, two_nuclei):
    work = opened(folder)
    journals = Journals()
    left = journals.new()
    about = {RESULT: str(work.row("a.tif").labels)}
    Journal(left).begin(two_nuclei, {"provenance": about})
    journals.release(left)
    os.utime(left / "corrections.journal", (1, 1))
    segmented(work, "a.tif", 2 * two_nuclei)
    assert work.recover(journals) == []
    assert work.row("a.tif").state is ImageState.SEGMENTED
    assert len(journals.left()) == 1
    segmented(work, "a.tif", two_nuclei)  # of which it has nothing more
    assert work.recover(journals) == []
    assert journals.left() == []


# Corrections of a person are never lost


def corrections(labels, stamp=None):
    return StoredLabels(labels, {}, corrected=True, stamp=stamp)


def test_corrections_that_are_not_known_are_set_aside_before_others_follow(folder, two_nuclei):
    out = folder / "out"
    work = opened(folder, out)
    first = work.save("a.tif", corrections(two_nuclei))
    assert first.aside is None
    second = work.save("a.tif", corrections(2 * two_nuclei, first.stamp))  # the same file's
    assert second.aside is None
    assert second.stamp == work.read("a.tif").stamp
    third = work.save("a.tif", corrections(3 * two_nuclei, first.stamp))
    assert third.aside == out / "a_labels.before.tif"
    assert np.array_equal(read_labels(third.aside), 2 * two_nuclei)
    fourth = work.save("a.tif", of_model(two_nuclei))
    assert fourth.aside == out / "a_labels.before-2.tif"
    assert np.array_equal(read_labels(fourth.aside), 3 * two_nuclei)
    assert np.array_equal(work.read("a.tif").labels, two_nuclei)
    assert work.save("a.tif", of_model(two_nuclei)).aside is None  # nobody has corrected it
    assert list(labels_in(out)) == ["a"]


def test_file_systems_without_links_keep_corrections_as_well(folder, two_nuclei, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    work = opened(folder)
    work.save("a.tif", corrections(two_nuclei))
    for number in (2, 3):
        aside = work.save("a.tif", corrections(number * two_nuclei)).aside
        assert np.array_equal(read_labels(aside), (number - 1) * two_nuclei)


def test_what_a_person_has_done_is_not_segmented_whatever_the_window_knows(folder, two_nuclei):
    window, other = opened(folder), opened(folder)
    other.save("a.tif", corrections(two_nuclei))
    other.mark("b.tif", ImageState.DONE)
    write_labels(folder / "c_labels.tif", two_nuclei)  # of another program
    reasons = [window.claim(name, to_segment=True) for name in NAMES]
    assert ["it is corrected" in one for one in reasons] == [True, False, True]
    assert "it is done" in reasons[1]
    assert states_of(window) == ["corrected", "done", "corrected"]
    assert window.claim("a.tif") == ""  # to open it


def test_what_a_person_does_meanwhile_stays_her_work(folder, two_nuclei):
    work = opened(folder)
    for name in NAMES:
        assert work.claim(name, to_segment=True) == ""
    found = {"nuclei": 9, "suspicion": 0.5, "shape": (12, 16), "made": "x"}
    work.save("a.tif", corrections(two_nuclei))
    work.mark("b.tif", ImageState.DONE)
    for name in NAMES:
        work.note_segmented(name, **found)
    assert states_of(work) == ["corrected", "done", "segmented"]
    assert work.row("a.tif").nuclei == 2
    assert opened(folder).claim("a.tif") == ""


def test_labels_that_were_written_meanwhile_are_not_replaced(folder, two_nuclei, quick_learner):
    write_labels(folder / "a_labels.tif", two_nuclei)
    outputs = Outputs(folder)
    task = SegmentFile(folder / "a.tif", outputs, quick_learner, SegmentParameters())
    with pytest.raises(FileExistsError, match="it was written since"):
        execute(task)
    stamp = stamp_of(folder / "a_labels.tif")
    execute(dataclasses.replace(task, stamp=stamp))
    assert not np.array_equal(read_labels(folder / "a_labels.tif"), two_nuclei)


def test_command_replaces_no_corrections_unless_it_is_told_to(
    folder, two_nuclei, quick_learner, capsys
):
    opened(folder).save("a.tif", corrections(two_nuclei))
    command = ["segment", str(folder), f"--model={quick_learner}", f"--output={folder}"]
    assert main(command) == 1
    text = capsys.readouterr().err
    assert "a_labels.tif with the corrections of a person" in text
    assert "--replace-corrected" in text
    assert np.array_equal(read_labels(folder / "a_labels.tif"), two_nuclei)
    assert (folder / "c_labels.tif").is_file()
    assert main([*command, "--replace-corrected"]) == 0
    assert not np.array_equal(read_labels(folder / "a_labels.tif"), two_nuclei)
    assert np.array_equal(read_labels(folder / "a_labels.before.tif"), two_nuclei)
    assert main(["measure", str(folder), f"--output={folder / 'table.csv'}"]) == 0
    assert "before" not in (folder / "table.csv").read_text()


ROW = st.builds(
    lambda name, state, doubt: FolderRow(name, name, state, suspicion=doubt),
    st.uuids().map(lambda one: __import__("pathlib").Path(f"{one}.tif")),
    st.sampled_from(list(ImageState)),
    st.none() | st.floats(0, 1),
)


@given(st.lists(ROW, max_size=8, unique_by=lambda row: row.name))
@settings(max_examples=50, deadline=None)
def test_going_on_ends_when_all_is_finished(rows):
    for order in ("name", "state", "most doubtful first"):
        listed = arrange(rows, "all", order)
        assert sorted(row.name for row in listed) == sorted(row.name for row in rows)
        seen, shown = [], following(listed)
        while shown is not None:
            seen.append(shown.name)
            listed = [
                dataclasses.replace(row, state=ImageState.DONE) if row == shown else row
                for row in listed
            ]
            shown = following(listed, shown.name)
        assert seen == [row.name for row in arrange(rows, "to do", order)]
    doubts = [row.suspicion for row in arrange(rows, "all", "most doubtful first")]
    known = [doubt for doubt in doubts if doubt is not None]
    assert doubts[: len(known)] == sorted(known, reverse=True)


@pytest.mark.parametrize("metadata", [None, {"axes": "TYX"}])
def test_row_of_a_stack_says_what_segments_it(folder, tmp_path, metadata):
    tifffile.imwrite(
        folder / "a.tif",
        np.zeros((5, 40, 50), np.uint8),
        imagej=bool(metadata),
        metadata=metadata,
    )
    task = SegmentFile(folder / "a.tif", Outputs(tmp_path), "unused", SegmentParameters())
    with (
        warnings.catch_warnings(),
        pytest.raises(
            ValueError, match=r"got 5 .* of 40 x 50 .*use the command nucseg segment"
        ),
    ):
        warnings.simplefilter("ignore")  # that it is understood as a stack
        perform(task, Callbacks(), KeptMaps())


def test_files_are_those_of_the_command(folder, tmp_path, simulated, quick_learner):
    image = folder / "cells.tif"
    tifffile.imwrite(image, simulated.image)
    work = opened(folder, tmp_path / "window")
    task = SegmentFile(image, Outputs(work.output), quick_learner, SegmentParameters())
    summary = execute(task)
    command = ["segment", str(image), f"--model={quick_learner}", f"--output={tmp_path / 'c'}"]
    assert main(command) == 0
    ours, theirs = work.row("cells.tif").labels, tmp_path / "c" / "cells_labels.tif"
    assert ours.name == theirs.name
    assert np.array_equal(read_labels(ours), read_labels(theirs))
    about, other = read_provenance(ours), read_provenance(theirs)
    assert {**about, "seconds": 0} == {**other, "seconds": 0}
    assert summary.nuclei == read_labels(theirs).max()
    assert summary.shape == simulated.shape
    assert 0 <= summary.suspicion <= 1
    made = made_with(about["weights_sha256"], SegmentParameters().as_dict())
    assert states_of(opened(folder, tmp_path / "window"))[3] == "segmented"
    work.open()
    assert "cells.tif" not in [row.name for row in work.to_segment(made)]
    assert json.loads((tmp_path / "window" / RECORD).read_text())["format"] == 1
