"""Whose journals there are, which are offered, and which go."""

import json
import os
import time

import numpy as np
import pytest

from napari_nucseg.corrections import Journal, Journals

DAY = 24 * 3600


@pytest.fixture
def journals(tmp_path):
    return Journals(tmp_path / "journals")


def kill(folder, **more):
    """Let a journal be that of another process that has ended."""
    stamp = json.loads((folder / "owner.json").read_text())
    (folder / "owner.json").write_text(json.dumps({**stamp, "began": 1.0, **more}))


def let_pass(days, *paths):
    then = time.time() - days * DAY
    for path in paths:
        os.utime(path, (then, then))


def written(journals, name, *, is_left=True, days=0.0):
    """Write a journal, and let it be that of another process that has ended."""
    folder = journals.new()
    journal = Journal(folder)
    journal.begin(np.zeros((4, 4), np.int32), {"name": name})
    let_pass(days, journal.path)
    if is_left:
        kill(folder)
    return folder


def names(journals):
    return [one.reference["name"] for one in journals.left()]


def test_those_of_processes_that_ended_are_left_the_newest_first(journals):
    written(journals, "old", days=2)
    written(journals, "new")
    written(journals, "mine", is_left=False)
    journals.new()  # nothing is written yet
    assert names(journals) == ["new", "old"]


def test_one_that_is_released_is_left(journals):
    folder = written(journals, "mine", is_left=False)
    assert not journals.left()
    journals.release(folder)
    assert names(journals) == ["mine"]


def test_only_one_process_can_claim_a_journal(journals):
    folder = written(journals, "a")
    mine = journals.claim(folder)
    assert not journals.left()
    assert Journal(mine).restore().reference == {"name": "a"}
    with pytest.raises(FileNotFoundError):
        journals.claim(folder)


def test_discarded_journal_can_be_taken_back(journals):
    folder = written(journals, "a")
    journals.discard(folder)
    assert not journals.left()
    journals.take_back(folder)
    assert names(journals) == ["a"]


def test_damaged_journals_are_not_offered(journals):
    Journal(written(journals, "a")).path.write_bytes(b"something else")
    assert not journals.left()


def test_nothing_is_left_where_there_never_was_a_journal(journals):
    assert not journals.left()
    journals.prune()


def test_old_ones_go(journals):
    written(journals, "of today")
    written(journals, "too old", days=31)
    written(journals, "in use", days=31, is_left=False)
    journals.discard(written(journals, "discarded", days=8))
    journals.take_back(written(journals, "taken back", days=8))
    journals.prune()
    assert names(journals) == ["of today", "taken back"]
    assert len([*journals.folder.iterdir()]) == 3


def test_the_oldest_go_if_all_take_too_much_room(journals):
    for number in range(5):
        folder = written(journals, str(number), days=number)
    size = Journal(folder).path.stat().st_size
    journals.prune(most_bytes=3 * size + 1)
    assert names(journals) == ["0", "1", "2"]


def begun(journals):
    """Return the folder of a journal whose first writing has not ended."""
    folder = journals.new()
    (folder / ".new-0123456789ab.journal").touch()
    return folder


def test_what_was_killed_before_the_first_journal_goes_at_once(journals):
    mine, killed, elsewhere, no_owner, old = (begun(journals) for _ in range(5))
    kill(killed)
    # A home on a server: whether a process of another computer runs, this one cannot know.
    kill(elsewhere, host="another computer")
    for folder in (no_owner, old):
        (folder / "owner.json").unlink()
    let_pass(2, old)
    assert not journals.left()
    journals.prune()
    assert {*journals.folder.iterdir()} == {mine, elsewhere, no_owner}
    let_pass(2, mine, elsewhere, no_owner)
    journals.prune()
    assert {*journals.folder.iterdir()} == {mine}


def test_what_was_killed_while_it_wrote_anew_keeps_the_journal(journals):
    folder = written(journals, "a")
    before, recent = (folder / f".new-0123456789a{n}.journal" for n in range(2))
    before.write_bytes(b"half")
    recent.write_bytes(b"half")
    let_pass(2, before)
    journals.prune()
    assert names(journals) == ["a"]
    assert not before.exists()
    # Another process may be about to claim the journal.
    assert recent.exists()
