"""What is suspicious, on nuclei each of which has one thing wrong with it."""

import numpy as np
import pytest

from napari_nucseg.corrections import (
    NOTHING_UNUSUAL,
    Queue,
    State,
    States,
    add,
    missed_nuclei,
    suspicions,
)
from napari_nucseg.corrections.features import features_of

from .drawing import after, blobs, maps_of

SHAPE = (200, 240)
ROWS, COLUMNS = (40, 100, 160), (40, 90, 140, 190)
MIDDLES = [(y, x) for y in ROWS for x in COLUMNS]
RADIUS = 13


@pytest.fixture
def scene():
    """Twelve round nuclei and their maps, all as they should be."""
    foreground, distance = blobs(SHAPE, MIDDLES, RADIUS)
    y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.int32)
    for number, (row, column) in enumerate(MIDDLES, start=1):
        labels[np.hypot(y - row, x - column) < RADIUS] = number
    return labels, foreground, distance


def disc(middle, radius):
    y, x = np.indices(SHAPE)
    return np.hypot(y - middle[0], x - middle[1]) < radius


def worst(labels, foreground, distance, boundary=None):
    found = suspicions(labels, maps_of(foreground, distance, boundary))
    assert (np.diff(found.score) <= 0).all()
    assert ((found.score >= 0) & (found.score <= 1)).all()
    return int(found.ids[0]), found.reasons[0], float(found.score[0] - found.score[1])


def test_good_nuclei_are_hardly_suspicious(scene):
    labels, foreground, distance = scene
    found = suspicions(labels, maps_of(foreground, distance))
    assert len(found) == 12
    assert sorted(found.ids) == [*range(1, 13)]
    assert found.score.max() < 0.2
    assert found.diameter == pytest.approx(26, abs=1)


def test_faint_nucleus(scene):
    labels, foreground, distance = scene
    foreground[disc(MIDDLES[4], 20)] *= 0.6
    number, reason, gap = worst(labels, foreground, distance)
    assert number == 5
    assert reason in ("faint", "unsure whether it is a nucleus")
    assert gap > 0.2


def test_two_nuclei_in_one_label(scene):
    labels, foreground, distance = scene
    labels[disc((100, 90), RADIUS + 1)] = 6
    labels[94:107, 90:140] = np.where(labels[94:107, 90:140] == 0, 6, labels[94:107, 90:140])
    labels[labels == 7] = 6
    number, reason, _ = worst(labels, foreground, distance)
    assert number == 6
    assert "two middles" in reason or "times the usual area" in reason


def test_one_nucleus_in_two_labels(scene):
    labels, foreground, distance = scene
    labels[:, 90:][labels[:, 90:] == 6] = 99
    found = suspicions(labels, maps_of(foreground, distance))
    assert {*found.ids[:2]} == {6, 99}
    # Both are true. Which counts more depends on the weights, which are fitted.
    true = {"hardly a border to its neighbor", "outline through the inside"}
    assert {*found.reasons[:2]} <= true


def test_sizes_are_told_in_words(scene):
    labels, *_ = scene
    labels[disc(MIDDLES[5], 22)] = 6
    labels[disc(MIDDLES[0], 20)] = 0
    labels[disc(MIDDLES[0], 4)] = 1
    found = suspicions(labels)
    said = dict(zip(found.ids.tolist(), found.reasons, strict=True))
    assert said[6] == "2.9 times the usual area"
    assert said[1] == "only 9% of the usual area"
    assert said[3] == NOTHING_UNUSUAL


def test_nuclei_at_the_border_may_be_small():
    labels = np.zeros((60, 90), np.int32)
    labels[:3, 10:20], labels[20:32, 10:22], labels[20:32, 40:52] = 1, 2, 3
    found = suspicions(labels)
    assert found.score[found.ids == 1] < 0.2
    said = dict(zip(found.ids.tolist(), found.reasons, strict=True))
    assert "usual area" not in said[1]


def test_missed_nucleus_is_a_candidate_that_can_be_added(scene):
    labels, foreground, distance = scene
    labels[labels == 8] = 0
    foreground[disc(MIDDLES[7], 20)] *= 0.7
    maps = maps_of(foreground, distance)
    found = suspicions(labels, maps)
    assert found.ids[0] == 0
    assert found.reasons[0] == "maybe missed here"
    at = (found.y[0], found.x[0])
    assert at == pytest.approx(MIDDLES[7], abs=2)
    changed = after(add(labels, at, maps), labels)
    assert np.count_nonzero(changed == 13) == pytest.approx(np.pi * RADIUS**2, rel=0.3)
    assert missed_nuclei(changed, maps)["label"].size == 0


def test_queue_goes_on_past_what_is_reviewed_or_was_shown(scene):
    labels, *_ = scene
    found = suspicions(labels)
    states = States()
    states.accept(found.ids[:2])
    assert found.first(states.reviewed()) == 2
    assert found.first(states.reviewed(), {2, 3}) == 4
    assert found.first([*found.ids]) is None


def test_features_know_areas_and_ids_of_any_size():
    labels = np.zeros((20, 20), np.int64)
    labels[2:8, 2:8], labels[10:12, 10:20] = 5, 2**40
    features = features_of(labels)
    assert features["label"].tolist() == [5, 2**40]
    assert features["area"].tolist() == [36, 20]
    assert features["at_border"].tolist() == [False, True]
    assert features["centroid_y"].tolist() == [4.5, 10.5]


@pytest.mark.parametrize("has_maps", [False, True])
def test_empty_labels_have_an_empty_queue(has_maps):
    nothing = np.zeros((40, 50))
    maps = maps_of(nothing, nothing) if has_maps else None
    found = suspicions(nothing.astype(np.int32), maps)
    assert len(found) == 0
    assert found.first() is None


def test_stain_weaker_than_that_of_the_others(scene):
    labels, foreground, _ = scene
    image = 20 + 100 * foreground
    image[disc(MIDDLES[4], 20)] = 20 + 30 * foreground[disc(MIDDLES[4], 20)]
    for shown in (image, 255 - image, np.stack([255 - image] * 3, axis=-1)):
        found = suspicions(labels, image=shown)
        assert (found.ids[0], found.reasons[0]) == (5, "weaker stain than the others")


EDITS = {
    "a nucleus is deleted": lambda labels: np.where(labels == 6, 0, labels),
    "two become one": lambda labels: np.where(labels == 7, 6, labels),
    "one becomes two": lambda labels: np.where(
        (labels == 6) & (np.indices(SHAPE)[1] < 90), 40, labels
    ),
    "one grows up to its neighbor": lambda labels: np.where(
        disc((100, 100), 25) & (labels == 0), 6, labels
    ),
    "one comes in a corner": lambda labels: np.where(disc((0, 0), 9), 50, labels),
    "all are gone": np.zeros_like,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("has_maps", [True, False])
def test_queue_after_an_edit_is_that_of_the_new_labels(scene, edit, has_maps):
    labels, foreground, distance = scene
    labels[labels == 2] = 0
    maps = maps_of(foreground, distance) if has_maps else None
    image = 10 + 90 * foreground
    changed = edit(labels).astype(labels.dtype)
    queue = Queue(labels, maps, image)
    different = queue.update(changed)
    assert {*different} == {
        *np.unique(labels[changed != labels]),
        *np.unique(changed[changed != labels]),
    } - {0}
    wanted = Queue(changed, maps, image).places
    assert queue.places.ids.tolist() == wanted.ids.tolist()
    assert queue.places.score == pytest.approx(wanted.score, abs=1e-5)
    assert queue.places.reasons == wanted.reasons
    assert queue.places.y == pytest.approx(wanted.y)
    queue.update(labels)
    assert queue.places.reasons == Queue(labels, maps, image).places.reasons


def test_queue_of_a_plane_that_did_not_change(scene):
    queue = Queue(scene[0])
    places = queue.places
    assert queue.update(scene[0]) == {}
    assert queue.places is places


def test_maps_of_another_plane(scene):
    labels, foreground, distance = scene
    with pytest.raises(ValueError, match="Expected maps of the shape"):
        Queue(labels[:-1], maps_of(foreground, distance))


def test_states_follow_edits_and_undo(scene):
    labels, *_ = scene
    queue, states = Queue(labels), States()
    states.accept([6])
    merged = np.where(labels == 7, 6, labels)
    states.follow(queue.update(merged))
    assert (states[6], states[8]) == (State.EDITED, State.UNREVIEWED)
    states.follow(queue.update(labels))
    assert (states[6], states[7]) == (State.ACCEPTED, State.UNREVIEWED)
    states.follow(queue.update(merged))
    assert states[6] == State.EDITED
    drawn = np.where(disc((20, 20), 9), 30, merged)
    states.follow(queue.update(drawn))
    assert states[30] == State.EDITED
    moved = np.roll(drawn, 1, axis=1)
    states.follow(queue.update(moved))
    assert states[3] == State.EDITED
