"""The dialog with all models."""

import dataclasses
import json
import shutil

import pytest
from qtpy.QtWidgets import QApplication, QFileDialog, QInputDialog

from napari_nucseg.registry import (
    CARD_FILE,
    export_model,
    import_model,
    list_models,
    load_model,
    models_directory,
    remove_model,
)
from napari_nucseg.registry.card import write_card
from napari_nucseg.training import export_set, list_sets


@pytest.fixture
def child(home, quick_learner):
    """A model among the user's own, fine-tuned from the bundled one as its card says."""
    shutil.copytree(quick_learner, models_directory() / "child")
    nuclei = load_model("nuclei").card
    card = dataclasses.replace(
        load_model(models_directory() / "child").card,
        name="child",
        parent="nuclei",
        parent_sha256=nuclei.weights_sha256,
        scores={"held_out_mean_ap": 0.61, "parent_held_out_mean_ap": 0.5},
        training={"data": "/data/set", "parameters": {"epochs": 2}, "fields": 1, "nuclei": 9},
    )
    write_card(card, models_directory() / "child" / CARD_FILE)
    return card


@pytest.fixture
def dialog(child, window):
    window.dock.open_part(window.dock.segment)
    window.click(window.dock.segment.models_button)
    dialog = window.dock.models
    assert dialog.isVisible()
    yield dialog
    dialog.close()


def rows(dialog):
    tree = dialog.tree
    return [
        (item.parent() and item.parent().text(0), *(item.text(c) for c in (0, 2, 3)))
        for item in tree._all()
    ]


def choices(window):
    return {
        box.itemText(row)
        for box in (window.dock.segment.model, window.dock.retrain.parent_model)
        for row in range(box.count())
    }


def test_lineage_is_a_tree_with_scores(dialog, child):
    scores = load_model("nuclei").card.scores
    score, before = (
        f"{scores[key]:.3f}" for key in ("held_out_mean_ap", "parent_held_out_mean_ap")
    )
    assert rows(dialog) == [
        (None, "nuclei", score, before),
        ("nuclei", "child", "0.610", "0.500"),
    ]
    assert [model.card.name for model in dialog.tree.selected()] == ["nuclei"]
    assert not dialog.remove_button.isEnabled()
    assert "Rename… and Remove: it came with napari-nucseg" in dialog.reason.text()
    assert "It came with napari-nucseg" in dialog.about.text()


def test_rename_keeps_the_choice(dialog, window, monkeypatch):
    window.dock.segment.model.refresh("child")
    dialog.tree.refresh("child")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (" gut ", True))
    window.click(dialog.rename_button)
    assert window.dock.segment.model.currentText() == "gut"
    assert choices(window) == {"nuclei", "gut"}
    assert [model.card.name for model in dialog.tree.selected()] == ["gut"]
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("nuclei", True))
    window.click(dialog.rename_button)
    assert "which exists" in dialog.status.text()


def test_removed_model_comes_back(dialog, window):
    dialog.tree.refresh("child")
    assert not dialog.undo_button.isEnabled()
    window.click(dialog.remove_button)
    assert choices(window) == {"nuclei"}
    assert [row[1] for row in rows(dialog)] == ["nuclei"]
    assert "Undo remove brings it back" in dialog.status.text()
    window.click(dialog.undo_button)
    assert choices(window) == {"nuclei", "child"}
    assert not dialog.undo_button.isEnabled()


def test_export_and_import(dialog, window, monkeypatch, tmp_path):
    path = tmp_path / "child.zip"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path)[:-4], ""))
    dialog.tree.refresh("child")
    for _ in range(2):  # the second time it is replaced, which Qt has asked
        window.click(dialog.export_button)
        assert dialog.status.text() == f"Wrote 'child' to {path}."
    assert [one.name for one in tmp_path.iterdir()] == ["child.zip"]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.click(dialog.import_button)
    assert choices(window) == {"nuclei", "child", "child 2"}
    path.write_text("no zip")
    window.click(dialog.import_button)
    assert "Expected" in dialog.status.text()


def test_copy_as_python_and_as_command(dialog, window):
    dialog.tree.refresh("child")
    window.click(dialog.command_button)
    code = QApplication.clipboard().text()
    assert code.startswith("nucseg fine-tune /data/set --model nuclei --name 'child 2' --ep")
    window.click(dialog.python_button)
    assert "from napari_nucseg import fine_tune" in QApplication.clipboard().text()
    dialog.tree.refresh("nuclei")
    assert "does not say on which training set" in dialog.python_button.toolTip()


def test_model_is_compared_with_its_parent_on_the_image(dialog, window, simulated):
    dialog.tree.refresh("child")
    window.click(dialog.compare_button)
    assert dialog.status.text() == window.status
    assert "image" in window.status
    window.viewer.add_image(simulated.image, name="cells")
    before = window.dock.segment.model.currentText()
    window.click(dialog.compare_button)
    window.wait(window.dock.segment.comparison.legend.text)
    names = [layer.name for layer in window.viewer.layers]
    assert len(names) == 4
    assert dialog.status.text().startswith("The window shows where 'nuclei' and 'child'")
    assert any(name.startswith("differences") for name in names)
    assert window.dock.segment.model.currentText() == before
    assert window.dock.runner.job is None


def test_what_is_dropped_on_napari_is_imported(window, tmp_path, trained_on):
    path = export_model("nuclei", tmp_path / "gift.zip")
    assert window.viewer.open(path, plugin="napari-nucseg") == []
    assert [model.card.name for model in list_models()] == ["nuclei", "gift"]
    window.viewer.open(export_set(trained_on, tmp_path / "fields.zip"), plugin="napari-nucseg")
    assert [one.name for one in list_sets()] == ["default", "fields"]
    assert len(window.viewer.layers) == 0


def test_model_that_another_program_has_removed(dialog, window):
    dialog.tree.refresh("child")
    remove_model("child")
    window.click(dialog.remove_button)
    assert "Nothing was removed" in dialog.status.text()


def test_card_of_a_stranger_is_plain_text(child, dialog, tmp_path, window):
    archive = export_model("child", tmp_path)
    evil = import_model(archive, "evil")
    path = evil.folder / CARD_FILE
    card = json.loads(path.read_text()) | {"description": "<img src=x>\x1b[31m"}
    path.write_text(json.dumps(card))
    dialog.tree.refresh("evil")
    assert "\x1b" not in dialog.about.text()
    assert dialog.about.textFormat() == dialog.about.textFormat().PlainText
