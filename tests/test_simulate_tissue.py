"""Simulated tissue looks like tissue, and its labels can be trusted."""

import dataclasses
import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import regionprops_table

from napari_nucseg.image import Species, Stain, TissueKind, simulate_tissue
from napari_nucseg.image.tissue.chromatin import Chromatin, Texture
from napari_nucseg.image.tissue.layout import lay_out
from napari_nucseg.image.tissue.masks import draw_labels, edge_depth, in_front, one_piece
from napari_nucseg.image.tissue.nuclei import Cell, Nuclei
from napari_nucseg.image.tissue.packing import far_enough, pack, smooth_noise

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def fields():
    """Four fields of each kind, fluorescent and stained."""
    stains = (Stain.FLUORESCENCE, Stain.HE, Stain.FLUORESCENCE, Stain.DAB)
    return {
        kind: [
            simulate_tissue((256, 256), kind, seed, diameter=16, stain=stain)
            for seed, stain in enumerate(stains)
        ]
        for kind in TissueKind
    }


def check_labels(labels):
    """Every label is one piece, and no number is missing."""
    present = np.unique(labels[labels > 0])
    assert present.tolist() == list(range(1, len(present) + 1))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        assert ndimage.label(labels[box] == number)[1] == 1


@pytest.mark.parametrize("kind", TissueKind)
@pytest.mark.parametrize("stain", Stain)
def test_every_kind_and_stain_gives_an_image_with_true_labels(kind, stain):
    field = simulate_tissue((90, 140), kind, 3, diameter=12, stain=stain)
    colored = stain is not Stain.FLUORESCENCE
    assert field.image.shape == ((90, 140, 3) if colored else (90, 140))
    assert field.axes == ("YXS" if colored else "YX")
    assert field.image.dtype in ((np.uint8,) if colored else (np.uint8, np.uint16))
    assert field.labels.shape == (90, 140)
    assert field.labels.dtype == np.int32
    assert field.nuclei > 10
    assert field.unit == "micrometer"
    check_labels(field.labels)


@settings(max_examples=12, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    diameter=st.floats(6, 60),
    kind=st.sampled_from(TissueKind),
    stain=st.sampled_from(Stain),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape_and_diameter_works(shape, diameter, kind, stain, seed):
    field = simulate_tissue(shape, kind, seed, diameter=diameter, stain=stain)
    assert field.shape == shape
    assert np.isfinite(np.asarray(field.image, float)).all()
    check_labels(field.labels)


def test_the_same_seed_gives_the_same_field():
    one, same, other = (simulate_tissue((80, 80), "mixed", seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.labels, same.labels)
    assert not np.array_equal(one.labels, other.labels)


def share_of_neighbors(labels):
    """Return the share of nuclei with a pixel beside another nucleus."""
    beside = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    touching = [
        pair[(one != two) & (one > 0) & (two > 0)] for one, two in beside for pair in (one, two)
    ]
    return len(np.unique(np.concatenate(touching))) / labels.max()


@pytest.mark.parametrize("kind", [TissueKind.EPITHELIUM, TissueKind.LYMPHOID])
def test_most_nuclei_of_packed_tissue_touch(fields, kind):
    assert min(share_of_neighbors(field.labels) for field in fields[kind]) > 0.6


def test_stroma_is_sparse_and_lymphoid_tissue_dense(fields):
    cover = {
        kind: np.mean([(field.labels > 0).mean() for field in fields[kind]])
        for kind in TissueKind
    }
    assert cover[TissueKind.STROMA] < 0.4 < cover[TissueKind.EPITHELIUM]
    assert cover[TissueKind.LYMPHOID] > 0.6


def whole_nuclei(field, *measures):
    """Measure the nuclei that the edge does not cut."""
    labels = field.labels
    edge = np.r_[labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    table = regionprops_table(labels, properties=("label", *measures))
    inner = ~np.isin(table["label"], edge)
    return [table[measure][inner] for measure in measures]


@pytest.mark.parametrize("kind", TissueKind)
@pytest.mark.parametrize("diameter", [8, 24])
def test_nuclei_have_about_the_diameter_that_was_asked_for(kind, diameter):
    side = 16 * diameter
    field = simulate_tissue((side, side), kind, 2, diameter=diameter)
    (areas,) = whole_nuclei(field, "area")
    # Between the glands there are smaller lymphocytes.
    wanted = pytest.approx(diameter, rel=0.3 if kind is TissueKind.MIXED else 0.15)
    assert 2 * math.sqrt(np.median(areas) / np.pi) == wanted


def test_epithelial_and_spindle_nuclei_are_long_and_lymphocytes_round(fields):
    stretch = {}
    for kind in TissueKind:
        axes = [whole_nuclei(f, "axis_major_length", "axis_minor_length") for f in fields[kind]]
        long, short = np.concatenate(axes, axis=1)
        stretch[kind] = np.median(long / short)
    assert stretch[TissueKind.LYMPHOID] < 1.35
    assert stretch[TissueKind.EPITHELIUM] > 1.4
    assert stretch[TissueKind.STROMA] > 1.6


def test_epithelial_nuclei_point_to_the_lumen():
    rng = np.random.default_rng(4)
    nuclei, ground = lay_out(TissueKind.EPITHELIUM, (400, 400), 20, rng)
    nuclei = nuclei.take(nuclei.cell == Cell.EPITHELIAL)
    rows, columns = np.clip(nuclei.places.astype(int), 0, 399).T
    down, right = np.gradient(ndimage.gaussian_filter(ground.lumen, 4))
    slope = np.arctan2(down[rows, columns], right[rows, columns])
    assert len(nuclei) > 50
    assert np.median(np.abs(np.cos(nuclei.angle - slope))) > 0.9


def test_spindles_lie_along_the_fibers():
    rng = np.random.default_rng(4)
    nuclei, ground = lay_out(TissueKind.STROMA, (400, 400), 15, rng)
    rows, columns = np.clip(nuclei.places.astype(int), 0, 399).T
    down, right = np.gradient(ground.across)
    slope = np.arctan2(down[rows, columns], right[rows, columns])
    assert np.median(np.abs(np.cos(nuclei.angle - slope))) < 0.3


def test_the_brightness_of_nuclei_varies_several_times():
    ratios = []
    for seed in range(6):
        field = simulate_tissue((200, 200), "lymphoid", seed, diameter=16, bits=12)
        light = field.image - np.percentile(field.image, 0.5)
        means = ndimage.mean(light, field.labels, np.arange(1, field.nuclei + 1))
        low, high = np.percentile(means, (3, 97))
        ratios.append(high / low)
    assert min(ratios) > 1.3
    assert max(ratios) > 4


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (12, np.uint16), (16, np.uint16)])
def test_fluorescence_has_the_depth_that_was_asked_for(bits, dtype):
    images = [simulate_tissue((70, 70), seed=seed, bits=bits).image for seed in range(5)]
    brightest = max(image.max() for image in images)
    assert {image.dtype for image in images} == {np.dtype(dtype)}
    assert 2**bits / 4 < brightest < 2**bits


def test_a_nucleus_of_a_mouse_has_a_few_chromocenters():
    rng = np.random.default_rng(2)
    places = np.stack(np.meshgrid(*[np.arange(40.0, 400, 80)] * 2), axis=-1).reshape(-1, 2)
    count = len(places)
    discs = Nuclei(places, np.full((count, 2), 30.0), np.zeros(count), np.ones(count, int))
    labels = draw_labels(discs, (400, 400), 60, rng)
    smooth = Chromatin(mottle=0, spots=0, nucleoli=0, rim=0, dome=0, gap=0, pale=0)
    spotted = dataclasses.replace(smooth, spots=2)
    depth = edge_depth(labels)
    amounts = Texture.drawn(60, rng).amounts(labels, depth, discs, spotted, rng)
    spots, _ = ndimage.label(amounts > 1.4)
    in_each = [len(np.unique(spots[labels == n])) - 1 for n in range(1, count + 1)]
    assert 4 <= np.median(in_each) <= 20
    assert amounts[depth > 10].max() > 2
    amounts = Texture.drawn(60, rng).amounts(labels, depth, discs, smooth, rng)
    np.testing.assert_allclose(amounts[labels > 0], 1)


def test_mouse_and_human_differ_only_in_the_look():
    mouse, human = (simulate_tissue((90, 90), seed=1, species=s, bits=8) for s in Species)
    np.testing.assert_array_equal(mouse.labels, human.labels)
    assert not np.array_equal(mouse.image, human.image)


def test_nuclei_are_bright_in_fluorescence_and_dark_in_a_stain(fields):
    for kind in TissueKind:
        for field in fields[kind]:
            grey = np.asarray(field.image, float)
            grey = grey.mean(axis=2) if field.is_color else -grey
            inside = edge_depth(field.labels) > 2
            assert np.median(grey[inside]) < np.median(grey[field.labels == 0])


def test_a_pixel_belongs_to_the_nucleus_in_front():
    front, behind = np.zeros((2, 10, 30), np.int32)
    front[2:8, 5:15] = 1
    behind[2:8, 10:20] = 2  # half of it is seen
    behind[3:7, 4:16] = 3  # a sixth is seen, in two pieces
    behind[2:8, 22:28] = 4
    joined = in_front(front, behind, 0.4)
    assert (joined[front > 0] == 1).all()
    assert (joined[2:8, 16:20] == 2).all()
    assert np.unique(joined).tolist() == [0, 1, 2, 4]


def test_nuclei_press_flat_on_each_other():
    """Two equal discs that overlap share a straight face in the middle."""
    discs = Nuclei(
        np.array([[20.0, 15], [20, 25]]), np.full((2, 2), 8.0), np.zeros(2), np.ones(2, int)
    )
    labels = draw_labels(discs, (40, 40), 1e-6, np.random.default_rng(0))
    check_labels(labels)
    beside = (labels[:, 1:] == 2) & (labels[:, :-1] == 1)
    assert np.ptp(np.nonzero(beside)[1]) <= 3
    assert beside.sum() >= 8
    np.testing.assert_allclose(np.bincount(labels.ravel())[1:], 180, rtol=0.15)


def test_only_the_largest_piece_of_a_label_stays():
    labels = np.array([[1, 1, 0, 1], [0, 0, 2, 0], [3, 3, 2, 2]], np.int32)
    assert one_piece(labels).tolist() == [[1, 1, 0, 0], [0, 0, 2, 0], [3, 3, 2, 2]]


def test_depth_counts_from_the_outline_and_from_the_neighbor():
    labels = np.zeros((7, 12), np.int32)
    labels[1:6, 1:6], labels[1:6, 6:11] = 1, 2
    depth = edge_depth(labels)
    assert depth[3].tolist() == [0, 0.5, 1.5, 2.5, 1.5, 0.5, 0.5, 1.5, 2.5, 1.5, 0.5, 0]


def test_packed_points_keep_their_distance():
    rng = np.random.default_rng(1)
    points = pack(rng.uniform(0, 100, (60, 2)), np.full(60, 5.0), rng, steps=60)
    distance = np.hypot(*(points[:, np.newaxis] - points).T) + 100 * np.eye(60)
    assert distance.min() > 8
    stay = far_enough(points, np.full(60, 14.0))
    assert 1 < stay.sum() < 60
    assert distance[stay][:, stay].min() >= 14


@pytest.mark.parametrize("size", [1.0, 5.0, 40.0])
def test_noise_has_its_deviation_and_size(size):
    noise = smooth_noise((600, 600), size, np.random.default_rng(0))
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert noise.std() == pytest.approx(1, abs=0.25)
    shift = max(1, round(size / 4))
    near = np.corrcoef(noise[:, shift:].ravel(), noise[:, :-shift].ravel())[0, 1]
    assert near > (0.2 if size == 1 else 0.7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": (0, 10)}, "Expected a shape"),
        ({"shape": (10, 10, 3)}, "Expected a shape"),
        ({"kind": "bone"}, "bone"),
        ({"stain": "silver"}, "silver"),
        ({"species": "fish"}, "fish"),
        ({"diameter": 5}, "Expected a diameter"),
        ({"diameter": float("nan")}, "Expected a diameter"),
        ({"bits": 10}, "Expected 8, 12 or 16 bits"),
        ({"seed": -1}, "Expected a seed"),
        ({"seed": 2**32}, "Expected a seed"),
        ({"seed": 1.5}, "Expected a seed"),
    ],
)
def test_a_wrong_argument_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        simulate_tissue(**{"shape": (40, 40), **wrong})


@pytest.fixture(scope="module")
def test_set():
    """The module with the fixed test set."""
    name = "_tissue"
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def first(test_set):
    """The first field of the test set."""
    return next(test_set.test_fields())


def test_no_seed_gives_a_field_of_the_test_set(test_set, first):
    """They come from streams of random numbers that never meet."""
    seeds = {test_set._SEED, *range(100)}
    drawn = {
        tuple(
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).integers(
                0, 2**62, 3
            )
        )
        for seed in seeds
    }
    held = {tuple(test_set.random_numbers(n).integers(0, 2**62, 3)) for n in range(40)}
    assert len(held) == 40
    assert not held & drawn
    same_seed = simulate_tissue(
        first.field.shape, first.kind, test_set._SEED, diameter=first.diameter
    )
    assert not np.array_equal(first.field.labels, same_seed.labels)


def test_the_first_field_of_the_test_set_is_what_the_table_says(test_set, first):
    assert test_set.changed([first]) == []
    assert first.field.shape == (512, 512)
    darker = first.field.image // 2
    other = first.field.__class__(darker, labels=first.field.labels)
    wrong = test_set.TestField(0, first.kind, first.stain, first.diameter, other)
    assert test_set.changed([wrong]) == [0]
