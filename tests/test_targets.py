import numpy as np

from napari_nucseg.targets import (
    median_diameter,
    nucleus_diameters,
    target_maps,
    touching_weights,
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


def test_touching_nuclei_are_apart_in_distance_and_boundary(two_nuclei):
    maps = target_maps(two_nuclei)
    assert (maps[..., 0] == (two_nuclei > 0)).all()
    assert (maps[4:8, 7:9, 2] == 1).all()
    assert maps[5, 7, 1] < maps[5, 5, 1]


def test_boundary_is_two_pixels_wide():
    labels = np.zeros((9, 9), int)
    labels[:, 4:] = 1
    assert target_maps(labels)[5, :, 2].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_numbers_do_not_matter(two_nuclei):
    other = np.where(two_nuclei == 1, 2_000_000, two_nuclei)
    assert (target_maps(other) == target_maps(two_nuclei)).all()
    full = np.ones((5, 5), int)
    assert (target_maps(full)[..., 0] == 1).all()


def test_empty_labels_give_empty_maps():
    assert (target_maps(np.zeros((4, 5), int)) == 0).all()


def test_weight_is_higher_only_between_nuclei(two_nuclei):
    weights = touching_weights(two_nuclei)
    assert (weights[4:8, 6:10] == 5).all()
    assert (weights[:, :5] == 1).all()
    assert (touching_weights(np.minimum(two_nuclei, 1)) == 1).all()


def test_diameter_is_that_of_a_disk_of_the_same_area():
    y, x = np.mgrid[:50, :50]
    labels = ((y - 25) ** 2 + (x - 25) ** 2 <= 100).astype(int) * 3
    assert abs(median_diameter(labels) - 20) < 0.3
    assert median_diameter(np.zeros((3, 3), int)) is None
    assert nucleus_diameters(np.zeros((3, 3), int)).size == 0
