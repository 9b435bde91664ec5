"""The brush begins a new nucleus on background, and the panel shows which tool is in hand."""

import numpy as np
import pytest
from napari.utils._test_utils import read_only_mouse_event
from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks

from napari_nucseg.widgets.tools.brush import pieces_of


@pytest.fixture
def labels(window):
    """What Segment shows of an image with room between the nuclei."""
    window.viewer.open_sample("napari-nucseg", "simulated")
    labels = window.segment()
    raw = next(layer for layer in window.viewer.layers if layer == labels)
    raw.brush_size = 3
    return raw


def press(layer, place):
    for kind, call in (("press", mouse_press_callbacks), ("release", mouse_release_callbacks)):
        where = layer.data_to_world(place)
        call(layer, read_only_mouse_event(type=f"mouse_{kind}", position=where))


def background(layer, count):
    """Return places far from each other and from all nuclei."""
    from scipy.ndimage import distance_transform_edt

    free, places = layer.data == 0, []
    for _ in range(count):
        room = distance_transform_edt(free)
        place = np.unravel_index(room.argmax(), room.shape)
        places.append(place)
        free = free.copy()
        free[max(0, place[0] - 12) : place[0] + 12, max(0, place[1] - 12) : place[1] + 12] = 0
    return places


def test_strokes_on_background_are_nuclei_of_their_own(window, labels):
    found = labels.data.max()
    places = background(labels, 4)
    window.click(window.dock.correct.tools.buttons["paint"])
    for place in places:
        press(labels, place)
    assert [labels.data[place] for place in places] == list(range(found + 1, found + 5))
    assert pieces_of(labels.data) == []


def test_stroke_that_begins_in_a_nucleus_adds_to_it(window, labels):
    window.click(window.dock.correct.tools.buttons["paint"])
    inside = tuple(np.argwhere(labels.data == 3)[0])
    press(labels, inside)
    assert labels.selected_label == 3
    assert not (labels.data > 0)[labels.data > labels.data.max()].any()


def test_brush_paints_after_nuclei_were_deleted_with_label_0(window, labels):
    window.click(window.dock.correct.tools.buttons["fill"])
    labels.selected_label = 0
    labels.fill(tuple(np.argwhere(labels.data == 1)[0]), 0)
    (place,) = background(labels, 1)
    window.click(window.dock.correct.tools.buttons["paint"])
    press(labels, place)
    assert labels.data[place] > 0


def test_nucleus_that_was_picked_is_painted_on(window, labels):
    window.click(window.dock.correct.tools.buttons["pick"])
    press(labels, tuple(np.argwhere(labels.data == 2)[0]))
    assert labels.selected_label == 2
    (place,) = background(labels, 1)
    window.click(window.dock.correct.tools.buttons["paint"])
    press(labels, place)
    assert labels.data[place] == 2


def test_new_nucleus_is_for_one_stroke(window, labels):
    found = labels.data.max()
    window.click(window.dock.correct.tools.new_button)
    inside = tuple(np.argwhere(labels.data == 2)[0])
    press(labels, inside)
    assert labels.data[inside] == found + 1
    (place,) = background(labels, 1)
    press(labels, place)
    assert labels.data[place] == found + 2


def test_tool_in_hand_is_shown_whoever_took_it(window, labels):
    tools = window.dock.correct.tools.buttons

    def in_hand():
        return [mode for mode, button in tools.items() if button.isChecked()]

    assert in_hand() == []
    for mode in ("paint", "erase", "fill", "pick"):
        labels.mode = mode
        assert in_hand() == [mode]
    labels.mode = "pan_zoom"
    assert in_hand() == []
    window.click(tools["fill"])
    assert in_hand() == ["fill"]
    window.viewer.layers.selection.active = window.viewer.layers["simulated"]
    assert in_hand() == []


def test_labels_in_several_pieces():
    labels = np.zeros((9, 12), int)
    labels[1:3, 1:3] = labels[5:7, 5:7] = 7
    labels[1:3, 3:5] = 2
    labels[3, 5] = 2  # at a corner
    assert pieces_of(labels) == [7]
    assert pieces_of(np.zeros((3, 3), int)) == []
