import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.measure.metrics import compare
from napari_nucseg.pipeline import instances
from napari_nucseg.pipeline.instances import MIN_PROMINENCE, instances_from_maps
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.predictor import DEFAULT_SPEC, Maps
from napari_nucseg.training.targets import target_maps


def labels_of(values, **parameters):
    """Return the labels of maps (Y, X, 3): foreground, distance, boundary."""
    return instances_from_maps(Maps(values), SegmentParameters(**parameters))


def test_perfect_maps_give_the_true_nuclei():
    labels = simulate_field((256, 256), seed=1).labels
    found = labels_of(target_maps(labels))
    assert compare(found, labels).ap_pooled[0.75] > 0.97


def test_touching_disks_are_told_apart_and_one_disk_is_not_broken():
    y, x = np.mgrid[:60, :110]
    labels = np.zeros((60, 110), int)
    labels[(y - 30) ** 2 + (x - 30) ** 2 <= 20**2] = 1
    labels[((y - 30) ** 2 + (x - 68) ** 2 <= 20**2) & (labels == 0)] = 2
    found = labels_of(target_maps(labels))
    assert found.max() == 2
    assert (found > 0).sum() == (labels > 0).sum()


def test_boundary_alone_tells_two_nuclei_apart():
    maps = np.zeros((20, 40, 3), np.float32)
    maps[5:15, 5:35, :2] = 1
    assert labels_of(maps).max() == 1
    maps[5:15, 19:21, 2] = 1
    labels = labels_of(maps)
    assert np.unique(labels[10, 5:18]).tolist() == [1]
    assert np.unique(labels[10, 22:35]).tolist() == [2]


def test_holes_of_a_nucleus_are_filled_and_bays_and_rings_are_not():
    maps = np.zeros((30, 60, 3), np.float32)
    maps[5:15, 5:15, :2] = maps[5:15, 20:30, :2] = maps[2:22, 35:55, :2] = 1
    maps[8:11, 8:11] = maps[8:11, 20:27] = maps[4:20, 37:53] = 0
    maps[9, 9, :2] = 1
    labels = labels_of(maps)
    assert (labels[5:15, 5:15] == labels[5, 5]).all()
    assert not labels[8:11, 20:27].any()
    assert not labels[4:20, 37:53].any()


def test_a_dropped_object_in_a_hole_is_filled_too():
    maps = np.zeros((30, 60, 3), np.float32)
    maps[5:25, 5:25, :2] = maps[5:25, 30:50, :2] = 1
    maps[10:20, 10:20] = 0
    maps[12:18, 11:19, 0] = 0.6  # hardly a nucleus
    labels = labels_of(maps)
    assert (labels[5:25, 5:25] == labels[5, 5]).all()


def test_small_objects_are_dropped_and_numbers_have_no_gaps():
    maps = np.zeros((40, 40, 3), np.float32)
    maps[2:4, 2:4, :2] = 1
    maps[10:20, 10:20, :2] = 1
    maps[30:38, 5:15, :2] = 1
    assert np.unique(labels_of(maps, minimum_size=15)).tolist() == [0, 1, 2]
    assert np.unique(labels_of(maps, minimum_size=0)).tolist() == [0, 1, 2, 3]


def test_probability_is_the_threshold_of_the_foreground():
    maps = np.zeros((20, 20, 3), np.float32)
    maps[5:15, 5:15, :2] = 0.6, 1.0
    maps[8:13, 8:13, 0] = 0.9
    assert (labels_of(maps, probability=0.5) > 0).sum() == 100
    assert (labels_of(maps, probability=0.7) > 0).sum() == 25


def test_objects_the_network_is_not_sure_of_are_dropped():
    maps = np.zeros((20, 50, 3), np.float32)
    maps[5:15, 5:15, :2] = 0.9, 0.9
    maps[5:15, 20:30, :2] = 0.9, 0.4
    maps[5:15, 35:45, :2] = 0.6, 0.8
    labels = labels_of(maps, probability=0.5)
    assert labels[:, :17].any()
    assert not labels[:, 17:].any()
    assert labels_of(maps, probability=0.4).max() == 2
    # It takes one place where it is sure of both.
    maps[9, 24] = maps[9, 39] = 1.0, 0.75, 0.0
    assert labels_of(maps, probability=0.5).max() == 3


def test_less_is_enough_of_a_nucleus_that_the_edge_cuts_off():
    maps = np.zeros((20, 50, 3), np.float32)
    maps[:10, 5:15, :2] = 0.9, 0.5
    maps[1:11, 20:30, :2] = 0.9, 0.5
    maps[:10, 35:45, :2] = 0.9, 0.25
    labels = labels_of(maps, probability=0.5)
    assert labels[:, :17].max() == 1
    assert not labels[:, 17:].any()
    for turns in (1, 2, 3):
        turned = np.ascontiguousarray(np.rot90(maps, turns))
        assert labels_of(turned, probability=0.5).max() == 1


def test_lower_probability_finds_no_less():
    """A dim halo joins a nucleus, it does not take it away."""
    maps = np.zeros((50, 50, 3), np.float32)
    maps[5:45, 5:45, 0] = 0.41
    maps[18:32, 18:32, :2] = 0.9, 0.85
    areas = [(labels_of(maps, probability=p) > 0).sum() for p in (0.6, 0.5, 0.4, 0.3)]
    assert areas == [196, 196, 1600, 1600]


@pytest.mark.parametrize("value", [0, 1])
def test_maps_of_one_value(value):
    labels = labels_of(np.full((20, 30, 3), value, np.float32))
    assert labels.max() == value
    assert labels.dtype == np.int32
    assert labels_of(np.zeros((1, 1, 3), np.float32)).shape == (1, 1)


@pytest.mark.parametrize(
    ("peak", "saddle", "nuclei"), [(0.3, 0.1, 2), (0.3, 0.2, 1), (0.9, 0.65, 1)]
)
def test_low_peaks_need_less_prominence(peak, saddle, nuclei):
    """Where the network is unsure, a fall by half of the peak is enough."""
    maps = np.zeros((30, 60, 3), np.float32)
    maps[5:25, 5:55, 0] = 1
    maps[5:25, 5:55, 1] = peak
    maps[5:25, 20:40, 1] = saddle
    assert labels_of(maps, probability=0.1).max() == nuclei


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_same_as_a_seeded_watershed(seed):
    """Splits where h-maxima and watershed of scikit-image do."""
    rng = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(rng.random((48, 48)), 4)
    height = ((height - height.min()) / np.ptp(height)).astype(np.float32)
    maps = np.dstack([height > 0.3, height, np.zeros_like(height)]).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instances, "_PART_OF_PEAK", 1)  # the same prominence for all peaks
        found = labels_of(maps, probability=0, minimum_size=0)
    smooth = ndimage.gaussian_filter(height, 1.5, mode="nearest", truncate=3.0)
    inside = np.where(height > 0.3, smooth, 0)
    seeds = ndimage.label(h_maxima(inside, MIN_PROMINENCE), np.ones((3, 3)))[0]
    expected = watershed(-inside, seeds, mask=height > 0.3, connectivity=2)
    # Pieces without a seed of scikit-image's are nuclei to us; where it has seeds we agree.
    seeded = expected > 0
    agreement = compare(np.where(seeded, found, 0), expected)
    assert agreement.ap_pooled[0.75] == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_labels_cover_the_foreground_in_whole_pieces(seed, minimum_size):
    rng = np.random.default_rng(seed)
    maps = ndimage.gaussian_filter(rng.random((40, 40, 3)), (2, 2, 0)).astype(np.float32)
    labels = labels_of(maps, minimum_size=minimum_size)
    foreground = maps[..., 0] > 0.5
    for number in range(1, labels.max() + 1):
        piece = labels == number
        assert piece.sum() >= minimum_size
        assert not piece[~ndimage.binary_fill_holes(piece & foreground)].any()
        assert ndimage.label(piece, np.ones((3, 3)))[1] == 1


@pytest.mark.parametrize("rows", [1, 7, 50])
def test_bands_of_rows_make_no_difference(rows, monkeypatch):
    maps = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 40, 3)), (2, 2, 0))
    maps = ((maps - maps.min()) / np.ptp(maps)).astype(np.float32)
    monkeypatch.setattr(instances, "MIN_PROMINENCE", 0.1)
    whole = labels_of(maps, probability=0.3, minimum_size=0)
    monkeypatch.setattr(instances, "_ROWS", rows)
    banded = labels_of(maps, probability=0.3, minimum_size=0)
    assert whole.max() > 1
    np.testing.assert_array_equal(banded, whole)


def test_maps_are_taken_by_their_names():
    values = target_maps(simulate_field((128, 128), seed=1).labels)
    other = dataclasses.replace(
        DEFAULT_SPEC, maps=("boundary", "foreground", "extra", "distance")
    )
    turned = np.stack([values[..., 2], values[..., 0], values[..., 1] * 0, values[..., 1]], -1)
    found = instances_from_maps(Maps(turned, other), SegmentParameters())
    np.testing.assert_array_equal(found, labels_of(values))
    with pytest.raises(KeyError, match="got 'depth'"):
        Maps(values)["depth"]
    with pytest.raises(ValueError, match=r"last axis of 3 \(foreground"):
        Maps(turned)


def test_smoothing_grows_with_the_diameter():
    """Two peaks 8 pixels apart are two nuclei if nuclei are small."""
    y, x = np.mgrid[:40, :60]
    values = np.zeros((40, 60, 3), np.float32)
    peaks = [np.clip(1 - np.hypot(y - 20, x - at) / 8, 0, 1) for at in (24, 34)]
    values[..., 1] = np.maximum(*peaks)
    values[..., 0] = values[..., 1] > 0
    counts = [
        instances_from_maps(Maps(values), SegmentParameters(probability=0.4), diameter).max()
        for diameter in (14, 112)
    ]
    assert counts == [2, 1]
