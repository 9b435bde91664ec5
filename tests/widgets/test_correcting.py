"""Correcting with the mouse and keys: the tools in the real window, with real events."""

import napari
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_nucseg.widgets.layers.canvas import screen_matrix
from napari_nucseg.widgets.layers.outlines import centers_of, outlines_of
from napari_nucseg.widgets.tools.nucleus_actions import ACTIONS

CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def disc(shape, middle, radius):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - middle[0]) ** 2 + (x - middle[1]) ** 2 <= radius**2


def scene(dtype=np.int32):
    """Three nuclei in a row, the first two touch, and one that is two."""
    labels = np.zeros((100, 140), dtype)
    for number, (middle, radius) in enumerate(
        [((30, 30), 10), ((30, 49), 10), ((30, 90), 10), ((70, 40), 10), ((70, 55), 9)], 1
    ):
        labels[disc(labels.shape, middle, radius) & (labels == 0)] = number
    labels[labels == 5] = 4
    return labels


@pytest.fixture
def shown(window, mouse):
    """What opens the scene and takes the correcting tool: the layer, its mouse, its panel."""

    def show(data=None, tool="correct", **options):
        window.viewer.window._qt_window.resize(1200, 800)
        data = scene() if data is None else data
        layer = window.viewer.add_labels(data, name="nuclei", **options)
        panel = window.dock.correct
        window.click(panel.tools.buttons[tool])
        return window.viewer.layers["nuclei"], mouse(layer), panel

    return show


def hear(panel):
    heard = []
    panel.editor.edited.connect(lambda layer, edit: heard.append((layer, edit)))
    return heard


def ids(layer):
    return sorted({*np.unique(layer.data).tolist()} - {0})


def undo(mouse):
    mouse.key(Qt.Key.Key_Z, CONTROL)


def redo(mouse):
    mouse.key(Qt.Key.Key_Z, CONTROL | SHIFT)


def test_dragging_into_a_neighbor_merges(shown):
    layer, mouse, panel = shown()
    heard = hear(panel)
    mouse.drag((30, 30), (30, 49))
    assert ids(layer) == [1, 3, 4]
    assert layer.data[30, 49] == 1
    ((told, edit),) = heard
    assert isinstance(told, Labels)
    assert (edit.name, edit.removed) == ("merge", (2,))
    assert (told.data[edit.indices] == edit.values).all()
    undo(mouse)
    assert (layer.data == scene()).all()
    redo(mouse)
    assert ids(layer) == [1, 3, 4]


def test_dragging_from_background_to_background_splits(shown, window):
    layer, mouse, _ = shown()
    mouse.drag((55, 48), (85, 48))
    assert ids(layer) == [1, 2, 3, 4, 5]
    assert layer.data[70, 40] != layer.data[70, 56]
    assert "Split into 2" in window.status
    mouse.drag((88, 20), (88, 80))
    assert ids(layer) == [1, 2, 3, 4, 5]


def test_click_selects_and_delete_deletes(shown):
    layer, mouse, panel = shown()
    mouse.click((30, 90))
    assert panel.hand.selected == 3
    assert layer.selected_label == 3
    mouse.key(Qt.Key.Key_Delete)
    assert ids(layer) == [1, 2, 4]
    assert panel.hand.selected == 0
    mouse.move((70, 40))
    mouse.key(Qt.Key.Key_Backspace)
    assert ids(layer) == [1, 2]
    mouse.click((30, 30), ALT)
    assert ids(layer) == [2]
    for _ in range(3):
        undo(mouse)
    assert (layer.data == scene()).all()


def test_edits_and_strokes_of_the_brush_are_undone_in_one_order(shown, window):
    layer, mouse, panel = shown()
    states = [layer.data.copy()]
    mouse.drag((30, 30), (30, 49))
    states.append(layer.data.copy())
    window.click(panel.tools.buttons["paint"])
    layer.brush_size = 5
    mouse.drag((10, 110), (12, 120))
    states.append(layer.data.copy())
    mouse.key(Qt.Key.Key_Q)
    assert panel.tools.buttons["correct"].isChecked()
    mouse.drag((55, 48), (85, 48))
    states.append(layer.data.copy())
    assert all((a != b).any() for a, b in zip(states[1:], states[:-1], strict=True))
    for state in reversed(states[:-1]):
        undo(mouse)
        assert (layer.data == state).all()
    for state in states[1:]:
        redo(mouse)
        assert (layer.data == state).all()


def test_tools_of_napari_take_over_and_give_back(shown, window):
    layer, mouse, panel = shown()
    before = layer.data.copy()

    def in_hand():
        return [name for name, one in panel.tools.buttons.items() if one.isChecked()]

    assert in_hand() == ["correct"]
    assert not layer.mouse_pan
    mouse.key(Qt.Key.Key_6)
    assert in_hand() == []
    assert layer.mouse_pan
    mouse.drag((30, 30), (30, 49))
    assert (layer.data == before).all()
    mouse.key(Qt.Key.Key_Q)
    mouse.key(Qt.Key.Key_2)
    assert in_hand() == ["paint"]
    mouse.key(Qt.Key.Key_Q)
    window.click(panel.tools.buttons["pick"])
    assert in_hand() == ["pick"]
    mouse.drag((30, 30), (30, 49))
    assert (layer.data == before).all()
    window.click(panel.tools.buttons["correct"])
    window.click(panel.tools.buttons["correct"])
    assert in_hand() == []
    assert layer.mode == "pan_zoom"


def test_space_moves_the_view(shown, window):
    layer, mouse, panel = shown()
    before, center = layer.data.copy(), window.viewer.scene.camera.center
    native = mouse.canvas
    QTest.keyPress(native, Qt.Key.Key_Space)
    mouse.drag((30, 30), (30, 49))
    QTest.keyRelease(native, Qt.Key.Key_Space)
    assert (layer.data == before).all()
    assert window.viewer.scene.camera.center != center
    mouse.drag((30, 30), (30, 49))
    assert (layer.data != before).any()
    assert panel.tools.buttons["correct"].isChecked()


def test_escape_cancels_a_gesture(shown):
    layer, mouse, _ = shown()
    before = layer.data.copy()
    mouse.press((30, 30))
    mouse.drag_to((30, 40))
    mouse.drag_to((30, 49))
    mouse.key(Qt.Key.Key_Escape)
    mouse.release((30, 49))
    assert (layer.data == before).all()
    mouse.drag((30, 30), (30, 49))
    assert (layer.data != before).any()


def test_gesture_shows_what_it_will_do(shown):
    _, mouse, panel = shown()
    overlay = panel.hand._overlay
    mouse.press((30, 30))
    mouse.drag_to((30, 40))
    mouse.drag_to((30, 49))
    assert [mark.text for mark in overlay.marks if mark.text] == ["Merge 2"]
    mouse.drag_to((30, 90))
    assert [mark.text for mark in overlay.marks if mark.text] == ["Merge 3"]
    mouse.release((30, 90))
    assert not [mark for mark in overlay.marks if mark.text]
    assert overlay.size() == mouse.canvas.size()


def test_what_is_marked_follows_the_labels(shown):
    _, mouse, panel = shown()
    overlay = panel.hand._overlay
    mouse.move((30, 90))
    (hovered,) = overlay.marks
    assert hovered.dashed
    mouse.key(Qt.Key.Key_Delete)
    assert not overlay.marks
    undo(mouse)
    assert len(overlay.marks) == 1
    mouse.click((30, 90))
    (selected,) = overlay.marks
    size = np.ptp(selected.points, axis=0)
    mouse.key(Qt.Key.Key_G)
    (selected,) = overlay.marks
    assert (np.ptp(selected.points, axis=0) == size + 2).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": (0.3, 0.7), "translate": (5, -20)},
        {"rotate": 30.0, "scale": (2.0, 2.0)},
    ],
)
def test_works_wherever_the_layer_lies(shown, window, options):
    layer, mouse, panel = shown(**options)
    plane = panel.hand.plane()
    matrix, offset = screen_matrix(
        window.viewer, layer, plane, (mouse.canvas.width(), mouse.canvas.height())
    )
    for place in ((0, 0), (30.0, 49.0), (99.0, 139.0)):
        there = mouse.on_canvas(place)
        assert matrix @ place + offset == pytest.approx((there.x(), there.y()), abs=0.6)
    mouse.drag((30, 30), (30, 49))
    assert ids(layer) == [1, 3, 4]
    mouse.click((70, 40), ALT)
    assert ids(layer) == [1, 3]


def test_only_the_displayed_plane_of_a_stack_changes(shown, window):
    stack = np.stack([np.zeros((100, 140), int), scene(int), scene(int) * 10])
    window.viewer.add_image(np.zeros((2, 3, 100, 140)), name="movie")
    layer, mouse, _ = shown(stack)
    window.viewer.dims.set_current_step(1, 1)
    mouse.drag((1, 30, 30), (1, 30, 49))
    assert (layer.data[2] == scene() * 10).all()
    assert ids(layer) == [1, 3, 4, 10, 20, 30, 40]
    mouse.drag((1, 55, 48), (1, 85, 48))
    assert layer.data[1].max() == 41
    window.viewer.dims.set_current_step(1, 2)
    mouse.click((2, 30, 90), ALT)
    assert 30 not in layer.data
    for _ in range(3):
        undo(mouse)
    assert (layer.data == stack).all()


def test_transposed_axes(shown, window):
    layer, mouse, _ = shown()
    window.viewer.dims.transpose()
    mouse.drag((30, 30), (30, 49))
    assert ids(layer) == [1, 3, 4]


def test_ids_that_the_type_cannot_hold_get_room(shown):
    data = scene(np.uint8)
    data[data == 4] = 255
    layer, mouse, _ = shown(data)
    mouse.drag((55, 48), (85, 48))
    assert ids(layer) == [1, 2, 3, 255, 256]


def test_read_only_labels_can_be_corrected(shown):
    data = scene()
    data.flags.writeable = False
    layer, mouse, _ = shown(data)
    mouse.drag((30, 30), (30, 49))
    assert ids(layer) == [1, 3, 4]
    undo(mouse)
    assert (layer.data == scene()).all()


def test_three_dimensional_view_is_told(shown, window):
    stack = np.stack([scene(), scene()])
    _, mouse, _ = shown(stack)
    window.viewer.dims.ndisplay = 3
    mouse.key(Qt.Key.Key_G)
    assert "2-D view" in window.status


def test_split_by_a_click(shown):
    layer, mouse, _ = shown(tool="split")
    mouse.click((70, 40))
    assert ids(layer) == [1, 2, 3, 4, 5]
    assert layer.data[70, 38] != layer.data[70, 60]
    mouse.click((30, 90))
    assert ids(layer) == [1, 2, 3, 4, 5]


def test_redraw_replaces_a_nucleus_and_draws_new_ones(shown):
    layer, mouse, panel = shown(tool="redraw")
    mouse.drag((22, 82), (22, 98), (38, 98), (38, 82), (23, 82))
    assert ids(layer) == [1, 2, 3, 4]
    assert layer.data[24, 84] == 3
    assert panel.hand.selected == 3
    mouse.drag((80, 100), (80, 120), (92, 120), (92, 100))
    assert ids(layer) == [1, 2, 3, 4, 5]
    assert layer.data[86, 110] == 5


def test_push_is_one_step_whatever_it_moves(shown):
    layer, mouse, panel = shown(tool="push")
    heard = hear(panel)
    before = layer.data.copy()
    mouse.drag((30, 95), (30, 106))
    assert (layer.data == 3).sum() > (before == 3).sum() + 20
    mouse.drag((52, 92), (38, 92))
    assert len(heard) == 2
    undo(mouse)
    undo(mouse)
    assert (layer.data == before).all()
    radius = panel.tools.tools["push"].radius
    mouse.key(Qt.Key.Key_BracketRight)
    assert panel.tools.tools["push"].radius > radius


def test_delete_in_a_lasso_and_in_a_box(shown, window):
    layer, mouse, panel = shown(tool="lasso")
    mouse.drag((15, 15), (15, 65), (45, 65), (45, 15))
    assert ids(layer) == [3, 4]
    mouse.key(Qt.Key.Key_D, SHIFT)
    assert panel.tools.buttons["box"].isChecked()
    mouse.drag((15, 75), (45, 105))
    assert ids(layer) == [4]
    assert "Deleted 1 nucleus" in window.status
    window.click(panel.tools.buttons["lasso"])
    mouse.click((70, 40))
    assert ids(layer) == []


def test_keys_and_buttons_for_whole_nuclei(shown, window):
    layer, mouse, panel = shown()
    areas = np.bincount(layer.data.ravel())

    def grown():
        return np.flatnonzero(np.bincount(layer.data.ravel())[1:] > areas[1:]) + 1

    mouse.move((30, 90))
    mouse.key(Qt.Key.Key_G)
    assert grown().tolist() == [3]
    undo(mouse)
    mouse.click((70, 40))
    window.click(panel.tools.buttons["grow one"])
    assert grown().tolist() == [4]
    undo(mouse)
    mouse.key(Qt.Key.Key_G, SHIFT)
    assert grown().tolist() == [1, 2, 3, 4]
    mouse.key(Qt.Key.Key_K, SHIFT)
    layer.data[30, 90] = 0
    mouse.move((30, 93))
    mouse.key(Qt.Key.Key_H)
    assert layer.data[30, 90] == 3
    mouse.key(Qt.Key.Key_Escape)
    window.click(panel.tools.buttons["smooth one"])
    assert "select a nucleus" in window.status


def menu_entry(panel, text):
    (entry,) = [a for a in panel.tools.more_button.menu().actions() if text in a.text()]
    return entry


def test_many_at_once(shown, window):
    data = scene()
    data[0:4, 120:130] = 7
    data[95:97, 5:7] = 8
    data[60:63, 100:103] = 8
    layer, mouse, panel = shown(data)
    menu_entry(panel, "loose pieces").trigger()
    assert ids(layer) == [1, 2, 3, 4, 7, 8, 9]
    menu_entry(panel, "smaller than").trigger()
    small = panel.tools.small
    small.area.setValue(41)
    assert small.count.text().startswith("3 nuclei")
    small.area.setValue(9)
    assert small.count.text().startswith("1 nucleus ")
    small.delete_button.click()
    assert ids(layer) == [1, 2, 3, 4, 7, 8]
    assert not small.isVisible()
    menu_entry(panel, "touching the border").trigger()
    assert ids(layer) == [1, 2, 3, 4, 8]
    for _ in range(3):
        undo(mouse)
    assert (layer.data == data).all()


def test_added_from_the_maps_of_the_result(window, mouse, simulated):
    """In an RGB image: the maps are those that the engine has kept."""
    bright = simulated.image / simulated.image.max()
    window.viewer.add_image(np.stack([bright] * 3, axis=-1), rgb=True, name="stained")
    layer = window.segment()
    panel = window.dock.correct
    window.wait(lambda: panel.adder.maps_and_diameter()[0] is not None)
    found = layer.data.copy()
    (place,) = centers_of(found, [3])
    window.click(panel.tools.buttons["correct"])
    over = mouse(layer)
    over.click(place, ALT)
    assert 3 not in layer.data
    over.click(place)
    new = found.max() + 1
    assert panel.hand.selected == new
    both = ((layer.data == new) & (found == 3)).sum()
    assert both > 0.8 * max((layer.data == new).sum(), (found == 3).sum())
    window.click(panel.tools.buttons["split"])
    over.click(place)
    assert window.status.startswith(("Split in two", "Not split"))


def test_network_looks_where_there_are_no_maps(window, mouse, simulated, tasks):
    window.viewer.add_image(simulated.image, name="dish")
    truth = simulated.labels.copy()
    number = int(np.bincount(truth.ravel())[1:].argmax()) + 1
    (place,) = centers_of(truth, [number])
    truth[truth == number] = 0
    layer = window.viewer.add_labels(truth, name="by hand")
    panel = window.dock.correct
    window.click(panel.tools.buttons["correct"])
    mouse(layer).click(place)
    window.wait(lambda: layer.data[tuple(np.round(place).astype(int))])
    new = layer.data[tuple(np.round(place).astype(int))]
    true = simulated.labels == number
    overlap = ((layer.data == new) & true).sum() / ((layer.data == new) | true).sum()
    assert overlap > 0.5
    count = len(tasks)
    mouse(layer).click(place, ALT)
    mouse(layer).click(place)
    assert len(tasks) == count
    assert (layer.data == layer.data.max()).sum() > 0.5 * true.sum()


def test_network_looks_at_the_displayed_plane_of_a_stack(window, mouse, simulated):
    number = int(np.bincount(simulated.labels.ravel())[1:].argmax()) + 1
    (place,) = centers_of(simulated.labels, [number])
    true = simulated.labels == number
    stack = np.stack([np.zeros_like(simulated.image), simulated.image])
    window.viewer.add_image(stack, name="stack", axis_labels=("z", "y", "x"))
    truth = np.stack([simulated.labels, np.where(true, 0, simulated.labels)])
    layer = window.viewer.add_labels(truth, name="by hand")
    window.viewer.dims.set_current_step(0, 1)
    window.click(window.dock.correct.tools.buttons["correct"])
    mouse(layer).click((1, *place))
    where = (1, *np.round(place).astype(int))
    window.wait(lambda: layer.data[where])
    assert "disc" not in window.status
    shape = layer.data[1] == layer.data[where]
    assert (shape & true).sum() / (shape | true).sum() > 0.5
    assert (layer.data[0] == simulated.labels).all()


def test_keys_are_free_in_napari(shown):
    _, _, panel = shown()
    classes = {*Labels.__mro__, *Image.__mro__, *napari.Viewer.__mro__}
    taken = {str(key) for owner in classes for key in getattr(owner, "class_keymap", ())}
    assert {"P", "Ctrl+Z", "V"} <= taken
    keys = {tool.key.replace("-", "+") for tool in panel.tools.tools.values()}
    keys |= {action.key for action in ACTIONS.values()}
    keys |= {f"Shift+{action.key}" for action in ACTIONS.values()}
    assert len(keys) == len(panel.tools.tools) + 2 * len(ACTIONS)
    assert not keys & taken
    for name, tool in panel.tools.tools.items():
        key = tool.key.replace("-", "+")
        assert f"(key {key})" in panel.tools.buttons[name].toolTip()


def test_labels_that_are_replaced_in_a_gesture_are_left_alone(shown, window):
    layer, mouse, _ = shown(tool="push")
    mouse.press((30, 95))
    mouse.drag_to((30, 106))
    layer.data = np.zeros((20, 30), int)
    mouse.release((10, 10))
    assert not layer.data.any()
    mouse.press((10, 10))
    window.viewer.layers.remove(layer)
    window.qtbot.wait(20)
    assert not window.errors
    assert not window.dock.correct.tools.buttons["push"].isEnabled()


def test_mouse_that_leaves_means_no_nucleus(shown, window):
    layer, mouse, panel = shown()
    mouse.move((30, 90))
    assert panel.hand.hovered == 3
    QApplication.sendEvent(mouse.canvas, QEvent(QEvent.Type.Leave))
    assert panel.hand.hovered == 0
    mouse.key(Qt.Key.Key_Delete)
    assert ids(layer) == [1, 2, 3, 4]
    assert "point at a nucleus" in window.status


def test_outlines_and_middles():
    labels = np.zeros((9, 12), int)
    labels[2:5, 3:7] = 4
    (line,) = outlines_of(labels, 4)
    assert line.min(axis=0).tolist() == [1.5, 2.5]
    assert line.max(axis=0).tolist() == [4.5, 6.5]
    assert outlines_of(labels, 5) == outlines_of(labels, 0) == []
    assert centers_of(labels, [4, 9]).tolist() == [[3, 4.5]]
    assert centers_of(labels, [9]).shape == (0, 2)
