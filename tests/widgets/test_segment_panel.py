"""Part 1 of the dock widget: find the nuclei."""

import json
import shutil
import sys
import warnings

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

import napari_nucseg
from napari_nucseg.cli import main as nucseg
from napari_nucseg.engine import Engine, Relabel, Segment, Warm, shared_engine
from napari_nucseg.image.field import Field
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.pipeline.segmentation import SegmentParameters
from napari_nucseg.registry.store import load_model, models_directory


@pytest.fixture
def nuclei(window, simulated):
    """The simulated image as a layer."""
    return window.viewer.add_image(simulated.image, name="field")


@pytest.fixture(scope="module")
def two_channels(simulated):
    """Nothing but noise in channel 0, the nuclei in channel 1."""
    noise = np.random.default_rng(0).normal(500, 5, simulated.image.shape)
    return np.stack([noise.astype(np.uint16), simulated.image])


@pytest.fixture
def sent(monkeypatch):
    """The images that go to the engine."""
    images = []
    submit = Engine.submit

    def note(engine, task, *arguments, **options):
        if isinstance(task, Segment):
            images.append(task.field.image)
        return submit(engine, task, *arguments, **options)

    monkeypatch.setattr(Engine, "submit", note)
    return images


def in_color(gray):
    """Return a gray image as stained nuclei, dark blue on white."""
    light = (gray - gray.min()) / np.ptp(gray)
    absorbed = light[..., None] * (0.8, 0.7, 0.2)
    return (255 * (1 - absorbed)).astype(np.uint8)


def test_labels_are_named_and_placed_like_the_image(window, simulated):
    image = window.viewer.add_image(
        simulated.image,
        name="dish",
        scale=(0.5, 0.25),
        translate=(10, 20),
        rotate=30,
        shear=[0.2],
        affine=[[1, 0.1, 5], [0, 2, 6], [0, 0, 1]],
        units=("micrometer", "micrometer"),
        axis_labels=("down", "right"),
    )
    labels = window.segment()
    assert labels.name == "dish nuclei"
    assert labels.data.shape == image.data.shape
    assert labels.units == image.units
    assert labels.axis_labels == ("down", "right")

    def lies_on_the_image():
        corners = [(0, 0), (159, 0), (0, 191)]
        return np.allclose(
            [labels.data_to_world(corner) for corner in corners],
            [image.data_to_world(corner) for corner in corners],
        )

    assert lies_on_the_image()
    image.translate = (-7, 3)
    image.scale = (2, 2)
    assert window.segment() == labels
    assert lies_on_the_image()


def test_labels_say_how_they_came_about(window, nuclei):
    window.dock.segment.form.boxes["diameter"].value = 22
    about = window.segment().metadata["nucseg"]
    card = load_model("nuclei").card
    assert about["software"] == f"napari-nucseg {napari_nucseg.__version__}"
    assert about["image"] == "field"
    assert (about["model"], about["weights_sha256"]) == ("nuclei", card.weights_sha256)
    assert about["parameters"] == window.dock.segment.parameters().as_dict()
    assert about["parameters"]["diameter"] == 22
    assert json.loads(json.dumps(about)) == about


def test_window_api_and_command_give_the_same_labels(window, nuclei, simulated, tmp_path):
    color = window.viewer.add_image(in_color(simulated.image), name="color")
    assert color.rgb
    panel = window.dock.segment
    panel.form.boxes["diameter"].value = 20
    panel.form.boxes["probability"].value = 0.6
    panel.form.boxes["minimum_size"].value = 40
    panel.form.boxes["test_time_augmentations"].value = 2
    images = {"field": nuclei, "color": color}
    for name, image in images.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", image.data)
    with warnings.catch_warnings():  # the command shows them in its own way
        status = nucseg(
            [
                "segment",
                *[str(tmp_path / f"{name}.tif") for name in images],
                f"--output={tmp_path / 'out'}",
                "--diameter=20",
                "--probability=0.6",
                "--minimum-size=40",
                "--test-time-augmentations=2",
            ]
        )
    assert status == 0
    for name, image in images.items():
        panel.image.choose(image)
        labels = window.segment().data
        from_command = tifffile.imread(tmp_path / "out" / f"{name}_labels.tif")
        from_api = napari_nucseg.segment(
            image.data,
            "nuclei",
            diameter=20,
            probability=0.6,
            minimum_size=40,
            test_time_augmentations=2,
        )
        assert labels.max() > 3
        assert (labels == from_command).all()
        assert (labels == from_api).all()
    assert "tensorflow" not in sys.modules


def test_sliders_make_new_labels_without_the_network(window, nuclei, simulated, tasks):
    panel = window.dock.segment
    labels = window.segment()
    before = labels.data
    assert tasks[-1] is Segment
    del tasks[:]
    panel.form.boxes["probability"].value = 0.8
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["probability"] == 0.8)
    panel.form.boxes["minimum_size"].value = 150
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["minimum_size"] == 150)
    assert set(tasks) == {Relabel}
    assert window.labels() == [labels]
    assert (labels.data != before).any()
    assert np.bincount(labels.data.ravel())[1:].min() >= 150
    expected = napari_nucseg.segment(simulated.image, probability=0.8, minimum_size=150)
    assert (labels.data == expected).all()


@pytest.mark.parametrize("by", ["brush", "script"])
def test_edited_labels_are_never_touched(window, nuclei, by, tasks):
    labels = window.segment()
    if by == "brush":
        labels.paint((5, 5), 77)
        window.wait(lambda: "edited" in window.status)
    else:
        labels.data = np.where(labels.data == 1, 0, labels.data)
    mine = labels.data.copy()
    del tasks[:]
    window.dock.segment.form.boxes["probability"].value = 0.9
    window.qtbot.wait(400)
    assert tasks == []
    assert (labels.data == mine).all()
    again = window.segment()
    assert again != labels
    assert window.labels() == [labels, again]
    assert (labels.data == mine).all()
    assert again.metadata["nucseg"]["parameters"]["probability"] == 0.9


def test_stroke_while_new_labels_are_on_their_way(window, nuclei, engine_held, tasks):
    labels = window.segment()
    with engine_held():
        window.dock.segment.form.boxes["probability"].value = 0.9
        window.wait(lambda: tasks[-1] is Relabel)
        labels.paint((5, 5), 77)
        mine = labels.data.copy()
    napari_nucseg.segment(np.eye(64))  # when this is done, so are the new labels
    window.qtbot.wait(50)
    assert (labels.data == mine).all()


def test_slider_moved_while_segmenting_counts_in_the_end(window, nuclei, engine_held):
    with engine_held():
        window.start(window.dock.segment.segment_button)
        window.dock.segment.form.boxes["probability"].value = 0.9
        window.qtbot.wait(300)
    window.finish()
    (labels,) = window.labels()
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["probability"] == 0.9)


def test_maps_are_not_kept_forever(window, nuclei):
    labels = window.segment()
    before = labels.data
    small = Field(np.eye(64))
    for _ in range(4):
        task = Segment(small, "nuclei", SegmentParameters(), keep_maps=True)
        shared_engine().submit(task).wait(180)
    window.dock.segment.form.boxes["probability"].value = 0.9
    window.wait(lambda: "Click Segment" in window.status)
    assert labels.data is before
    assert window.segment() == labels
    assert labels.metadata["nucseg"]["parameters"]["probability"] == 0.9


def test_channel_of_several_is_chosen(window, two_channels, simulated, sent):
    window.viewer.add_image(two_channels, name="two")
    panel = window.dock.segment
    assert panel.channel.isEnabled()
    assert panel.channels.text() == "of 2 (first axis)"
    assert "first axis is taken for 2 channels" in panel.channel.toolTip()
    assert [panel.channel.itemText(i) for i in range(panel.channel.count())] == ["0", "1"]
    panel.channel.setCurrentIndex(1)
    labels = window.segment()
    assert (labels.data == napari_nucseg.segment(simulated.image)).all()
    assert labels.metadata["nucseg"]["parameters"]["channel"] == 1
    assert sent[-1].nbytes == simulated.image.nbytes
    panel.form.boxes["minimum_size"].value = 150
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["minimum_size"] == 150)
    assert labels.metadata["nucseg"]["parameters"]["channel"] == 1
    assert panel.channel.currentText() == "1"
    window.viewer.add_image(simulated.image, name="gray")
    assert not panel.channel.isEnabled()


@pytest.mark.parametrize("axis", [0, 1])
def test_the_channel_that_is_shown_is_segmented(window, two_channels, simulated, axis):
    viewer, panel = window.viewer, window.dock.segment
    viewer.add_image(two_channels if axis == 0 else two_channels[np.newaxis, :, np.newaxis])
    viewer.dims.set_current_step(axis, 1)
    assert panel.channel.currentText() == "1"
    assert (window.segment().data == napari_nucseg.segment(simulated.image)).all()
    panel.channel.setCurrentIndex(0)
    assert viewer.dims.current_step[axis] == 0
    viewer.add_image(two_channels[1])
    viewer.dims.set_current_step(axis, 1)
    panel.image.choose(viewer.layers[0])
    assert panel.channel.currentText() == "1"


def test_channel_chosen_in_3d_is_kept(window):
    viewer, channel = window.viewer, window.dock.segment.channel
    viewer.add_image(np.random.default_rng(0).random((3, 40, 50)))
    assert channel.currentText() == "1"  # where napari begins
    viewer.dims.ndisplay = 3
    channel.setCurrentIndex(2)
    viewer.dims.ndisplay = 2
    assert viewer.dims.current_step[0] == 2
    viewer.add_points()
    assert channel.currentText() == "2"


def test_channels_of_other_data_are_offered(window):
    viewer, panel = window.viewer, window.dock.segment
    image = viewer.add_image(np.zeros((2, 40, 50)))
    image.data = np.zeros((4, 40, 50))
    assert panel.channel.count() == 4
    assert panel.channels.text() == "of 4 (first axis)"
    viewer.dims.set_current_step(0, 3)
    assert panel.channel.currentText() == "3"


def test_stack_in_place_of_an_image_is_refused(window, simulated):
    image = window.viewer.add_image(simulated.image)
    button = window.dock.segment.segment_button
    assert button.isEnabled()
    image.data = np.zeros((30, 64, 64), np.uint8)
    assert not button.isEnabled()
    image.data = simulated.image
    assert button.isEnabled()


def test_axes_that_are_guessed_wrong_can_be_named(window, simulated):
    panel = window.dock.segment
    stack = window.viewer.add_image(np.zeros((5, 64, 64), np.uint8))
    assert panel.axes.isEnabled()
    assert panel.segment_button.isEnabled()
    panel.axes.setText("ZYX")
    panel.axes.editingFinished.emit()
    assert stack.axis_labels == ("z", "y", "x")
    assert not panel.segment_button.isEnabled()
    assert "5 planes (Z)" in panel.segment_button.toolTip()
    panel.axes.setText("XX")
    panel.axes.editingFinished.emit()
    assert "'XX'" in window.dock.status.text()
    window.viewer.add_image(simulated.image)
    assert not panel.axes.isEnabled()


def test_color_image_is_used_whole_or_by_channel(window, simulated):
    color = in_color(simulated.image)
    window.viewer.add_image(color)
    channel = window.dock.segment.channel
    names = [channel.itemText(index) for index in range(channel.count())]
    assert names == ["as it is", "red", "green", "blue"]
    for index, chosen in enumerate([None, 0]):
        channel.setCurrentIndex(index)
        expected = napari_nucseg.segment(color, channel=chosen)
        assert (window.segment().data == expected).all()


def test_full_resolution_of_a_multiscale_image(window, simulated):
    image = simulated.image
    window.viewer.add_image([image, image[::2, ::2]], multiscale=True)
    assert (window.segment().data == napari_nucseg.segment(image)).all()


def test_stack_is_refused_with_the_reason(window):
    window.viewer.add_image(np.zeros((30, 64, 64), np.uint8))
    button = window.dock.segment.segment_button
    assert not button.isEnabled()
    assert "got an image with 30 planes (Z)" in button.toolTip()


def test_labels_that_were_opened_as_an_image_are_told(window):
    window.viewer.add_image(np.kron(np.eye(2, dtype=int), np.full((40, 40), 3)))
    window.segment()
    assert "got what looks like labels or a mask" in window.status


def test_images_without_nuclei(window):
    blank = "No nuclei found: all pixels are alike"
    for pixels, says in (
        (np.ones((1, 1)), blank),
        (np.full((20, 30), 7, np.uint8), blank),
        (np.full((20, 30), np.nan), blank),
        # A ramp 30 pixels wide would be found as a nucleus that the edge cuts off.
        (np.mgrid[:256, :256][1], "No nuclei found. Lower the probability"),
    ):
        window.viewer.add_image(pixels, contrast_limits=(0, 1))
        labels = window.segment()
        assert labels.data.shape == pixels.shape
        assert not labels.data.any()
        assert window.status.startswith(says)


def test_bar_does_not_move_on_its_own(window, nuclei):
    seen = []
    bar = window.dock.segment.progress
    window.dock.runner.progress.connect(lambda *_: seen.append((bar.value(), bar.maximum())))
    window.segment()
    assert seen
    assert all(0 <= value <= maximum != 0 for value, maximum in seen)


def test_probability_map_and_mask_on_demand(window, nuclei, simulated):
    viewer, panel = window.viewer, window.dock.segment
    nuclei.scale = (0.5, 0.5)
    panel.show_probability.setChecked(True)
    panel.show_mask.setChecked(True)
    labels = window.segment()
    assert viewer.layers.selection.active == labels
    probability, mask = viewer.layers["field probability"], viewer.layers["field mask"]
    assert probability.data.shape == mask.data.shape == simulated.shape
    assert probability.data[labels.data > 0].mean() > 127 > probability.data.mean()
    assert (mask.data == (labels.data > 0)).all()
    for layer in (probability, mask):
        assert (layer.scale == nuclei.scale).all()
    assert panel.image.layer() == nuclei
    assert window.dock.correct.image.layer() == nuclei
    assert window.dock.correct.labels.layer() == labels

    panel.form.boxes["minimum_size"].value = 200
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["minimum_size"] == 200)
    assert (mask.data == (labels.data > 0)).all()
    layers = list(viewer.layers)
    assert window.segment() == labels
    assert list(viewer.layers) == layers


def test_maps_come_and_go_with_their_boxes(window, nuclei, tasks):
    viewer, segment, correct = window.viewer, window.dock.segment, window.dock.correct
    other = viewer.add_image(nuclei.data, name="other")
    segment.image.choose(nuclei)
    labels = window.segment()
    before, count = list(viewer.layers), len(tasks)
    boxes = {"probability": segment.show_probability, "mask": segment.show_mask}
    for active in (labels, other):
        viewer.layers.selection.active = active
        segment.image.choose(nuclei)
        correct.image.choose(nuclei)
        for kind, box in boxes.items():
            box.setChecked(True)
            assert f"field {kind}" in viewer.layers
        assert viewer.layers["field probability"].data[labels.data > 0].mean() > 127
        assert (viewer.layers["field mask"].data == (labels.data > 0)).all()
        assert viewer.layers.selection.active == active
        viewer.layers.selection.active = viewer.layers["field mask"]
        assert segment.image.layer() == correct.image.layer() == nuclei
        assert correct.labels.layer() == labels
        for box in boxes.values():
            box.setChecked(False)
        assert list(viewer.layers) == before
        assert segment.image.layer() == correct.image.layer() == nuclei
        assert correct.labels.layer() == labels
    assert len(tasks) == count

    labels.paint((5, 5), 77)
    segment.show_mask.setChecked(True)
    mask = viewer.layers["field mask"]
    assert mask.data[5, 5] == 1
    mask.paint((9, 9), 1)
    segment.show_mask.setChecked(False)
    assert mask in viewer.layers


def test_mask_follows_the_sliders_and_is_not_what_is_corrected(window, nuclei):
    labels = window.segment()
    window.viewer.layers.selection.active = nuclei
    window.dock.segment.show_mask.setChecked(True)
    window.dock.segment.form.boxes["probability"].value = 0.9
    window.wait(lambda: labels.metadata["nucseg"]["parameters"]["probability"] == 0.9)
    assert (window.viewer.layers["field mask"].data == (labels.data > 0)).all()
    assert window.viewer.layers.selection.active == nuclei
    assert window.dock.correct.labels.layer() == labels
    assert window.dock.segment.image.layer() == nuclei


def test_mask_of_somebody_else_is_left_alone(window, nuclei):
    theirs = np.ones(nuclei.data.shape, np.uint8)
    layer = window.viewer.add_labels(theirs.copy(), name="field mask")
    window.dock.segment.show_mask.setChecked(True)
    labels = window.segment()
    assert (layer.data == theirs).all()
    mask = window.viewer.layers["field mask [1]"]
    mask.paint((5, 5), 1)
    painted = mask.data.copy()
    assert window.segment() == labels
    assert (mask.data == painted).all()


def test_cancel_and_segment_again(window, nuclei, engine_held):
    panel = window.dock.segment
    assert not panel.cancel_button.isEnabled()
    with engine_held():
        job = window.start(panel.segment_button)
        window.click(panel.cancel_button)
        window.finish()
    assert job.state == "stopped"
    assert window.labels() == []
    assert "Cancelled" in window.status
    assert not panel.cancel_button.isEnabled()
    assert window.segment().data.max() > 0


def test_cancel_of_what_has_just_been_found(window, nuclei):
    panel = window.dock.segment
    window.click(panel.segment_button)
    job = window.dock.runner.job
    job.wait(180)  # the window has not heard of its end yet
    window.click(panel.cancel_button)
    window.finish()
    assert job.state == "done"
    assert window.labels() == []
    assert "Cancelled" in window.status
    assert window.segment().data.max() > 0


def test_cancel_while_the_engine_is_not_ready(window, nuclei, engine_held):
    with engine_held():
        warming = shared_engine().submit(Warm("nuclei"))
        window.click(window.dock.segment.segment_button)
        window.click(window.dock.segment.cancel_button)
        window.finish()
        assert warming.state != "done"
        assert "Cancelled" in window.status
    assert window.segment().data.max() > 0


def test_second_click_does_nothing(window, nuclei, engine_held, tasks):
    button = window.dock.segment.segment_button
    with engine_held():
        window.start(button)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert not button.isEnabled()
        assert "being segmented" in button.toolTip()
        assert tasks.count(Segment) == 1
    window.finish()
    assert len(window.labels()) == 1
    assert button.isEnabled()


def test_image_is_removed_meanwhile(window, nuclei, engine_held):
    with engine_held():
        window.start(window.dock.segment.segment_button)
        window.viewer.layers.remove(nuclei)
    window.finish()
    assert len(window.viewer.layers) == 0
    assert "closed or replaced meanwhile" in window.status


def test_image_is_replaced_meanwhile_and_afterwards(window, nuclei, engine_held):
    panel = window.dock.segment
    pixels = nuclei.data
    with engine_held():
        window.start(panel.segment_button)
        nuclei.data = pixels[::-1]
    window.finish()
    assert window.labels() == []
    assert "closed or replaced meanwhile" in window.status
    nuclei.data = pixels
    of_before = window.segment()
    nuclei.data = pixels[::-1]
    assert window.segment() != of_before
    assert len(window.labels()) == 2


def test_pixels_are_changed_in_place_meanwhile(window, nuclei, engine_held):
    nuclei.data = nuclei.data.copy()
    with engine_held():
        window.click(window.dock.segment.segment_button)
        nuclei.data[40:60, 40:60] = 0
        nuclei.refresh()
    window.finish()
    assert "replaced meanwhile" in window.status
    assert not window.labels()


def test_another_image_is_chosen_meanwhile(window, nuclei, simulated, engine_held):
    nuclei.translate = (3, 4)
    with engine_held():
        window.start(window.dock.segment.segment_button)
        other = window.viewer.add_image(simulate_field((64, 64)).image, name="other")
        assert window.dock.segment.image.layer() == other
    window.finish()
    (labels,) = window.labels()
    assert labels.name == "field nuclei"
    assert labels.data.shape == simulated.shape
    assert tuple(labels.translate) == (3, 4)
    assert window.dock.segment.image.layer() == other


def test_labels_of_one_image_do_not_replace_those_of_another(window, nuclei, simulated):
    first = window.segment()
    before = first.data
    window.viewer.layers.remove(nuclei)
    window.viewer.add_image(np.flipud(simulated.image), name="field")
    second = window.segment()
    assert second != first
    assert first.data is before


def test_labels_with_a_name_of_their_own_are_kept(window, nuclei, tasks):
    first = window.segment()
    first.name = "before"
    kept = first.data.copy()
    window.dock.segment.form.boxes["minimum_size"].value = 150
    window.qtbot.wait(400)
    assert Relabel not in tasks
    second = window.segment()
    assert second is not first
    assert (first.data == kept).all()
    assert first in window.viewer.layers


def test_labels_of_another_channel_are_another_layer(window, two_channels):
    window.viewer.add_image(two_channels, name="two")
    labels = []
    for channel in (0, 1, 0):
        window.dock.segment.channel.setCurrentIndex(channel)
        labels.append(window.segment())
    assert labels[0] is not labels[1]
    assert labels[0] is labels[2]
    assert labels[0].metadata["nucseg"]["parameters"]["channel"] == 0


def test_damaged_model_is_told(nuclei, window):
    folder = shutil.copytree(load_model("nuclei").folder, models_directory() / "broken")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "name": "broken"}))
    weights = folder / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1000])
    panel = window.dock.segment
    panel.use_model("broken")
    window.click(panel.segment_button)
    window.finish()
    (error,) = window.errors
    assert "incomplete, or was changed" in error
    assert window.status == error
    panel.use_model("nuclei")
    window.click(panel.segment_button)
    window.finish()
    assert len(window.labels()) == 1
