"""The simulator makes fields whose labels can be trusted."""

import numpy as np
import pytest
from scipy import ndimage

from napari_nucseg.image.simulate import simulate_field


@pytest.fixture(scope="module")
def field():
    return simulate_field((256, 384), touching=0.6, seed=7)


def test_the_field_is_a_camera_image_with_labels(field):
    assert field.image.dtype == np.uint16
    assert field.labels.dtype == np.int32
    assert field.image.shape == field.labels.shape == (256, 384)
    assert field.axes == "YX"
    assert field.unit == "micrometer"


def test_the_same_seed_gives_the_same_field(field):
    again = simulate_field((256, 384), touching=0.6, seed=7)
    other = simulate_field((256, 384), touching=0.6, seed=8)
    np.testing.assert_array_equal(again.image, field.image)
    np.testing.assert_array_equal(again.labels, field.labels)
    assert not np.array_equal(other.labels, field.labels)


@pytest.mark.parametrize("coverage", [0.0, 0.1, 0.2, 0.4])
def test_nuclei_cover_the_share_that_was_asked_for(coverage):
    labels = simulate_field(coverage=coverage).labels
    assert np.mean(labels > 0) == pytest.approx(coverage, abs=0.01)


def test_a_full_field_ends(field):
    labels = simulate_field((128, 128), coverage=0.6, touching=0).labels
    assert 0.3 < np.mean(labels > 0) < 0.61


@pytest.mark.parametrize(("diameter", "side"), [(4, 160), (9, 240), (24, 400), (70, 600)])
def test_nuclei_have_the_diameter_that_was_asked_for(diameter, side):
    labels = simulate_field((side, side), diameter=diameter, touching=0).labels
    inner = np.setdiff1d(labels, np.r_[labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    areas = np.bincount(labels.ravel())[inner]
    assert 2 * np.sqrt(np.median(areas) / np.pi) == pytest.approx(diameter, rel=0.2)


@pytest.mark.parametrize(("diameter", "touching"), [(5, 1.0), (20, 1.0), (40, 0.5)])
def test_every_label_is_one_piece_and_none_is_missing(diameter, touching):
    shape = (15 * diameter, 15 * diameter)
    labels = simulate_field(
        shape, diameter=diameter, touching=touching, coverage=0.4, seed=3
    ).labels
    present = np.unique(labels)
    assert present.tolist() == list(range(len(present)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        assert ndimage.label(labels[box] == number)[1] == 1


def _share_of_neighbors(labels):
    """Return the share of nuclei with a pixel beside another nucleus."""
    beside = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    touching = [
        pair[(one != two) & (one > 0) & (two > 0)] for one, two in beside for pair in (one, two)
    ]
    return len(np.unique(np.concatenate(touching))) / labels.max()


def test_nuclei_touch_as_often_as_was_asked_for():
    apart, some, many = (
        _share_of_neighbors(simulate_field(touching=touching, seed=5).labels)
        for touching in (0.0, 0.3, 1.0)
    )
    assert apart == 0
    assert 0.1 < some < many


def test_nuclei_are_brighter_than_the_background_and_blurred(field):
    image, inside = field.image.astype(float), field.labels > 0
    nuclei, background = (
        image[inside].mean(),
        image[ndimage.distance_transform_edt(~inside) > 8],
    )
    assert nuclei > 3 * background.mean()
    assert background.std() > 2
    rim = (ndimage.distance_transform_edt(~inside) <= 1.5) & ~inside
    assert background.mean() < image[rim].mean() < nuclei


def test_a_tiny_field_works():
    assert simulate_field((1, 1), coverage=0.2).image.shape == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (0, 10)},
        {"shape": (10, 10, 3)},
        {"shape": (10.5, 10)},
        {"diameter": 1},
        {"coverage": 0.9},
        {"touching": -0.1},
        {"touching": float("nan")},
    ],
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(ValueError, match=f"Expected (a )?{next(iter(wrong))}"):
        simulate_field(**wrong)
