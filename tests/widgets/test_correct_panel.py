"""Part 2 of the dock widget: correct the labels and keep them."""

import dataclasses

import dask.array
import numpy as np
import pytest

from napari_nucseg.training.training_set import TrainingSet
from napari_nucseg.widgets.layers.layers import METADATA_KEY


@pytest.fixture
def corrected(window, simulated):
    """An image and its corrected labels, in the window."""
    placed = {"scale": (0.5, 0.5), "units": ("micrometer",) * 2}
    image = window.viewer.add_image(simulated.image, name="dish", **placed)
    labels = window.viewer.add_labels(simulated.labels.copy(), name="dish nuclei", **placed)
    return image, labels


def listed(panel):
    rows = range(panel.fields.entries.count())
    return [panel.fields.entries.item(row).text().splitlines()[0] for row in rows]


def test_tools_of_napari_are_at_hand(window, corrected):
    panel = window.dock.correct
    _, labels = corrected
    window.viewer.layers.selection.active = None
    labels.visible = False
    for mode in ("paint", "erase", "fill", "pick"):
        window.click(panel.tools.buttons[mode])
        assert labels.mode == mode
    assert window.viewer.layers.selection.active == labels
    assert labels.visible
    window.click(panel.tools.new_button)
    assert labels.mode == "paint"
    assert labels.selected_label == labels.data.max() + 1


def test_new_labels_are_the_ones_to_correct(window, simulated):
    panel = window.dock.correct
    window.viewer.add_image(simulated.image, name="dish")
    labels = window.segment()
    assert window.viewer.layers.selection.active == labels
    assert panel.labels.layer() == labels
    assert panel.image.currentText() == "dish"


def test_labels_bring_the_image_they_were_made_from(window, corrected):
    panel = window.dock.correct
    image, _ = corrected
    window.viewer.add_image(image.data, name="another")
    about = {METADATA_KEY: {"image": "dish", "parameters": {"channel": None}}}
    window.viewer.add_labels(np.zeros(image.data.shape, int), metadata=about)
    assert panel.image.layer() == image


def test_field_is_added_with_what_is_known_of_it(window, corrected, simulated):
    panel = window.dock.correct
    _, labels = corrected
    labels.metadata = {METADATA_KEY: {"image": "dish", "model": "nuclei"}}
    window.add()
    window.wait(lambda: listed(panel))
    count = simulated.labels.max()
    assert listed(panel) == ["dish"]
    assert f"{count} nuclei, 20" in panel.fields.entries.item(0).text()
    assert "1 field" in panel.fields.summary.text()
    assert f"{count} nuclei" in panel.fields.summary.text()
    assert "Saved" in window.status
    (field,) = TrainingSet().fields()
    assert (field.image == simulated.image).all()
    assert (field.labels == simulated.labels).all()
    assert (field.name, field.pixel_size, field.unit) == ("dish", (0.5, 0.5), "micrometer")
    (entry,) = TrainingSet().entries()
    assert entry.source["model"] == "nuclei"


def test_nuclei_drawn_with_one_value_are_told_and_taken_apart(window, corrected):
    panel = window.dock.correct
    _, labels = corrected
    labels.data = np.zeros_like(labels.data)
    labels.data[5:15, 5:15] = labels.data[40:50, 5:15] = 3
    window.add()
    window.wait(lambda: listed(panel))
    assert "2 nuclei" in panel.fields.entries.item(0).text()
    assert "its own value" in window.status


def test_corrections_of_the_same_image_replace_the_earlier_ones(window, corrected):
    panel = window.dock.correct
    _, labels = corrected
    window.add()
    window.wait(lambda: listed(panel))
    labels.paint((2, 2), 999)
    window.add()
    window.wait(panel.add_button.isEnabled)
    (field,) = TrainingSet().fields()
    assert (field.labels == labels.data).all()
    assert len(listed(panel)) == 1


def test_field_that_would_be_replaced_is_asked_for(window, corrected, simulated):
    panel = window.dock.correct
    _, labels = corrected
    assert window.add() == ""
    window.wait(lambda: listed(panel))
    labels.paint((2, 2), 999)
    asked = window.add("Cancel")
    assert f"replaces the {simulated.labels.max()} nuclei of 'dish'" in asked
    assert "kept as an older version" in asked
    assert "Nothing was changed" in window.status
    (field,) = TrainingSet().fields()
    assert (field.labels == simulated.labels).all()
    assert "replaces" in window.add()
    window.wait(panel.add_button.isEnabled)
    (older,) = TrainingSet().older()
    assert older.nuclei == simulated.labels.max()


def test_result_that_nobody_has_corrected_is_asked_for(window, simulated):
    window.viewer.add_image(simulated.image, name="dish")
    labels = window.segment()
    assert "Nobody has corrected these labels" in window.add("Cancel")
    assert len(TrainingSet()) == 0
    labels.paint((2, 2), 999)
    assert window.add() == ""
    window.wait(lambda: listed(window.dock.correct))


def test_labels_that_lie_elsewhere_are_asked_for(window, corrected):
    _, labels = corrected
    labels.translate = (3, 0)
    assert "do not lie where 'dish' lies" in window.add("Cancel")
    assert len(TrainingSet()) == 0
    labels.translate = (0, 0)
    assert window.add() == ""
    window.wait(lambda: listed(window.dock.correct))


def test_labels_in_several_pieces_are_told_before_they_are_added(window, corrected):
    _, labels = corrected
    first = labels.data.max() + 1
    labels.data[2:5, 2:5] = labels.data[150:155, 180:185] = first
    labels.refresh()
    assert f"1 label in several pieces ({first})" in window.add("Cancel")
    assert labels.selected_label == first
    assert len(TrainingSet()) == 0


def test_removing_can_be_undone(trained_on, window):
    panel = window.dock.correct
    before = trained_on.entries()
    assert not panel.fields.undo_button.isEnabled()
    panel.fields.entries.setCurrentRow(0)
    window.click(panel.fields.remove_button)
    assert listed(panel) == []
    window.click(panel.fields.undo_button)
    assert trained_on.entries() == before
    assert len(listed(panel)) == 1
    assert not panel.fields.undo_button.isEnabled()
    assert window.dock.retrain.retrain_button.isEnabled()


def test_field_of_the_training_set_is_opened_by_double_click(window, corrected, simulated):
    panel = window.dock.correct
    window.add()
    window.wait(lambda: listed(panel))
    window.viewer.layers.clear()
    panel.fields.entries.itemDoubleClicked.emit(panel.fields.entries.item(0))
    image, labels = window.viewer.layers
    assert (image.data == simulated.image).all()
    assert (labels.data == simulated.labels).all()
    assert tuple(image.scale) == tuple(labels.scale) == (0.5, 0.5)
    assert panel.labels.layer() == labels
    assert panel.image.layer() == image
    labels.paint((2, 2), 999)
    assert "replaces" in window.add()
    window.wait(panel.add_button.isEnabled)
    (field,) = TrainingSet().fields()
    assert field.labels[2, 2] == 999


def test_labels_are_saved_as_they_were_at_the_click(window, corrected):
    panel = window.dock.correct
    _, labels = corrected
    before = labels.data.copy()
    window.add()
    labels.fill((0, 0), 5)
    window.wait(lambda: listed(panel))
    (field,) = TrainingSet().fields()
    assert (field.labels == before).all()


def test_only_the_channel_that_was_segmented_is_added(window, simulated):
    panel = window.dock.correct
    channels = np.stack([np.zeros_like(simulated.image), simulated.image])
    window.viewer.add_image(channels, name="two")
    window.dock.segment.channel.setCurrentIndex(1)
    window.segment()
    window.add()
    window.wait(lambda: listed(panel))
    (field,) = TrainingSet().fields()
    assert field.axes == "YX"
    assert (field.image == simulated.image).all()


def test_drawn_labels_of_several_channels_are_of_the_chosen_one(window, simulated):
    panel = window.dock.correct
    channels = np.stack([np.zeros_like(simulated.image), simulated.image])
    window.viewer.add_image(channels, name="two")
    window.viewer.add_labels(simulated.labels)
    other = window.viewer.add_image(simulated.image, name="other")
    panel.image.choose(window.viewer.layers["two"])
    window.add()
    assert "Choose the image 'two' in part 1" in window.status
    window.viewer.layers.remove(other)
    window.dock.segment.channel.setCurrentIndex(1)
    window.add()
    window.wait(lambda: listed(panel))
    (field,) = TrainingSet().fields()
    assert (field.image == simulated.image).all()


def test_field_is_removed(trained_on, window, simulated):
    panel = window.dock.correct
    assert len(listed(panel)) == 1
    trained_on.add(dataclasses.replace(simulated, name="two"))
    panel.fields.list_entries()
    assert len(listed(panel)) == 2
    assert not panel.fields.remove_button.isEnabled()
    assert "Select a field" in panel.fields.remove_button.toolTip()
    panel.fields.entries.setCurrentRow(0)
    window.click(panel.fields.remove_button)
    assert [entry.name for entry in trained_on.entries()] == ["two"]
    assert len(listed(panel)) == 1
    panel.fields.entries.setCurrentRow(0)
    window.click(panel.fields.remove_button)
    assert listed(panel) == []
    assert "training set is empty" in window.dock.retrain.retrain_button.toolTip()


def test_labels_without_nuclei_are_not_added(window, corrected):
    panel = window.dock.correct
    _, labels = corrected
    labels.data = np.zeros_like(labels.data)
    window.add()
    window.wait(lambda: window.errors)
    assert "Expected nuclei in the labels" in window.status
    assert listed(panel) == []
    assert panel.add_button.isEnabled()


def test_folder_that_cannot_be_written_is_told(window, corrected, home):
    panel = window.dock.correct
    in_the_way = home / "training_set"
    in_the_way.write_text("no folder")
    window.add()
    window.wait(lambda: window.errors)
    assert window.status.startswith("Not added")
    in_the_way.unlink()
    window.add()
    window.wait(lambda: listed(panel))
    assert len(TrainingSet()) == 1


def test_reasons_against_adding(window, corrected):
    panel = window.dock.correct
    image, labels = corrected
    assert panel.add_button.isEnabled()
    window.viewer.add_labels(np.zeros((4, 5), int), name="small")
    assert not panel.add_button.isEnabled()
    assert "The labels have the shape (4, 5)" in panel.add_button.toolTip()
    panel.labels.choose(labels)
    assert panel.add_button.isEnabled()
    window.viewer.layers.remove(image)
    assert "Open an image first" in panel.add_button.toolTip()


def found_in(window, image, name):
    """Open an image, segment it, and return both layers."""
    layer = window.viewer.add_image(image.copy(), name=name)
    return layer, window.segment()


def test_labels_know_their_image(window, simulated):
    viewer, panel = window.viewer, window.dock.correct
    image, labels = found_in(window, simulated.image, "A")
    other, _ = found_in(window, simulated.image, "B")
    viewer.layers.selection.active = image  # to look at it
    assert panel.image.layer() == other
    window.add()
    window.wait(lambda: listed(panel))
    (entry,) = TrainingSet().entries()
    assert entry.name == "B"
    image.name, other.name = "control", "A"
    viewer.layers.selection.active = labels
    assert panel.labels.layer() == labels
    assert panel.image.layer() == image
    viewer.window.remove_dock_widget(window.dock)
    viewer.layers.selection.active = other
    _, window.dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation"
    )
    viewer.layers.selection.active = labels
    assert window.dock.correct.labels.layer() == labels
    assert window.dock.correct.image.layer() == image


def choose_by_hand(panel, image):
    panel.image.choose(image)
    panel.image.activated.emit(panel.image.currentIndex())


def test_labels_of_an_image_that_was_closed_are_not_those_of_the_next(window, simulated):
    panel = window.dock.correct
    viewer = window.viewer
    viewer.add_image(simulated.image, name="DAPI")
    window.segment()
    viewer.layers.remove("DAPI")
    again = viewer.add_image(simulated.image * 0 + 1, name="DAPI")
    assert not panel.add_button.isEnabled()
    assert "'DAPI', which was closed" in panel.add_button.toolTip()
    choose_by_hand(panel, again)
    assert panel.add_button.isEnabled()


def test_labels_are_not_those_of_other_data(window, simulated):
    panel = window.dock.correct
    image, _ = found_in(window, simulated.image, "dish")
    image.data = image.data * 0 + 1
    assert not panel.add_button.isEnabled()
    assert "'dish', which shows something else now" in panel.add_button.toolTip()


def test_image_of_the_labels_may_be_opened_later(window, corrected):
    panel = window.dock.correct
    image, labels = corrected
    window.viewer.layers.remove(image)
    labels.metadata = {METADATA_KEY: {"image": "dish"}}
    window.viewer.add_image(image.data, name="another")
    again = window.viewer.add_image(image.data, name="dish")
    assert panel.image.layer() == again
    assert panel.add_button.isEnabled()


def test_image_chosen_by_hand_stays(window, simulated):
    panel = window.dock.correct
    other, _ = found_in(window, simulated.image, "A")
    found_in(window, simulated.image, "B")
    choose_by_hand(panel, other)
    window.viewer.add_points(np.zeros((1, 2)))
    assert panel.image.layer() == other
    assert panel.add_button.isEnabled()


def open_labels(window, data, name, **options):
    """Open labels as a file of somebody else is opened."""
    return window.viewer.add_labels(data.copy(), name=name, **options)


def test_labels_opened_by_hand_belong_to_the_image_of_their_name(window, simulated):
    panel, viewer = window.dock.correct, window.viewer
    viewer.add_image(simulated.image, name="plate_A1")
    second = viewer.add_image(simulated.image, name="plate_A2.ome.tif")
    third = viewer.add_image(simulated.image, name="plate_A3")
    open_labels(window, simulated.labels, "plate_A2_cp_masks")
    assert panel.image.layer() == second
    viewer.layers.selection.active = third  # to look at it
    assert panel.image.layer() == second
    assert panel.add_button.isEnabled()


def test_labels_opened_by_hand_belong_to_the_image_of_their_shape(window, simulated):
    panel, viewer = window.dock.correct, window.viewer
    first = viewer.add_image(simulated.image, name="A")
    viewer.add_image(simulated.image[:90], name="B")
    open_labels(window, simulated.labels, "from elsewhere")
    assert panel.image.layer() == first
    again = viewer.add_image(simulated.image, name="C")
    assert panel.image.layer() == first
    again.name = "from elsewhere.tif"  # the image that they were made from, opened later
    assert panel.image.layer() == again


def test_labels_opened_by_hand_belong_to_the_image_at_their_place(window, simulated):
    panel, viewer = window.dock.correct, window.viewer
    viewer.add_image(simulated.image, name="A")
    moved = viewer.add_image(simulated.image, name="B", translate=(0, 200))
    viewer.add_image(simulated.image, name="C", translate=(0, 400))
    open_labels(window, simulated.labels, "from elsewhere", translate=(0, 200))
    assert panel.image.layer() == moved


def test_image_of_labels_is_asked_for_where_it_is_not_sure(window, simulated):
    panel, viewer = window.dock.correct, window.viewer
    first = viewer.add_image(simulated.image, name="A")
    viewer.add_image(simulated.image, name="B")
    labels = open_labels(window, simulated.labels, "from elsewhere")
    assert panel.image.layer() is None
    assert not panel.add_button.isEnabled()
    assert "Choose which image 'from elsewhere' belong to" in panel.reason.text()
    viewer.layers.selection.active = first  # to look at it
    viewer.add_points(np.zeros((1, 2)))
    assert panel.image.layer() is None
    choose_by_hand(panel, first)
    assert panel.add_button.isEnabled()
    # The answer holds when other labels were looked at meanwhile.
    open_labels(window, simulated.labels, "B labels")
    assert panel.image.layer() == viewer.layers["B"]
    viewer.layers.selection.active = labels
    assert panel.labels.layer() == labels
    assert panel.image.layer() == first


def test_maps_are_not_offered_for_correction(window, simulated):
    panel = window.dock.correct
    window.viewer.add_image(simulated.image, name="dish")
    window.dock.segment.show_mask.setChecked(True)
    window.dock.segment.show_probability.setChecked(True)
    window.segment()
    assert len(window.viewer.layers) == 4
    assert [panel.labels.itemText(row) for row in range(panel.labels.count())] == [
        "dish nuclei"
    ]
    assert [panel.image.itemText(row) for row in range(panel.image.count())] == ["dish"]


def test_channel_of_the_labels_is_not_that_of_another_image(window, simulated):
    panel = window.dock.correct
    image = simulated.image
    window.viewer.add_image(np.stack([image, image]), name="two")
    window.dock.segment.channel.setCurrentIndex(1)
    window.segment()
    alone = window.viewer.add_image(image, name="split off")
    choose_by_hand(panel, alone)
    window.add()
    window.wait(lambda: listed(panel))
    (field,) = TrainingSet().fields()
    assert (field.image == image).all()


def test_new_nucleus_in_labels_from_elsewhere(window):
    full = np.full((8, 8), 255, np.uint8)
    for data in (full, dask.array.from_array(full)):
        labels = window.viewer.add_labels(data)
        window.click(window.dock.correct.tools.new_button)
        assert labels.selected_label == 256
        assert labels.mode == "paint"
    window.viewer.add_labels([full, full[::2, ::2]], multiscale=True)
    assert "several resolutions" in window.dock.correct.tools.new_button.toolTip()
    assert not window.dock.correct.tools.new_button.isEnabled()
    assert not window.errors
