"""What clicks and drags mean."""

import numpy as np
import pytest

from napari_nucseg.corrections import Gesture, Meaning, meaning_of


@pytest.fixture
def labels(two_nuclei):
    labels = np.pad(two_nuclei, ((0, 0), (0, 12)))
    labels[3:9, 18:24] = 3
    return labels


@pytest.mark.parametrize(
    ("path", "alt", "meaning", "ids"),
    [
        ([(5, 4)], False, Meaning.SELECT, (1,)),
        ([(5, 4), (6, 5), (5, 4)], False, Meaning.SELECT, (1,)),
        ([(5, 4)], True, Meaning.DELETE, (1,)),
        ([(0, 0)], False, Meaning.ADD, ()),
        ([(0, 0)], True, Meaning.NOTHING, ()),
        ([(5, 4), (5, 10)], False, Meaning.MERGE, (1, 2)),
        ([(5, 20), (5, 16), (5, 4), (5, 30)], False, Meaning.MERGE, (3, 2, 1)),
        ([(5, 10), (0, 10)], False, Meaning.NOTHING, ()),
        ([(5, 3), (5, 6.9)], False, Meaning.NOTHING, ()),
        ([(0, 4), (11, 4)], False, Meaning.SPLIT, (1,)),
        ([(0, 10), (11, 10), (11, 20), (0, 20)], False, Meaning.SPLIT, (2, 3)),
        ([(0, 10), (20, 10)], False, Meaning.SPLIT, (2,)),
        ([(0, 4), (5, 4)], False, Meaning.NOTHING, ()),
        ([(0, 0), (0, 20)], False, Meaning.NOTHING, ()),
        ([(0, 4), (5, 4)], True, Meaning.DELETE, (1,)),
        ([(1, 1), (1, 8), (10, 8), (10, 1), (2, 1)], False, Meaning.REDRAW, (1,)),
        ([(5, 4), (5, 14), (10, 14), (10, 1), (5, 3)], False, Meaning.REDRAW, (2,)),
        ([(5, 4), (5, 10), (5, 4)], False, Meaning.MERGE, (1, 2)),
        ([(0, 26), (0, 35), (9, 35), (9, 26), (1, 26)], False, Meaning.REDRAW, ()),
        ([(1, 1), (1, 15), (10, 15), (10, 1), (2, 1)], True, Meaning.DELETE, (1, 2)),
        ([(0, 26), (0, 35), (9, 35), (9, 26), (1, 26)], True, Meaning.NOTHING, ()),
        ([(-3, 4), (11, 4)], False, Meaning.NOTHING, ()),
        ([(-3, 4)], True, Meaning.NOTHING, ()),
        ([], False, Meaning.NOTHING, ()),
    ],
)
def test_meaning(labels, path, alt, meaning, ids):
    assert meaning_of(labels, path, alt=alt) == Gesture(meaning, ids)


def test_how_far_a_click_may_move(labels):
    drag = [(0, 4), (11, 4)]
    assert meaning_of(labels, drag, tolerance=12).meaning is Meaning.ADD
    assert meaning_of(labels, drag, tolerance=1).meaning is Meaning.SPLIT
