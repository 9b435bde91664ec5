"""In which scale a plane is looked at."""

import numpy as np
import pytest

from napari_nucseg.pipeline.instances import NETWORK_DIAMETER
from napari_nucseg.pipeline.scale import (
    estimate_scale,
    foreground_confidence,
    high_contrast_crops,
    typical_diameter,
    zoom_for,
)


def test_zoom_is_1_near_the_diameter_of_the_network():
    assert zoom_for(NETWORK_DIAMETER) == zoom_for(25) == zoom_for(33) == 1
    assert zoom_for(14) == 2
    assert zoom_for(1e4) > 0


def seen(alike):
    """Return maps whose whole foreground looks so much like nuclei."""
    maps = np.zeros((4, 4, 3), np.float32)
    maps[1:3, :, :2] = 1.0, alike
    return maps


def looking(views):
    """Return a look by the zoom, and the list of the zooms that were looked at."""
    looks = []

    def look(zoom):
        looks.append(zoom)
        alike, diameter = views[round(zoom, 2)]
        return seen(alike), diameter

    return look, looks


def test_likeness_is_that_of_the_foreground():
    assert foreground_confidence(seen(0.25)) == 0.25
    assert foreground_confidence(np.zeros((4, 4, 3), np.float32)) == 0


def test_nuclei_that_fit_are_looked_at_once_and_from_further_away():
    look, looks = looking({1: (0.5, 28.0), 0.25: (0.4, 60.0)})
    maps, found = estimate_scale(look)
    assert (foreground_confidence(maps), found, looks) == (0.5, 28.0, [1.0, 0.25])


def test_texture_of_large_nuclei_is_not_many_small_ones():
    look, looks = looking({1: (0.3, 7.0), 4: (0.3, 7.0), 0.25: (0.5, 112.0)})
    maps, found = estimate_scale(look)
    assert (foreground_confidence(maps), found, looks) == (0.5, 112.0, [1.0, 4.0, 0.25])


@pytest.mark.parametrize(("near", "far"), [(0.34375, 0.453125), (0.1875, 0.375)])
def test_what_looks_only_a_little_like_nuclei_from_afar_changes_nothing(near, far):
    """A little more than from near by, or not enough by itself: glands do."""
    look, looks = looking({1: (near, 28.0), 0.25: (far, 112.0)})
    maps, found = estimate_scale(look)
    assert (foreground_confidence(maps), found, looks) == (near, 28.0, [1.0, 0.25])


def test_what_looks_like_large_nuclei_only_from_afar_changes_nothing():
    look, looks = looking({1: (0.25, 28.0), 0.25: (0.5, 56.0), 0.5: (0.25, 56.0)})
    maps, found = estimate_scale(look)
    assert (foreground_confidence(maps), found, looks) == (0.25, 28.0, [1.0, 0.25, 0.5])


def test_nuclei_that_are_only_seen_from_further_away_are_found():
    look, _ = looking({1: (0.0, None), 0.25: (0.5, 112.0)})
    assert estimate_scale(look)[1] == 112.0


def test_liveliest_parts_are_cut_out():
    plane = np.zeros((40, 60, 3), np.float32)
    plane[20:40:8, 40:60] = 1
    plane[:20:8, 20:40] = 0.5
    first, second = high_contrast_crops(plane, 20, 2)
    assert (first == plane[20:40, 40:60]).all()
    assert (second == plane[:20, 20:40]).all()
    assert (high_contrast_crops(plane, 20, 6) == plane).all()


def test_typical_diameter_is_that_of_most_nuclei_not_of_most_places():
    sizes = [np.array([0.0, 0.0, 0.0]), np.full(20, 2.0)]
    assert typical_diameter(sizes, 1) == NETWORK_DIAMETER
    assert typical_diameter(sizes, 0.5) == 2 * NETWORK_DIAMETER
    assert typical_diameter([np.zeros(0)], 1) is None
