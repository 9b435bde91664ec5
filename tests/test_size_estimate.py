"""The benchmark of the size estimate."""

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let the scripts import each other, as they do when they are run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_the_error_is_in_octaves():
    from size import Estimate, measures

    found = [Estimate("set", "image", 20.0, diameter) for diameter in (20, 22, 40, 10)]
    assert [round(one.octaves, 2) for one in found] == [0, 0.14, 1, -1]
    values = {one.name.split(": ")[1]: one.value for one in measures("set", found)}
    assert values["share within 0.25 octave"] == 0.5
    assert values["worst error"] == 1


def test_two_populations_lie_side_by_side():
    from size import side_by_side

    labels = side_by_side(12, 48, 1).known_labels
    left, right = labels[:, :512], labels[:, 512:]
    assert not np.intersect1d(left[left > 0], right[right > 0]).size
    assert np.unique(left).size > 4 * np.unique(right).size


def test_of_two_populations_the_more_frequent_is_typical():
    from size import _PAIRS, side_by_side

    from napari_nucseg.training.targets import median_diameter

    for small, large in _PAIRS:
        true = median_diameter(side_by_side(small, large, 20_000).known_labels)
        assert abs(np.log2(true / small)) < abs(np.log2(true / large))
