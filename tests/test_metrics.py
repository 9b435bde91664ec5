import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from napari_nucseg.measure.metrics import THRESHOLDS, Counts, compare, match_counts, summarize

SMALL_LABELS = arrays(np.int32, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 3, 2**31 - 1]))


def test_same_labels_with_other_numbers_are_perfect(two_nuclei):
    other = np.where(two_nuclei == 1, 7, two_nuclei)
    scores = compare(other, two_nuclei)
    assert scores.mean_ap == scores.f1 == scores.panoptic_quality == scores.dice == 1


def test_scores_by_hand(two_nuclei):
    """One nucleus found exactly, one missed: TP 1, FP 0, FN 1."""
    scores = compare(np.where(two_nuclei == 1, 1, 0), two_nuclei)
    assert scores.ap_pooled[0.5] == scores.ap_pooled[0.9] == pytest.approx(1 / 2)
    assert scores.f1 == pytest.approx(2 / 3)
    assert scores.panoptic_quality == pytest.approx(2 / 3)
    assert scores.dice == pytest.approx(2 / 3)
    assert scores.iou == pytest.approx(1 / 2)


def test_merged_nuclei_match_at_one_half_at_most_once(two_nuclei):
    scores = compare(two_nuclei > 0, two_nuclei)
    assert scores.ap_pooled[0.5] == pytest.approx(1 / 2)
    assert scores.ap_pooled[0.55] == 0


def test_iou_counts_from_its_threshold_on():
    true = np.zeros((10, 10), int)
    true[:, :] = 1
    predicted = true.copy()
    predicted[:, 8:] = 0
    scores = compare(predicted, true)
    assert list(scores.ap_pooled.values()) == [1] * 7 + [0] * 2


def test_pooled_and_per_image_differ():
    empty = np.zeros((4, 4), int)
    one = empty.copy()
    one[1:3, 1:3] = 1
    scores = summarize([match_counts(one, one), match_counts(empty, empty)])
    assert scores.ap_per_image[0.5] == 1
    scores = summarize([match_counts(one, one), match_counts(one, empty)])
    assert scores.ap_pooled[0.5] == pytest.approx(1 / 2)
    assert scores.ap_per_image[0.5] == pytest.approx(1 / 2)
    scores = summarize([match_counts(empty, one)])
    assert scores.mean_ap == scores.f1 == 0


def test_shapes_must_agree(two_nuclei):
    with pytest.raises(ValueError, match="one shape"):
        compare(two_nuclei, two_nuclei[:5])


def test_nothing_to_score():
    with pytest.raises(ValueError, match="at least one"):
        summarize([])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_the_two_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    one = np.kron(rng.integers(0, 4, (4, 4)), np.ones((3, 3), int))
    two = np.roll(one, rng.integers(-2, 3, 2), (0, 1))
    assert compare(one, two).ap_pooled == compare(two, one).ap_pooled
    assert compare(one, two).dice == compare(two, one).dice


def counts_pixel_by_pixel(predicted, true):
    """Count as the definitions say, one pair of nuclei after the other."""
    masks = [predicted == number for number in np.unique(predicted[predicted > 0])]
    truth = [true == number for number in np.unique(true[true > 0])]
    iou = np.array([[(a & b).sum() / (a | b).sum() for b in truth] for a in masks])
    iou = iou.reshape(len(masks), len(truth))
    chosen = {at: linear_sum_assignment(iou >= at, maximize=True) for at in THRESHOLDS}
    half = iou[chosen[0.5]]
    return Counts(
        matched=tuple(int((iou[pairs] >= at).sum()) for at, pairs in chosen.items()),
        matched_iou=pytest.approx(half[half >= 0.5].sum()),
        predicted=len(masks),
        true=len(truth),
        overlap=int(((predicted > 0) & (true > 0)).sum()),
        predicted_area=int((predicted > 0).sum()),
        true_area=int((true > 0).sum()),
    )


@settings(max_examples=200, deadline=None)
@given(SMALL_LABELS, SMALL_LABELS)
def test_counts_are_those_of_the_definitions(predicted, true):
    assert match_counts(predicted, true) == counts_pixel_by_pixel(predicted, true)


@settings(max_examples=50, deadline=None)
@given(SMALL_LABELS, st.integers(0, 5))
def test_counts_of_labels_that_are_nearly_right(true, column):
    predicted = true.copy()
    predicted[:, column] = 0
    assert match_counts(predicted, true) == counts_pixel_by_pixel(predicted, true)


def test_images_without_pixels_or_background():
    empty = np.zeros((0, 5), int)
    assert compare(empty, empty).mean_ap == 1
    full = np.ones((4, 5), int)
    assert compare(full, full).mean_ap == 1
    assert match_counts(full, full).true == 1
