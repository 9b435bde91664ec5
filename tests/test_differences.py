"""Where two labels of one image differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_nucseg.measure import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, differences

SMALL_LABELS = arrays(np.int32, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 3, 2**31 - 1]))


@pytest.fixture
def first():
    labels = np.zeros((20, 30), np.int32)
    labels[2:8, 2:8] = 5
    labels[2:8, 12:18] = 900
    labels[12:18, 2:14] = 7
    return labels


def test_same_nuclei_under_other_numbers_are_alike(first):
    found = differences(first, np.where(first == 900, 1, first))
    assert not found.any
    assert (found.alike, found.first_only, found.second_only) == (3, 0, 0)


def test_nucleus_of_one_only(first):
    second = np.where(first == 900, 0, first)
    second[2:5, 22:26] = 8
    found = differences(first, second)
    assert (found.alike, found.first_only, found.second_only) == (2, 1, 1)
    assert found.first_other == found.second_other == 0
    assert ((found.map == FIRST_ONLY) == (first == 900)).all()
    assert ((found.map == SECOND_ONLY) == (second == 8)).all()


def test_split_nucleus_has_another_outline(first):
    second = first.copy()
    second[12:18, 2:6] = 8
    second[12:18, 6:10] = 9
    found = differences(first, second)
    assert (found.alike, found.first_other, found.second_other) == (2, 1, 3)
    assert ((found.map == OTHER_OUTLINE) == (first == 7)).all()


def test_outline_counts_as_another_below_one_half(first):
    half, less = first.copy(), first.copy()
    half[2:5, 2:8] = 0
    less[2:5, 2:8] = less[5, 2] = 0
    assert differences(first, half).alike == 3
    found = differences(first, less)
    assert (found.alike, found.first_other, found.second_other) == (2, 1, 1)
    assert ((found.map == OTHER_OUTLINE) == (first == 5)).all()


def test_neighbor_that_reaches_into_a_missed_nucleus_is_not_it(first):
    second = np.where(first == 5, 0, first)
    second[2:8, 7:18] = 900
    assert differences(first, second).first_only == 1


def test_labels_of_nothing_and_of_three_dimensions(first):
    nothing = np.zeros_like(first)
    assert not differences(nothing, nothing).any
    found = differences(first, nothing)
    assert (found.first_only, found.second_only) == (3, 0)
    stack = np.stack([first, first])
    assert differences(stack, np.where(stack == 5, 0, stack)).first_only == 1


def test_labels_of_other_images_are_refused(first):
    with pytest.raises(ValueError, match="one shape"):
        differences(first, first[1:])


@settings(max_examples=50, deadline=None)
@given(SMALL_LABELS, SMALL_LABELS)
def test_every_nucleus_is_counted_once_and_both_ways_agree(one, two):
    found, back = differences(one, two), differences(two, one)
    counts = [np.unique(labels[labels > 0]).size for labels in (one, two)]
    assert found.alike + found.first_only + found.first_other == counts[0]
    assert found.alike + found.second_only + found.second_other == counts[1]
    assert found.alike == back.alike
    assert not found.map[(one == 0) & (two == 0)].any()
