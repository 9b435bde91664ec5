"""What nothing can be learned from is told by name, before a training begins."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import find_boundaries

from napari_nucseg.image.field import Field
from napari_nucseg.image.masks import MaskIssue, instances_of
from napari_nucseg.training.hold_out import hold_out
from napari_nucseg.training.lessons import lessons_in, warn_of_seen


def good(name, nuclei=2, seed=0):
    """A field of 24 x 48 with up to two round nuclei."""
    rows, columns = np.mgrid[:24, :48]
    labels = np.zeros((24, 48), np.int32)
    for number in range(nuclei):
        labels[(rows - 12) ** 2 + (columns - 12 - 24 * number) ** 2 < 64] = number + 1
    noise = np.random.default_rng(seed).integers(0, 9, labels.shape)
    return Field((100 * (labels > 0) + noise).astype(np.float32), name=name, labels=labels)


def nothing_but_nan(field):
    return dataclasses.replace(field, image=np.full(field.shape, np.nan, np.float32))


def nothing_but_infinity(field):
    return dataclasses.replace(field, image=np.full(field.shape, -np.inf, np.float32))


def blank(field):
    return dataclasses.replace(field, image=np.full(field.shape, 7, np.uint8))


def points(field):
    places = ndimage.center_of_mass(field.labels > 0, field.labels, [1, 2])
    labels = np.zeros_like(field.labels)
    for number, (row, column) in enumerate(places, start=1):
        labels[int(row), int(column)] = number
    return dataclasses.replace(field, labels=labels)


def outlines(field):
    lines = find_boundaries(field.labels, mode="inner")
    return dataclasses.replace(field, labels=field.labels * lines)


def thick_outlines(field):
    return dataclasses.replace(field, labels=find_boundaries(field.labels).astype(np.int32))


SPOILED = [
    (nothing_but_nan, "got only NaN or infinity"),
    (nothing_but_infinity, "got only NaN or infinity"),
    (blank, "the same intensity everywhere, though its labels have 2 nuclei"),
    (points, "got 2 nuclei of 1 pixels at the median, which are points"),
    (outlines, "got lines around them"),
    (thick_outlines, "got lines around them"),
]


@pytest.mark.parametrize(
    ("spoil", "says"), SPOILED, ids=lambda one: getattr(one, "__name__", "")
)
def test_field_that_teaches_nothing_is_named_and_left_out(spoil, says):
    fine, odd = good("fine"), spoil(good("odd", seed=1))
    with pytest.warns(UserWarning, match=f"'odd'.* {says}.*not learned from"):
        assert lessons_in([[fine, odd]]) == [[fine]]
    with pytest.raises(ValueError, match=f"Expected fields to learn from, got none.*{says}"):
        lessons_in([[odd]])


def test_good_fields_and_those_without_nuclei_are_all_taken():
    groups = [[good("a"), good("b", seed=1)], [good("none", 0, seed=2)]]
    assert lessons_in(groups) == groups


def test_field_that_is_there_twice_is_taken_once():
    one, again = good("one"), good("again")
    with pytest.warns(
        UserWarning, match="image and the labels of 'one' and 'again' are the same"
    ):
        assert lessons_in([[one], [again, good("other", seed=1)]])[0] == [one]


def test_image_with_two_opinions_is_told():
    one = good("one")
    other = dataclasses.replace(one, name="other", labels=1 * (one.labels == 1))
    with pytest.warns(UserWarning, match="'one' and 'other' is the same, with other labels"):
        assert lessons_in([[one, other]]) == [[one, other]]


def test_image_that_was_reviewed_in_parts_is_no_second_opinion():
    left = np.zeros((24, 48), bool)
    left[:, :24] = True
    one = dataclasses.replace(good("one"), reviewed=left)
    other = dataclasses.replace(one, name="other", reviewed=~left)
    assert lessons_in([[one, other]]) == [[one, other]]


def test_images_to_score_on_that_are_trained_on_are_told():
    warn_of_seen([good("a")], [good("b", seed=1)])
    with pytest.warns(UserWarning, match="scored on 1 image that it is trained on: again"):
        warn_of_seen([good("a"), good("c", seed=2)], [good("again"), good("b", seed=1)])


@pytest.mark.parametrize("with_nuclei", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_nuclei_are_on_both_sides_whichever_fields_have_them(with_nuclei, part):
    for first in range(10 - with_nuclei):
        has = range(first, first + with_nuclei)
        fields = [good(f"{i}", 2 if i in has else 0, seed=i) for i in range(10)]
        training, held_out = hold_out([fields], part)
        assert any(field.nuclei for field in training[0])
        assert any(field.nuclei for field in held_out)
        names = [field.name for field in [*training[0], *held_out]]
        assert set(names) == {str(number) for number in range(10)}
        assert len(names) == (10 if with_nuclei > 1 else 20)  # strips of all if one is alone


def test_group_without_nuclei_takes_none_away_from_another_one():
    groups = [
        [good(f"{i}", 0) for i in range(4)],
        [good(f"n{i}", 2 * (i < 2)) for i in range(6)],
    ]
    training, held_out = hold_out(groups, 0.2)
    assert [len(group) for group in training] == [3, 5]
    assert [any(field.nuclei for field in group) for group in training] == [False, True]
    assert any(field.nuclei for field in held_out)


@pytest.mark.parametrize("values", ["binary", "numbered"])
@pytest.mark.parametrize("mode", ["inner", "outer", "thick"])
def test_mask_of_outlines_is_called_so(values, mode):
    labels = good("a").labels
    lines = find_boundaries(labels, mode=mode)
    near = ndimage.grey_dilation(labels, (3, 3))
    mask = np.where(lines, 255 if values == "binary" else near, 0).astype(np.int32)
    assert instances_of(mask)[1] is MaskIssue.OUTLINES
    assert instances_of(labels)[1] is None
    ring = (labels == 1) & ~ndimage.binary_erosion(labels == 1, iterations=5)
    assert instances_of(ring.astype(np.int32))[1] is None  # five pixels wide: an area
