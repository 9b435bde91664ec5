"""Layer to field, and labels back to where the image is."""

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Labels

from napari_nucseg.widgets.layers.layers import (
    field_of,
    image_of,
    placement_of,
    plane_of,
    set_axes,
    why_not_image,
    why_not_labels,
)

sizes = st.floats(0.1, 10)
shifts = st.floats(-100, 100)
small = st.floats(-0.5, 0.5)


@given(
    st.fixed_dictionaries(
        {
            "scale": st.tuples(sizes, sizes),
            "translate": st.tuples(shifts, shifts),
            "rotate": st.floats(-180, 180),
            "shear": small,
            "affine": st.tuples(small, small, shifts, small, small, shifts),
        }
    ),
    st.sampled_from(["YX", "CYX", "YXC"]),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_labels_lie_on_their_image(place, axes):
    matrix = np.eye(3)
    matrix[:2] += np.reshape(place["affine"], (2, 3))
    plane = Image(np.zeros((40, 50)), **{**place, "shear": [place["shear"]], "affine": matrix})
    image = plane if axes == "YX" else with_channels(plane, axes)
    assert field_of(image).axes == axes
    assert field_of(image).origin.axes == axes
    labels = Labels(np.zeros((40, 50), np.int32), **placement_of(image))
    for corner in [(0, 0), (39, 0), (0, 49), (39, 49)]:
        where = plane.data_to_world(corner)
        np.testing.assert_allclose(labels.data_to_world(corner), where, atol=1e-6)


def with_channels(plane, axes):
    """Return an image of two channels that lies where a plane does."""
    rows_and_columns = [axes.index("Y"), axes.index("X")]
    inside = np.ix_(rows_and_columns, rows_and_columns)
    homogeneous = np.ix_([*rows_and_columns, 3], [*rows_and_columns, 3])
    shape, scale, translate = np.full(3, 2), np.full(3, 7.0), np.full(3, 9.0)
    shape[rows_and_columns] = plane.data.shape
    scale[rows_and_columns], translate[rows_and_columns] = plane.scale, plane.translate
    rotate, shear, affine = np.eye(3), np.eye(3), np.eye(4)
    rotate[inside] = plane.rotate
    shear[inside] = [[1, plane.shear[0]], [0, 1]]
    affine[homogeneous] = plane.affine.affine_matrix
    return Image(
        np.zeros(shape),
        scale=scale,
        translate=translate,
        rotate=rotate,
        shear=shear,
        affine=affine,
    )


def test_shear_that_is_a_lower_triangle():
    image = Image(np.zeros((4, 5)), shear=[[1, 0], [0.3, 1]])
    labels = Labels(np.zeros((4, 5), np.int32), **placement_of(image))
    assert np.allclose(labels.data_to_world((3, 4)), image.data_to_world((3, 4)))


@pytest.mark.parametrize("first", [True, False])
def test_units_and_axis_labels_come_along(first):
    shape, units, names = (4, 5), ["micrometer"] * 2, ["down", "right"]
    scale = [0.5, 0.25]
    where = 0 if first else 2
    for what, value in [(units, "pixel"), (names, "dye"), (scale, 1)]:
        what.insert(where, value)
    image = Image(
        np.zeros((2, *shape) if first else (*shape, 2)),
        scale=scale,
        units=units,
        axis_labels=names,
    )
    labels = Labels(np.zeros(shape, np.int32), **placement_of(image))
    assert [str(unit) for unit in labels.units] == ["micrometer"] * 2
    assert labels.axis_labels == ("down", "right")
    assert field_of(image).pixel_size == (0.5, 0.25)
    assert field_of(image).unit == "micrometer"


def test_pixel_size_needs_a_unit():
    pixels = np.zeros((4, 5))
    field = field_of(Image(pixels, scale=(0.5, 0.25), units=("micrometer",) * 2))
    assert (field.pixel_size, field.unit) == ((0.5, 0.25), "micrometer")
    assert field_of(Image(pixels, scale=(0.5, 0.25))).pixel_size is None


@pytest.mark.parametrize(
    ("shape", "rgb", "axes", "channels"),
    [
        ((6, 5), False, "YX", 1),
        ((6, 5, 3), True, "YXS", 3),
        ((2, 6, 5), False, "CYX", 2),
        ((1, 1, 6, 5), False, "YX", 1),
        ((1, 6, 5, 3), True, "YXS", 3),
        ((1, 2, 1, 6, 5), False, "CYX", 2),
    ],
)
def test_axes_and_channels(shape, rgb, axes, channels):
    field = field_of(Image(np.zeros(shape, np.uint8), rgb=rgb, name="dish"))
    assert (field.axes, field.channels, field.shape) == (axes, channels, (6, 5))
    assert (field.name, field.is_color) == ("dish", rgb)


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((2, 5, 6, 7), ("t", "z", "y", "x"), "TZYX"),
        ((5, 6, 7), ("slice", "row", "column"), "ZYX"),
        ((5, 6, 7), ("z", "x", "y"), "ZYX"),  # rows are what napari shows as rows
        ((6, 7, 5), ("y", "x", "channel"), "YXC"),
        ((1, 5, 6, 7), ("anything", "t", "y", "x"), "TYX"),
        ((5, 6, 7), ("what", "y", "x"), "CYX"),
        ((30, 6, 7), None, "YXC"),
        ((30, 60, 70), None, "ZYX"),
    ],
)
def test_axes_are_those_of_the_axis_labels_if_these_name_them(shape, labels, axes):
    image = image_of(Image(np.zeros(shape), axis_labels=labels))
    assert (image.axes, image.shape) == (axes, shape[shape[0] == 1 :])
    assert image.guessed == (labels is None or "what" in labels)


@pytest.mark.parametrize(("labels", "axes"), [(None, "ZYXS"), (("t", "y", "x"), "TYXS")])
def test_axes_of_a_stack_of_colors(labels, axes):
    layer = Image(np.zeros((5, 6, 7, 3), np.uint8), rgb=True, axis_labels=labels)
    assert image_of(layer).axes == axes
    assert f"axes {axes}" in why_not_image(layer)


def test_spacing_of_a_stack():
    layer = Image(
        np.zeros((2, 5, 6, 7)),
        scale=(1, 2, 0.5, 0.25),
        units=("pixel", "micrometer", "micrometer", "micrometer"),
        axis_labels=("t", "z", "y", "x"),
    )
    assert image_of(layer).spacing == (None, 2, 0.5, 0.25)
    assert image_of(layer).unit == (None, "micrometer", "micrometer", "micrometer")


def test_axes_can_be_named_and_guessed_again():
    layer = Image(np.zeros((1, 5, 6, 7)))
    assert field_of(layer).axes == "CYX"
    set_axes(layer, "zyx")
    assert layer.axis_labels[1:] == ("z", "y", "x")
    assert "5 planes (Z), axes ZYX. Give the plane" in why_not_image(layer)
    for axes, says in (("TZYX", "4 dimensions"), ("ZXY", "Y before X"), ("ZYY", "out of")):
        with pytest.raises(ValueError, match=says):
            set_axes(layer, axes)
    set_axes(layer, "")
    assert field_of(layer).axes == "CYX"


def test_labels_of_an_image_with_axes_of_length_1():
    scale, translate = (1, 7, 1, 0.5, 0.25), (3, 0, 0, 10, 20)
    image = Image(np.zeros((1, 2, 1, 6, 5)), scale=scale, translate=translate)
    labels = Labels(np.zeros((6, 5), np.int32), **placement_of(image))
    assert labels.data_to_world((1, 2)) == image.data_to_world((0, 0, 0, 1, 2))[-2:]
    assert why_not_labels(labels, image) == ""
    drawn = Labels(np.zeros((1, 1, 1, 6, 5), int))  # as napari makes them for such an image
    assert why_not_labels(drawn, image) == ""


def test_lazy_image_stays_lazy():
    lazy = dask.array.zeros((64, 64), chunks=32)
    layer = Image(lazy, contrast_limits=(0, 1))
    assert field_of(layer).image is lazy


def test_full_resolution_of_a_multiscale_image():
    large = np.zeros((64, 64))
    layer = Image([large, large[::2, ::2]], multiscale=True)
    assert plane_of(layer) is large
    assert field_of(layer).shape == (64, 64)


def test_reasons_against_an_image():
    assert "Open an image" in why_not_image(None)
    assert "30 planes (Z), axes ZYX (guessed" in why_not_image(Image(np.zeros((30, 32, 32))))
    assert "Give its axes" in why_not_image(Image(np.zeros((2, 30, 32, 32))))
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    assert "megapixels" in why_not_image(Image(huge, contrast_limits=(0, 1)))
    assert why_not_image(Image(np.zeros((4, 5)))) == ""


def test_reasons_against_labels():
    image = Image(np.zeros((4, 5)), name="dish")
    assert "Segment an image first" in why_not_labels(None, image)
    assert "Open an image" in why_not_labels(Labels(np.zeros((4, 5), int)), None)
    assert "'dish' has (4, 5)" in why_not_labels(Labels(np.zeros((5, 4), int)), image)
    stack = Image(np.zeros((2, 4, 5)))
    assert "drawn on a plane" in why_not_labels(Labels(np.zeros((2, 4, 5), int)), stack)
    assert why_not_labels(Labels(np.zeros((4, 5), int)), image) == ""
