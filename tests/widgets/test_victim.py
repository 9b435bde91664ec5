"""The state by which the benchmark with kill -9 compares what was shown with the disk."""

from pathlib import Path

import numpy as np
import pytest

from napari_nucseg.corrections import State, States

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def state_of(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _victim

    return _victim.state_of


def test_state_tells_what_a_person_would_miss_and_nothing_else(state_of):
    labels = np.array([[0, 1], [2, 2]])
    shown = state_of(labels, States({1: State.EDITED}))
    # Who is not in the table is unreviewed, and so is a nucleus that is gone.
    assert shown == state_of(labels, States({7: State.UNREVIEWED, 1: State.EDITED}))
    assert shown == state_of(labels.astype(np.uint8), States({1: State.EDITED}))
    others = [
        state_of(labels, States()),
        state_of(labels, States({1: State.ACCEPTED})),
        state_of(labels, States({2: State.EDITED})),
        state_of(labels * 2, States({1: State.EDITED})),
    ]
    assert len({shown, *others}) == 5
