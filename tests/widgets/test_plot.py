"""The live curves of a training run."""

import math

import pytest

from napari_nucseg.support.callbacks import Epoch
from napari_nucseg.widgets.controls.plot import Curves


@pytest.fixture
def curves(qtbot):
    curves = Curves()
    qtbot.addWidget(curves)
    return curves


def points(curves):
    """Return x and y of the loss and of the score."""
    found = []
    for plot in curves.ci.items:
        x, y = plot.listDataItems()[0].getData()
        found.append([] if x is None else list(zip(x, y, strict=True)))
    return found


def test_epochs_are_drawn_as_they_come(curves):
    curves.add(Epoch(0, 2, math.nan, 0.4, math.nan))
    curves.add(Epoch(1, 2, 1.5, 0.5, 9.0))
    curves.add(Epoch(2, 2, 1.2, 0.6, 0.0))
    loss, score = points(curves)
    assert loss == [(1, 1.5), (2, 1.2)]
    assert score == [(0, 0.4), (1, 0.5), (2, 0.6)]


def test_axes_show_no_epoch_and_no_score_that_cannot_be(curves):
    curves.resize(380, 110)
    curves.add(Epoch(0, 2, math.nan, 0.7, math.nan))
    for plot in curves.ci.items:
        (low, high), (bottom, top) = plot.viewRange()
        ticks = [
            t for _, values in plot.getAxis("bottom").tickValues(low, high, 150) for t in values
        ]
        assert 0 in ticks
        assert 1 in ticks
        assert not [tick for tick in ticks if tick < 0 or tick % 1]
    assert -0.1 < bottom < top < 1.1


def test_next_run_starts_with_empty_curves(curves):
    curves.add(Epoch(1, 2, 1.5, 0.5, 9.0))
    curves.clear_epochs()
    assert points(curves) == [[], []]
