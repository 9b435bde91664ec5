"""At which zoom a plane is predicted."""

import dataclasses

import numpy as np
import pytest

from napari_nucseg.pipeline.predictor import DEFAULT_SPEC, NETWORK_DIAMETER, Maps
from napari_nucseg.pipeline.scale import (
    estimate_scale,
    foreground_confidence,
    high_contrast_crops,
    inside_nuclei,
    typical_diameter,
    zoom_for,
)


def test_zoom_is_1_near_the_diameter_of_the_network():
    assert zoom_for(NETWORK_DIAMETER) == zoom_for(25) == zoom_for(33) == 1
    assert zoom_for(14) == 2
    assert zoom_for(1e4) > 0


def test_diameter_of_the_network_is_that_of_its_spec():
    other = dataclasses.replace(DEFAULT_SPEC, diameter=56.0)
    assert zoom_for(28, other) == 2
    assert typical_diameter([np.zeros(3)], 1, other) == 56.0


def maps_of(confidence):
    """Return maps whose whole foreground has this confidence."""
    values = np.zeros((4, 4, 3), np.float32)
    values[1:3, :, :2] = 1.0, confidence
    return Maps(values)


def predicting(results):
    """Return a function of the zoom, and the list of the zooms it was called with.

    The results are confidence and diameter by zoom.
    """
    zooms = []

    def predict_at(zoom):
        zooms.append(zoom)
        confidence, diameter = results[round(zoom, 2)]
        return maps_of(confidence), diameter

    return predict_at, zooms


def test_confidence_is_that_of_the_foreground():
    assert foreground_confidence(maps_of(0.25)) == 0.25
    assert foreground_confidence(Maps(np.zeros((4, 4, 3), np.float32))) == 0


def test_nuclei_of_the_right_size_are_predicted_once_and_at_the_coarse_zoom():
    predict_at, zooms = predicting({1: (0.5, 28.0), 0.25: (0.4, 60.0)})
    maps, found = estimate_scale(predict_at)
    assert (foreground_confidence(maps), found, zooms) == (0.5, 28.0, [1.0, 0.25])


def test_texture_of_large_nuclei_is_not_many_small_ones():
    predict_at, zooms = predicting({1: (0.3, 7.0), 4: (0.3, 7.0), 0.25: (0.5, 112.0)})
    maps, found = estimate_scale(predict_at)
    assert (foreground_confidence(maps), found, zooms) == (0.5, 112.0, [1.0, 4.0, 0.25])


@pytest.mark.parametrize(("fine", "coarse"), [(0.34375, 0.453125), (0.1875, 0.375)])
def test_a_little_more_confidence_at_the_coarse_zoom_changes_nothing(fine, coarse):
    """Not enough more than at the finer zoom, or not enough by itself: as in glands."""
    predict_at, zooms = predicting({1: (fine, 28.0), 0.25: (coarse, 112.0)})
    maps, found = estimate_scale(predict_at)
    assert (foreground_confidence(maps), found, zooms) == (fine, 28.0, [1.0, 0.25])


def test_confidence_at_the_coarse_zoom_must_hold_at_the_zoom_of_its_diameter():
    predict_at, zooms = predicting({1: (0.25, 28.0), 0.25: (0.5, 56.0), 0.5: (0.25, 56.0)})
    maps, found = estimate_scale(predict_at)
    assert (foreground_confidence(maps), found, zooms) == (0.25, 28.0, [1.0, 0.25, 0.5])


def test_nuclei_that_are_only_seen_at_the_coarse_zoom_are_found():
    predict_at, _ = predicting({1: (0.0, None), 0.25: (0.5, 112.0)})
    assert estimate_scale(predict_at)[1] == 112.0


def test_sizes_are_taken_where_there_are_nuclei():
    values = np.zeros((1, 20, 32, 3), np.float32)
    values[0, 4:12, :12, 0] = 1
    size = np.arange(16.0).reshape(1, 4, 4)  # of the padded tile
    assert inside_nuclei(Maps(values), size).tolist() == [0.0]
    coarser = dataclasses.replace(DEFAULT_SPEC, size_stride=4)
    assert inside_nuclei(Maps(values, coarser), np.arange(64.0).reshape(1, 8, 8)).size == 6


def test_parts_with_most_contrast_are_cut_out():
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
