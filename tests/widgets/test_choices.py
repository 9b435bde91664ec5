"""Combo boxes that follow layers, the slider and models; no window is needed."""

import json
import shutil

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_nucseg.registry.store import load_model, models_directory
from napari_nucseg.widgets.controls.choices import LayerChoice, ModelChoice
from napari_nucseg.widgets.controls.image_choices import AxesChoice, ChannelChoice


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((4, 5)), name="one")
    viewer.add_image(np.zeros((4, 5)), name="two")
    return viewer


@pytest.fixture
def choice(viewer, qtbot):
    choice = LayerChoice(viewer, Image)
    qtbot.addWidget(choice)
    return choice


def names(choice):
    return [choice.itemText(index) for index in range(choice.count())]


def test_newest_layer_of_the_kind_is_chosen_first(viewer, qtbot):
    viewer.add_labels(np.zeros((4, 5), int), name="labels")
    images, labels = LayerChoice(viewer, Image), LayerChoice(viewer, Labels)
    for widget in (images, labels):
        qtbot.addWidget(widget)
    assert names(images) == ["two", "one"]
    assert images.layer() == viewer.layers["two"]
    assert names(labels) == ["labels"]


def test_nothing_to_choose(qtbot):
    choice = LayerChoice(ViewerModel(), Image)
    qtbot.addWidget(choice)
    assert choice.layer() is None


def test_choice_follows_the_active_layer(viewer, choice):
    viewer.layers.selection.active = viewer.layers["one"]
    assert choice.layer() == viewer.layers["one"]
    viewer.add_labels(np.zeros((4, 5), int))
    assert choice.layer() == viewer.layers["one"]


def test_opened_image_is_chosen(viewer, choice):
    viewer.add_image(np.zeros((4, 5)), name="three")
    assert choice.layer() == viewer.layers["three"]


def test_choice_outlasts_renaming_moving_and_removing_others(viewer, choice):
    one = viewer.layers["one"]
    choice.choose(one)
    one.name = "first"
    assert choice.currentText() == "first"
    viewer.layers.move(0, 2)
    assert choice.layer() == one
    viewer.layers.remove("two")
    assert choice.layer() == one
    viewer.layers.remove(one)
    assert choice.layer() is None


def test_change_is_told(viewer, choice, qtbot):
    with qtbot.waitSignal(choice.chosen, timeout=1000):
        viewer.layers["two"].name = "second"
    with qtbot.waitSignal(choice.chosen, timeout=1000):
        choice.choose(viewer.layers["one"])


def test_other_data_of_a_layer_are_told_once(viewer, choice):
    told = []
    choice.replaced.connect(told.append)
    viewer.layers.move(0, 2)
    for name in ("one", "two"):
        viewer.layers[name].data = np.zeros((6, 7))
    assert told == [viewer.layers["one"], viewer.layers["two"]]


def test_layers_come_and_go_after_the_widget_was_closed(viewer, qtbot):
    choice = LayerChoice(viewer, Image)
    with qtbot.waitSignal(choice.destroyed, timeout=1000):
        choice.deleteLater()
    viewer.add_image(np.zeros((4, 5)), name="three").data = np.zeros((6, 7))
    viewer.layers.clear()


@pytest.fixture
def channel(qtbot):
    """What chooses a channel, for an image of three, which is the only layer of its viewer."""
    viewer = ViewerModel()
    choice = ChannelChoice(viewer)
    qtbot.addWidget(choice)
    choice.offer(viewer.add_image(np.zeros((3, 40, 50)), name="three"))
    return choice, viewer


def test_channel_and_slider_keep_step(channel):
    choice, viewer = channel
    viewer.dims.set_point(0, 1)
    assert choice.channel() == 1
    choice.setCurrentIndex(2)
    assert viewer.dims.point[0] == 2


def test_color_stays_chosen_where_there_is_one(qtbot):
    viewer = ViewerModel()
    choice = ChannelChoice(viewer)
    qtbot.addWidget(choice)
    choice.offer(viewer.add_image(np.zeros((40, 50, 3)), rgb=True))
    choice.setCurrentText("green")
    choice.offer(viewer.add_image(np.zeros((40, 50, 3)), rgb=True))
    assert choice.channel() == 1
    choice.offer(viewer.add_image(np.zeros((40, 50))))
    assert choice.channel() is None


def test_no_slider_is_turned_for_an_image_that_is_gone(channel):
    choice, viewer = channel
    viewer.add_image(np.zeros((5, 40, 50)))
    viewer.dims.set_point(0, 1)
    viewer.layers.remove("three")
    choice.setCurrentIndex(2)
    assert viewer.dims.point[0] == 1


def test_slider_moves_after_the_widget_was_closed(qtbot):
    viewer = ViewerModel()
    choice = ChannelChoice(viewer)
    choice.offer(viewer.add_image(np.zeros((3, 40, 50))))
    with qtbot.waitSignal(choice.destroyed, timeout=1000):
        choice.deleteLater()
    viewer.dims.set_point(0, 1)
    viewer.dims.ndisplay = 3


@pytest.mark.parametrize(
    ("shape", "rgb", "offered"),
    [
        (None, False, ["as it is"]),
        ((40, 50), False, ["as it is"]),
        ((40, 50, 3), True, ["as it is", "red", "green", "blue"]),
        ((40, 50, 4), True, ["as it is", "red", "green", "blue", "alpha"]),
        ((2, 40, 50), False, ["0", "1"]),
        ((40, 50, 2), False, ["0", "1"]),
    ],
)
def test_channels_on_offer(qtbot, shape, rgb, offered):
    viewer = ViewerModel()
    choice = ChannelChoice(viewer)
    qtbot.addWidget(choice)
    choice.offer(None if shape is None else viewer.add_image(np.zeros(shape), rgb=rgb))
    assert names(choice) == offered
    assert choice.channel() == (None if offered[0] == "as it is" else 0)


def add_model(name):
    """Put a copy of the bundled model among the user's own."""
    folder = shutil.copytree(load_model("nuclei").folder, models_directory() / name)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "name": name, "description": ""}))


def test_bundled_model_is_chosen_first(qtbot):
    add_model("a first one")
    choice = ModelChoice()
    qtbot.addWidget(choice)
    assert choice.currentText() == "nuclei"
    assert choice.model().bundled


def test_new_model_is_listed_and_chosen_when_asked(qtbot):
    choice = ModelChoice()
    qtbot.addWidget(choice)
    add_model("mine")
    choice.refresh()
    assert choice.currentText() == "nuclei"
    assert choice.findText("mine") > 0
    choice.refresh("mine")
    assert choice.model().card.name == "mine"
    choice.refresh()
    assert choice.model().card.name == "mine"


def test_model_of_another_window_is_there_when_the_list_is_opened(qtbot):
    choice = ModelChoice()
    qtbot.addWidget(choice)
    choice.show()
    add_model("theirs")
    choice.showPopup()
    assert choice.findText("theirs") > 0
    assert choice.currentText() == "nuclei"
    choice.hidePopup()


def typed(choice, text):
    choice.setText(text)
    choice.editingFinished.emit()


def test_axes_are_shown_and_can_be_named(qtbot):
    choice = AxesChoice()
    qtbot.addWidget(choice)
    assert (choice.text(), choice.is_needed()) == ("", False)
    layer = Image(np.zeros((5, 60, 70)))
    choice.offer(layer)
    assert (choice.text(), choice.is_needed()) == ("CYX", True)
    assert choice.toolTip().startswith("Guessed: 5 channels of 60 x 70")
    with qtbot.waitSignal(choice.changed):
        typed(choice, "zyx")
    assert layer.axis_labels == ("z", "y", "x")
    assert choice.toolTip().startswith("5 planes of 60 x 70")
    with qtbot.waitSignal(choice.refused, check_params_cb=lambda text: "ZZX" in text):
        typed(choice, "ZZX")
    assert choice.text() == "ZYX"
    with qtbot.waitSignal(choice.changed):
        typed(choice, "")
    assert choice.text() == "CYX"
    with qtbot.waitSignal(choice.changed):
        layer.axis_labels = ("t", "y", "x")  # by anyone
    assert choice.text() == "TYX"


def test_axes_that_cannot_be_guessed_can_be_named(qtbot):
    choice = AxesChoice()
    qtbot.addWidget(choice)
    layer = Image(np.zeros((2, 5, 60, 70)))
    choice.offer(layer)
    assert choice.text() == ""
    typed(choice, "TZYX")
    assert choice.text() == "TZYX"
    other = Image(np.zeros((60, 70)))
    choice.offer(other)
    assert (choice.text(), choice.is_needed()) == ("YX", False)
    layer.axis_labels = None  # is not shown any more
    assert choice.text() == "YX"
    choice.offer(Image(np.zeros((60, 70, 3), np.uint8), rgb=True))
    assert (choice.text(), choice.is_needed()) == ("YXS", False)
