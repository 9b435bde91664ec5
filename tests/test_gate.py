"""The gate between a fine-tuned model and its parent: doubts, scores, verdict."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.measure.metrics import THRESHOLDS, compare
from napari_nucseg.measure.paired import interval_of_difference, outcomes_of, pooled_mean_ap
from napari_nucseg.training.doubts import doubt_about
from napari_nucseg.training.gate import (
    CORRECTIONS,
    HELD_OUT,
    REFERENCE,
    Part,
    Verdict,
    judge_parts,
)


@pytest.fixture(scope="module")
def seen():
    """A field, and what a model sees in it: a little less than there is."""
    field = simulate_field((256, 256), seed=1, diameter=24)
    foreground = ndimage.gaussian_filter((field.labels > 0).astype(np.float32), 1)
    return field, foreground, field.labels


def eroded(labels):
    inside = ndimage.distance_transform_edt(
        np.where(ndimage.maximum_filter(labels, 3) == labels, labels, 0)
    )
    return np.where(inside > 4, labels, 0)


def test_good_labels_raise_no_doubt(seen):
    assert doubt_about(*seen) == ""
    field, foreground, found = seen
    one = dataclasses.replace(field, labels=np.where(field.labels == 1, 1, 0))
    reviewed = dataclasses.replace(one, reviewed=one.labels > 0)
    assert doubt_about(reviewed, foreground, found) == ""


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda labels: np.roll(labels, (9, 9), (0, 1)),
            "beside the nuclei: moved by -9 pixels",
        ),
        (
            lambda labels: simulate_field(labels.shape, seed=8, diameter=24).labels,
            "do not follow",
        ),
        (eroded, "pixels inside of the nuclei"),
        (np.zeros_like, "would be learned as background"),
        (lambda labels: np.where(labels <= 3, labels, 0), "would be learned as background"),
    ],
)
def test_bad_labels_are_told_with_the_name_of_the_field(seen, spoil, says):
    field, foreground, found = seen
    text = doubt_about(
        dataclasses.replace(field, labels=spoil(field.labels)), foreground, found
    )
    assert says in text
    assert repr(field.name) in text


def test_outcomes_agree_with_the_scores_of_the_image():
    true = simulate_field((192, 192), seed=3).labels
    rng = np.random.default_rng(0)
    predicted = np.roll(true, 2, axis=0)
    predicted[np.isin(predicted, rng.choice(true.max(), 5) + 1)] = 0
    predicted[:6, :6] = predicted.max() + 1
    outcomes = outcomes_of(predicted, true)
    scores = compare(predicted, true)
    assert outcomes.found.shape == outcomes.false.shape == (scores.true, len(THRESHOLDS))
    assert outcomes.false[:, 0].sum() == scores.predicted - outcomes.found[:, 0].sum()
    assert pooled_mean_ap([outcomes]) == pytest.approx(scores.mean_ap)


def test_outcomes_where_nothing_is_found_or_labelled(two_nuclei):
    empty = np.zeros_like(two_nuclei)
    assert pooled_mean_ap([outcomes_of(empty, two_nuclei)]) == 0
    assert np.isnan(pooled_mean_ap([outcomes_of(two_nuclei, empty)]))
    assert np.isnan(interval_of_difference([], [])).all()


def test_few_nuclei_give_a_wide_interval_around_the_difference():
    true = simulate_field((256, 256), seed=3).labels
    worse = np.where(true % 3 == 0, 0, true)
    many = [outcomes_of(worse, true)] * 6, [outcomes_of(true, true)] * 6
    few = ([one[0]] for one in many)
    low, high = interval_of_difference(*many)
    difference = 1 - pooled_mean_ap(many[0])
    assert 0 < low < difference < high
    wider = interval_of_difference(*few)
    assert wider[1] - wider[0] > 1.5 * (high - low)
    assert interval_of_difference(many[0], many[0]) == (0, 0)


def parts(held_out, learned=0.05, reference=0.0, nuclei=100):
    def part(name, gain, count):
        return Part(name, count, 0.5, 0.5 + gain, gain - 0.01, gain + 0.01)

    return [
        part(HELD_OUT, held_out, nuclei),
        part(CORRECTIONS, learned, 300),
        part(REFERENCE, reference, 400),
    ]


@pytest.mark.parametrize(
    ("scores", "accepted", "says"),
    [
        (parts(0.05), True, "better on the held-out part"),
        (parts(0.05, nuclei=5), True, "only 5 nuclei"),
        (parts(0.0, 0.05), True, "better on the corrections"),
        (parts(-0.05), False, "worse on the held-out part"),
        (parts(-0.01, 0.08, nuclei=10), True, "slightly worse on the held-out part"),
        (parts(-0.01, 0.0, nuclei=10), False, "worse on the held-out part"),
        (parts(0.0, 0.0), False, "learned nothing new"),
        (parts(0.05, reference=-0.03), False, "It forgot other images"),
        (parts(0.05, reference=-0.01), True, "slightly worse on the reference images"),
        (parts(-0.5, -0.5)[:1] + parts(0, 0)[1:], False, "Neither model finds"),
    ],
)
def test_verdict_follows_from_all_parts(scores, accepted, says):
    if says == "Neither model finds":
        scores[0] = dataclasses.replace(scores[0], parent=0.0, child=0.0)
    verdict = judge_parts(scores)
    assert verdict.accepted is accepted
    assert says in verdict.reason
    assert Verdict.from_dict(json.loads(json.dumps(verdict.as_dict()))) == verdict


def test_bad_labels_are_not_judged_by_themselves():
    verdict = judge_parts(parts(0.3), ["The labels of 'x' lie beside."], all_doubtful=True)
    assert not verdict.accepted
    assert "'x'" in verdict.reason
    assert judge_parts(parts(0.3), ["The labels of 'x' lie beside."]).accepted


def test_what_is_no_verdict():
    with pytest.raises(ValueError, match="Expected a verdict"):
        Verdict.from_dict({"accepted": True})
