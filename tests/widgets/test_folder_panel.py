"""Part 4: a folder of images, with a real window and a real engine."""

import json
import shutil

import numpy as np
import pytest
import tifffile
from napari.layers import Image
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_nucseg.corrections import FolderWork, ImageState, Journals, StoredLabels
from napari_nucseg.image.files import read_labels, write_labels
from napari_nucseg.image.provenance import read_provenance
from napari_nucseg.registry.store import models_directory
from napari_nucseg.widgets.journal.journal_keeper import keeper_of
from napari_nucseg.widgets.layers.reference import Reference, open_image_of, reference_of

NAMES = ["a.tif", "b.tif", "c.tif"]
SHAPE = (64, 96)


@pytest.fixture
def folder(tmp_path, simulated):
    """A folder with three small images."""
    made = tmp_path / "images"
    made.mkdir()
    pixels = np.asarray(simulated.image)
    for number, name in enumerate(NAMES):
        part = pixels[number * 40 :, number * 30 :][: SHAPE[0], : SHAPE[1]]
        tifffile.imwrite(made / name, part)
    return made


@pytest.fixture
def labelled(folder):
    """The same, with a square nucleus in each, as a segmentation has found it."""
    labels = np.zeros(SHAPE, np.int32)
    labels[10:30, 10:30] = 1
    about = {
        "software": "napari-nucseg 1",
        "model": "nuclei",
        "weights_sha256": "abc",
        "parameters": {},
        "diameter": 20.0,
        "blank": False,
    }
    for name in NAMES:
        write_labels(folder / name.replace(".", "_labels."), labels, provenance=about)
    return folder


@pytest.fixture
def panel(window):
    """The panel, with helpers."""
    hands = Hands(window)
    yield hands
    hands.panel.leave()
    vars(hands).clear()  # which would keep the viewer


class Hands:
    """A person at the panel of folders."""

    def __init__(self, window):
        self.window, self.panel = window, window.dock.folder

    def open(self, folder):
        self.window.dock.open_part(self.panel)
        self.panel.choice.open_folder(folder)
        self.window.wait(
            lambda: self.panel.work is not None and not self.panel.choice.is_opening
        )
        assert self.panel.work.folder == folder

    def rest(self):
        self.window.wait(lambda: not self.panel.desk.is_busy)
        self.window.qtbot.wait(30)

    def show(self, name):
        self.panel.open_image(name)
        self.window.wait(lambda: self.panel.desk.name == name and not self.panel.desk.is_busy)

    def press(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        canvas = self.window.viewer.window._qt_viewer.canvas.native
        QTest.keyClick(canvas, key, modifiers)

    def states(self):
        return [str(row.state) for row in self.panel.work.rows()]

    def shown(self):
        return [layer.name for layer in self.window.viewer.layers]

    def draw(self, number=5):
        """Correct the labels that are shown."""
        layer = self.panel._correct.labels.layer()
        layer.data_setitem((np.array([50, 51]), np.array([50, 51])), number)
        return layer


def test_buttons_say_what_is_missing(panel, folder):
    ours = panel.panel
    panel.window.dock.open_part(ours)
    assert "Choose a folder of images" in ours.reason.text()
    assert not ours.segment_button.isEnabled()
    panel.open(folder)
    assert ours.segment_button.isEnabled()
    assert ours.segment_button.text() == "Segment all (3)"
    assert ours.done_button.text() == "Open a.tif"
    assert "double click" in ours.reason.text()
    ours.choice.open_folder(folder / "nowhere")
    panel.window.wait(lambda: panel.window.errors)
    assert "Expected a folder of images" in panel.window.errors[0]
    assert ours.work.folder == folder


def test_folder_is_segmented_in_the_background_and_a_bad_file_named(panel, folder):
    (folder / "bad.tif").write_bytes(b"no image")
    panel.open(folder)
    panel.show("c.tif")  # a new one, whose labels come while it is shown
    assert panel.shown() == ["c"]
    panel.window.click(panel.panel.segment_button)
    panel.window.wait(lambda: not panel.panel.batch.is_running)
    panel.window.wait(lambda: panel.shown() == ["c", "c nuclei"])
    assert panel.states() == ["segmented", "segmented", "error", "segmented"]
    assert "bad.tif\n⚠ error: Expected an image in the file" in panel.panel.list.texts[2]
    assert "could not be: the list says why" in panel.window.status or panel.window.errors
    for name in NAMES:
        path = folder / name.replace(".", "_labels.")
        assert read_labels(path).shape == SHAPE
        assert read_provenance(path)["model"] == "nuclei"
    assert all(row.suspicion is not None for row in panel.panel.work.rows() if row.nuclei)
    assert panel.panel.segment_button.text() == "Segment all (1)"
    assert np.array_equal(panel.window.labels()[0].data, read_labels(folder / "c_labels.tif"))


def test_code_and_journal_know_the_file_of_an_image(panel, labelled):
    panel.open(labelled)
    panel.show("a.tif")
    window, path = panel.window, str(labelled / "a.tif")
    window.dock.numbers.saving.actions["python"].trigger()
    code = QApplication.clipboard().text()
    assert "find_nuclei" in code
    assert repr(path) in code
    layer = panel.draw()
    about = reference_of(layer, window.viewer)().image
    assert (about.name, about.path) == ("a", path)
    # Its labels alone say where the image is.
    (image,) = [one for one in window.viewer.layers if isinstance(one, Image)]
    window.viewer.layers.remove(image)
    shown, reason = open_image_of(Reference("a nuclei", {}, {}, about), window.viewer)
    assert shown is None
    assert reason == f"Its image is {path}: open its folder in part 4, or the file."


def test_corrections_are_saved_and_layers_closed_when_going_on(panel, labelled):
    panel.open(labelled)
    panel.show("a.tif")
    assert panel.shown() == ["a", "a nuclei"]
    assert panel.panel._correct.mark.isVisibleTo(panel.panel._correct)
    panel.draw()
    panel.press(Qt.Key.Key_Y)
    panel.window.wait(lambda: panel.panel.desk.name == "b.tif")
    panel.rest()
    assert panel.shown() == ["b", "b nuclei"]
    assert read_labels(labelled / "a_labels.tif")[50, 50] == 5
    about = read_provenance(labelled / "a_labels.tif")
    assert about["corrected"] and about["model"] == "nuclei" and "result" not in about
    panel.press(Qt.Key.Key_Y)  # as it was found
    panel.window.wait(lambda: panel.panel.desk.name == "c.tif")
    panel.rest()
    assert "corrected" not in read_provenance(labelled / "b_labels.tif")
    panel.window.wait(lambda: panel.states() == ["done", "done", "segmented"])
    panel.window.qtbot.wait(100)
    assert Journals().left() == []
    assert not panel.window.dock.offer.isVisibleTo(panel.window.dock)
    panel.press(Qt.Key.Key_Y)
    panel.window.wait(lambda: panel.states() == ["done"] * 3)
    assert "All images of the folder are finished" in panel.window.status
    panel.show("a.tif")
    assert panel.window.labels()[0].data[50, 50] == 5
    assert not panel.panel._correct.mark.isVisibleTo(panel.panel._correct)


def test_one_key_adds_to_the_training_set_and_goes_on(panel, labelled):
    panel.open(labelled)
    panel.show("a.tif")
    panel.draw()
    panel.press(Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    panel.window.wait(lambda: panel.panel.desk.name == "b.tif")
    panel.rest()
    panel.window.wait(lambda: panel.states()[0] == "in training set")
    (entry,) = panel.panel._correct.training_set.entries()
    assert entry.name == "a" and "result" not in entry.source
    assert read_labels(labelled / "a_labels.tif")[50, 50] == 5
    panel.panel._correct._adder.confirm = lambda *_: False
    panel.press(Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)  # asks, and is told no
    panel.window.qtbot.wait(50)
    assert panel.panel.desk.name == "b.tif"
    assert panel.panel.add_button.isEnabled()


def test_second_window_goes_on_where_the_first_was(panel, labelled):
    work = FolderWork(labelled)
    work.open()
    work.mark("a.tif", ImageState.DONE)
    work.claim("b.tif")
    work.release("b.tif")
    work.keep_settings({"order": "most doubtful first", "show": "to do", "model": "nuclei"})
    panel.open(labelled)
    ours = panel.panel
    assert ours.list.selected == "b.tif"
    assert ours.done_button.text() == "Open b.tif"
    assert (ours.order.currentData(), ours.filter.currentData()) == (
        "most doubtful first",
        "to do",
    )
    assert [row.name for row in ours.list.rows] == ["b.tif", "c.tif"]
    assert "1 finished" in panel.window.status
    work.claim("b.tif")
    panel.window.click(ours.done_button)
    panel.window.wait(lambda: panel.window.errors)
    assert "Another window works on b.tif" in panel.window.errors[0]
    work.release("b.tif")
    panel.rest()
    panel.window.click(ours.done_button)
    panel.window.wait(lambda: ours.desk.name == "b.tif")
    panel.rest()
    assert "Another window" in work.claim("b.tif")


def test_corrections_of_a_killed_window_are_there_without_a_question(panel, labelled):
    keeper = keeper_of(panel.window.viewer)
    panel.open(labelled)
    panel.show("a.tif")
    layer = panel.draw(7)
    panel.window.wait(lambda: keeper.folder_of(layer) is not None)
    panel.window.wait(lambda: any(Journals().folder.glob("*/corrections.journal")))
    panel.window.qtbot.wait(100)
    kept = keeper.folder_of(layer)
    copied = shutil.copytree(kept, kept.with_name("left"))  # as a process leaves it
    (copied / "owner.json").unlink()
    work = FolderWork(labelled)
    work.open()
    work._window = panel.panel.work._window  # of a process that is gone
    assert work.recover(Journals()) == ["a.tif"]
    assert read_labels(labelled / "a_labels.tif")[50, 50] == 7
    assert not copied.exists()


def test_labels_in_another_folder_are_found_again(panel, folder, tmp_path):
    panel.open(folder)
    panel.panel.choice.open_folder(folder, tmp_path / "out")
    panel.window.wait(lambda: panel.panel.work.output == tmp_path / "out")
    panel.panel.choice.open_folder(folder)
    panel.window.wait(lambda: not panel.panel.choice.is_opening)
    assert panel.panel.work.output == tmp_path / "out"
    assert panel.panel.choice.output.currentText() == str(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "nucseg_folder.json").read_text())["format"] == 1


def test_folder_that_is_dropped_is_opened(panel, folder):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(5, 5), action, data, button, Qt.KeyboardModifier.NoModifier)
    panel.panel.dropEvent(event)
    panel.window.wait(lambda: panel.panel.work is not None)
    assert panel.panel.list.texts[0].startswith("a.tif\n○ new")


def test_cancel_ends_within_a_second_and_keeps_what_is_done(panel, folder, engine_held):
    panel.open(folder)
    with engine_held():
        panel.window.click(panel.panel.segment_button)
        panel.window.wait(lambda: panel.panel.batch._runner.job is not None)
        assert panel.panel.choice.choose_button.isEnabled() is False
        panel.window.click(panel.panel.cancel_button)
        panel.window.qtbot.waitUntil(lambda: not panel.panel.batch.is_running, timeout=3000)
    assert "Cancelled after 0 of 3 images" in panel.window.status
    assert panel.states() == ["new"] * 3
    assert panel.panel.work.claim("a.tif") == ""


def test_pictures_come_when_they_are_in_sight(panel, folder):
    panel.open(folder)
    pictures = panel.panel.list._pictures
    panel.window.wait(lambda: len(pictures._known) == 3)
    assert pictures.shape_of(folder / "a.tif") == SHAPE
    assert "64 x 96" in panel.panel.list.texts[0]
    assert (
        max(pictures.of(folder / "a.tif").pixmap(40).toImage().pixelColor(20, 20).getRgb()) > 0
    )


def test_damaged_labels_are_told_and_the_rest_goes_on(panel, labelled):
    write_labels(labelled / "b_labels.tif", np.ones((5, 5), np.int32))
    panel.open(labelled)
    panel.show("a.tif")
    panel.panel.open_image("b.tif")
    panel.window.wait(lambda: panel.window.errors)
    assert "Expected labels of 64 x 96 pixels" in panel.window.errors[0]
    panel.rest()
    assert panel.shown() == ["a", "a nuclei"]
    assert isinstance(panel.panel.desk.image, Image)
    panel.show("c.tif")


def test_disk_that_is_full_keeps_the_image_open(panel, labelled, monkeypatch):
    panel.open(labelled)
    panel.show("a.tif")
    panel.draw()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FolderWork, "save", fail)
    panel.panel.open_image("b.tif")
    panel.window.wait(lambda: panel.window.errors)
    panel.rest()
    assert "Not saved" in panel.window.errors[0]
    assert panel.shown() == ["a", "a nuclei"]
    monkeypatch.undo()
    panel.show("b.tif")
    assert read_labels(labelled / "a_labels.tif")[50, 50] == 5


def test_closing_the_widget_saves_what_is_shown(panel, labelled):
    panel.open(labelled)
    panel.show("a.tif")
    panel.draw()
    panel.panel.leave()
    panel.window.wait(lambda: read_labels(labelled / "a_labels.tif")[50, 50] == 5)
    work = FolderWork(labelled)
    work.open()
    panel.window.wait(lambda: work.claim("a.tif") == "")
    assert isinstance(work.read("a.tif"), StoredLabels)


def test_model_of_the_folder_is_chosen_again(panel, labelled, quick_learner):
    shutil.copytree(quick_learner, models_directory() / quick_learner.name)
    panel.window.dock.segment.model.refresh()
    work = FolderWork(labelled)
    work.open()
    work.keep_settings(
        {"model": quick_learner.name, "parameters": {"minimum_size": 33, "odd": 1}}
    )
    panel.open(labelled)
    assert panel.window.dock.segment.model.currentText() == quick_learner.name
    work.keep_settings({"parameters": {"minimum_size": 33}})
    panel.panel.choice.open_folder(labelled)
    panel.window.wait(lambda: panel.window.dock.segment.parameters().minimum_size == 33)
