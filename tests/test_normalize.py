import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_nucseg.pipeline.normalize import (
    IntensityRange,
    is_blank,
    measure_range,
    measure_range_of,
    normalize,
)

RAMP = np.linspace(0, 1, 400).reshape(20, 20)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_dtype_does_not_matter(dtype):
    plane = normalize((RAMP * 200).astype(dtype))
    assert plane.dtype == np.float32
    assert plane.shape == (20, 20, 3)
    assert np.abs(plane[..., 0] - normalize(RAMP)[..., 0]).max() < 0.02


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.01, 1e4), offset=st.floats(-1e4, 1e4))
def test_gain_and_offset_do_not_matter(gain, offset):
    assert np.allclose(normalize(RAMP * gain + offset), normalize(RAMP), atol=1e-3)


def test_colors_stay_colors():
    color = np.stack([RAMP, RAMP / 2, RAMP / 4], axis=-1)
    plane = normalize(color)
    assert plane[-1, -1, 0] > plane[-1, -1, 1] > plane[-1, -1, 2]


@pytest.mark.parametrize("value", [0, 7, -3.5, np.nan, np.inf])
def test_constant_image_is_blank_and_becomes_zeros(value):
    image = np.full((5, 6), value, float)
    assert is_blank(image)
    assert is_blank(np.stack([image, image / 2, image / 4], axis=-1))
    assert (normalize(image) == 0).all()
    image[2, 3] = 1
    assert is_blank(image) == (not np.isfinite(value))


def test_bool_image():
    plane = normalize(np.eye(8, dtype=bool))
    assert set(np.unique(plane)) == {0.0, 1.0}


def test_nan_and_infinity_become_background():
    image = RAMP.copy()
    image[0, :3] = np.nan, np.inf, -np.inf
    plane = normalize(image)
    assert np.isfinite(plane).all()
    assert np.abs(plane[0, :3]).max() < 0.02


def test_negative_floats_and_outliers_are_clipped():
    image = RAMP - 5
    image[3, 3] = 1e6
    plane = normalize(image)
    assert plane.max() <= 1.5
    assert plane.min() >= -0.5


def test_a_single_bright_pixel_is_seen():
    image = np.zeros((100, 100))
    image[4, 4] = 1
    assert normalize(image)[4, 4, 0] == 1


def test_what_comes_back_is_not_written_to_and_grey_takes_the_memory_of_one_channel():
    color = np.stack([RAMP, RAMP / 2, RAMP / 4], axis=-1)
    for image in (RAMP, color, np.zeros((4, 5))):
        assert not normalize(image).flags.writeable
    assert normalize(RAMP).strides[-1] == 0


planes = arrays.arrays(
    st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64, bool]),
    st.one_of(
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
    ),
)


@settings(max_examples=200, deadline=None)
@given(planes, st.data())
def test_block_with_the_range_of_the_whole_is_the_block_of_the_whole(plane, data):
    rows, columns = (data.draw(st.slices(length)) for length in plane.shape[:2])
    whole = normalize(plane)
    block = normalize(plane[rows, columns], measure_range(plane))
    np.testing.assert_array_equal(block, whole[rows, columns])


@pytest.mark.parametrize("largest", [1e-320, 1e300])
def test_ranges_near_the_limits_of_floats_give_numbers(largest):
    plane = np.zeros((20, 20))
    plane[:10, :10] = largest
    plane[0, 0] = 1e308
    values = normalize(plane)
    assert np.isfinite(values).all()
    assert values[0, 0, 0] == values.max()


def test_range_is_that_of_the_finite_intensities():
    assert measure_range(np.array([[np.nan, 3.0, 7.0, np.inf]])).low >= 3
    assert measure_range(np.full((4, 4), np.nan)) == IntensityRange(0.0, 0.0)
    sparse = np.zeros((100, 100))
    sparse[4, 4] = 1
    assert measure_range(sparse) == IntensityRange(0.0, 1.0)
    ramp = measure_range(RAMP)
    assert ramp.low == pytest.approx(0.01)
    assert ramp.high == pytest.approx(0.998)


def test_range_of_planes_is_that_of_a_plane_that_is_there_several_times():
    rng = np.random.default_rng(0)
    light = 500 * np.sin(np.arange(96) / 6)[:, None] * np.sin(np.arange(64) / 6) + 600
    plane = (light + rng.normal(0, 5, light.shape)).astype(np.uint16)
    hot = plane.copy()
    hot[rng.random(plane.shape) < 0.01] = 65535
    for one in (plane, hot):
        assert measure_range_of([one]) == measure_range(one)
        several, single = measure_range_of([one] * 3), measure_range(one)
        assert several.limits == single.limits
        assert several.low == pytest.approx(single.low, abs=2)
        assert several.high == pytest.approx(single.high, abs=2)
    assert measure_range_of([plane]).limits is None
    # Planes in which nothing but noise is left are no reason to take hot pixels for nuclei.
    noise = rng.normal(100, 5, plane.shape).astype(np.uint16)
    assert measure_range_of([noise, hot, noise]).high < 1200
