"""What the window remembers between openings."""

import json

import pytest

from napari_nucseg.support import window_file
from napari_nucseg.training import create_set
from napari_nucseg.widgets.memory import Memory


@pytest.fixture
def memory(home, qapp):
    return Memory()


def test_values_are_there_next_time(memory):
    memory.note("part", 2)
    memory.save()
    assert Memory().recall("part", int) == 2
    assert Memory().recall("part", str) is None
    assert Memory().recall("other", int) is None


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_damaged_file_is_nothing_remembered(home, content):
    window_file().parent.mkdir(exist_ok=True)
    window_file().write_bytes(content)
    memory = Memory()
    assert memory.recall("part", int) is None
    memory.note("part", 1)
    memory.save()
    assert Memory().recall("part", int) == 1


def test_what_cannot_be_written_is_no_error(memory):
    window_file().mkdir(parents=True)
    memory.note("part", 1)
    memory.save()


def reopen(window):
    """Close the widget and open it again, as on another day."""
    window.viewer.window.remove_dock_widget(window.dock)
    _, window.dock = window.viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    return window.dock


def test_widget_opens_as_it_was_left(window, quick):
    dock = window.dock
    dock.segment.model.refresh()
    dock.segment.model.setCurrentText(quick)
    dock.retrain.parent_model.setCurrentText("nuclei")
    dock.segment.form.boxes["probability"].value = 0.7
    dock.segment.form.boxes["diameter"].value = 33
    dock.open_part(dock.correct)
    dock = reopen(window)
    assert dock.segment.model.currentText() == quick
    assert dock.retrain.parent_model.currentText() == "nuclei"
    asked = dock.segment.parameters()
    assert asked.probability == 0.7
    assert asked.diameter is None  # of one image
    assert dock.parts.currentWidget() is dock.correct


def test_what_is_not_there_any_more_is_not_chosen(window):
    values = {
        "model": "gone",
        "part": 9,
        "training set": "gone",
        "parameters": {"probability": 7, "minimum_size": 30, "unknown": 1},
    }
    window.viewer.window.remove_dock_widget(window.dock)
    window_file().write_text(json.dumps(values))
    _, window.dock = window.viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    dock = window.dock
    assert dock.segment.model.currentText() == "nuclei"
    assert dock.parts.currentWidget() is dock.segment
    asked = dock.segment.parameters()
    assert (asked.probability, asked.minimum_size) == (0.5, 30)
    assert len(dock.correct.training_set) == 0


def test_training_set_of_last_time_is_used(window, simulated):
    livers = create_set("livers")
    livers.add(simulated)
    window.viewer.window.remove_dock_widget(window.dock)
    window_file().write_text(json.dumps({"training set": "livers"}))
    _, window.dock = window.viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    assert window.dock.correct.training_set.folder == livers.folder
    assert window.dock.correct.fields.entries.count() == 1
    assert window.dock.retrain.retrain_button.isEnabled()
