"""Plane to maps with a predictor that is no network: the protocol is enough."""

import dataclasses
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_nucseg.image.field import Field
from napari_nucseg.pipeline import maps as maps_module
from napari_nucseg.pipeline.maps import (
    _turned,
    estimate_diameter,
    predict_maps,
    predict_maps_and_diameter,
)
from napari_nucseg.pipeline.normalize import normalize
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.pipeline.predictor import DEFAULT_SPEC, ModelSpec, spec_of
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.registry.store import Card
from napari_nucseg.support.callbacks import Callbacks, Stopped


class BoxFilter:
    """A predictor whose maps are means over a square of pixels.

    Parameters
    ----------
    radius : int
        Of the square.
    diameter : float
        Of the nuclei that it claims to see, in pixels of its tiles.
    """

    def __init__(self, radius=4, diameter=28.0, spec=DEFAULT_SPEC):
        self.radius = radius
        self.diameter = diameter
        self.spec = spec
        self.shapes = []

    def predict(self, tiles):
        self.shapes.append(tiles.shape[1:3])
        width = 2 * self.radius + 1
        means = ndimage.uniform_filter(tiles, (1, width, width, 1), mode="nearest")
        foreground = means.mean(-1)
        maps = np.stack([foreground, foreground, 1 - foreground], -1).clip(0, 1)
        step = self.spec.size_stride
        rows, columns = (-(-length // step) for length in tiles.shape[1:3])
        size = np.full((len(tiles), rows, columns), np.log2(self.diameter / self.spec.diameter))
        return maps.astype(np.float32), size.astype(np.float32)

    def resize(self, tiles, shape):
        if tiles.shape[1:3] == tuple(shape):
            return tiles
        factors = (1, *(new / old for new, old in zip(shape, tiles.shape[1:3], strict=True)), 1)
        return ndimage.zoom(tiles, factors, order=1, mode="nearest", grid_mode=True)


def random_plane(shape, seed=0):
    return np.random.default_rng(seed).random((*shape, 3)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    core=st.integers(8, 100),
    radius=st.integers(0, 16),
    seed=st.integers(0, 2**32 - 1),
)
def test_tiled_equals_whole(shape, core, radius, seed):
    """A prediction that depends on nothing further away than the halo needs no whole plane."""
    spec = dataclasses.replace(DEFAULT_SPEC, halo=16)
    predictor, plane = BoxFilter(radius, spec=spec), random_plane(shape, seed)
    whole, _ = predictor.predict(plane[np.newaxis])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps_module, "CORE", core)
        tiled = predict_maps(predictor, plane)
    np.testing.assert_allclose(tiled.values, whole[0], atol=1e-6)


def test_halo_and_stride_are_those_of_the_spec(monkeypatch):
    monkeypatch.setattr(maps_module, "CORE", 64)
    for halo, stride in ((0, 8), (24, 32)):
        predictor = BoxFilter(spec=ModelSpec(halo=halo, stride=stride))
        predict_maps(predictor, random_plane((256, 256)))
        (extent,) = {shape[0] for shape in predictor.shapes}
        assert extent % stride == 0
        assert 64 + halo <= extent < 64 + 2 * halo + 2 * stride


def test_large_plane_has_smaller_tiles_one_batch_at_a_time(monkeypatch):
    plane = random_plane((128, 128))
    predictor = BoxFilter(2)
    before = predict_maps(predictor, plane).values
    monkeypatch.setattr(maps_module, "LARGE_PLANE_PIXELS", 128 * 128 - 1)
    monkeypatch.setattr(maps_module, "CORE_IN_LARGE_PLANE", 32)
    del predictor.shapes[:]
    after = predict_maps(predictor, plane).values
    assert max(predictor.shapes) < (128, 128)
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_tiles_are_resized_to_the_size_of_nuclei_that_the_model_knows():
    predictor = BoxFilter(1)
    maps = predict_maps(predictor, random_plane((64, 48)), 14.0)
    assert predictor.shapes == [(128, 96)]
    assert maps.values.shape == (64, 48, 3)
    other = BoxFilter(1, spec=dataclasses.replace(DEFAULT_SPEC, diameter=14.0))
    predict_maps(other, random_plane((64, 48)), 14.0)
    assert other.shapes == [(64, 48)]


@pytest.mark.parametrize("small", [True, False])
def test_diameter_is_found_on_small_and_large_planes(small, monkeypatch):
    if not small:
        monkeypatch.setattr(maps_module, "_SMALL_PLANE_PIXELS", 0)
    predictor = BoxFilter(1, diameter=28.0)
    plane = np.ones((64, 64, 3), np.float32)
    maps, found = predict_maps_and_diameter(predictor, plane)
    assert found == 28.0
    assert maps.values.shape == plane.shape
    assert estimate_diameter(predictor, plane) == 28.0
    assert estimate_diameter(predictor, np.zeros_like(plane)) is None


def test_whole_pipeline_runs_on_any_predictor():
    y, x = np.mgrid[:160, :200]
    middles = [(30, 30), (60, 120), (120, 70)]
    disks = [np.hypot(y - row, x - column) < 14 for row, column in middles]
    image = 100 + 900 * np.any(disks, axis=0)
    spec = spec_of(Card("means", version="2", weights_sha256="abc"), "float64")
    found = segment_field(Field(image), BoxFilter(3, spec=spec), SegmentParameters())
    assert found.diameter == 28
    assert found.labels.max() == 3
    centroids = np.stack([found.nuclei["centroid_y"], found.nuclei["centroid_x"]], -1)
    np.testing.assert_allclose(centroids, middles, atol=1)
    about = found.provenance
    assert (about["model"], about["model_version"]) == ("means", "2")
    assert (about["weights_sha256"], about["precision"]) == ("abc", "float64")
    blank = segment_field(Field(np.zeros((5, 6))), BoxFilter(), SegmentParameters())
    assert not blank.labels.any()
    assert blank.provenance["blank"]


@pytest.mark.parametrize("view", range(8))
def test_view_turned_back_is_what_it_was(view):
    tiles = np.arange(2 * 3 * 5).reshape(2, 3, 5, 1)
    turned = _turned(tiles, view)
    assert turned.shape == ((2, 3, 5, 1) if view < 4 else (2, 5, 3, 1))
    assert np.array_equal(turned, tiles) == (view == 0)
    np.testing.assert_array_equal(_turned(turned, view, back=True), tiles)


def test_views_of_a_prediction_without_direction_change_nothing():
    plane = normalize(random_plane((40, 56))[..., 0])
    one, eight = (
        predict_maps(BoxFilter(), plane, test_time_augmentations=views).values
        for views in (1, 8)
    )
    np.testing.assert_allclose(one, eight, atol=1e-6)


def test_prediction_can_be_stopped():
    plane = np.zeros((32, 32, 3), np.float32)
    with pytest.raises(Stopped):
        predict_maps(BoxFilter(), plane, callbacks=Callbacks(should_stop=lambda: True))
    asked = []

    def after_the_first_view():
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(Stopped):
        predict_maps(
            BoxFilter(),
            plane,
            test_time_augmentations=8,
            callbacks=Callbacks(should_stop=after_the_first_view),
        )
    assert len(asked) == 2


class Failing(BoxFilter):
    """A predictor that runs out of memory at the third batch."""

    def predict(self, tiles):
        if len(self.shapes) == 2:
            raise MemoryError
        return super().predict(tiles)


@pytest.mark.parametrize("fails", [False, True])
def test_prediction_of_many_tiles_ends_at_once(monkeypatch, fails):
    predictor = Failing() if fails else BoxFilter()
    monkeypatch.setattr(maps_module, "CORE", 32)
    before = threading.active_count()
    with pytest.raises(MemoryError if fails else Stopped):
        predict_maps(
            predictor,
            np.zeros((320, 320, 3), np.float32),
            callbacks=Callbacks(should_stop=lambda: not fails and len(predictor.shapes) > 2),
        )
    assert len(predictor.shapes) <= 5
    assert threading.active_count() == before


def test_progress_counts_tiles(monkeypatch):
    monkeypatch.setattr(maps_module, "CORE", 64)
    heard = []
    predict_maps(
        BoxFilter(),
        random_plane((128, 128)),
        callbacks=Callbacks(lambda done, total, _: heard.append((done, total))),
    )
    assert heard == [(0, 4), (2, 4), (4, 4)]
