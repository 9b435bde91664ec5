import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.measure.metrics import compare, match_counts, summarize


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
