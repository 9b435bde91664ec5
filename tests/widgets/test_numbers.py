"""Part 5 of the dock: numbers of nuclei in table, plot and image, and in files."""

import csv
import json
import shlex

import numpy as np
import pytest
import tifffile
from napari.layers import Shapes
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_nucseg import measure_nuclei
from napari_nucseg.corrections import State, States
from napari_nucseg.measure import FORMATS
from napari_nucseg.widgets.layers.layer_states import put_states, states_in
from napari_nucseg.widgets.numbers.color_choice import USUAL
from napari_nucseg.widgets.numbers.gate_plot import COUNT
from napari_nucseg.widgets.numbers.measured import measured_of, put_measured
from napari_nucseg.widgets.numbers.rows import rows_of

MICRONS = {"scale": (0.5, 0.5), "units": "um"}


@pytest.fixture
def small():
    """Six squares of 1 to 6 pixels a side in two rows, labels 2, 4, …, 12."""
    labels = np.zeros((60, 90), np.int32)
    for at in range(6):
        y, x = 10 + 30 * (at // 3), 10 + 30 * (at % 3)
        labels[y : y + at + 1, x : x + at + 1] = 2 * (at + 1)
    return labels


@pytest.fixture
def numbers(window, small):
    """The panel, with an image twice as bright as the labels, measured."""
    window.viewer.add_image(2 * small.astype(np.uint16), name="dapi", **MICRONS)
    window.viewer.add_labels(small, name="squares", **MICRONS)
    panel = window.dock.numbers
    window.dock.open_part(panel)
    window.viewer.window._qt_window.resize(1366, 728)
    window.qtbot.wait(50)
    window.viewer.reset_view()
    measure(window)
    return panel


def measure(window):
    panel = window.dock.numbers
    window.click(panel.measure_button)
    window.wait(lambda: not panel.measurer.is_busy)
    assert not window.errors


def lines_of(panel, column):
    """Return what the table shows in a column, from the top down."""
    model = panel.table.rows_shown
    at = model.rows.names.index(column)
    return [model.index(line, at).data() for line in range(model.rowCount())]


def test_features_have_the_numbers_of_measure_nuclei(window, numbers, small):
    layer = window.viewer.layers["squares"]
    expected = measure_nuclei(small, 2 * small, pixel_size=0.5)
    assert layer.features["index"].tolist() == [2, 4, 6, 8, 10, 12]
    for name, values in expected.items():
        if name != "label":
            np.testing.assert_array_equal(layer.features[name], values, err_msg=name)
    assert lines_of(numbers, "label") == ["2", "4", "6", "8", "10", "12"]
    assert lines_of(numbers, "area_um2") == ["0.25", "1", "2.25", "4", "6.25", "9"]
    assert f"6 nuclei measured, {len(expected)} columns." in window.status
    # Columns of other plugins are there, too.
    layer.features = layer.features.assign(cluster=[0, 1, 2, 0, 1, 2])
    window.wait(lambda: "cluster" in numbers.chosen.rows.names)
    assert lines_of(numbers, "cluster") == ["0", "1", "2", "0", "1", "2"]
    assert rows_of(None).ids.size == 0


def test_ring_and_further_channels_are_measured(window, numbers, small):
    window.viewer.add_image(small.astype(np.uint8), name="other stain", **MICRONS)
    numbers.image.choose(window.viewer.layers["dapi"])
    numbers.others.choose(window.viewer.layers["other stain"])
    numbers.ring.setValue(1)
    measure(window)
    features = window.viewer.layers["squares"].features
    expected = measure_nuclei(
        small, {"dapi": 2 * small, "other_stain": small}, pixel_size=0.5, ring_width=1
    )
    for name in ("mean_dapi", "mean_other_stain", "ring_mean_dapi"):
        np.testing.assert_array_equal(features[name], expected[name])
    # Those of before are gone.
    assert "mean_intensity" not in features
    numbers.intensities.setChecked(False)
    measure(window)
    assert "mean_dapi" not in window.viewer.layers["squares"].features


def test_every_channel_is_measured_whatever_the_layers_are_called(window, numbers, small):
    for factor, name in ((3, "a b"), (4, "a_b"), (5, "a b_2")):
        window.viewer.add_image(factor * small.astype(np.uint8), name=name, **MICRONS)
        numbers.others.choose(window.viewer.layers[name])
    numbers.image.choose(window.viewer.layers["dapi"])
    measure(window)
    features = window.viewer.layers["squares"].features
    means = {"dapi": 2, "a_b": 3, "a_b_2": 4, "a_b_2_2": 5}
    for name, factor in means.items():
        assert features[f"mean_{name}"].tolist() == [2 * factor * n for n in range(1, 7)]


def test_table_and_image_follow_each_other(window, numbers, mouse):
    at = numbers.chosen.rows.names.index("area")
    numbers.table.sortByColumn(at, Qt.SortOrder.DescendingOrder)
    assert lines_of(numbers, "label") == ["12", "10", "8", "6", "4", "2"]
    numbers.table.selectRow(1)
    assert numbers.chosen.ids.tolist() == [10]
    layer = window.viewer.layers["squares"]
    assert layer.selected_label == 10
    center = window.viewer.scene.camera.center[-2:]
    np.testing.assert_allclose(center, np.array([42.0, 42.0]) * 0.5)
    (mark,) = numbers.link.marks
    np.testing.assert_allclose(np.min(mark.points, axis=0), [39.5, 39.5])
    np.testing.assert_allclose(np.max(mark.points, axis=0), [44.5, 44.5])
    # A click in the image chooses the row.
    window.viewer.reset_view()
    over = mouse(window.viewer.layers["squares"])
    numbers.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    over.click((43, 72))
    assert numbers.chosen.ids.tolist() == [12]
    assert numbers.table.currentIndex().row() == 0
    assert numbers.table.selectionModel().isRowSelected(0)
    over.click((25, 45))
    assert not numbers.chosen.count
    # A drag moves the view, and is no click.
    over.drag((43, 72), (43, 40))
    assert not numbers.chosen.count
    # While a brush is in hand, it draws.
    window.viewer.layers.selection.active = layer
    layer.mode = "paint"
    mouse(layer).click((43, 72))
    assert not numbers.chosen.count


def test_gate_is_seen_everywhere_and_becomes_a_class(window, numbers):
    plot = numbers.plot
    plot.x.setCurrentText("area")
    plot.y.setCurrentText("mean_intensity")
    plot.choose_within(np.array([[3.0, 0], [30, 0], [30, 30], [3, 30]]))
    assert numbers.chosen.ids.tolist() == [4, 6, 8, 10]
    assert "<b>4</b> of 6" in numbers.count.text()
    assert len(numbers.link.marks) == 4
    tinted = [
        numbers.table.rows_shown.index(line, 0).data(Qt.ItemDataRole.BackgroundRole)
        for line in range(6)
    ]
    assert [one is not None for one in tinted] == [False, True, True, True, True, False]
    numbers.only_chosen.setChecked(True)
    assert lines_of(numbers, "label") == ["4", "6", "8", "10"]
    numbers.only_chosen.setChecked(False)
    numbers.classes.value.setText("middle")
    window.click(numbers.classes.button)
    features = window.viewer.layers["squares"].features
    assert features["class"].tolist() == ["", "middle", "middle", "middle", "middle", ""]
    # A second class stands beside it.
    numbers.chosen.choose_nucleus(12)
    numbers.classes.value.setText("large")
    window.click(numbers.classes.button)
    assert lines_of(numbers, "class") == ["", *["middle"] * 4, "large"]
    # To measure again leaves classes and states alone.
    put_states(window.viewer.layers["squares"], edited(4))
    measure(window)
    assert lines_of(numbers, "class") == ["", *["middle"] * 4, "large"]
    assert states_in(window.viewer.layers["squares"])[4].name == "EDITED"


def edited(number):
    return States({number: State.EDITED})


def test_what_is_drawn_during_a_measurement_keeps_its_state(numbers, window):
    layer = window.viewer.layers["squares"]
    measured = measured_of(layer)  # of labels without 1, 3 and 5
    layer.data[0, :2] = 1, 5
    states = {1: State.UNREVIEWED, 2: State.ACCEPTED, 3: State.EDITED, 7: State.UNREVIEWED}
    put_states(layer, States({**states, 5: State.EDITED}))
    put_measured(layer, measured)
    # 3 was reviewed, whatever became of it; there is no 7 any more.
    assert layer.features["index"].tolist() == [1, 2, 3, 4, 5, 6, 8, 10, 12]
    del states[7]
    assert states_in(layer).as_dict() == {**states, 5: State.EDITED}


def test_gate_is_drawn_with_the_mouse_or_is_a_range(window, numbers):
    plot = numbers.plot
    plot.x.setCurrentText("area")
    plot.y.setCurrentText(COUNT)
    plot._draw_gate(np.array([[20.0, 0], [3.0, 1]]), True)
    assert numbers.chosen.ids.tolist() == [4, 6, 8]
    plot._range.setRegion((10, 40))
    assert numbers.chosen.ids.tolist() == [8, 10, 12]
    plot.log.setChecked(True)
    plot._draw_gate(np.array([[0.5, 0], [1.0, 1]]), True)
    assert numbers.chosen.ids.tolist() == [4, 6]
    plot.log.setChecked(False)
    numbers.none_button.click()
    plot.x.setCurrentText("area")
    plot.y.setCurrentText("mean_intensity")
    numbers.views.setCurrentWidget(plot)
    window.qtbot.wait(50)
    view, left = plot.plot.viewport(), Qt.MouseButton.LeftButton
    corners = [(2.5, 4), (30, 4), (30, 24), (2.5, 24)]
    places = [
        QPointF(plot.plot.mapFromScene(plot.canvas.mapViewToScene(QPointF(*corner))))
        for corner in corners
    ]

    def send(kind, place, button, held):
        event = QMouseEvent(
            kind, place, view.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(view, event)
        window.qtbot.wait(20)

    send(QEvent.Type.MouseButtonPress, places[0], left, left)
    for place in places:
        send(QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton, left)
    send(QEvent.Type.MouseButtonRelease, places[-1], left, Qt.MouseButton.NoButton)
    window.wait(lambda: numbers.chosen.count)
    assert numbers.chosen.ids.tolist() == [4, 6, 8, 10]


def test_colors_of_a_column_and_a_table_that_is_out_of_date(window, numbers):
    layer = window.viewer.layers["squares"]
    usual = layer.colormap
    numbers.colors.choose("area")
    window.wait(lambda: layer.colormap is not usual)
    small, large = layer.colormap.map(2), layer.colormap.map(12)
    assert small[2] > large[2] and large[0] > small[0]  # from blue to yellow
    assert "1.75" in numbers.colors.legend.text() or "█" in numbers.colors.legend.text()
    numbers.colors.choose("touches_border")
    window.wait(lambda: "no" in numbers.colors.legend.text())
    numbers.colors.choose(USUAL)
    assert layer.colormap is usual
    assert not numbers.colors.legend.isVisibleTo(numbers)
    # An edit makes the table out of date, until it is undone.
    assert "6 nuclei" in numbers.state.text()
    layer.data_setitem((np.array([5]), np.array([5])), np.array([4]))
    window.wait(lambda: "have changed" in numbers.state.text())
    layer.undo()
    window.wait(lambda: "have changed" not in numbers.state.text())


def test_measuring_can_be_cancelled(window, numbers, monkeypatch):
    from napari_nucseg.measure import table

    go_on = window.qtbot
    busy = numbers.measurer
    measured = table._Work.measure

    def slow(work, boxes):
        while not work.callbacks.should_stop():
            pass
        return measured(work, boxes)

    before = window.viewer.layers["squares"].features.copy()
    monkeypatch.setattr(table._Work, "measure", slow)
    window.click(numbers.measure_button)
    assert not numbers.measure_button.isEnabled()
    go_on.wait(20)
    window.click(numbers.cancel_button)
    window.wait(lambda: not busy.is_busy)
    assert "Cancelled" in window.status
    assert window.viewer.layers["squares"].features.equals(before)


def test_labels_that_do_not_fit_are_told(window, small):
    panel = window.dock.numbers
    assert "Segment an image first" in panel.reason.text()
    window.viewer.add_labels(small, name="squares")
    assert panel.measure_button.isEnabled()  # shapes need no image
    window.viewer.add_image(np.zeros((20, 20)), name="other")
    assert "Choose the image they belong to" in panel.reason.text()
    panel.intensities.setChecked(False)
    assert panel.measure_button.isEnabled()
    series = window.viewer.add_labels(np.stack([small, small]), name="series")
    series.axis_labels = ("t", "y", "x")
    panel.labels.choose(series)
    window.click(panel.measure_button)
    window.wait(lambda: not panel.measurer.is_busy)
    assert "one row for each label" in window.status


def test_stack_is_measured_and_its_plane_shown(window):
    stack = np.zeros((9, 30, 30), np.int32)
    stack[1:3, 4:8, 4:8], stack[5:8, 15:20, 15:20] = 1, 2
    window.viewer.add_labels(stack, name="stack")
    panel = window.dock.numbers
    window.dock.open_part(panel)
    measure(window)
    assert lines_of(panel, "voxels") == ["32", "75"]
    panel.table.selectRow(1)
    assert window.viewer.dims.current_step[0] == 6
    assert len(panel.link.marks) == 1
    window.viewer.dims.set_current_step(0, 2)
    window.wait(lambda: not panel.link.marks)


# Files


@pytest.fixture
def answers(window, monkeypatch, tmp_path):
    """Answer each question for a file with one in a folder, and wait until it is written."""
    saving = window.dock.numbers.saving

    def save(name, work):
        path = tmp_path / name
        monkeypatch.setattr(saving, "ask_file", lambda *_: path)
        work()
        window.wait(lambda: window.status.startswith("Wrote") or window.errors)
        assert not window.errors
        return path

    return save


def test_everything_is_written_with_what_people_said(window, numbers, answers, small):
    numbers.chosen.choose_nucleus(6)
    window.click(numbers.classes.button)
    put_states(window.viewer.layers["squares"], edited(4))
    path = answers("numbers.csv", lambda: window.click(numbers.saving.save_button))
    rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    assert [row["label"] for row in rows] == ["2", "4", "6", "8", "10", "12"]
    assert [row["file"] for row in rows] == ["dapi"] * 6
    assert rows[2]["class"] == "positive"
    assert rows[1]["state"] == "edited"
    assert rows[5]["mean_intensity"] == "24"
    (summary,) = csv.DictReader(
        path.with_name("numbers_summary.csv").read_text(encoding="utf-8").splitlines()
    )
    assert summary["nuclei"] == "6"
    assert float(summary["density_per_mm2"]) == pytest.approx(6 / (0.03 * 0.045))
    for to, one in FORMATS.items():
        path = answers(f"x{one.ending}", numbers.saving.actions[to].trigger)
        assert path.stat().st_size > 0
    path = answers("x.geojson", numbers.saving.actions["geojson"].trigger)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    third = features[2]["properties"]
    assert third["classification"] == {"name": "positive"}
    assert third["measurements"]["mean_intensity"] == 12
    path = answers("x_labels.ome.tif", numbers.saving.actions["ome-tiff"].trigger)
    np.testing.assert_array_equal(tifffile.imread(path), small)
    path = answers("r.html", numbers.saving.actions["report"].trigger)
    section = path.read_text(encoding="utf-8").partition("Corrected by hand")[2]
    assert "<td>dapi</td><td>1</td><td>0</td><td>5</td>" in section
    numbers.saving.actions["shapes"].trigger()
    (shapes,) = (layer for layer in window.viewer.layers if isinstance(layer, Shapes))
    assert shapes.features["label"].tolist() == [2, 4, 6, 8, 10, 12]
    assert tuple(shapes.scale) == (0.5, 0.5)
    np.testing.assert_allclose(shapes.data[1].min(axis=0), [9.5, 39.5])
    np.testing.assert_allclose(shapes.data[1].max(axis=0), [11.5, 41.5])


# Code


def test_code_of_what_was_found_and_measured(window, tmp_path, monkeypatch, simulated):
    tifffile.imwrite(tmp_path / "field.tif", simulated.image)
    (image,) = window.viewer.open(str(tmp_path / "field.tif"), plugin="napari")
    image.name = "field"
    layer = window.segment()
    panel = window.dock.numbers
    window.dock.open_part(panel)
    panel.ring.setValue(2)
    panel.saving.actions["python"].trigger()
    assert "find_nuclei" in QApplication.clipboard().text()
    assert "measure_nuclei" not in QApplication.clipboard().text()
    measure(window)
    panel.saving.actions["python"].trigger()
    code = QApplication.clipboard().text()
    compile(code, "copied", "exec")
    assert repr(str(tmp_path / "field.tif")) in code
    assert "ring_width=2" in code
    panel.saving.actions["command"].trigger()
    first, second = map(shlex.split, QApplication.clipboard().text().splitlines())
    assert first[:3] == ["nucseg", "segment", str(tmp_path / "field.tif")]
    assert second[:3] == ["nucseg", "measure", "field_labels.tif"]
    # Edited labels come from no code, but from a file that has them.
    layer.data_setitem((np.array([0]), np.array([0])), np.array([1]))
    panel.saving.actions["python"].trigger()
    assert "edited by hand" in window.status
    window._heard += len(window.errors)
    path = tmp_path / "mine_labels.tif"
    monkeypatch.setattr(panel.saving, "ask_file", lambda *_: path)
    panel.saving.actions["tiff"].trigger()
    window.wait(lambda: window.status.startswith("Wrote"))
    panel.saving.actions["python"].trigger()
    code = QApplication.clipboard().text()
    assert repr(str(path)) in code
    assert "find_nuclei" not in code
