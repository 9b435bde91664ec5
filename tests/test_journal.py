"""Nothing that was flushed is lost, whatever happens to the process or the file."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.corrections import (
    Journal,
    State,
    States,
    block_of,
    delete,
    keys_at,
    keys_in,
    merge,
    plane_of,
    split_along,
)

WHOLE = slice(None)
REFERENCE = {"image": "a.tif", "shape": [12, 16]}


@pytest.fixture
def journal(tmp_path, two_nuclei):
    journal = Journal(tmp_path / "journal")
    journal.begin(two_nuclei, REFERENCE)
    return journal


def do(edit, labels, journal):
    labels[edit.indices] = edit.values
    journal.record(edit)


def look(labels, journal, box=None):
    """Record all blocks of a part of the labels, as a window does that does not know better."""
    keys = keys_in(box or (WHOLE,) * labels.ndim, labels.shape)
    return [journal.record_block(key, block_of(labels, key).copy()) for key in keys]


def restored(journal):
    """Restore as another process would."""
    return Journal(journal.path.parent).restore()


def test_edits_and_states_come_back(journal, two_nuclei):
    labels, states = two_nuclei.copy(), States()
    for edit in (merge(labels, [(5, 4), (5, 10)]), split_along(two_nuclei, [(0, 0), (1, 0)])):
        do(edit, labels, journal)
        states.apply(edit)
    states.accept([7])
    journal.record_states(states)
    assert journal.flush() > 0
    assert journal.flush() == 0
    found = restored(journal)
    assert np.array_equal(found.labels, labels)
    assert found.labels.dtype == labels.dtype
    assert found.states.as_dict() == {1: State.EDITED, 7: State.ACCEPTED}
    assert found.reference == REFERENCE


def test_what_was_not_flushed_is_not_there(journal, two_nuclei):
    journal.record(delete(two_nuclei, [1]))
    assert np.array_equal(restored(journal).labels, two_nuclei)


def test_restored_journal_goes_on(journal, two_nuclei):
    labels = two_nuclei.copy()
    do(delete(labels, [1]), labels, journal)
    journal.flush()
    again = Journal(journal.path.parent)
    assert again.exists()
    do(delete(labels, [2]), labels, again)
    again.flush()
    assert not restored(journal).labels.any()


def test_states_are_written_when_they_change(journal):
    states = States({1: State.ACCEPTED})
    journal.record_states(states)
    assert journal.flush() > 0
    journal.record_states(states)
    assert journal.flush() == 0
    states.mark([1], State.UNREVIEWED)
    journal.record_states(states)
    journal.flush()
    assert restored(journal).states[1] is State.UNREVIEWED


def reviewed(states):
    return {one: state for one, state in states.as_dict().items() if state}


def test_nuclei_that_leave_the_table_are_unreviewed(journal):
    tables = [
        {1: State.ACCEPTED, 2: State.EDITED},
        {2: State.EDITED},
        {2: State.ACCEPTED, 3: State.UNREVIEWED},
        {},
        {1: State.EDITED},
    ]
    for table in tables:
        journal.record_states(States(table))
        journal.flush()
        assert reviewed(restored(journal).states) == reviewed(States(table))
        assert journal.flush() == 0
    # Who was written as unreviewed is not written again.
    journal.record_states(States(tables[-1]))
    assert journal.flush() == 0


@pytest.mark.parametrize("is_begun_anew", [False, True])
def test_states_from_another_process_can_leave_the_table(journal, two_nuclei, is_begun_anew):
    states = States({1: State.ACCEPTED, 2: State.EDITED})
    if is_begun_anew:
        journal.begin(two_nuclei, REFERENCE, states)
    else:
        journal.record_states(states)
        journal.flush()
    again = Journal(journal.path.parent)
    again.record_states(States({2: State.EDITED}))
    again.flush()
    assert reviewed(restored(journal).states) == {2: State.EDITED}


@given(
    tables=st.lists(
        st.dictionaries(st.integers(1, 4), st.sampled_from(State), max_size=4), max_size=6
    ),
    closings=st.sets(st.integers(0, 5)),
)
@settings(max_examples=25)
def test_states_that_come_back_are_the_last_ones(tmp_path_factory, tables, closings):
    journal = Journal(tmp_path_factory.mktemp("journal"))
    journal.begin(np.zeros((4, 4), np.int32), {})
    for number, table in enumerate(tables):
        journal.record_states(States(table))
        journal.flush()
        if number in closings:
            journal = Journal(journal.path.parent)
    last = tables[-1] if tables else {}
    assert reviewed(restored(journal).states) == reviewed(States(last))


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1), (0, 2), (2, 0)])
def test_blocks_of_a_stack_are_compared_with_what_was_recorded(tmp_path, displayed):
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 99, (3, 300, 280)).astype(np.uint16)
    journal = Journal(tmp_path)
    journal.begin(stack, {})
    where = (1, 7, 9)
    stack[1, 250:270, 100] = 500
    stack[:, 7, 9] = 501
    plane = plane_of(stack, where, displayed)
    edit = plane.in_layer(delete(plane.labels, [500, 501]))
    stack[edit.indices] = edit.values
    journal.record(edit)
    plane.labels[-1, 2] = 77  # a brush
    box = tuple(WHOLE if axis in displayed else where[axis] for axis in range(3))
    assert any(look(stack, journal, box))
    journal.flush()
    (other,) = {0, 1, 2} - {*displayed}
    found = restored(journal).labels
    assert np.array_equal(found.take(where[other], other), stack.take(where[other], other))


def test_blocks_that_a_change_touches():
    shape = (4, 600, 300)
    assert keys_in((2, slice(0, 256), slice(255, 257)), shape) == {(2, 0, 0), (2, 0, 1)}
    assert len(keys_in((WHOLE,) * 3, shape)) == 4 * 3 * 2
    pixels = np.array([3, 0]), np.array([599, 0]), np.array([299, 255])
    assert keys_at(pixels, shape) == {(3, 2, 1), (0, 0, 0)}
    labels = np.arange(np.prod(shape)).reshape(shape)
    assert np.array_equal(block_of(labels, (3, 2, 1)), labels[3, 512:, 256:])


def test_only_what_changed_is_written(tmp_path):
    labels = np.random.default_rng(0).integers(0, 2**30, (600, 600), np.int32)
    journal = Journal(tmp_path)
    journal.begin(labels, {})
    assert not any(look(labels, journal))
    assert journal.flush() == 0
    labels[5, 5] = 0
    assert journal.differs((0, 0), labels[:256, :256])
    assert look(labels, journal).count(True) == 1
    assert not journal.differs((0, 0), labels[:256, :256])
    assert 0 < journal.flush() < labels.nbytes / 4
    journal.record(delete(labels, [int(labels[400, 400])]))
    assert journal.flush() < 500
    # The edit is taken back, which only the labels show.
    look(labels, journal)
    journal.flush()
    assert np.array_equal(restored(journal).labels, labels)


@pytest.mark.parametrize("damage", ["cut", "flip", "garbage"])
def test_end_that_is_not_whole_is_ignored_and_overwritten(journal, two_nuclei, damage):
    labels = two_nuclei.copy()
    do(delete(labels, [1]), labels, journal)
    journal.flush()
    good = journal.path.read_bytes()
    journal.record(delete(labels, [2]))
    journal.flush()
    bad = bytearray(journal.path.read_bytes())
    if damage == "cut":
        for length in range(len(good), len(bad)):
            journal.path.write_bytes(bad[:length])
            assert np.array_equal(restored(journal).labels, labels)
    elif damage == "flip":
        bad[-3] ^= 4
        journal.path.write_bytes(bad)
    else:
        journal.path.write_bytes(good + b"\0" * 500)
    assert np.array_equal(restored(journal).labels, labels)
    again = Journal(journal.path.parent)
    do(delete(labels, [2]), labels, again)
    again.flush()
    assert not restored(journal).labels.any()


def test_file_that_is_no_journal_is_told(journal):
    journal.path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"corrections\.journal, got something else"):
        journal.restore()


def test_journal_that_was_not_begun_is_told(tmp_path, two_nuclei):
    journal = Journal(tmp_path / "none")
    assert not journal.exists()
    with pytest.raises(FileNotFoundError):
        journal.restore()
    edit = delete(two_nuclei, [1])
    journal.record(edit)
    with pytest.raises(FileNotFoundError):
        journal.flush()
    # It is written as soon as that is possible.
    journal.begin(two_nuclei, {})
    journal.flush()
    assert not (restored(journal).labels == 1).any()


def test_edit_before_the_beginning_is_taken_back(journal, two_nuclei):
    edit = delete(two_nuclei, [1])
    journal.record(edit)
    journal.begin(two_nuclei, {})
    assert look(two_nuclei, journal) == [True]
    journal.flush()
    assert np.array_equal(restored(journal).labels, two_nuclei)


def test_journal_that_has_grown_is_begun_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_nucseg.corrections.journal._ROOM", 100_000)
    rng = np.random.default_rng(0)
    journal = Journal(tmp_path)
    labels = rng.integers(0, 2**62, (100, 100))
    journal.begin(labels, {"image": "a"})
    while not journal.has_grown():
        labels = rng.integers(0, 2**62, labels.shape)
        assert all(look(labels, journal))
        journal.flush()
    before = journal.path.stat().st_size
    journal.begin(labels, {"image": "b"})
    assert journal.path.stat().st_size < before / 2
    assert not journal.has_grown()
    assert not any(look(labels, journal))
    assert journal.reference() == {"image": "b"}
    assert np.array_equal(restored(journal).labels, labels)


def test_edits_while_another_thread_flushes(tmp_path):
    labels = np.arange(100 * 100, dtype=np.int32).reshape(100, 100)
    journal = Journal(tmp_path)
    journal.begin(labels, {})
    done = threading.Event()

    def keep_flushing():
        while not done.is_set():
            journal.flush()

    thread = threading.Thread(target=keep_flushing)
    thread.start()
    for number in range(1, 300):
        do(delete(labels, [number]), labels, journal)
    done.set()
    thread.join()
    journal.flush()
    assert np.array_equal(restored(journal).labels, labels)


EDITING = """
import sys
from pathlib import Path
import numpy as np
from napari_nucseg.corrections import Journal, States, delete

labels = np.arange(1, 120 * 120 + 1, dtype=np.int32).reshape(120, 120)
journal, states = Journal(Path(sys.argv[1])), States()
journal.begin(labels, {"image": "a.tif"}, states)
for number in range(1, labels.size):
    edit = delete(labels, [number])
    labels[edit.indices] = edit.values
    states.accept([number])
    journal.record(edit)
    journal.record_states(states)
    if number % 3 == 0:
        journal.flush()
        print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_killed_process_loses_nothing_that_was_flushed(tmp_path):
    rng = np.random.default_rng()
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen(
            [sys.executable, "-c", EDITING, str(folder)], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        flushed = int(said[-1]) if said and said[-1].isdigit() else 3
        found = Journal(folder).restore()
        done = int(np.count_nonzero(found.labels == 0))
        # The last flush may have been on the disk before it was told.
        assert flushed <= done <= flushed + 3
        expected = np.arange(1, found.labels.size + 1)
        expected[:done] = 0
        assert np.array_equal(found.labels.ravel(), expected)
        assert found.states.reviewed() == {*range(1, done + 1)}
        assert found.reference == {"image": "a.tif"}
