import numpy as np
import pytest

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.pipeline.instances import instances_from_maps
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.predictor import Maps
from napari_nucseg.training import targets
from napari_nucseg.training.targets import (
    median_diameter,
    nucleus_diameters,
    pixel_weights,
    poisson_distance,
    target_maps,
)


def test_distance_is_1_at_the_middle_of_every_nucleus():
    labels = np.zeros((30, 60), int)
    labels[2:9, 2:9] = 4
    labels[2:28, 20:46] = 9
    distance = target_maps(labels)[..., 1]
    assert distance[labels == 4].max() == 1
    assert distance[labels == 9].max() == 1
    assert distance[5, 5] == 1
    assert (distance[labels == 0] == 0).all()
    assert distance[labels > 0].min() > 0


def test_long_nucleus_with_a_wavy_outline_has_one_middle():
    y, x = np.mgrid[:40, :140]
    half_width = 12 * np.sqrt(np.clip(1 - ((x - 70) / 60) ** 2, 0, None))
    labels = (np.abs(y - 20) < half_width - 2 * (1 + np.cos(x / 5))).astype(int)
    maps = Maps(target_maps(labels))
    assert instances_from_maps(maps, SegmentParameters()).max() == 1
    distance = poisson_distance(labels)
    assert abs(int(distance[20].argmax()) - 70) <= 10


def test_walks_do_not_leave_the_image():
    """Half of a nucleus, cut off by the edge, is as the half of the whole one."""
    y, x = np.mgrid[:40, :41]
    whole = ((y - 19.5) ** 2 + (x - 20) ** 2 <= 15**2).astype(int)
    for cut in (slice(20), slice(20, None)):
        np.testing.assert_allclose(
            poisson_distance(whole[cut]), poisson_distance(whole)[cut], rtol=1e-3
        )
        np.testing.assert_allclose(
            poisson_distance(whole[cut].T), poisson_distance(whole)[cut].T, rtol=1e-3
        )


def test_nuclei_are_measured_one_by_one_however_many_there_are(monkeypatch):
    labels = simulate_field((128, 128), diameter=16, seed=2).labels
    together = poisson_distance(labels)
    monkeypatch.setattr(targets, "_BLOCK", 1)
    np.testing.assert_allclose(poisson_distance(labels), together, rtol=1e-5)


def test_random_walks_leave_a_small_nucleus_after_as_many_steps_as_they_should():
    """Of one pixel at once; from the middle of three, a step plus half of what an end takes."""
    labels = np.zeros((5, 9), int)
    labels[2, 1] = 1
    labels[2, 4:7] = 2
    distance = poisson_distance(labels)
    np.testing.assert_allclose(
        distance[2, [1, 4, 5, 6]], np.array([14, 20, 24, 20]) / 56, rtol=1e-4
    )
    assert (distance[labels == 0] == 0).all()


def test_touching_nuclei_are_apart_in_distance_and_boundary(two_nuclei):
    maps = target_maps(two_nuclei)
    assert (maps[..., 0] == (two_nuclei > 0)).all()
    assert (maps[4:8, 7:9, 2] == 1).all()
    assert maps[5, 7, 1] < maps[5, 5, 1]


def test_boundary_is_two_pixels_wide():
    labels = np.zeros((9, 9), int)
    labels[:, 4:] = 1
    assert target_maps(labels)[5, :, 2].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_numbers_and_their_type_do_not_matter(two_nuclei):
    for dtype, number in ((np.int64, 2_000_000), (np.uint16, 65535), (np.uint8, 1)):
        other = np.where(two_nuclei == 1, number, two_nuclei).astype(dtype)
        np.testing.assert_allclose(target_maps(other), target_maps(two_nuclei), rtol=1e-5)
        assert (pixel_weights(other) == pixel_weights(two_nuclei)).all()
    one = two_nuclei == 1
    assert (target_maps(one) == target_maps(one.astype(int))).all()
    full = np.ones((5, 5), int)
    assert (target_maps(full)[..., 0] == 1).all()
    np.testing.assert_allclose(target_maps(full)[..., 1], 1, rtol=1e-3)


def test_empty_labels_give_empty_maps():
    assert (target_maps(np.zeros((4, 5), int)) == 0).all()


def test_weight_is_higher_between_nuclei_along_outlines_and_in_small_nuclei():
    labels = np.zeros((50, 90), int)
    labels[5:45, 5:45] = 1
    labels[20:34, 60:74] = 2
    labels[20:34, 74:88] = 3
    labels[2, 80] = 4
    weights = pixel_weights(labels)
    assert (weights[7:43, 7:43] == 1).all()
    assert (weights[3:7, 3:47] == 5).all()
    np.testing.assert_allclose(weights[22:32, 62:72], 28 / np.sqrt(4 * 14 * 14 / np.pi))
    assert (weights[18:36, 72:76] == 12).all()
    assert (weights[20:34, 58:62] == 5).all()
    assert (weights == 12).sum() == 18 * 4
    assert weights[2, 80] == 5
    assert weights[48, 3] == 1
    assert (pixel_weights(np.zeros((4, 5), int)) == 1).all()


def test_diameter_is_that_of_a_disk_of_the_same_area():
    y, x = np.mgrid[:50, :50]
    labels = ((y - 25) ** 2 + (x - 25) ** 2 <= 100).astype(int) * 3
    assert abs(median_diameter(labels) - 20) < 0.3
    assert median_diameter(np.zeros((3, 3), int)) is None
    assert nucleus_diameters(np.zeros((3, 3), int)).size == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 30)])
def test_boundary_has_another_label_above_below_left_or_right(shape):
    labels = np.random.default_rng(0).integers(0, 4, shape).repeat(3, axis=1)
    labels[0, 0] = 5  # there is a nucleus, whatever the shape
    expected = np.zeros(labels.shape, bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    expected[1:] |= down
    expected[:-1] |= down
    expected[:, 1:] |= right
    expected[:, :-1] |= right
    np.testing.assert_array_equal(target_maps(labels)[..., 2], expected)
