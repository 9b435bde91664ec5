"""Planes of labels become nuclei of a stack."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_nucseg.pipeline.assignment import assign
from napari_nucseg.pipeline.linking import link_planes

CORNERS = np.ones((3, 3, 3))


def disk(radius, center=(10, 10), shape=(21, 21)):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return ((y - center[0]) ** 2 + (x - center[1]) ** 2 <= radius**2).astype(np.int32)


def pieces_by_plane(masks):
    """Number the pieces of each plane from 1."""
    return np.stack([ndimage.label(plane, np.ones((3, 3)))[0] for plane in masks])


def ball(radius, center, shape, depth=1.0):
    """A ball whose planes are `depth` pixels apart."""
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    return ((z - center[0]) * depth) ** 2 + (y - center[1]) ** 2 + (
        x - center[2]
    ) ** 2 <= radius**2


@st.composite
def stacks(draw):
    """A few planes of pieces at random, and heights that are hardly ever equal."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = tuple(draw(st.tuples(st.integers(1, 6), st.integers(2, 7), st.integers(2, 7))))
    masks = rng.random(shape) < draw(st.sampled_from([0.3, 0.5, 0.7]))
    return pieces_by_plane(masks), rng.random(shape) + 0.1


def same_partition(one, two):
    """Whether two label images have the same voxels together."""
    if ((one > 0) != (two > 0)).any():
        return False
    pairs = np.unique(np.stack([one[one > 0], two[two > 0]]), axis=1)
    return len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]


@settings(max_examples=40, deadline=None)
@given(stacks())
def test_labels_are_whole_unique_and_in_order(stack):
    planes, heights = stack
    labels = link_planes(planes, heights)
    assert labels.dtype == np.int32
    assert (labels[planes > 0] > 0).all()
    numbers, first = np.unique(labels[labels > 0], return_index=True)
    assert numbers.tolist() == list(range(1, numbers.size + 1))
    assert (np.diff(first) > 0).all()
    for number in numbers:
        assert ndimage.label(labels == number, CORNERS)[1] == 1
    # A nucleus has at most one section in a plane, and no section belongs to two.
    for plane, found in zip(planes, labels, strict=True):
        pairs = np.unique(np.stack([plane[plane > 0], found[plane > 0]]), axis=1)
        assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]


@settings(max_examples=40, deadline=None)
@given(stacks())
def test_order_of_planes_does_not_matter(stack):
    planes, heights = stack
    back = link_planes(planes[::-1], heights[::-1])[::-1]
    assert same_partition(link_planes(planes, heights), back)


@settings(max_examples=20, deadline=None)
@given(stacks())
def test_planes_that_do_not_touch_stay_as_they_are(stack):
    planes, heights = stack
    apart = np.zeros((4 * len(planes), *planes.shape[1:]), int)
    apart[::4] = planes
    labels = link_planes(apart, np.repeat(heights, 4, axis=0))
    assert same_partition(labels, link_planes(apart))
    assert labels.max() == sum(plane.max() for plane in planes)
    assert ((labels > 0) == (apart > 0)).all()


def test_column_of_equal_disks_is_one_nucleus():
    planes = np.stack([disk(5)] * 12)
    assert (link_planes(planes) == planes).all()


def test_labels_of_planes_need_not_agree():
    planes = np.stack([disk(5) * number for number in (7, 3, 9)])
    assert (link_planes(planes) == (planes > 0)).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_two_balls_that_touch_in_z_are_two_nuclei(depth):
    shape = (36 // depth, 21, 21)
    low, high = (ball(8, (at / depth, 10, 10), shape, depth) for at in (9, 26))
    labels = link_planes(pieces_by_plane(low | high))
    assert labels.max() == 2
    middle = round(17.5 / depth)
    assert (labels[: middle - 1][low[: middle - 1]] == 1).all()
    assert (labels[middle + 1 :][high[middle + 1 :]] == 2).all()


def test_ball_is_one_nucleus_at_any_depth_of_voxels():
    for depth in (1, 2, 4, 8):
        planes = ball(9, (10 // depth, 10, 10), (21 // depth + 1, 21, 21), depth)
        assert link_planes(pieces_by_plane(planes)).max() == 1


@pytest.mark.parametrize(("missing", "nuclei"), [(1, 1), (2, 1), (3, 2)])
def test_short_gaps_are_closed(missing, nuclei):
    planes = np.stack([disk(5)] * (6 + missing))
    planes[3 : 3 + missing] = 0
    labels = link_planes(planes)
    assert labels.max() == nuclei
    filled = labels[3 : 3 + missing]
    assert (filled == (disk(5) if nuclei == 1 else 0)).all()


def test_gap_between_two_caps_stays_open():
    shape = (31, 21, 21)
    low, high = (ball(7, (at, 10, 10), shape) for at in (7, 23))
    labels = link_planes(pieces_by_plane(low | high))
    assert labels.max() == 2
    assert ((labels > 0) == (low | high)).all()


def test_cap_belongs_to_one_of_two_nuclei_over_it():
    wide = disk(4, (10, 5)) + 2 * disk(4, (10, 14))
    cap = disk(3, (10, 7))
    labels = link_planes(np.stack([wide, cap]))
    assert labels.max() == 2
    assert set(np.unique(labels[1])) == {0, 1}


def test_heights_tell_nuclei_apart_that_areas_do_not():
    planes = np.stack([disk(5)] * 9)
    heights = np.ones(planes.shape)
    heights[4] = 0.3
    assert link_planes(planes).max() == 1
    assert link_planes(planes, heights).max() == 2


def test_sizes_and_peaks_are_those_of_the_whole_nucleus():
    planes = np.stack([disk(2), disk(2), disk(2)])
    area = int(disk(2).sum())
    assert link_planes(planes, minimum_size=3 * area).max() == 1
    assert link_planes(planes, minimum_size=3 * area + 1).max() == 0
    heights = np.full(planes.shape, 0.4)
    heights[1] = 0.5
    assert link_planes(planes, heights, least_peak=0.5).max() == 1
    assert link_planes(planes, heights, least_peak=0.6).max() == 0
    # The edge cuts off what would have been higher.
    beside = np.roll(planes, -8, axis=2)
    assert link_planes(beside, np.roll(heights, -8, axis=2), least_peak=0.6).max() == 1


def test_empty_planes_have_no_nuclei():
    assert link_planes(np.zeros((3, 4, 5), int)).max() == 0
    assert link_planes(np.zeros((0, 4, 5), int)).shape == (0, 4, 5)


def test_assignment_has_the_largest_sum():
    first, second = np.array([0, 0, 1]), np.array([5, 6, 5])
    # The best single pair, 0 and 5, would leave 1 alone.
    assert [one.tolist() for one in assign(first, second, np.array([0.9, 0.8, 0.7]))] == [
        [0, 1],
        [6, 5],
    ]
    assert [one.tolist() for one in assign(first, second, np.array([0.9, 0.1, 0.2]))] == [
        [0],
        [5],
    ]
