"""Whatever changes labels is on the disk soon after, and is offered when it is not saved."""

import json
import time

import numpy as np
import pytest
import tifffile

from napari_nucseg.corrections import Journal, Journals, State, States
from napari_nucseg.widgets.journal.journal_keeper import keeper_of
from napari_nucseg.widgets.journal.restore_offer import RestoreOffer
from napari_nucseg.widgets.layers.layer_states import put_states, states_in


@pytest.fixture
def viewer(home, make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def keeper(viewer):
    return keeper_of(viewer)


@pytest.fixture
def two():
    labels = np.zeros((300, 600), np.int32)
    labels[10:40, 10:40], labels[200:240, 500:540] = 1, 2
    return labels


def on_disk(keeper, layer):
    return Journal(keeper.folder_of(layer)).restore()


def kept(keeper, layer, qtbot):
    """Wait until the disk has what the layer shows."""

    def is_there():
        folder = keeper.folder_of(layer)
        assert folder is not None and Journal(folder).exists()
        found = Journal(folder).restore()
        assert np.array_equal(found.labels, layer.data)
        assert found.labels.dtype == layer.data.dtype
        assert found.states.as_dict() == states_in(layer).as_dict()

    qtbot.waitUntil(is_there, timeout=20_000)
    return on_disk(keeper, layer)


def crash(folder):
    """Let a journal be that of a process that is not there any more."""
    stamp = json.loads((folder / "owner.json").read_text())
    (folder / "owner.json").write_text(json.dumps({**stamp, "began": 1.0}))


def test_journal_begins_with_the_first_edit(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two, name="two", scale=(0.5, 0.5))
    viewer.dims.set_point(0, 3)
    keeper.write()
    assert keeper.folder_of(layer) is None
    layer.data_setitem((np.array([5]), np.array([5])), 7)
    reference = kept(keeper, layer, qtbot).reference
    assert reference["name"] == "two"
    assert reference["placement"]["scale"] == [0.5, 0.5]
    assert reference["image"] is None


def test_all_ways_to_change_labels_are_kept(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two)
    layer.paint((100, 300), 9)
    kept(keeper, layer, qtbot)
    layer.fill((210, 510), 4)
    kept(keeper, layer, qtbot)
    layer.undo()
    layer.undo()
    assert not (kept(keeper, layer, qtbot).labels == 9).any()
    layer.redo()
    assert (kept(keeper, layer, qtbot).labels == 9).any()
    layer.data = np.where(two == 1, 0, two).astype(np.int16)[:250]
    kept(keeper, layer, qtbot)
    layer.data[0, 0] = 11
    layer.refresh()
    kept(keeper, layer, qtbot)
    put_states(layer, type(states_in(layer))({2: State.ACCEPTED}))
    assert kept(keeper, layer, qtbot).states[2] is State.ACCEPTED


def test_undo_is_on_the_disk_no_later_than_what_follows(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two)
    layer.fill((20, 20), 3)
    kept(keeper, layer, qtbot)
    layer.undo()
    layer.paint((220, 510), 4)
    put_states(layer, States({2: State.EDITED}))
    # The window hears nothing of the writing, and so does not write a second time.
    keeper.write()
    end = time.monotonic() + 20
    while on_disk(keeper, layer).states[2] is not State.EDITED:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert np.array_equal(on_disk(keeper, layer).labels, layer.data)


def test_stroke_is_kept_before_it_ends(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two)
    with layer.block_history():
        layer.paint((150, 300), 9)
        kept(keeper, layer, qtbot)
        layer.paint((150, 320), 9)
        kept(keeper, layer, qtbot)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (0, 2, 1)])
def test_stacks_are_kept_in_every_view(viewer, keeper, two, qtbot, order):
    layer = viewer.add_labels(np.stack([two, two, two]), translate=(5, 0, 0))
    viewer.dims.order = order
    viewer.dims.set_point((0, 1, 2), (6, 20, 20))
    layer.mode = "paint"
    layer.paint((1, 20, 20), 9)
    kept(keeper, layer, qtbot)
    # The step lies in a plane that is not in sight when it is undone.
    viewer.dims.set_point((0, 1, 2), (7, 220, 520))
    layer.undo()
    assert not (kept(keeper, layer, qtbot).labels == 9).any()


def test_accepting_a_nucleus_begins_a_journal(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two)
    put_states(layer, type(states_in(layer))({1: State.ACCEPTED}))
    assert kept(keeper, layer, qtbot).states.as_dict() == {1: State.ACCEPTED}


def test_two_viewers_keep_journals_of_their_own(keeper, two, qtbot, make_napari_viewer):
    other = make_napari_viewer()
    another = keeper_of(other)
    assert another is not keeper
    layer = other.add_labels(two)
    layer.paint((100, 100), 3)
    kept(another, layer, qtbot)
    assert keeper.folder_of(layer) is None


def test_layer_that_is_saved_needs_no_journal(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two)
    layer.paint((100, 300), 9)
    kept(keeper, layer, qtbot)
    folder = keeper.folder_of(layer)
    before = layer.data.copy()
    layer.paint((110, 300), 9)
    keeper.note_saved(layer, before)
    assert keeper.folder_of(layer) == folder
    keeper.note_saved(layer, layer.data)
    qtbot.waitUntil(lambda: not folder.exists())
    assert keeper.folder_of(layer) is None
    layer.undo()
    kept(keeper, layer, qtbot)
    assert keeper.folder_of(layer) != folder


def test_closed_layer_is_left_with_its_last_edit(viewer, keeper, two, qtbot):
    layer = viewer.add_labels(two, name="closed")
    layer.paint((100, 300), 9)
    with qtbot.waitSignal(keeper.left):
        viewer.layers.remove(layer)
    (left,) = Journals().left()
    assert left.reference["name"] == "closed"
    assert np.array_equal(Journal(left.folder).restore().labels, layer.data)


def test_disk_that_refuses_is_told_once_and_tried_again(viewer, keeper, two, qtbot, home):
    told = []
    keeper.told.connect(lambda text, is_error: told.append(text))
    layer = viewer.add_labels(two)
    (home / "journals").write_text("in the way")
    layer.paint((100, 300), 9)
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    keeper.write()
    (home / "journals").unlink()
    kept(keeper, layer, qtbot)
    assert len(told) == 1
    assert "cannot be kept safe on the disk" in told[0]


def test_opening_removes_what_was_killed_before_the_first_journal(viewer, qtbot):
    folder = Journals().new()
    (folder / ".new-0123456789ab.journal").touch()
    crash(folder)
    qtbot.addWidget(RestoreOffer(viewer))
    qtbot.waitUntil(lambda: not folder.exists())


# In the whole window


def test_unedited_result_needs_no_journal(window, simulated):
    window.viewer.add_image(simulated.image)
    layer = window.segment()
    keeper = keeper_of(window.viewer)
    window.viewer.dims.set_point(0, 3)
    layer.refresh()
    keeper.write()
    assert keeper.folder_of(layer) is None


def test_corrections_are_restored_after_a_crash(window, simulated, tmp_path):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, np.asarray(simulated.image))
    viewer, dock, qtbot = window.viewer, window.dock, window.qtbot
    viewer.open(path, plugin="napari")
    layer = window.segment()
    assert not dock.offer.isVisible()
    layer.paint((1, 1), 99)
    layer.paint((9, 9), 98)
    layer.undo()
    keeper = keeper_of(viewer)
    kept(keeper, layer, qtbot)
    labels, provenance = layer.data.copy(), layer.metadata["nucseg"]
    crash(keeper.folder_of(layer))
    keeper._kept.clear()  # as in another process
    viewer.layers.clear()
    dock.offer.look()
    window.wait(dock.offer.isVisible)
    assert "field nuclei" in dock.offer.text.text()
    window.click(dock.offer.restore_button)
    window.wait(lambda: window.labels() and not dock.offer.isVisible())
    assert window.status == "Restored 'field nuclei'."
    (again,) = window.labels()
    assert np.array_equal(again.data, labels)
    assert again.metadata["nucseg"] == provenance
    assert [one.name for one in viewer.layers] == ["field", "field nuclei"]
    assert dock.correct.labels.layer() == again
    assert dock.correct.image.layer() == viewer.layers["field"]
    # What was undone is not redone, and the journal goes on.
    again.redo()
    assert np.array_equal(again.data, labels)
    again.paint((20, 20), 97)
    kept(keeper, again, qtbot)
    # When it is in the training set, the journal is not needed.
    folder = keeper.folder_of(again)
    window.add()
    window.wait(lambda: len(dock.correct.training_set))
    window.wait(lambda: not folder.exists())


@pytest.mark.parametrize("what", ["gone", "other", "none"])
def test_labels_are_restored_without_their_image(window, simulated, tmp_path, what):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, np.asarray(simulated.image))
    viewer, dock = window.viewer, window.dock
    if what == "none":
        viewer.add_image(np.asarray(simulated.image), name="field")
    else:
        viewer.open(path, plugin="napari")
    layer = window.segment()
    layer.paint((1, 1), 99)
    labels = layer.data.copy()
    viewer.layers.clear()
    window.wait(dock.offer.isVisible)
    if what == "gone":
        path.unlink()
    elif what == "other":
        tifffile.imwrite(path, np.asarray(simulated.image)[::-1])
    window.click(dock.offer.restore_button)
    window.wait(window.labels)
    assert np.array_equal(window.labels()[0].data, labels)
    words = {
        "gone": "not at",
        "other": "another image",
        "none": "was never a file",
    }
    assert words[what] in window.status


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "are not in the training set."),
        ({"result": "a_labels.tif"}, "are not in their file."),
    ],
)
def test_offer_says_where_corrections_are_missing(viewer, two, qtbot, about, words):
    offer = RestoreOffer(viewer)
    qtbot.addWidget(offer)
    layer = viewer.add_labels(two, name="a nuclei", metadata={"nucseg": about})
    layer.paint((100, 300), 9)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: words in offer.text.text(), timeout=20_000)


def test_discarded_corrections_can_be_taken_back(window, two):
    viewer, offer = window.viewer, window.dock.offer
    layer = viewer.add_labels(two)
    layer.paint((100, 300), 9)
    viewer.layers.clear()
    window.wait(offer.isVisible)
    window.click(offer.discard_button)
    assert not offer.restore_button.isVisible()
    assert not Journals().left()
    window.click(offer.undo_button)
    window.wait(offer.restore_button.isVisible)
    assert not offer.undo_button.isVisible()
    assert len(Journals().left()) == 1
