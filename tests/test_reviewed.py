"""Partial labels: only what a person has reviewed is learned from and scored."""

import dataclasses

import numpy as np
import pytest

from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.field import Field
from napari_nucseg.image.reviewed import reviewed_area, reviewed_labels
from napari_nucseg.training.hold_out import check_fields, hold_out
from napari_nucseg.training.patches import batches, prepare_field
from napari_nucseg.training.targets import pixel_weights


@pytest.fixture
def left(two_nuclei):
    """The left one of the two nuclei is reviewed, with what is around it."""
    return reviewed_area(two_nuclei, [1])


def test_a_reviewed_nucleus_brings_what_is_around_it_but_no_other_one(two_nuclei, left):
    assert left.dtype == bool
    assert left[two_nuclei == 1].all()
    assert not left[two_nuclei == 2].any()
    assert left[0, 5]
    assert left[5, 0]
    assert not left[:, 14:].any()


def test_more_is_reviewed_around_large_nuclei(two_nuclei):
    large = np.kron(two_nuclei, np.ones((8, 8), np.int32))
    small = reviewed_area(two_nuclei, [1, 2]) & (two_nuclei == 0)
    around = reviewed_area(large, [1, 2]) & (large == 0)
    assert around[2 * 8, 40]
    assert not around[0, 40]
    assert small[0, 4]


def test_areas_are_reviewed_with_all_that_is_in_them(two_nuclei, left):
    box = np.zeros(two_nuclei.shape, bool)
    box[:, 12:] = True
    both = reviewed_area(two_nuclei, [1], box)
    assert (both == (left | box)).all()
    assert (reviewed_area(two_nuclei, [], box) == box).all()
    assert not reviewed_area(two_nuclei, [0]).any()


def test_nuclei_count_if_half_of_their_pixels_were_reviewed(two_nuclei, left):
    assert reviewed_labels(two_nuclei, None) is two_nuclei
    assert set(np.unique(reviewed_labels(two_nuclei, left))) == {0, 1}
    half = np.zeros(two_nuclei.shape, bool)
    half[:, :5] = True
    assert set(np.unique(reviewed_labels(two_nuclei, half))) == {0, 1}
    half[:, 4] = False
    assert not reviewed_labels(two_nuclei, half).any()


def test_field_checks_and_crops_what_was_reviewed(field, left):
    partial = dataclasses.replace(field, reviewed=left.astype(np.uint8))
    assert partial.reviewed.dtype == bool
    assert (partial.nuclei, field.nuclei) == (1, 2)
    part = partial.crop(slice(2, 10), slice(0, 9))
    assert (part.reviewed == left[2:10, :9]).all()
    assert part.nuclei == 1
    assert dataclasses.replace(field, reviewed=np.ones(field.shape, bool)).reviewed is None
    with pytest.raises(ValueError, match="mask and image belong together"):
        dataclasses.replace(field, reviewed=left[1:])
    with pytest.raises(TypeError, match="mask of reviewed pixels, got an array of float64"):
        dataclasses.replace(field, reviewed=left / 2)


def test_field_of_a_lazy_image_keeps_what_was_reviewed(field, left):
    lazy = Field(ArrayImage(field.image), labels=field.labels, reviewed=left)
    assert (lazy.of_channel(None).in_memory().reviewed == left).all()


def test_pixels_that_were_not_reviewed_have_no_weight(two_nuclei, left):
    weights = pixel_weights(two_nuclei, left)
    assert (weights[~left] == 0).all()
    assert (weights[left] == pixel_weights(two_nuclei)[left]).all()


def test_patches_show_what_was_reviewed_and_learn_nothing_elsewhere(simulated):
    ids = np.unique(simulated.labels)[1:4]
    partial = dataclasses.replace(simulated, reviewed=reviewed_area(simulated.labels, ids))
    options = {"batch_size": 8, "patch_size": 64, "seed": (0,), "count": 4}
    share = []
    for _, targets in batches([[prepare_field(partial)]], [1], **options):
        weights = targets["maps"][..., 3]
        share += [(one > 0).mean() for one in weights]
        middles = weights[:, 4::8, 4::8]
        assert not (targets["size"][..., 1].astype(bool) & (middles == 0)).all()
    assert min(share) > 0
    assert np.mean(share) < 0.6
    for _, targets in batches([[prepare_field(simulated)]], [1], **options):
        assert targets["maps"][..., 3].min() >= 1


def test_a_field_of_which_nothing_was_reviewed_teaches_nothing(simulated):
    nothing = dataclasses.replace(simulated, reviewed=np.zeros(simulated.shape, bool))
    options = {"batch_size": 2, "patch_size": 64, "seed": (0,), "count": 1}
    for _, targets in batches([[prepare_field(nothing)]], [1], **options):
        assert not targets["maps"][..., 3].any()
        assert not targets["size"].any()
    with pytest.raises(ValueError, match="Draw some nuclei"):
        check_fields([nothing])


def test_reviewed_nuclei_are_on_both_sides_of_what_is_held_out(simulated):
    ids = [
        np.unique(simulated.labels[:, columns])[1] for columns in (slice(48), slice(-24, None))
    ]
    partial = dataclasses.replace(simulated, reviewed=reviewed_area(simulated.labels, ids))
    training, held_out = hold_out([[partial]], 0.25)
    assert training[0][0].nuclei
    assert held_out[0].nuclei
