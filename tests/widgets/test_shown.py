"""The window says what is true now: of the image that is chosen, and of its labels."""

import numpy as np
import pytest

from napari_nucseg.image.simulate import simulate_field


@pytest.fixture
def two(window, simulated):
    """Two images, both segmented, the first with another probability than the second."""
    viewer, form = window.viewer, window.dock.segment.form
    first = viewer.add_image(simulated.image, name="first")
    form.boxes["probability"].value = 0.8
    labels = window.segment()
    second = viewer.add_image(simulate_field((96, 128), seed=5).image, name="second")
    form.boxes["probability"].value = 0.4
    window.segment()
    return first, second, labels


def reopen(window):
    viewer = window.viewer
    viewer.window.remove_dock_widget(window.dock)
    _, window.dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )


def parameters_of(labels):
    return labels.metadata["nucseg"]["parameters"]


def test_sliders_show_the_values_of_the_labels_that_are_shown(window, two, tasks):
    first, second, labels = two
    panel = window.dock.segment
    before, count = labels.data.copy(), len(tasks)
    for image, value in ((first, 0.8), (second, 0.4), (first, 0.8)):
        panel.image.choose(image)
        assert panel.form.boxes["probability"].value == value
    window.qtbot.wait(400)
    assert len(tasks) == count
    assert (labels.data == before).all()


def test_status_is_that_of_the_chosen_image(window, two, simulated):
    first, second, labels = two
    panel = window.dock.segment
    panel.image.choose(first)
    assert window.status.startswith(f"'first': {labels.data.max()} nuclei")
    panel.image.choose(second)
    assert window.status.startswith("'second': ")
    window.viewer.add_image(simulated.image, name="third")
    assert window.status.startswith("'third' is not segmented yet")
    window.viewer.layers.remove("third")
    window.viewer.layers.remove("second")
    assert window.status.startswith("'first': ")
    window.viewer.layers.remove("first")
    assert window.status.startswith("Open an image")


def test_status_without_an_image_does_not_say_ready(window):
    window.wait(lambda: window.dock._warming.job is None)
    assert window.status == "Open an image first: File > Open, or File > Open Sample."


def test_settings_that_are_not_shown_yet_are_told(window, two):
    first, _, _ = two
    panel = window.dock.segment
    panel.form.boxes["diameter"].value = 30
    panel.image.choose(first)
    assert panel.form.boxes["diameter"].value == panel.form.boxes["diameter"].min
    panel.form.boxes["test_time_augmentations"].value = 2
    window.wait(lambda: "Click Segment for the new views" in window.status)
    panel.form.boxes["test_time_augmentations"].value = 1
    window.wait(lambda: "Click Segment" not in window.status)


def test_sliders_move_the_old_result_after_the_dock_was_closed_and_opened(window, two, tasks):
    first, _, labels = two
    window.dock.segment.image.choose(first)
    reopen(window)
    panel = window.dock.segment
    panel.image.choose(first)
    assert panel.form.boxes["probability"].value == 0.8
    before = labels.data.copy()
    panel.form.boxes["probability"].value = 0.3
    window.wait(lambda: parameters_of(labels)["probability"] == 0.3)
    assert (labels.data != before).any()
    assert len(window.labels()) == 2


def test_edit_that_was_undone_is_none(window, two):
    first, _, labels = two
    panel = window.dock.segment
    panel.image.choose(first)
    labels.paint((5, 5), 77)
    window.wait(lambda: "edited" in window.status)
    labels.undo()
    window.wait(lambda: "edited" not in window.status)
    panel.form.boxes["minimum_size"].value = 150
    window.wait(lambda: parameters_of(labels)["minimum_size"] == 150)


def test_slider_that_cannot_move_edited_labels_says_so(window, two):
    first, _, labels = two
    panel = window.dock.segment
    panel.image.choose(first)
    labels.paint((5, 5), 77)
    window.wait(lambda: "edited" in window.status)
    window.dock.show_message("something else", False)
    panel.form.boxes["probability"].value = 0.6
    window.wait(lambda: "sliders leave edited labels alone" in window.status)


def test_result_of_an_image_that_is_not_chosen_names_it(window, simulated, engine_held):
    window.viewer.add_image(simulated.image, name="first")
    with engine_held():
        window.start(window.dock.segment.segment_button)
        window.viewer.add_image(np.zeros((50, 60)), name="other")
        assert window.status.startswith("'other' is not segmented")
    window.finish()
    assert window.status.startswith("'first': ")


def test_boxes_say_which_maps_are_there(window, two):
    first, second, _ = two
    panel = window.dock.segment
    panel.image.choose(first)
    panel.show_probability.setChecked(True)
    panel.image.choose(second)
    assert not panel.show_probability.isChecked()
    panel.image.choose(first)
    assert panel.show_probability.isChecked()
    window.viewer.layers.remove("first probability")
    window.wait(lambda: not panel.show_probability.isChecked())


def test_labels_are_outlines_while_the_probability_map_is_on(window, two):
    first, _, labels = two
    panel = window.dock.segment
    panel.image.choose(first)
    panel.show_probability.setChecked(True)
    assert labels.contour == 1
    layers = window.viewer.layers
    assert layers.index("first probability") < layers.index(labels)
    panel.show_probability.setChecked(False)
    assert labels.contour == 0


def test_mask_has_one_color(window, two):
    first, _, _ = two
    window.dock.segment.image.choose(first)
    window.dock.segment.show_mask.setChecked(True)
    mask = window.viewer.layers["first mask"]
    colors = {tuple(mask.get_color(value)) for value in np.unique(mask.data) if value}
    assert len(colors) == 1
