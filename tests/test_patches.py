"""Patches for training: what they show, and other intensities and stains for them."""

import dataclasses

import numpy as np
import pytest
from skimage import measure

from napari_nucseg.training.intensities import change_intensities, dim_nuclei
from napari_nucseg.training.patches import batches, prepare_field
from napari_nucseg.training.targets import target_maps
from napari_nucseg.training.tissue import paint_tissue, recolor_tissue

SEEDS = range(40)


def test_patches_follow_from_the_seed_and_differ_otherwise(simulated):
    source = prepare_field(simulated)

    def first(seed):
        options = {"batch_size": 2, "patch_size": 64, "count": 1, "seed": seed}
        return next(batches([[source]], [1], **options))[0]

    assert (first((0, 1)) == first((0, 1))).all()
    assert (first((0, 1)) != first((0, 2))).any()


def test_patches_have_the_shapes_and_ranges_of_the_network(simulated):
    (images, targets), *_ = batches(
        [[prepare_field(simulated)]], [1], batch_size=3, patch_size=64, seed=(0,), count=1
    )
    assert images.shape == (3, 64, 64, 3)
    assert targets["maps"].shape == (3, 64, 64, 4)
    assert targets["size"].shape == (3, 8, 8, 2)
    assert set(np.unique(targets["maps"][..., 0])) <= {0, 1}


def test_all_numbers_of_a_patch_are_in_range_whatever_the_image(simulated):
    image = simulated.image.astype(np.float32)
    image[:5, :5] = np.nan
    color = np.stack([image, image / 2, image / 4], axis=-1)
    for one, axes in ((image, "YX"), (color, "YXS")):
        source = prepare_field(dataclasses.replace(simulated, image=one, axes=axes))
        for images, targets in batches(
            [[source]],
            [1],
            batch_size=8,
            patch_size=64,
            seed=(7,),
            count=10,
            synthetic_stain=0.3,
            stain_augmentation=0.3,
        ):
            assert -0.5 <= images.min() < images.max() <= 1.5
            assert np.isfinite(images).all()
            assert all(np.isfinite(target).all() for target in targets.values())


def test_as_many_patches_are_painted_as_asked_for(simulated):
    def painted(part):
        options = {"batch_size": 60, "patch_size": 64, "seed": (0,), "count": 1}
        (images, _), *_ = batches(
            [[prepare_field(simulated)]], [1], synthetic_stain=part, **options
        )
        return 1 - (images == images[..., :1]).all(axis=(1, 2, 3)).mean()

    assert painted(0.0) == 0
    # Some of those that are painted are made grey again, as a grey camera would.
    assert abs(painted(0.5) - 0.47) < 0.15
    assert painted(1.0) > 0.75


def test_distance_of_a_patch_is_that_of_its_nuclei(simulated):
    options = {"batch_size": 6, "patch_size": 128, "seed": (3,), "count": 1}
    (_, targets), *_ = batches([[prepare_field(simulated)]], [1], **options)
    for maps in targets["maps"]:
        labels = measure.label(maps[..., 0] * (1 - maps[..., 2]), connectivity=1)
        inner = np.zeros(labels.max() + 1)
        np.maximum.at(inner, labels.ravel(), maps[..., 1].ravel())
        assert (maps[..., 1][maps[..., 0] == 0] == 0).all()
        area = np.bincount(labels.ravel())
        # Small pieces are what the boundary leaves of a nucleus whose middle is elsewhere.
        assert (inner[1:][area[1:] > 60] > 0.9).all()


def test_a_field_without_nuclei_gives_patches_without_nuclei(simulated):
    empty = dataclasses.replace(simulated, labels=np.zeros(simulated.shape, np.int32))
    for images, targets in batches(
        [[prepare_field(empty)]],
        [1],
        batch_size=8,
        patch_size=64,
        seed=(0,),
        count=5,
        synthetic_stain=1,
    ):
        assert np.isfinite(images).all()
        assert not targets["maps"][..., :3].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_other_intensities_follow_from_the_seed_and_keep_the_channels(channels):
    image = np.random.default_rng(0).random((64, 64, channels), np.float32)
    for seed in SEEDS:
        one, two = (
            change_intensities(image, 20.0, np.random.default_rng(seed)) for _ in range(2)
        )
        assert one.shape == image.shape
        assert -0.5 <= one.min() <= one.max() <= 1.5
        np.testing.assert_array_equal(one, two)


def test_dark_nuclei_of_a_stain_stay_dark_and_fluorescent_ones_may_not():
    plane = np.full((64, 64, 3), 0.8, np.float32)
    plane[20:44, 20:44] = 0.2

    def darker(image):
        for seed in range(100):
            changed = change_intensities(image, 24.0, np.random.default_rng(seed))
            yield changed[24:40, 24:40].mean() < changed[24:40, [8, 55]].mean()

    assert all(darker(plane))
    assert not all(darker(plane[..., :1]))


def test_dimmed_nuclei_are_darker_each_by_its_own_factor(two_nuclei):
    labels = np.kron(two_nuclei, np.ones((4, 4), np.int32))
    image = np.ones((*labels.shape, 1), np.float32)
    dimmed = dim_nuclei(image, labels, np.random.default_rng(0))[..., 0]
    inner = target_maps(labels)[..., 1] > 0.9
    left, right = (dimmed[inner & (labels == label)] for label in (1, 2))
    assert left.min() > 0.24
    assert left.max() < 1
    assert np.ptp(left) < 0.05 < abs(left.mean() - right.mean())
    np.testing.assert_allclose(dimmed[0], 1, atol=1e-4)


def test_painted_nuclei_are_darker_than_what_is_around_them_in_most_tissue(simulated):
    source = prepare_field(simulated)
    labels, distance = source.labels, target_maps(source.labels)[..., 1]
    darker = []
    for seed in SEEDS:
        one, two = (
            paint_tissue(source.plane, labels, distance, 24.0, np.random.default_rng(seed))
            for _ in range(2)
        )
        assert one.shape == (*labels.shape, 3)
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)
        darker.append(one[distance > 0.5].mean() < one[labels == 0].mean())
    assert np.mean(darker) > 0.8


def test_dark_nuclei_of_bright_field_are_painted_dark_too(simulated):
    source = prepare_field(simulated)
    distance = target_maps(source.labels)[..., 1]
    darker = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        one = paint_tissue(1 - source.plane, source.labels, distance, 24.0, rng)
        darker.append(one[distance > 0.5].mean() < one[source.labels == 0].mean())
    assert np.mean(darker) > 0.8


def test_a_nucleus_that_fills_the_patch_is_painted_too():
    labels = np.ones((64, 64), np.int32)
    distance = target_maps(labels)[..., 1]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        plane = rng.random((64, 64, 1), dtype=np.float32)
        assert np.isfinite(paint_tissue(plane, labels, distance, 64.0, rng)).all()


def test_recolored_nuclei_have_another_color_than_what_is_around_them(two_nuclei):
    labels = np.kron(two_nuclei, np.ones((4, 4), np.int32))
    grey = np.where(labels > 0, 0.2, 0.7).astype(np.float32)
    image = np.repeat(grey[..., None], 3, axis=-1)
    inner = target_maps(labels)[..., 1] > 0.9
    for seed in SEEDS:
        one, two = (
            recolor_tissue(image, labels, 8.0, np.random.default_rng(seed)) for _ in range(2)
        )
        np.testing.assert_array_equal(one, two)
        nucleus, around = one[inner].mean(0), one[0, 0]
        assert nucleus.mean() < around.mean()
        # Blue of the nuclei, of all colors, is absorbed least.
        assert nucleus[2] - nucleus.mean() > 0.05


def test_light_of_a_dye_is_sometimes_taken_for_stain_and_a_color_image_never():
    labels = np.zeros((60, 90), np.int32)
    labels[5:55, 5:40], labels[5:55, 50:85] = 1, 2
    distance = target_maps(labels)[..., 1]
    inner = distance > 0.3
    # Chromatin in grains that no blur of the painting takes away.
    grains = np.random.default_rng(0).random((10, 15))
    chromatin = np.kron(grains, np.ones((6, 6))) * 0.6 + 0.4

    def alike(channels):
        light = np.where(labels > 0, chromatin, 0.1)[..., None]
        image = np.repeat(light, channels, axis=-1).astype(np.float32)
        correlations = []
        for seed in SEEDS:
            painted = paint_tissue(image, labels, distance, 24.0, np.random.default_rng(seed))
            pairs = np.stack([light[..., 0][inner], painted.mean(-1)[inner]])
            correlations.append(np.corrcoef(pairs)[0, 1])
        return np.mean(np.array(correlations) < -0.5)

    assert 0.15 < alike(1) < 0.65
    assert alike(3) == 0


@pytest.mark.parametrize("shape", [(50, 77), (131, 64)])
def test_tissue_of_any_shape_is_painted_and_recolored(shape):
    labels = np.zeros(shape, np.int32)
    labels[10:30, 10:30], labels[12:28, 35:60] = 1, 2
    distance = target_maps(labels)[..., 1]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        plane = rng.random((*shape, 1), dtype=np.float32)
        painted = paint_tissue(plane, labels, distance, 20.0, rng)
        assert painted.shape == (*shape, 3)
        assert np.isfinite(painted).all()
        recolored = recolor_tissue(painted, labels, 20.0, rng)
        assert recolored.shape == (*shape, 3)
        assert np.isfinite(recolored).all()


def test_holes_are_cut_into_what_is_no_nucleus():
    labels = np.zeros((96, 96), np.int32)
    labels[30:66, 30:66] = 1
    image = np.full((96, 96, 3), 0.5, np.float32)
    image[labels > 0] = 0.2
    inner = target_maps(labels)[..., 1] > 0.5
    with_holes = 0
    for seed in SEEDS:
        recolored = recolor_tissue(image, labels, 24.0, np.random.default_rng(seed))
        white = (recolored > 0.97).all(-1)
        assert not (white & inner).any()
        with_holes += white.any()
    assert 0.1 < with_holes / len(SEEDS) < 0.5


def test_color_images_are_sometimes_compressed_and_fluorescence_never():
    slope = np.linspace(0.3, 0.6, 128)[:, None] + np.linspace(0.0, 0.2, 128)

    def in_blocks(channels):
        image = np.repeat(slope[..., None], channels, axis=-1).astype(np.float32)
        found = 0
        for seed in range(100):
            changed = change_intensities(image, 24.0, np.random.default_rng(seed))
            steps = np.abs(np.diff(changed.mean(-1), axis=1)).mean(0)
            # The steps from one block of 8 by 8 pixels to the next.
            between = np.arange(1, 128) % 8 == 0
            found += steps[between].mean() > 1.5 * steps[~between].mean()
        return found

    assert in_blocks(3) >= 4
    assert in_blocks(1) == 0
