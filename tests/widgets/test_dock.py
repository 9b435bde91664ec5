"""The dock widget as a whole: where it opens, what can be clicked when, and its end."""

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

import napari_nucseg
from napari_nucseg.training.training_set import TrainingSet


def panels(dock):
    return dock.segment, dock.correct, dock.retrain


def buttons(dock):
    """Return the buttons whose state the widget decides, by name."""
    segment, correct, retrain = panels(dock)
    return {
        "segment": segment.segment_button,
        "cancel": segment.cancel_button,
        **correct.tools.buttons,
        "new": correct.tools.new_button,
        "add": correct.add_button,
        "remove": correct.fields.remove_button,
        "undo": correct.fields.undo_button,
        "retrain": retrain.retrain_button,
        "stop": retrain.stop_button,
        "cancel retraining": retrain.cancel_button,
    }


def reasons(dock):
    """Return the tooltips of the buttons that cannot be clicked."""
    return {n: b.toolTip() for n, b in buttons(dock).items() if not b.isEnabled()}


def actions(menu):
    """Return all actions below a menu."""
    for action in menu.actions():
        yield from actions(action.menu()) if action.menu() else [action]


def test_widget_opens_from_the_layers_menu(make_napari_viewer):
    viewer = make_napari_viewer()
    menu = viewer.window.layers_menu
    menu.aboutToShow.emit()
    (action,) = [a for a in actions(menu) if "Nucleus Segmentation" in a.text()]
    assert not list(viewer.window.dock_widgets)
    action.trigger()
    (name,) = viewer.window.dock_widgets
    assert "Nucleus Segmentation" in name


def test_reasons_stand_where_the_grey_buttons_are(trained_on, window, simulated):
    segment, correct, retrain = panels(window.dock)
    fields = correct.fields
    assert segment.reason.text().startswith("Open an image first")
    assert correct.reason.text().startswith("Segment an image first")
    assert retrain.reason.text() == "Stop and Cancel: no model is being retrained."
    both = "Undo remove: no field was removed. Remove: select a field in the list."
    assert fields.reason.text() == both
    window.viewer.add_image(simulated.image)
    assert segment.reason.text() == "Cancel: no image is being segmented."
    fields.entries.setCurrentRow(0)
    assert fields.reason.text() == "Undo remove: no field was removed."


def test_buttons_say_why_they_cannot_be_clicked(window, simulated):
    """Goes through the states in the order of the work."""
    dock = window.dock
    when_enabled = {}

    def look():
        for name, button in buttons(dock).items():
            if button.isEnabled():
                when_enabled[name] = button.toolTip()
        return reasons(dock)

    nothing = look()
    assert set(nothing) == set(buttons(dock))
    assert "Open an image" in nothing["segment"]
    assert "Segment an image" in nothing["add"]
    assert "training set is empty" in nothing["retrain"]

    window.viewer.add_image(simulated.image, name="dish")
    opened = look()
    assert set(nothing) - set(opened) == {"segment"}

    window.segment()
    segmented = look()
    idle = {"cancel", "stop", "cancel retraining"}
    assert set(segmented) == {*idle, "remove", "undo", "retrain"}
    assert "training set is empty" in dock.retrain.reason.text()

    window.add()
    assert "being saved" in look()["add"]
    window.wait(lambda: len(TrainingSet()) and dock.correct.add_button.isEnabled())
    assert set(look()) == {*idle, "remove", "undo"}

    dock.correct.fields.entries.setCurrentRow(0)
    assert set(look()) == {*idle, "undo"}

    job = window.retrain(epochs=1000)
    training = look()
    assert set(training) == {"cancel", "segment", "retrain", "undo"}
    assert "being retrained" in dock.segment.reason.text()
    assert "being retrained" in training["segment"]
    job.cancel()
    window.finish()
    assert set(look()) == {*idle, "undo"}

    window.click(dock.segment.segment_button)
    busy = look()
    assert set(busy) == {"segment", "retrain", "undo", "stop", "cancel retraining"}
    assert "being segmented" in busy["retrain"]
    window.finish()
    window.click(dock.correct.fields.remove_button)
    assert "undo" not in look()

    assert set(when_enabled) == set(buttons(dock))
    for state in (nothing, opened, segmented, training, busy):
        for name, reason in state.items():
            assert reason
            assert reason != when_enabled[name]


def test_errors_stand_on_the_widget_and_are_notified(window):
    window.dock.show_message("The microscope is on fire.", True)
    assert window.status == "The microscope is on fire."
    assert window.errors == ["The microscope is on fire."]
    window.dock.show_message("All is well.", False)
    assert window.status == "All is well."
    assert len(window.errors) == 1


def answer(button):
    """Answer the question that will be asked."""
    timer = QTimer()

    def look():
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            timer.stop()
            box.button(button).click()

    timer.timeout.connect(look)
    timer.start(20)
    return timer


def test_closing_the_window_while_retraining_is_a_question(trained_on, window, quick):
    # So long that what is closed can have made no model yet.
    job = window.retrain(epochs=1000, steps_per_epoch=10_000)
    main = window.dock.window()
    timer = answer(QMessageBox.StandardButton.No)
    assert not main.close()
    assert not timer.isActive()
    assert main.isVisible()
    assert job.state == "running"
    timer = answer(QMessageBox.StandardButton.Yes)
    assert window.dock.confirm_close()
    assert not timer.isActive()
    # A script that closes the viewer is not asked.
    window.viewer.close()
    window.wait(lambda: job.state == "stopped")
    assert len(trained_on) == 1


def test_window_that_stays_after_all_loses_no_job(window, simulated, engine_held, monkeypatch):
    main = window.dock.window()
    window.viewer.add_image(simulated.image)
    with engine_held():
        job = window.start(window.dock.segment.segment_button)
        with monkeypatch.context() as patch:  # as napari does if the person says so
            patch.setattr(type(main), "closeEvent", lambda self, event: event.ignore())
            assert not main.close()
        window.qtbot.wait(300)
    window.finish()
    assert job.state == "done"
    assert window.labels()


def test_window_closed_after_a_question_ends_the_job(
    window, simulated, engine_held, monkeypatch
):
    main = window.dock.window()
    window.viewer.add_image(simulated.image)

    def asks(self, event):
        timer = answer(QMessageBox.StandardButton.Yes)
        QMessageBox.question(self, "napari", "Close?")
        assert not timer.isActive()
        event.ignore()  # a window that is really closed is deleted, and the test needs it
        self.hide()

    with engine_held(), monkeypatch.context() as patch:
        patch.setattr(type(main), "closeEvent", asks)
        job = window.start(window.dock.segment.segment_button)
        main.close()
        window.wait(lambda: job.state == "stopped")


def test_widget_closed_while_retraining_keeps_the_best_so_far(trained_on, window, quick):
    viewer, epochs = window.viewer, []
    name = window.dock.retrain.name.text()
    window.dock.runner.epoch.connect(epochs.append)
    job = window.retrain(epochs=1000)
    window.wait(lambda: len(epochs) > 1)
    viewer.window.remove_dock_widget(window.dock)
    window.wait(lambda: job.state == "done")
    _, window.dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    assert window.dock.segment.model.findText(name) >= 0
    assert window.dock.retrain.retrain_button.isEnabled()


def test_closing_the_viewer_ends_the_segmentation(window, simulated, engine_held):
    window.viewer.add_image(simulated.image)
    with engine_held():
        job = window.start(window.dock.segment.segment_button)
        window.viewer.close()
        window.wait(lambda: job.state == "stopped")
    assert napari_nucseg.segment(simulated.image).max() > 0


def test_widget_is_closed_meanwhile_and_opened_again(window, simulated, engine_held):
    viewer = window.viewer
    viewer.add_image(np.stack([simulated.image] * 3), name="dish")
    with engine_held():
        job = window.start(window.dock.segment.segment_button)
        viewer.window.remove_dock_widget(window.dock)
        window.qtbot.wait(50)
        viewer.layers["dish"].name = "renamed"
        viewer.dims.set_current_step(0, 2)
        viewer.dims.ndisplay = 3
        viewer.dims.ndisplay = 2
    window.wait(lambda: job.state in ("done", "stopped"))
    window.qtbot.wait(50)
    _, window.dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    labels = window.segment()
    assert labels.name.startswith("renamed nuclei")
    assert labels.data.max() > 0


def test_two_windows_take_turns(window, make_napari_viewer, simulated, engine_held):
    other = make_napari_viewer()
    _, dock = other.window.add_plugin_dock_widget("napari-nucseg", "Nucleus Segmentation")
    window.viewer.add_image(simulated.image, name="one")
    other.add_image(simulated.image, name="two")
    with engine_held():
        window.start(window.dock.segment.segment_button)
        window.click(dock.segment.segment_button)
        assert dock.runner.job.state == "waiting"
    window.wait(lambda: dock.runner.job is None)
    window.finish()
    assert [layer.name for layer in window.labels()] == ["one nuclei"]
    assert "two nuclei" in other.layers
