"""Before and after: a layer in colors of where two labels of one image differ."""

import numpy as np
import pytest

from napari_nucseg.measure import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY


@pytest.fixture
def two(window, simulated):
    """Two layers of labels: of the second, one nucleus is missing, one is new, one is split."""
    placed = {"scale": (0.5, 0.5), "translate": (3, 4)}
    before = simulated.labels.copy()
    areas = np.bincount(before.ravel())
    areas[0] = 0
    missing, split = np.argsort(areas)[-2:]
    before[before == missing] = missing
    after = np.where(before == missing, 0, before)
    rows = np.nonzero(after == split)[0]
    lower = np.arange(after.shape[0])[:, None] > np.median(rows)
    after[(after == split) & lower] = 9998
    free = np.argwhere(before == 0)[0]
    after[free[0], free[1]] = 9999
    first = window.viewer.add_labels(before, name="old", **placed)
    second = window.viewer.add_labels(after, name="new", **placed)
    comparison = window.dock.segment.comparison
    comparison.first.choose(first)
    comparison.second.choose(second)
    return first, second, missing, split


def compare(window):
    comparison = window.dock.segment.comparison
    count = len(window.viewer.layers)
    comparison.button.click()
    window.wait(lambda: not comparison._is_busy)
    assert not window.errors
    return window.viewer.layers[-1], len(window.viewer.layers) - count


def test_differences_are_a_layer_in_colors_over_the_labels(window, two):
    first, _, missing, split = two
    comparison = window.dock.segment.comparison
    active = window.viewer.layers.selection.active
    layer, new = compare(window)
    assert (layer.name, new) == ("differences: old, new", 1)
    assert ((layer.data == FIRST_ONLY) == (first.data == missing)).all()
    assert np.count_nonzero(layer.data == SECOND_ONLY) == 1
    assert (layer.data == OTHER_OUTLINE).any()
    assert set(np.unique(first.data[layer.data == OTHER_OUTLINE])) == {split}
    assert tuple(layer.scale) == (0.5, 0.5)
    assert tuple(layer.translate) == (3, 4)
    assert window.viewer.layers.selection.active == active
    assert "only in the first: 1" in comparison.legend.text()
    assert "only in the second: 1" in comparison.legend.text()
    # It is shown once, and it is nothing to be corrected or compared.
    _, new = compare(window)
    assert new == 0
    assert comparison.first.count() == window.dock.correct.labels.count() == 2


def test_comparison_is_behind_a_title(window, two):
    comparison = window.dock.segment.comparison
    fold = comparison.parentWidget()
    assert not comparison.isVisibleTo(fold)
    window.click(fold.button)
    assert comparison.isVisibleTo(fold)
    compare(window)
    legend = comparison.legend
    window.wait(lambda: legend.height() >= legend.heightForWidth(legend.width()))
    window.click(fold.button)
    assert not comparison.isVisibleTo(fold)


def test_legend_says_that_labels_have_changed_since(window, two):
    first, *_ = two
    comparison = window.dock.segment.comparison
    compare(window)
    assert "changed" not in comparison.legend.text()
    first.paint((2, 2), 5000)
    window.wait(lambda: "changed since then" in comparison.legend.text())
    first.undo()
    window.wait(lambda: "changed since then" not in comparison.legend.text())


def test_why_labels_cannot_be_compared(window, simulated):
    comparison = window.dock.segment.comparison
    assert "Needs two layers of labels" in comparison.reason.text()
    window.viewer.add_labels(simulated.labels, name="one")
    assert not comparison.button.isEnabled()
    window.viewer.add_labels(simulated.labels[:50], name="two")
    assert "shapes differ" in comparison.reason.text()
    window.viewer.add_labels(simulated.labels, name="three")
    comparison.first.choose(window.viewer.layers["one"])
    comparison.second.choose(window.viewer.layers["three"])
    assert comparison.button.isEnabled()
    layer, _ = compare(window)
    assert not layer.data.any()
    assert "No differences" in comparison.legend.text()


def test_labels_that_are_closed_meanwhile_are_told(window, two):
    first, *_ = two
    window.dock.segment.comparison.button.click()
    window.viewer.layers.remove(first)
    window.wait(lambda: "closed meanwhile" in window.status)
    assert len(window.viewer.layers) == 1
