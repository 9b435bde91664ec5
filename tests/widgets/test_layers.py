"""Layer to field, and labels back to where the image is."""

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Labels

from napari_nucseg.widgets.layers import (
    field_of,
    placement_of,
    plane_of,
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
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_labels_lie_on_their_image(place, channels):
    matrix = np.eye(3)
    matrix[:2] += np.reshape(place["affine"], (2, 3))
    image = Image(
        np.zeros((2, 4, 5) if channels else (4, 5)),
        scale=(1, *place["scale"]) if channels else place["scale"],
        translate=(0, *place["translate"]) if channels else place["translate"],
        rotate=place["rotate"],
        shear=[0, 0, place["shear"]] if channels else [place["shear"]],
        affine=matrix,
    )
    labels = Labels(np.zeros((4, 5), np.int32), **placement_of(image))
    for corner in [(0, 0), (3, 0), (0, 4), (3, 4)]:
        where = image.data_to_world((0, *corner) if channels else corner)
        np.testing.assert_allclose(labels.data_to_world(corner), where[-2:], atol=1e-6)


def test_units_and_axis_labels_come_along():
    image = Image(
        np.zeros((2, 4, 5)),
        units=("pixel", "micrometer", "micrometer"),
        axis_labels=("dye", "down", "right"),
    )
    labels = Labels(np.zeros((4, 5), np.int32), **placement_of(image))
    assert labels.units == image.units[1:]
    assert labels.axis_labels == ("down", "right")


def test_pixel_size_needs_a_unit():
    pixels = np.zeros((4, 5))
    field = field_of(Image(pixels, scale=(0.5, 0.25), units=("micrometer",) * 2))
    assert (field.pixel_size, field.unit) == ((0.5, 0.25), "micrometer")
    assert field_of(Image(pixels, scale=(0.5, 0.25))).pixel_size is None


@pytest.mark.parametrize(
    ("shape", "rgb", "axes", "channels"),
    [((6, 5), False, "YX", 1), ((6, 5, 3), True, "YXC", 3), ((2, 6, 5), False, "CYX", 2)],
)
def test_axes_and_channels(shape, rgb, axes, channels):
    field = field_of(Image(np.zeros(shape, np.uint8), rgb=rgb, name="dish"))
    assert (field.axes, field.channels, field.shape) == (axes, channels, (6, 5))
    assert (field.name, field.is_color) == ("dish", rgb)


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
    assert "Pick one plane" in why_not_image(Image(np.zeros((30, 32, 32))))
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    assert "megapixels" in why_not_image(Image(huge, contrast_limits=(0, 1)))
    assert why_not_image(Image(np.zeros((4, 5)))) == ""


def test_reasons_against_labels():
    image = Image(np.zeros((4, 5)), name="dish")
    assert "Segment an image first" in why_not_labels(None, image)
    assert "Open an image" in why_not_labels(Labels(np.zeros((4, 5), int)), None)
    assert "'dish' has (4, 5)" in why_not_labels(Labels(np.zeros((5, 4), int)), image)
    assert why_not_labels(Labels(np.zeros((4, 5), int)), image) == ""
