import numpy as np
import pytest
from scipy import ndimage

from napari_nucseg.image.masks import (
    MaskIssue,
    instances_of,
    looks_like_labels,
    warn_of_issues,
)
from napari_nucseg.image.simulate import simulate_field


def sixteen_nuclei():
    return np.kron(np.arange(1, 17).reshape(4, 4), np.pad(np.ones((8, 8), int), 2))


def smooth(labels):
    return ndimage.gaussian_filter((labels > 0) * 200.0, 1).astype(int)


def image(labels):
    return simulate_field(labels.shape, seed=0).image.astype(int)


def classes(labels):
    return np.where(labels == 1, 2, labels > 0)


def in_three_pieces(labels):
    labels = np.kron(labels, np.ones((3, 3), int))
    labels[np.isin(np.arange(len(labels)) % 36, (14, 22))] = 0
    return labels


def none(labels):
    return labels * 0


def binary(labels):
    return labels > 0


def one(labels):
    return labels == 1


def inverted(labels):
    return 255 * (labels == 0)


def background_of_1(labels):
    return labels + 1


def dense(labels):
    return labels[2:10, 2:10] + 1


def with_a_crumb(labels):
    crumbled = one(labels).astype(int)
    crumbled[-1, -1] = 1
    return crumbled


def clump_and_small_ones(labels):
    clump = binary(labels)
    clump[:24, :36] = True
    return clump


def nothing(labels):
    return labels[:0]


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        (np.array, None),
        (none, None),
        (one, None),
        (in_three_pieces, None),
        (binary, MaskIssue.BINARY),
        (smooth, MaskIssue.SCATTERED_VALUES),
        (classes, MaskIssue.SCATTERED_VALUES),
        (image, MaskIssue.SCATTERED_VALUES),
        (inverted, MaskIssue.NO_BACKGROUND),
        (background_of_1, MaskIssue.NO_BACKGROUND),
        (dense, MaskIssue.NO_BACKGROUND),
        (with_a_crumb, None),
        (clump_and_small_ones, MaskIssue.BINARY),
        (nothing, None),
    ],
)
def test_what_is_no_mask_of_nuclei_is_told(change, issue):
    mask = change(sixteen_nuclei()).astype(np.int32)
    assert instances_of(mask)[1] is issue


def test_classes_of_many_nuclei_are_told():
    labels = np.tile(classes(sixteen_nuclei()), (3, 3)).astype(np.int32)
    assert instances_of(labels)[1] is MaskIssue.SCATTERED_VALUES


def test_only_a_binary_mask_is_taken_apart():
    labels = sixteen_nuclei().astype(np.int32)
    assert (instances_of(labels)[0] == labels).all()
    assert (instances_of((labels > 0).astype(np.int32))[0] == labels).all()


def test_each_mistake_is_told_once(recwarn):
    warn_of_issues(
        [
            ("a", MaskIssue.BINARY),
            ("b", None),
            ("c", MaskIssue.BINARY),
            ("d", MaskIssue.NO_BACKGROUND),
        ]
    )
    first, second = (str(warning.message) for warning in recwarn)
    assert "2 masks (a, c)" in first
    assert "in d no pixel of the value 0" in second


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        (np.array, True),
        (np.float32, True),
        (binary, True),
        (one, True),
        (none, False),
        (nothing, False),
        (background_of_1, False),
        (smooth, False),
        (image, False),
        (lambda labels: smooth(labels) // 40, False),
        (lambda labels: np.random.default_rng(0).poisson(0.05, labels.shape), False),
        (lambda labels: np.stack([labels] * 3, axis=-1), False),
    ],
)
def test_labels_are_told_from_images(change, alike):
    assert looks_like_labels(change(sixteen_nuclei())) == alike
