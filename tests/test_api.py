"""The public functions in this process. In the engine they are in `test_engine.py`."""

import dataclasses

import dask.array
import numpy as np
import pytest
import tifffile

from napari_nucseg import (
    Callbacks,
    Field,
    Segmentation,
    SegmentParameters,
    evaluate,
    find_nuclei,
    fine_tune,
    list_models,
    load_model,
    segment,
    train,
)
from napari_nucseg.image.files import write_labels
from napari_nucseg.network.predict import load_predictor
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.support.callbacks import Stopped
from napari_nucseg.training.plan import ModelInfo

TINY = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}


@pytest.fixture(scope="module")
def labels(simulated, nuclei):
    """What the pipeline finds in the simulated field."""
    return segment_field(simulated, load_predictor(nuclei), SegmentParameters()).labels


def test_image_may_be_an_array_a_list_a_field_or_a_file(simulated, labels, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, simulated.image)
    images = (simulated.image, simulated.image.tolist(), simulated, path, str(path))
    for image in images:
        assert (segment(image) == labels).all()


def test_model_may_be_a_name_a_folder_or_a_model(simulated, labels, nuclei):
    for model in ("nuclei", nuclei, nuclei.folder, str(nuclei.folder)):
        assert (segment(simulated, model) == labels).all()
    with pytest.raises(FileNotFoundError, match="'none'"):
        segment(simulated, "none")


def test_axes_and_channel_of_an_array(simulated, labels):
    empty = np.zeros_like(simulated.image)
    last = np.stack([empty, simulated.image], axis=-1)
    assert (segment(last, axes="YXC", channel=1) == labels).all()
    with pytest.raises(ValueError, match="Choose a channel"):
        segment(last)
    with pytest.raises(ValueError, match="axes"):
        segment(last, axes="ZXW")


def test_plane_of_a_stack(simulated, labels, tmp_path):
    stack = np.zeros((2, 3, *simulated.shape), np.uint16)
    stack[1, 2] = simulated.image
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "TZYX"}
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=metadata)
    assert (segment(path, z=2, t=1) == labels).all()
    assert (segment(stack, axes="TZYX", z=2, t=1) == labels).all()
    assert (segment(path, axes="TCYX", channel=2, t=1) == labels).all()
    with pytest.raises(ValueError, match=r"a\.ome\.tif: Expected z from 0 to 2 .*got 3"):
        segment(path, z=3, t=0)
    with pytest.raises(ValueError, match=r"axes out of YX .*got 'Z'"):
        segment(simulated, z=1)


def test_plane_stack_or_everything(simulated, labels, tmp_path):
    empty = np.zeros_like(simulated.image)
    stack = np.stack([[empty, simulated.image, empty], [empty, empty, simulated.image]])
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "TZCYX", "Channel": {"Name": ["dapi", "gfp"]}}
    metadata |= {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 4}
    channels = np.stack([stack, np.zeros_like(stack)], axis=2)
    tifffile.imwrite(path, channels, photometric="minisblack", metadata=metadata)
    everything = find_nuclei(path, channel="DAPI")
    assert (everything.axes, everything.labels.shape) == ("TZYX", stack.shape)
    assert everything.provenance["understood"] == (
        f"2 time points, 2 channels, 3 planes of {empty.shape[0]} x {empty.shape[1]}"
    )
    assert everything.provenance["parameters"]["channel"] == 0
    of_one = find_nuclei(path, channel=0, t=1)
    assert (of_one.axes, of_one.provenance["plane"]) == ("ZYX", {"T": 1})
    assert (of_one.labels[2] > 0).sum() == pytest.approx((labels > 0).sum(), rel=0.1)
    assert of_one.labels[:2].max() == 0
    assert find_nuclei(path, channel=0, z=1).axes == "TYX"
    assert (segment(path, channel="dapi", t=0, z=1) == labels).all()
    with pytest.raises(ValueError, match="channels are called dapi, gfp, got 'dab'"):
        segment(path, channel="dab")
    with pytest.raises(ValueError, match=r"which names none, got 'dapi'"):
        segment(simulated, channel="dapi")
    with pytest.raises(TypeError, match="got depth"):
        segment(path, channel=0, depth=2)


def test_what_a_stack_without_names_is_taken_for(simulated):
    plane = simulated.image[:64, :64]
    stack = np.stack([plane] * 5)
    with pytest.warns(
        UserWarning, match=r"understood as a stack of 5 planes of 64 x 64 \(axes"
    ):
        assert find_nuclei(stack).axes == "ZYX"
    assert find_nuclei(stack, channel=4).axes == "YX"
    assert find_nuclei(stack, axes="TYX").axes == "TYX"
    with pytest.raises(ValueError, match="Choose a channel from 0 to 3"):
        find_nuclei(stack[:4])


def test_lazy_image_is_read_once(simulated, labels):
    reads = []

    def read(block):
        reads.append(block.shape)
        return block

    image = dask.array.from_array(simulated.image, chunks=-1)
    lazy = image.map_blocks(read, dtype=image.dtype, meta=simulated.image[:0])
    assert (segment(lazy) == labels).all()
    assert reads == [simulated.shape]


def test_parameters_are_those_of_the_parameter_object(simulated, labels, nuclei):
    values = {"probability": 0.8, "minimum_size": 200, "diameter": 24}
    expected = segment_field(
        simulated, load_predictor(nuclei), SegmentParameters(**values)
    ).labels
    assert (segment(simulated, **values) == expected).all()
    assert (expected != labels).any()
    with pytest.raises(TypeError, match=r"probability.*threshold"):
        segment(simulated, threshold=0.8)


def test_whole_segmentation(simulated, labels, nuclei):
    found = find_nuclei(simulated, minimum_size=40, keep_maps=True)
    assert isinstance(found, Segmentation)
    assert found.parameters == SegmentParameters(minimum_size=40)
    assert (found.labels == segment(simulated, minimum_size=40)).all()
    assert found.provenance["model"] == "nuclei"
    assert found.provenance["image"] == simulated.name
    assert len(found.nuclei["area"]) == found.labels.max()
    assert found.probability[found.labels > 0].mean() > 127
    assert (found.maps["foreground"] > 0.5).mean() == pytest.approx(
        (found.probability > 127).mean(), abs=1e-3
    )
    assert find_nuclei(simulated).maps is None
    with pytest.raises(TypeError, match=r"probability.*threshold"):
        find_nuclei(simulated, threshold=0.8)


def test_progress_is_told_and_stop_is_heard(simulated):
    calls = []
    segment(simulated, callbacks=Callbacks(on_progress=lambda *call: calls.append(call)))
    assert calls[-1][0] == calls[-1][1]
    with pytest.raises(Stopped):
        segment(simulated, callbacks=Callbacks(should_stop=lambda: True))


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (np.zeros((0, 40)), ValueError, "pixels in it"),
        (np.zeros((40, 40), complex), TypeError, "Take its abs"),
        (np.full((4, 4), None), TypeError, "integers or floating"),
        ([[1, 2], [3]], ValueError, "inhomogeneous"),
        (np.zeros(40), ValueError, "2-D"),
        (np.zeros((6, 5, 50, 70)), ValueError, "Give its axes"),
        ("none.tif", FileNotFoundError, "none"),
        ("none", FileNotFoundError, "none"),
    ],
)
def test_what_is_no_image_is_refused(image, error, says):
    with pytest.raises(error, match=says):
        segment(image)


@pytest.mark.filterwarnings("ignore:Expected numbers in 'image', got NaN or infinity")
@pytest.mark.parametrize("value", [0, 7, -3.5, np.nan, np.inf, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (50, 40), (50, 40, 3)])
def test_images_of_one_value_have_labels_of_their_shape(value, shape):
    labels = segment(np.full(shape, value))
    assert labels.shape == shape[:2]
    assert labels.dtype == np.int32


def test_evaluate_takes_arrays_files_and_sequences_of_them(two_nuclei, tmp_path):
    path = tmp_path / "a.tif"
    write_labels(path, two_nuclei)
    one = np.where(two_nuclei == 1, 1, 0)
    for predicted, true in (
        (one, two_nuclei),
        (one.astype(float), path),
        (one.tolist(), str(path)),
        ([one], [path]),
        (iter([one]), np.array([str(path)])),
        (one[None], two_nuclei[None]),
    ):
        scores = evaluate(predicted, true)
        assert (scores.images, scores.predicted, scores.true) == (1, 1, 2)
        assert scores.f1 == pytest.approx(2 / 3)
    assert evaluate([one, two_nuclei], [path, path]).images == 2


def test_evaluate_refuses_what_does_not_belong_together(two_nuclei, tmp_path):
    with pytest.raises(ValueError, match="got 1 and 2"):
        evaluate(two_nuclei, [two_nuclei, two_nuclei])
    with pytest.raises(ValueError, match=r"true labels 1.*one shape"):
        evaluate(two_nuclei, two_nuclei[:5])
    with pytest.raises(ValueError, match="whole numbers"):
        evaluate(two_nuclei / 3, two_nuclei)
    with pytest.raises(FileNotFoundError):
        evaluate(tmp_path / "none.tif", two_nuclei)
    for labels, kind in ((None, "NoneType"), ({"a": two_nuclei}, "dict")):
        with pytest.raises(TypeError, match=f"got {kind}"):
            evaluate(two_nuclei, labels)
    for labels, says in ((Field(two_nuclei), r"Field\. Give its labels"), ([None], "NoneType")):
        with pytest.raises(TypeError, match=rf"true labels 1: .* file of one, got {says}\."):
            evaluate(two_nuclei, labels)
    with pytest.raises(ValueError, match=r"true labels 1: .* got shape \(8, 8, 3\)"):
        evaluate([two_nuclei], [np.zeros((8, 8, 3))])


def test_evaluate_takes_binary_arrays_apart():
    labels = np.zeros((12, 16), np.int32)
    labels[1:4, 1:4], labels[6:9, 6:9] = 1, 2
    with pytest.warns(UserWarning, match="binary mask"):
        scores = evaluate(labels > 0, labels)
    assert (scores.predicted, scores.f1) == (2, 1)


def test_fine_tune_takes_no_arrays(two_nuclei):
    with pytest.raises(TypeError, match="got ndarray"):
        fine_tune((two_nuclei, two_nuclei), "new")


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("ignore:.*too few nuclei")
def test_train_on_a_folder_and_on_fields(pairs, simulated, quick_learner, tmp_path):
    epochs, calls = [], []
    info = ModelInfo("named", "For tests", "simulated", "CC0-1.0", "BSD-3-Clause")
    model = train(
        [pairs, [simulated]],
        tmp_path / "new",
        info=info,
        sampling_weights=[3, 1],
        initialization=quick_learner,
        callbacks=Callbacks(lambda *call: calls.append(call), epochs.append),
        **TINY,
    )
    assert [epoch.epoch for epoch in epochs] == [0, 1]
    assert calls
    before = load_model(quick_learner).card
    assert model.card.parent_sha256 == before.weights_sha256
    assert model.card.architecture == before.architecture
    assert model.card.weights_sha256 != before.weights_sha256
    for name, value in dataclasses.asdict(info).items():
        assert getattr(model.card, name) == value
    assert model.card.training["sampling_weights"] == [3, 1]
    assert segment(simulated, tmp_path / "new").shape == simulated.shape
    with pytest.raises(FileExistsError, match="this training is finished"):
        train([pairs], tmp_path / "new", **TINY)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        ([], ValueError, "at least one field"),
        ([[]], ValueError, "at least one field"),
        ([[Field(np.eye(8))]], ValueError, "without"),
        ([[Field(np.eye(8), labels=np.zeros((8, 8)))]], ValueError, "all zero"),
        (["none"], FileNotFoundError, "folder"),
    ],
)
def test_nothing_to_train_on_leaves_nothing(data, error, says, tmp_path):
    with pytest.raises(error, match=says):
        train(data, tmp_path / "new", **TINY)
    with pytest.raises(error, match=says):
        fine_tune(data, "new", **TINY)
    assert list(tmp_path.iterdir()) == []
    assert [model.card.name for model in list_models()] == ["nuclei"]


def test_train_on_a_single_folder_or_field(pairs, simulated, tmp_path, monkeypatch):
    specs = []
    monkeypatch.setattr(
        "napari_nucseg.engine.tasks.train_fields", lambda *args, **_: specs.append(args)
    )
    for data in (pairs, str(pairs), simulated):
        train(data, tmp_path / "new", **TINY)
    names = [[[field.name for field in group] for group in spec.groups] for spec, *_ in specs]
    assert names == [[["a", "b"]], [["a", "b"]], [["simulated nuclei"]]]


def test_bad_parameters_of_training_are_refused_first(pairs, tmp_path):
    with pytest.raises(ValueError, match="epochs"):
        train([pairs], tmp_path / "new", epochs=0)
    with pytest.raises(TypeError, match=r"epochs.*steps,"):
        train([pairs], tmp_path / "new", steps=1, widths=2)
    with pytest.raises(ValueError, match="budget in minutes, such as 2, or 'best', got 'slow'"):
        fine_tune(pairs, "new", budget="slow")
    with pytest.raises(ValueError, match="Expected a name"):
        fine_tune(pairs, "a/b", **TINY)


@pytest.mark.usefixtures("eagerly")
def test_fine_tune_on_a_single_field(simulated, quick_learner):
    epochs = []
    result = fine_tune(
        simulated,
        "one",
        quick_learner,
        budget=1,
        rehearsal=0.0,
        callbacks=Callbacks(on_epoch=epochs.append),
        **TINY,
    )
    assert [epoch.epoch for epoch in epochs] == [0, 1]
    card = load_model("one").card
    assert card.parent == result.parent == quick_learner.name
    parameters = card.training["parameters"]
    assert parameters["epochs"] == 1
    assert parameters["minutes"] is None
    assert parameters["learning_rate"] == pytest.approx(1e-3)
    assert segment(simulated, "one").shape == simulated.shape
