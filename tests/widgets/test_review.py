"""The review queue in the real window."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_nucseg.corrections import delete, grow, plane_of
from napari_nucseg.training import TrainingSet
from napari_nucseg.widgets.layers.canvas import camera_of

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
MIDDLES = [(y, x) for y in (30, 80, 130) for x in (30, 80, 130, 180)]


def drawn(dtype=np.int32):
    """Twelve nuclei: the sixth is twice as wide as the others, the first tiny."""
    labels = np.zeros((160, 210), dtype)
    y, x = np.indices(labels.shape)
    for number, middle in enumerate(MIDDLES, start=1):
        radius = {6: 20, 1: 3}.get(number, 10)
        labels[np.hypot(y - middle[0], x - middle[1]) <= radius] = number
    return labels


@pytest.fixture
def shown(window, mouse):
    """What opens labels from elsewhere and waits for their queue: layer, mouse and bar."""

    def show(data=None, **options):
        window.viewer.window._qt_window.resize(1200, 800)
        window.viewer.add_labels(drawn() if data is None else data, name="nuclei", **options)
        layer = window.viewer.layers["nuclei"]
        bar = window.dock.correct.review
        window.dock.open_part(window.dock.correct)
        window.wait(lambda: "of" in bar.count.text())
        return layer, mouse(layer), bar

    return show


def states(layer):
    table = layer.features
    return dict(zip(table["index"].tolist(), table["state"].tolist(), strict=True))


def counted(bar):
    return bar.count.text().replace("<b>", "").replace("</b>", "")


def test_nucleus_painted_with_a_negative_number_is_reviewed_like_others(shown):
    labels = drawn()
    labels[labels == 4] = -4
    layer, _, bar = shown(labels)
    assert counted(bar) == "0 of 12 reviewed"
    assert states(layer) == dict.fromkeys([-4, 1, 2, 3, *range(5, 13)], "unreviewed")


def test_next_shows_the_most_suspicious_nucleus(window, shown):
    layer, _, bar = shown(scale=(2.0, 2.0), translate=(5, 7))
    assert counted(bar) == "0 of 12 reviewed"
    window.click(bar.next_button)
    shown_first = bar.review.place
    assert shown_first.number in (1, 6)
    middle = MIDDLES[shown_first.number - 1]
    camera = camera_of(window.viewer)
    assert camera.center[-2:] == pytest.approx((2 * middle[0] + 5, 2 * middle[1] + 7), abs=1)
    assert layer.selected_label == shown_first.number
    assert "usual area" in bar.text.text()
    seen = [shown_first.number]
    for _ in range(11):
        window.click(bar.next_button)
        seen.append(bar.review.place.number)
    assert {*seen[:2]} == {1, 6}
    assert sorted(seen) == [*range(1, 13)]
    window.click(bar.back_button)
    assert bar.review.place.number == seen[-2]
    window.click(bar.next_button)


def test_the_bar_can_be_drawn_while_a_thread_measures_again(window, shown):
    layer, _, bar = shown()
    more = drawn()
    more[150:155, 100:105] = 13
    # What the thread does before it tells the window.
    bar.review.queue.update(more)
    window.dock.refresh()
    assert counted(bar) == "0 of 12 reviewed"
    assert bar.review.rows_in((140, 90, 160, 110)) == []
    layer.data = more
    window.wait(lambda: counted(bar) == "0 of 13 reviewed")


def test_a_nucleus_fills_a_third_of_the_view_with_its_neighbors(window, shown):
    _, mouse, bar = shown()
    window.click(bar.next_button)
    while bar.review.place.number != 6:
        window.click(bar.next_button)
    across = mouse.on_canvas((80, 110)) - mouse.on_canvas((80, 50))
    canvas = mouse.canvas
    part = across.x() ** 2 / min(canvas.width(), canvas.height()) ** 2
    # Three diameters of 40 pixels would be twice as wide as these 60 pixels.
    assert part * 4 == pytest.approx(1 / 3, rel=0.1)


def test_accept_goes_on_and_is_kept_in_the_features(window, shown):
    layer, mouse, bar = shown()
    layer.features = {"index": [1, 2], "mood": ["good", "bad"]}
    mouse.key(Qt.Key.Key_N)
    first = bar.review.place.number
    mouse.key(Qt.Key.Key_A)
    assert bar.review.place.number != first
    assert counted(bar) == "1 of 12 reviewed"
    assert states(layer)[first] == "accepted"
    assert [*states(layer).values()].count("unreviewed") == 11
    assert layer.features["mood"].tolist()[:2] == ["good", "bad"]
    assert {"suspicion", "reason"} <= {*layer.features}
    mouse.key(Qt.Key.Key_N, SHIFT)
    assert bar.review.place.number == first


def test_accept_many_and_take_it_back(window, shown):
    layer, mouse, bar = shown()
    mouse.key(Qt.Key.Key_N)
    bar.below.trigger()
    assert counted(bar) == "11 of 12 reviewed"
    bar.undo.trigger()
    assert counted(bar) == "0 of 12 reviewed"
    camera = camera_of(window.viewer)
    camera.center, camera.zoom = (0, 30, 30), 20
    mouse.key(Qt.Key.Key_A, SHIFT)
    assert [one for one, state in states(layer).items() if state == "accepted"] == [1]


def test_states_follow_tools_brush_and_undo(window, shown):
    layer, mouse, bar = shown()
    mouse.key(Qt.Key.Key_N)
    editor = window.dock.correct.editor
    editor.do(layer, plane_of(layer.data), grow(layer.data, [2]))
    window.wait(lambda: states(layer)[2] == "edited")
    assert counted(bar) == "1 of 12 reviewed"
    editor.do(layer, plane_of(layer.data), delete(layer.data, [3]))
    window.wait(lambda: counted(bar) == "1 of 11 reviewed")
    assert 3 not in bar.review.places.ids
    layer.undo()
    layer.undo()
    window.wait(lambda: counted(bar) == "0 of 12 reviewed")
    assert {*states(layer).values()} == {"unreviewed"}
    layer.redo()
    window.wait(lambda: counted(bar) == "1 of 12 reviewed")
    layer.undo()
    window.click(window.dock.correct.tools.buttons["paint"])
    layer.selected_label = 12
    layer.paint((130, 192), 12)
    window.wait(lambda: states(layer)[12] == "edited")


def test_what_is_shown_waits_for_the_queue_that_is_measured_elsewhere(shown):
    layer, _, bar = shown()
    more = layer.data.copy()
    more[5:9, 200:204] = 13
    # As the other thread does, before the window hears of it.
    bar.review.queue.update(more)
    assert bar.review.count() == (0, 12)
    assert bar.review.accept(range(len(bar.review.places))) == 12
    assert {*states(layer).values()} == {"accepted"}


def test_result_of_the_network_has_candidates_that_can_be_dismissed(window, simulated):
    window.viewer.add_image(simulated.image, name="dish")
    layer = window.segment()
    bar = window.dock.correct.review
    window.dock.open_part(window.dock.correct)
    window.wait(lambda: bar.review.places is not None and bar.review.queue.has_maps)
    nuclei = int(layer.data.max())
    assert len(bar.review.places) >= nuclei
    layer.data_setitem(np.nonzero(np.asarray(layer.data) == 1), 0)
    window.wait(lambda: 1 not in bar.review.places.ids)
    total = len(bar.review.places)
    window.click(bar.next_button)
    while bar.review.place.number:
        window.click(bar.next_button)
    assert "maybe missed" in bar.text.text()
    window.click(bar.accept_button)
    assert counted(bar) == f"1 of {total} reviewed"


def test_planes_of_a_stack_have_a_queue_each(window, shown):
    stack = np.stack([drawn(), np.where(drawn() == 4, 4, 0)])
    _, mouse, bar = shown(stack)
    window.viewer.dims.set_current_step(0, 1)
    window.wait(lambda: counted(bar) == "0 of 1 reviewed")
    mouse.key(Qt.Key.Key_N)
    mouse.key(Qt.Key.Key_A)
    assert counted(bar) == "1 of 1 reviewed"
    assert bar.text.text() == "All are reviewed."
    window.viewer.dims.set_current_step(0, 0)
    window.wait(lambda: counted(bar) == "1 of 12 reviewed")


def test_states_are_kept_in_the_training_set(window, shown, simulated):
    image = window.viewer.add_image(simulated.image, name="dish")
    _, mouse, bar = shown(simulated.labels.copy(), metadata={"nucseg": {"image": "dish"}})
    mouse.key(Qt.Key.Key_N)
    number = bar.review.place.number
    mouse.key(Qt.Key.Key_A)
    panel = window.dock.correct
    assert panel.image.layer() == image
    window.add()
    window.wait(lambda: len(TrainingSet()) == 1)
    (entry,) = TrainingSet().entries()
    assert TrainingSet().states(entry.key) == {number: 1}
    window.wait(lambda: panel.fields.entries.count() == 1)
    panel.fields.entries.itemDoubleClicked.emit(panel.fields.entries.item(0))
    opened = window.viewer.layers["dish nuclei"]
    window.wait(lambda: counted(bar).startswith("1 of"))
    assert states(opened)[number] == "accepted"


def test_outlines_can_be_colored_by_state(window, shown):
    _, mouse, bar = shown()
    assert not bar.marks
    mouse.key(Qt.Key.Key_N)
    mouse.key(Qt.Key.Key_A)
    bar.colors.setChecked(True)
    colors = {mark.color for mark in bar.marks}
    assert {"#c9d1d9", "#3fd07a"} <= colors
    bar.colors.setChecked(False)
    assert len({mark.color for mark in bar.marks}) == 1


def test_there_is_nothing_to_review_without_labels(window):
    bar = window.dock.correct.review
    assert not bar.next_button.isEnabled()
    assert bar.next_button.toolTip()
    assert bar.count.text() == "Review"
