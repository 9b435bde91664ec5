"""Several training sets in the window."""

import dataclasses

import pytest
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_nucseg.training import TrainingSet, create_set, find_set, list_sets


@pytest.fixture
def answer(monkeypatch):
    """Answer the next questions for a name or a file."""
    answers = []
    for owner, name in (
        (QInputDialog, "getText"),
        (QFileDialog, "getSaveFileName"),
        (QFileDialog, "getOpenFileName"),
    ):
        monkeypatch.setattr(owner, name, lambda *_, **__: (str(answers.pop(0)), True))
    return answers.append


@pytest.fixture
def choice(window, trained_on):
    window.dock.correct.fields.set_choice._list()
    window.dock.correct.fields.list_entries()
    return window.dock.correct.fields.set_choice


def shown(window):
    entries = window.dock.correct.fields.entries
    return [entries.item(row).text().splitlines()[0] for row in range(entries.count())]


def test_new_set_is_chosen_filled_and_left(window, choice, answer, simulated):
    answer("gut")
    choice.actions_by_name["create"].trigger()
    assert choice.sets.currentText() == "gut"
    assert shown(window) == []
    assert "empty" in window.dock.retrain.retrain_button.toolTip()
    window.dock.correct.training_set.add(dataclasses.replace(simulated, name="one"))
    assert [entry.name for entry in find_set("gut").entries()] == ["one"]
    choice.sets.setCurrentText("default")
    assert shown(window) == [simulated.name]
    assert window.dock.retrain.retrain_button.isEnabled()
    assert window.status == f"Training set 'default': 1 field, {simulated.nuclei} nuclei."


def test_set_is_renamed(window, choice, answer, simulated):
    answer("first")
    choice.actions_by_name["rename"].trigger()
    assert choice.sets.currentText() == "first"
    assert shown(window) == [simulated.name]
    assert [one.name for one in list_sets()] == ["default", "first"]


def test_name_that_is_taken_is_told(window, choice, answer):
    create_set("gut")
    answer("gut")
    choice.actions_by_name["create"].trigger()
    assert "which exists" in window.status
    assert choice.sets.currentText() == "default"


def test_fields_of_another_window_are_shown_when_the_part_is_opened(
    window, choice, trained_on, simulated
):
    window.dock.open_part(window.dock.segment)
    trained_on.add(dataclasses.replace(simulated, name="theirs"))
    assert shown(window) == [simulated.name]
    window.dock.open_part(window.dock.correct)
    assert shown(window) == [simulated.name, "theirs"]


def test_set_of_another_window_is_offered(window, choice):
    create_set("gut")
    choice.sets.showPopup()
    assert [choice.sets.itemText(row) for row in range(choice.sets.count())] == [
        "default",
        "gut",
    ]
    choice.sets.hidePopup()


def test_set_goes_out_and_comes_in_as_one_file(window, choice, answer, simulated, tmp_path):
    for _ in range(2):  # the second time it replaces the file, which the dialog has asked
        answer(tmp_path / "mine")
        choice.actions_by_name["export"].trigger()
        window.wait(lambda: window.status.startswith("Wrote the training set"))
        window.dock.status.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zip"]
    answer(tmp_path / "mine.zip")
    choice.actions_by_name["import"].trigger()
    window.wait(lambda: choice.sets.currentText() == "mine")
    assert shown(window) == [simulated.name]
    (tmp_path / "text.zip").write_text("no zip")
    answer(tmp_path / "text.zip")
    choice.actions_by_name["import"].trigger()
    window.wait(lambda: "is none or is incomplete" in window.status)
    assert len(TrainingSet()) == 1
