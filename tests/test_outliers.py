"""Outliers do not decide the range of intensities, and what is no outlier stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.pipeline.normalize import measure_range, normalize
from napari_nucseg.pipeline.outliers import MARGIN, find_limits, replace_outliers

SHAPE = (192, 192)


@pytest.fixture(scope="module")
def clean():
    """A field of nuclei of a camera with an offset of 20,100 counts, up to about 23,000."""
    return np.asarray(simulate_field(SHAPE, seed=3).image) + np.uint16(20_000)


def single_pixels(share):
    rng = np.random.default_rng(1)
    return rng.permutation(SHAPE[0] * SHAPE[1]).reshape(SHAPE) < share * SHAPE[0] * SHAPE[1]


def blobs(share):
    mask, rng = np.zeros(SHAPE, bool), np.random.default_rng(1)
    while mask.mean() < share:
        row, column = rng.integers(0, SHAPE[0] - 5, 2)
        mask[row : row + 5, column : column + 5] = True
    return mask


def text(share):
    side = int((2 * share) ** 0.5 * SHAPE[0]) + 1
    mask = np.zeros(SHAPE, bool)
    mask[8 : 8 + side, 8 : 8 + side] = np.arange(side) % 4 < 2
    return mask


def stripe(share):
    mask = np.zeros(SHAPE, bool)
    mask[: round(share * SHAPE[0])] = True
    return mask


@pytest.mark.parametrize("value", [0, 26_000, 65_535])
@pytest.mark.parametrize("share", [0.001, 0.003, 0.01, 0.05])
@pytest.mark.parametrize("form", [single_pixels, blobs, text, stripe])
def test_range_does_not_depend_on_outliers(clean, form, share, value):
    image, mask = clean.copy(), form(share)
    image[mask] = value
    true, found = measure_range(clean), measure_range(image)
    spread = true.high - true.low
    assert abs(found.low - true.low) < 0.05 * spread
    assert abs(found.high - true.high) < 0.1 * spread
    if mask.any():  # outliers are gone, and nothing else changed by it
        assert found.limits is not None
        values = normalize(image)[..., 0]
        assert np.percentile(np.abs(values - normalize(clean)[..., 0])[~mask], 99) < 0.1
        assert np.percentile(values[mask], 95) < 1.2


def test_outliers_of_any_value_and_at_both_ends(clean):
    image, rng = clean.astype(np.float32), np.random.default_rng(0)
    hot = single_pixels(0.05)
    image[hot] = rng.uniform(24_000, 65_535, hot.sum())
    image[blobs(0.03)] = 0
    true, found = measure_range(clean), measure_range(image)
    assert found.low == pytest.approx(true.low, abs=100)
    assert found.high == pytest.approx(true.high, rel=0.02)


@pytest.mark.parametrize("value", [0, 65_535])
def test_masked_border_and_empty_parts_of_a_mosaic(clean, value):
    true = measure_range(clean)
    border, mosaic = clean.copy(), clean.copy()
    border[:60] = border[:, :40] = value
    mosaic[:96, :96] = value
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    round_mask = np.where((rows - 96) ** 2 + (columns - 96) ** 2 < 90**2, clean, value)
    for image in (border, mosaic, round_mask):
        found = measure_range(image)
        assert found.low == pytest.approx(true.low, abs=60)
        assert found.high == pytest.approx(true.high, rel=0.02)
        # What is masked looks like background, but for nuclei that the mask cuts.
        assert np.percentile(np.abs(normalize(image)[image == value]), 90) < 0.2


def test_vignette_is_no_outlier():
    image = np.asarray(simulate_field(SHAPE, seed=3).image)
    row = np.linspace(-1, 1, SHAPE[0])
    lamp = 1 - 0.4 * (row[:, np.newaxis] ** 2 + row**2)
    assert find_limits((image * lamp).astype(np.uint16)) is None


@pytest.mark.parametrize("radius", [3, 12, 40])
@pytest.mark.parametrize("lamp", [0, 0.5])
def test_one_bright_object_in_an_empty_field_is_no_outlier(radius, lamp):
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    image = rng.normal(200, 6, SHAPE) * (1 - lamp * (rows - 96) ** 2 / 96**2)
    disc = (rows - 60) ** 2 + (columns - 110) ** 2 < radius**2
    image[disc] = 5000
    assert find_limits(image) is None
    assert normalize(image)[disc].min() >= 1


def test_nuclei_on_a_background_of_one_value_are_no_outliers():
    field = simulate_field(SHAPE, seed=3)
    image = np.where(field.labels > 0, np.asarray(field.image), 0)
    assert find_limits(image) is None
    assert normalize(image)[field.labels == 0].max() == 0


def test_clean_images_are_normalized_by_their_percentiles(clean):
    low, high = np.percentile(clean, (1, 99.8))
    assert find_limits(clean) is None
    assert (measure_range(clean).low, measure_range(clean).high) == (low, high)


def test_colors():
    rng = np.random.default_rng(0)
    grey = np.asarray(simulate_field(SHAPE, seed=3).image).astype(float)
    color = np.stack([grey, grey * 0.8, grey * 0.9], axis=-1) + rng.normal(0, 2, (*SHAPE, 3))
    true = measure_range(color)
    color[blobs(0.02)] = 65_535
    found = measure_range(color)
    assert found.high == pytest.approx(true.high, rel=0.03)
    assert normalize(color).shape == (*SHAPE, 3)


def test_large_planes_are_looked_at_in_part(clean):
    large = np.tile(clean, (6, 6))
    true = measure_range(large)
    large[np.tile(blobs(0.05), (6, 6))] = 65_535
    found = measure_range(large)
    assert found.high == pytest.approx(true.high, rel=0.02)


@settings(max_examples=5, deadline=None)
@given(rows=st.slices(SHAPE[0]), columns=st.slices(SHAPE[1]))
def test_block_with_a_margin_is_the_block_of_the_whole(rows, columns):
    image = np.asarray(simulate_field(SHAPE, seed=3).image).copy()
    image[single_pixels(0.01) | blobs(0.02)] = 65_535
    limits = find_limits(image)
    whole = replace_outliers(image, limits)
    top, bottom = sorted(rows.indices(SHAPE[0])[:2])
    left, right = sorted(columns.indices(SHAPE[1])[:2])
    top, left = max(top, 0), max(left, 0)
    first, before = max(0, top - MARGIN), max(0, left - MARGIN)
    block = replace_outliers(image[first : bottom + MARGIN, before : right + MARGIN], limits)
    block = block[top - first :, left - before :][: bottom - top, : right - left]
    np.testing.assert_allclose(block, whole[top:bottom, left:right], rtol=1e-9)
