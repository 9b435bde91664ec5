"""The table of nuclei, held against scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.measure import regionprops_table

from napari_nucseg.pipeline.nuclei import nucleus_table

#: Our columns by those of scikit-image.
COLUMNS = {
    "label": "label",
    "centroid-0": "centroid_y",
    "centroid-1": "centroid_x",
    "area": "area",
    "bbox-0": "top",
    "bbox-1": "left",
    "bbox-2": "bottom",
    "bbox-3": "right",
    "intensity_mean": "mean_probability",
}

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
#: Few numbers, so that nuclei have many pixels, and gaps between the numbers.
label_images = arrays.arrays(np.int32, shapes, elements=st.sampled_from([0, 1, 2, 5, 100_000]))


@settings(max_examples=150, deadline=None)
@given(label_images, st.integers(0, 2**32 - 1))
def test_table_is_that_of_scikit_image(labels, seed):
    rng = np.random.default_rng(seed)
    probability = rng.integers(0, 256, labels.shape, np.uint8)
    table = nucleus_table(labels, probability)
    if not labels.any():
        assert all(column.shape == (0,) for column in table.values())
        return
    properties = ("label", "centroid", "area", "bbox", "intensity_mean")
    expected = regionprops_table(labels, probability / 255, properties)
    assert list(table) == list(COLUMNS.values())
    for theirs, ours in COLUMNS.items():
        np.testing.assert_allclose(table[ours], expected[theirs], err_msg=ours)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"got \(2, 2\) and \(2, 3\)"):
        nucleus_table(np.zeros((2, 2), int), np.zeros((2, 3), np.uint8))
