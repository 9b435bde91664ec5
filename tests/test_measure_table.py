"""The table of nuclei: against scikit-image, on drawings, and part by part."""

import itertools

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import regionprops_table

from napari_nucseg import Callbacks, Field, Stopped, find_nuclei, measure_nuclei
from napari_nucseg.image.files import write_labels
from napari_nucseg.measure import blocks

from .drawing import labels_of

SHAPES = {
    "area": "area",
    "perimeter": "perimeter",
    "axis_major_length": "major_axis",
    "axis_minor_length": "minor_axis",
    "solidity": "solidity",
    "feret_diameter_max": "feret",
}
INTENSITIES = ("mean", "median", "std", "min", "max")

LABELS = arrays(
    np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4)
)


@pytest.fixture
def in_small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", {2: 5, 3: 3})


def same(one, two):
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def only(labels, **options):
    """Measure a single nucleus."""
    table = measure_nuclei(labels, **options)
    assert table["label"].size == 1
    return {name: values[0] for name, values in table.items()}


# Against scikit-image


@given(labels=LABELS)
@settings(max_examples=100, deadline=None)
def test_shapes_are_those_of_scikit_image(labels):
    table = measure_nuclei(labels)
    if not labels.any():
        assert table["label"].size == 0
        return
    names = ["label", "centroid", "bbox", "orientation", "eccentricity", *SHAPES]
    expected = regionprops_table(labels, properties=names)
    for theirs, ours in {
        **SHAPES,
        "label": "label",
        "centroid-0": "centroid_y",
        "centroid-1": "centroid_x",
        "bbox-0": "top",
        "bbox-1": "left",
        "bbox-2": "bottom",
        "bbox-3": "right",
    }.items():
        np.testing.assert_allclose(table[ours], expected[theirs], atol=1e-7, err_msg=ours)
    # The root of a difference that is nearly 0 has half of its digits.
    np.testing.assert_allclose(table["eccentricity"], expected["eccentricity"], atol=1e-6)
    long = table["eccentricity"] > 1e-3
    apart = (table["orientation"] - expected["orientation"])[long]
    np.testing.assert_allclose(np.sin(apart), 0, atol=1e-7)


@given(labels=LABELS, seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_intensities_are_those_of_scikit_image(labels, seed):
    image = np.random.default_rng(seed).integers(0, 65536, (2, *labels.shape), np.uint16)
    table = measure_nuclei(labels, image, axes="CYX")
    if not labels.any():
        return
    names = [f"intensity_{name}" for name in INTENSITIES]
    expected = regionprops_table(labels, np.moveaxis(image, 0, -1), properties=names)
    for name, channel in itertools.product(INTENSITIES, (0, 1)):
        theirs = expected[f"intensity_{name}-{channel}"]
        np.testing.assert_allclose(table[f"{name}_channel_{channel}"], theirs, rtol=1e-12)
    totals = np.bincount(labels.ravel(), image[0].ravel())[table["label"]]
    np.testing.assert_array_equal(table["sum_channel_0"], totals)


def test_shapes_of_a_stack_are_those_of_scikit_image():
    labels = np.zeros((7, 12, 12), np.int32)
    labels[1:6, 2:9, 2:7] = 1
    labels[3:, 7:12, 7:12] = 2
    labels[5, 9, 9] = 0
    spacing = (2.0, 0.5, 0.5)
    table = measure_nuclei(labels, pixel_size=spacing)
    names = [
        *("area", "axis_major_length", "axis_minor_length", "solidity", "centroid"),
        "feret_diameter_max",
    ]
    expected = regionprops_table(labels, spacing=spacing, properties=names)
    for theirs, ours in {
        "area": "volume_um3",
        "axis_major_length": "major_axis_um",
        "axis_minor_length": "minor_axis_um",
        "solidity": "solidity",
        "feret_diameter_max": "feret_um",
        "centroid-0": "centroid_z_um",
        "centroid-2": "centroid_x_um",
    }.items():
        np.testing.assert_allclose(table[ours], expected[theirs], rtol=1e-12, err_msg=ours)
    assert table["voxels"].tolist() == [175, 99]
    assert table["touches_border"].tolist() == [False, True]
    assert table["first_z"].tolist() == [1, 3]
    assert ((table["sphericity"] > 0.5) & (table["sphericity"] < 1)).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (1, 4, 4), (2, 1, 3)])
def test_flat_nuclei_of_a_stack_have_all_numbers(shape):
    labels = np.zeros((4, 8, 8), np.int32)
    labels[1 : 1 + shape[0], 2 : 2 + shape[1], 2 : 2 + shape[2]] = 1
    table = only(labels)
    assert table["volume"] == np.prod(shape)
    assert table["solidity"] == 1
    assert all(np.isfinite(value) for name, value in table.items() if name != "nearest")


# On drawings


@pytest.mark.parametrize(
    ("drawing", "area", "feret", "perimeter"),
    [
        (". . . . 1 . . . .", 1, 1.0, 0.0),
        (". . . . 1 1 . . .", 2, 2.0, 0.0),
        ("..... ..1.. .111. ..1.. .....", 5, 3.0, 4.0),
    ],
)
def test_tiny_nuclei(drawing, area, feret, perimeter):
    rows = drawing.split()
    labels = labels_of(drawing) if len(rows[0]) > 1 else labels_of("".join(rows))
    table = only(labels)
    expected = regionprops_table(labels, properties=["perimeter", "feret_diameter_max"])
    assert table["area"] == area
    assert table["feret"] == pytest.approx(feret) == expected["feret_diameter_max"][0]
    assert table["perimeter"] == expected["perimeter"][0]
    assert table["solidity"] == 1
    assert 0 < table["circularity"] <= 1


def test_hole_is_no_part_of_a_nucleus():
    table = only(labels_of(".....  .111.  .1.1.  .111. ....."))
    assert table["area"] == 8
    assert table["solidity"] == pytest.approx(8 / 9)
    assert (table["centroid_y"], table["centroid_x"]) == (2, 2)


def test_pieces_of_a_nucleus_count_together():
    table = only(labels_of("1...1 ..... ..... 1...1"))
    assert table["area"] == 4
    assert table["solidity"] == pytest.approx(4 / 20)
    assert table["feret"] == pytest.approx(np.hypot(3, 5))


def test_neighbors_and_border():
    table = measure_nuclei(
        labels_of("""
        11....
        11.2..
        ..33..
        ..33.4
        ......
        """)
    )
    # 3 touches 1 by a corner and 2 by a side.
    assert table["neighbors"].tolist() == [1, 1, 2, 0]
    assert table["touches_border"].tolist() == [True, False, False, True]
    assert table["nearest"][1] == pytest.approx(np.hypot(1.5, 0.5))


def test_nucleus_that_is_alone_has_no_nearest_one():
    assert np.isnan(only(labels_of(".1."))["nearest"])


def test_ring_is_the_background_nearest_to_a_nucleus():
    labels = labels_of("""
        ........
        .1....2.
        ........
    """)
    image = np.arange(24.0).reshape(3, 8)
    table = measure_nuclei(labels, image, ring_width=3)
    assert table["ring_min_intensity"].tolist() == [0, 4]
    # Half of the row between both belongs to each, and none to both.
    assert table["ring_sum_intensity"].sum() == image.sum() - image[1, 1] - image[1, 6]
    narrow = measure_nuclei(labels, image, ring_width=1)
    around = [image[0, 1], image[1, 0], image[1, 2], image[2, 1]]
    assert narrow["ring_sum_intensity"][0] == sum(around)
    assert narrow["ring_median_intensity"][0] == np.median(around)


def test_ring_has_its_width_in_micrometers():
    labels = labels_of(".....1.....")
    image = np.ones(labels.shape)
    wide = only(labels, image=image, ring_width=2, pixel_size=0.5)
    assert wide["ring_sum_intensity"] == 8
    assert only(labels, image=image, ring_width=2)["ring_sum_intensity"] == 4


def test_nucleus_without_a_ring_has_no_intensities_there():
    table = measure_nuclei(labels_of("11 11"), np.ones((2, 2)), ring_width=2)
    assert np.isnan(table["ring_mean_intensity"][0])
    assert table["ring_sum_intensity"][0] == 0


def test_background_is_taken_off():
    labels = labels_of(".1. .1. ...")
    image = np.where(labels, 150, 100).astype(np.uint8)
    image[2, 2] = 255  # a speck is not the background
    table = only(labels, image=image)
    assert table["mean_intensity"] == 150
    assert table["corrected_mean_intensity"] == 50


def test_intensity_that_is_no_number_is_told_of_its_nucleus(two_nuclei):
    image = two_nuclei.astype(float)
    image[4, 4] = np.nan
    table = measure_nuclei(two_nuclei, image)
    for name in ("mean", "median", "std", "sum", "min", "max"):
        np.testing.assert_array_equal(np.isnan(table[f"{name}_intensity"]), [True, False])


# Units


def test_lengths_in_micrometers_have_the_unit_in_their_name(two_nuclei):
    table = measure_nuclei(two_nuclei, pixel_size=0.5)
    assert table["area_um2"].tolist() == (table["area"] / 4).tolist() == [9, 9]
    for name in ("perimeter", "major_axis", "minor_axis", "feret", "centroid_x", "nearest"):
        np.testing.assert_allclose(table[f"{name}_um"], table[name] / 2)
    assert not any(name.endswith("_um") for name in measure_nuclei(two_nuclei))


def test_pixels_that_are_no_squares_have_an_area_only(two_nuclei):
    table = measure_nuclei(two_nuclei, pixel_size=(0.5, 0.25))
    assert table["area_um2"] == pytest.approx([4.5, 4.5])
    assert table["nearest_um"].tolist() == [1.5, 1.5]
    assert "perimeter_um" not in table


def test_pixel_size_comes_from_the_image_or_from_the_labels(tmp_path, two_nuclei):
    field = Field(two_nuclei, labels=two_nuclei, pixel_size=(0.5, 0.5), unit="micrometer")
    write_labels(tmp_path / "a_labels.tif", two_nuclei, field)
    for table in (measure_nuclei(field), measure_nuclei(tmp_path / "a_labels.tif")):
        np.testing.assert_allclose(table["area_um2"], [9, 9])
    assert "mean_intensity" in measure_nuclei(field)


@pytest.mark.parametrize("size", [0, -1, np.nan, (1, 2, 3)])
def test_wrong_pixel_size_is_told(two_nuclei, size):
    with pytest.raises(ValueError, match="Expected a pixel size in micrometers above 0"):
        measure_nuclei(two_nuclei, pixel_size=size)


# Part by part


@given(
    labels=arrays(np.int32, (14, 17), elements=st.sampled_from([0, 0, 0, 1, 2, 70_000])),
    ring=st.sampled_from([0, 1, 2.5]),
)
@settings(max_examples=40, deadline=None)
def test_parts_make_no_difference(labels, ring):
    image = np.arange(labels.size).reshape(labels.shape)
    whole = measure_nuclei(labels, image, ring_width=ring)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", {2: 5, 3: 3})
        same(measure_nuclei(labels, image, ring_width=ring), whole)


def test_parts_of_a_stack_make_no_difference(in_small_blocks, monkeypatch):
    labels = np.zeros((5, 11, 12), np.int32)
    labels[0:4, 1:8, 2:6] = 3
    labels[2:, 4:10, 6:11] = 1
    in_parts = measure_nuclei(labels, labels * 2, axes="ZYX", ring_width=1)
    monkeypatch.undo()
    same(measure_nuclei(labels, labels * 2, axes="ZYX", ring_width=1), in_parts)


def test_lazy_arrays_are_read_in_parts(in_small_blocks, two_nuclei):
    class Watched:
        """An array that notes how much is read of it."""

        shape, dtype, ndim = two_nuclei.shape, two_nuclei.dtype, 2
        most = 0

        def __getitem__(self, index):
            part = two_nuclei[index]
            self.most = max(self.most, part.size)
            return part

        def __array__(self, *_, **__):
            raise AssertionError("read as a whole")

    watched = Watched()
    same(measure_nuclei(watched), measure_nuclei(two_nuclei))
    assert watched.most < two_nuclei.size


def test_zarr_arrays(two_nuclei):
    stored = zarr.array(two_nuclei, chunks=(4, 4))
    same(measure_nuclei(stored, stored), measure_nuclei(two_nuclei, two_nuclei))


# What may be given


def test_files_are_measured_like_arrays(tmp_path, two_nuclei, field):
    write_labels(tmp_path / "a_labels.tif", two_nuclei)
    tifffile.imwrite(tmp_path / "a.tif", field.image)
    found = measure_nuclei(tmp_path / "a_labels.tif", str(tmp_path / "a.tif"))
    same(found, measure_nuclei(two_nuclei, field.image))
    assert found["mean_intensity"].tolist() == [150, 150]


def test_stack_from_a_file(tmp_path, two_nuclei):
    stack = np.stack([two_nuclei] * 3).astype(np.uint16)
    options = {"metadata": {"axes": "ZYX", "spacing": 2, "unit": "um"}, "resolution": (2, 2)}
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, **options)
    table = measure_nuclei(tmp_path / "a.tif")
    assert table["voxels"].tolist() == [108, 108]
    np.testing.assert_allclose(table["volume_um3"], [54, 54])


def test_series_has_a_column_of_time(two_nuclei):
    series = np.stack([two_nuclei, np.where(two_nuclei == 2, 2, 0)])
    image = np.stack([two_nuclei * 10, two_nuclei * 20])
    table = measure_nuclei(series, image, axes="TYX")
    assert table["t"].tolist() == [0, 0, 1]
    assert table["label"].tolist() == [1, 2, 2]
    assert table["mean_intensity"].tolist() == [10, 20, 40]
    assert measure_nuclei(series, axes="TYX")["t"].tolist() == [0, 0, 1]


def test_plane_of_an_image_with_several(two_nuclei):
    image = np.stack([two_nuclei * 0, two_nuclei])
    assert measure_nuclei(two_nuclei, image, axes="ZYX", z=1)["max_intensity"].tolist() == [
        1,
        2,
    ]
    with pytest.raises(ValueError, match="choose the plane that they belong to, with z or t"):
        measure_nuclei(two_nuclei, image, axes="ZYX")


def test_few_planes_without_names_are_a_stack_like_their_labels(two_nuclei):
    stack = np.stack([two_nuclei] * 3)
    assert measure_nuclei(stack, stack)["mean_intensity"].tolist() == [1, 2]


def test_colors_and_names_of_channels(two_nuclei):
    color = np.stack([two_nuclei, two_nuclei * 2, two_nuclei * 3], -1).astype(np.uint8)
    table = measure_nuclei(two_nuclei, color)
    assert table["max_blue"].tolist() == [3, 6]
    table = measure_nuclei(
        two_nuclei, color[..., :2], axes="YXC", channel_names=["DAPI", "GFP"]
    )
    assert table["max_GFP"].tolist() == [2, 4]
    with pytest.raises(ValueError, match="a name for each of the 3 channels"):
        measure_nuclei(two_nuclei, color, channel_names=["DAPI"])


def test_result_of_segmentation_has_its_probability(simulated, quick_learner):
    found = find_nuclei(simulated, quick_learner)
    table = measure_nuclei(found, simulated)
    np.testing.assert_allclose(table["mean_probability"], found.nuclei["mean_probability"])
    np.testing.assert_array_equal(table["area"], found.nuclei["area"])


def test_probability_of_0_to_1(two_nuclei):
    table = measure_nuclei(two_nuclei, probability=two_nuclei / 4)
    assert table["mean_probability"].tolist() == [0.25, 0.5]


def test_further_columns(two_nuclei):
    extra = {"suspicion": {2: 0.5}, "state": {1: "accepted"}}
    table = measure_nuclei(two_nuclei, extra=extra)
    np.testing.assert_array_equal(table["suspicion"], [np.nan, 0.5])
    assert table["state"].tolist() == ["accepted", ""]


def test_labels_of_any_number(two_nuclei):
    large = np.where(two_nuclei == 2, 2**31 - 1, two_nuclei * 5).astype(np.int32)
    assert measure_nuclei(large)["label"].tolist() == [5, 2**31 - 1]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros((4, 4)), "of whole numbers, got shape .4, 4. of float64"),
        (np.zeros(4, int), "got shape .4,."),
        (np.zeros((2, 2, 2, 2, 2), int), "Expected labels .Y, X."),
        (np.full((2, 2), -1), "Expected labels of 0 or more, got -1"),
    ],
)
def test_what_are_no_labels_is_told(labels, says):
    with pytest.raises(ValueError, match=says):
        measure_nuclei(labels)


def test_image_of_another_shape_is_told(two_nuclei):
    with pytest.raises(ValueError, match="to be of the shape of the labels"):
        measure_nuclei(two_nuclei, np.ones((5, 5)))


def test_negative_ring_is_told(two_nuclei):
    with pytest.raises(ValueError, match="a width of the ring of 0 or more, got -1"):
        measure_nuclei(two_nuclei, ring_width=-1)


# Several images, progress


def test_images_by_name_are_measured_as_channels():
    labels = np.zeros((6, 6), np.int32)
    labels[1:3, 1:4] = 2
    one, two = np.full((6, 6), 5), np.stack([np.full((6, 6), 7), labels])
    table = measure_nuclei(labels, {"dapi": one, "others": two})
    assert table["mean_dapi"].tolist() == [5]
    assert table["mean_others_channel_0"].tolist() == [7]
    assert table["corrected_mean_others_channel_1"].tolist() == [2]
    whole = measure_nuclei(labels, one, channel_names=["dapi"])
    for name, values in whole.items():
        np.testing.assert_array_equal(table[name], values, err_msg=name)
    with pytest.raises(ValueError, match="names of channels with one image, got a and 2"):
        measure_nuclei(labels, {"dapi": one, "others": two}, channel_names=["a"])


def test_progress_is_told_and_it_can_be_stopped():
    labels = np.zeros((8, 3000), np.int32)
    labels[2:4, 10:14], labels[2:4, 1500:1504], labels[2:4, 2900:2904] = 1, 2, 3
    told = []
    callbacks = Callbacks(lambda *step: told.append(step))
    table = measure_nuclei(labels, callbacks=callbacks)
    assert told == [(done, 3, "Measuring") for done in (1, 2, 3)]
    assert table["label"].tolist() == [1, 2, 3]
    with pytest.raises(Stopped):
        measure_nuclei(labels, callbacks=Callbacks(should_stop=lambda: True))
