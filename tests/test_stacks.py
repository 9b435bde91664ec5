"""Stacks and series are segmented plane by plane, as their axes say."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage

from napari_nucseg.image import simulate_stack
from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.field import Field
from napari_nucseg.pipeline.parameters import SegmentParameters, StackParameters
from napari_nucseg.pipeline.predictor import DEFAULT_SPEC
from napari_nucseg.pipeline.segmentation import segment_field
from napari_nucseg.pipeline.stacks import relabel, segment_image
from napari_nucseg.pipeline.volumes import mean_plane, side_planes
from napari_nucseg.support.callbacks import Callbacks, Stopped

PARAMETERS = SegmentParameters(diameter=20)
MICROMETERS = dict.fromkeys("ZYX", "micrometer")


class Bright:
    """A predictor that takes what is bright for nuclei."""

    spec = dataclasses.replace(DEFAULT_SPEC, diameter=20.0, halo=8, stride=8)

    def predict(self, tiles):
        light = ndimage.gaussian_filter(tiles.mean(-1), (0, 1, 1), mode="nearest").clip(0, 1)
        maps = np.stack([light, light, np.zeros_like(light)], -1).astype(np.float32)
        step = self.spec.size_stride
        rows, columns = (-(-length // step) for length in tiles.shape[1:3])
        return maps, np.zeros((len(tiles), rows, columns), np.float32)

    def resize(self, tiles, shape):
        if tiles.shape[1:3] == tuple(shape):
            return tiles
        factors = (1, *(new / old for new, old in zip(shape, tiles.shape[1:3], strict=True)), 1)
        return ndimage.zoom(tiles, factors, order=1, mode="nearest", grid_mode=True)


def balls(*centers, shape=(8, 48, 64), depth=4.0, radius=10.0):
    """Gray balls, each brightest in its middle and given by z, y, x."""
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    image = np.zeros(shape)
    for cz, cy, cx in centers:
        away = np.sqrt(((z - cz) * depth) ** 2 + (y - cy) ** 2 + (x - cx) ** 2)
        image = np.maximum(image, (1.5 - away / radius).clip(0, 1))
    return (1000 * image).astype(np.uint16)


def stack(array, depth=4.0, axes="ZYX"):
    spacing = {"Z": depth / 2, "Y": 0.5, "X": 0.5}
    return ArrayImage(array, axes, name="cells", spacing=spacing, unit=MICROMETERS)


def found_in(image, callbacks=Callbacks(), parameters=PARAMETERS, **options):
    return segment_image(image, Bright(), parameters, StackParameters(**options), callbacks)


def test_nucleus_has_one_number_in_all_planes():
    image = stack(balls((3, 20, 16), (4, 24, 46)))
    found = found_in(image)
    assert (found.axes, found.labels.shape, found.labels.dtype) == (
        "ZYX",
        (8, 48, 64),
        np.int32,
    )
    assert [found.labels[3, 20, 16], found.labels[4, 24, 46], found.labels.max()] == [1, 2, 2]
    assert found.probability.shape == found.labels.shape
    assert found.tracks is None
    assert found.maps is None
    table = found.nuclei
    assert list(table)[:4] == ["label", "centroid_z", "centroid_y", "centroid_x"]
    assert np.allclose(table["centroid_z"], [3, 4], atol=0.5)
    assert (table["voxels"] == np.bincount(found.labels.ravel())[1:]).all()
    made = found.provenance
    assert (made["axes"], made["directions"], made["voxel_depth"]) == ("ZYX", 1, 4.0)
    assert made["understood"] == "8 planes of 48 x 64"
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize("depth", [1.0, 2.0, 3.0])
def test_voxels_nearly_as_deep_as_wide_are_seen_from_three_directions(depth):
    planes = round(48 / depth)
    image = balls(
        (12 / depth, 20, 16), (34 / depth, 20, 16), shape=(planes, 40, 32), depth=depth
    )
    found = found_in(stack(image, depth))
    assert found.provenance["directions"] == 3
    assert found.labels.max() == 2
    assert [found.labels[round(z / depth), 20, 16] for z in (12, 34)] == [1, 2]
    flat = found_in(stack(image, depth), directions=1)
    assert flat.provenance["directions"] == 1
    assert flat.labels.max() == 2


def test_spacing_decides_and_a_person_overrules():
    array = balls((4, 20, 16), shape=(9, 40, 32))
    assert found_in(ArrayImage(array, "ZYX")).provenance["directions"] == 1
    given = found_in(ArrayImage(array, "ZYX"), voxel_depth=2.5).provenance
    assert (given["directions"], given["voxel_depth"]) == (3, 2.5)
    assert found_in(stack(array, 2.5), directions=1).provenance["directions"] == 1
    assert found_in(stack(array, 9), directions=3).provenance["directions"] == 3
    # Where the stack is flatter than a nucleus, its sides show nothing.
    assert found_in(stack(array[:3], 2.5)).provenance["directions"] == 1
    with pytest.raises(ValueError, match="Expected 1 or 3 directions"):
        StackParameters(directions=2)


def test_minimum_size_counts_voxels_of_the_whole_nucleus():
    image = stack(balls((4, 20, 16)))
    volume = np.count_nonzero(found_in(image).labels)
    largest = max(np.count_nonzero(plane) for plane in found_in(image).labels)
    for size, count in ((largest + 1, 1), (volume, 1), (volume + 1, 0)):
        few = dataclasses.replace(PARAMETERS, minimum_size=size)
        assert found_in(image, parameters=few).labels.max() == count


def moving(light=(1, 1, 1)):
    frames = [n * balls((0, 20, 15 + 6 * t), shape=(1, 40, 60))[0] for t, n in enumerate(light)]
    return np.stack(frames).astype(np.float32)


def test_nucleus_keeps_its_number_through_time():
    found = found_in(ArrayImage(moving(), "TYX"))
    assert (found.axes, found.labels.shape) == ("TYX", (3, 40, 60))
    assert found.labels.max() == 1
    assert found.tracks.frame.tolist() == [0, 1, 2]
    assert found.nuclei["t"].tolist() == [0, 1, 2]
    assert np.allclose(found.nuclei["centroid_x"], [15, 21, 27], atol=0.5)
    assert found_in(ArrayImage(moving(), "TYX"), largest_step=0.1).labels.max() == 3


def test_range_is_one_for_all_or_one_per_frame():
    fading = ArrayImage(moving((1, 1, 0.2)), "TYX")
    assert found_in(fading).tracks.frame.tolist() == [0, 1]
    assert found_in(fading, range_per_frame=True).tracks.frame.tolist() == [0, 1, 2]


def test_axes_of_any_order_with_channels_and_colors():
    one = balls((3, 20, 16), (4, 24, 46))
    expected = found_in(stack(one)).labels
    series = np.stack([one, one])
    channels = np.stack([np.zeros_like(series), series], axis=1)  # T, C, Z, Y, X
    image = ArrayImage(
        channels, "TCZYX", spacing={"Z": 2, "Y": 0.5, "X": 0.5}, unit=MICROMETERS
    )
    found = found_in(image, parameters=dataclasses.replace(PARAMETERS, channel=1))
    assert (found.axes, found.tracks.track.tolist()) == ("TZYX", [1, 1, 2, 2])
    assert (found.labels == expected).all()
    with pytest.raises(ValueError, match="Choose a channel from 0 to 1"):
        found_in(image)
    color = np.repeat(one[..., np.newaxis] // 4, 3, axis=-1).astype(np.uint8)
    found = found_in(stack(color, axes="ZYXS"))
    assert (found.axes, found.labels.shape, found.labels.max()) == ("ZYX", one.shape, 2)
    turned = stack(np.moveaxis(one, 0, -1), axes="YXZ")
    assert (found_in(turned).labels == expected).all()


def test_plane_is_segmented_as_ever():
    plane = balls((4, 20, 16))[4]
    found = found_in(ArrayImage(plane[np.newaxis], "ZYX"))
    assert (found.axes, found.labels.shape) == ("YX", plane.shape)
    assert (found.labels == segment_field(Field(plane), Bright(), PARAMETERS).labels).all()


def test_planes_are_read_one_at_a_time():
    reads = []

    class Lazy:
        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __getitem__(self, index):
            part = self.array[index]
            reads.append(part.shape)
            return part

    array = np.stack([balls((3, 20, 16))] * 2)
    image = ArrayImage(Lazy(array), "TZYX", spacing={"Z": 2, "Y": 0.5, "X": 0.5})
    found_in(image)
    assert set(reads) == {array.shape[2:]}
    assert len(reads) == 2 * 16  # once to measure, once to segment


def test_person_is_told_and_may_stop():
    image = stack(balls((3, 20, 16)))
    calls = []
    found_in(image, Callbacks(lambda *call: calls.append(call)))
    steps = [done for done, total, _ in calls if total == 8]
    assert steps == list(range(8))
    with pytest.raises(Stopped):
        found_in(image, Callbacks(should_stop=lambda: len(calls) and bool(calls.pop())))


@pytest.mark.parametrize(
    ("array", "axes", "depth"),
    [
        (balls((3, 20, 16), (4, 24, 46)), "ZYX", 4.0),
        (balls((3, 20, 16), (4, 24, 46)), "ZYX", 2.5),
        (moving(), "TYX", 1.0),
    ],
)
def test_relabel_equals_segmenting_with_the_parameters(array, axes, depth):
    image = stack(array, depth, axes)
    kept = segment_image(image, Bright(), PARAMETERS, keep_maps=True)
    assert kept.maps.values.shape == (*array.shape, 3)
    other = dataclasses.replace(PARAMETERS, probability=0.8, minimum_size=50)
    again = relabel(kept, other)
    fresh = segment_image(image, Bright(), other)
    assert (again.labels == fresh.labels).all()
    assert (again.labels != kept.labels).any()
    assert again.provenance["parameters"] == other.as_dict()
    assert (again.tracks is None) == (axes == "ZYX")


def test_stack_of_labels_is_pointed_out():
    blocks = np.kron(np.arange(12).reshape(1, 3, 4), np.ones((5, 16, 16), int)).astype(np.int32)
    with pytest.warns(UserWarning, match="looks like labels"):
        found_in(ArrayImage(blocks, "ZYX"))


def test_mean_of_planes_is_small_beside_a_nucleus():
    volume = np.zeros((9, 5, 6), np.uint16)
    volume[4] = 100
    assert (mean_plane(volume, "Z", 4, 20.0, 8.0) == 100).all()  # too far apart
    mean = [float(mean_plane(volume, "Z", z, 20.0, 1.0)[0, 0]) for z in range(9)]
    assert mean == mean[::-1]
    assert sum(mean) == pytest.approx(100, rel=0.01)
    assert mean[4] > mean[3] > mean[2] > 0 == mean[0]
    assert mean_plane(volume, "Y", 0, 20.0, 1.0).shape == (9, 6)
    assert mean_plane(volume, "X", 5, 20.0, 1.0).shape == (9, 5)


def test_side_planes_reach_from_edge_to_edge():
    assert side_planes(5, 10) == [0, 1, 2, 3, 4]
    assert side_planes(10, 56) == [0, 4, 8, 9]


@pytest.mark.parametrize("depth", [1, 6])
def test_simulated_stack_is_what_it_says(depth):
    made = simulate_stack((36 // depth, 48, 48), depth=depth, diameter=14, seed=2)
    assert made.image.spacing[0] == depth * made.image.spacing[1]
    numbers = np.unique(made.labels[made.labels > 0])
    assert numbers.tolist() == list(range(1, numbers.size + 1))
    assert 0.08 < np.mean(made.labels > 0) < 0.2
    for number in numbers:
        assert ndimage.label(made.labels == number)[1] == 1
    inside = made.labels[0] > 0
    assert made.image.array[0][inside].mean() > 2 * made.image.array[0][~inside].mean() - 100
    again = simulate_stack((36 // depth, 48, 48), depth=depth, diameter=14, seed=2)
    assert (again.image.array == made.image.array).all()
    with pytest.raises(ValueError, match=r"coverage from 0 to 0\.5, got 2"):
        simulate_stack(coverage=2)
    with pytest.raises(ValueError, match="planes, rows and columns"):
        simulate_stack((8, 8))


def test_nuclei_of_a_stack_are_looked_for_in_the_channel_named_after_them():
    nuclei, other = balls((3, 20, 16)), balls((3, 20, 16), (4, 24, 46))
    image = stack(np.stack([other, nuclei]), axes="CZYX")
    image.channel_names = ("GFP", "DAPI")
    with pytest.warns(UserWarning, match=r"in DAPI only, which is channel 1\. .* 0 \(GFP\)"):
        found = found_in(image)
    assert (found.labels == found_in(stack(nuclei)).labels).all()
    assert (found.provenance["channel"], found.provenance["channel_chosen"]) == (1, True)
    chosen = found_in(image, parameters=dataclasses.replace(PARAMETERS, channel=0))
    assert chosen.labels.max() == 2
    assert (chosen.provenance["channel"], chosen.provenance["channel_chosen"]) == (0, False)


@pytest.mark.parametrize(("axes", "depth"), [("ZYX", 4.0), ("ZYX", 2.5), ("TYX", 1.0)])
def test_nuclei_of_several_dyes_on_black_are_looked_for_in_their_color(axes, depth):
    shape = (8, 64, 96)
    nuclei = balls((3, 24, 20), (4, 40, 70), shape=shape)
    cells = balls((3, 24, 20), (4, 40, 70), shape=shape, radius=24.0) > 100
    colors = np.zeros((*shape, 3), np.uint8)
    colors[..., 2] = nuclei // 5
    colors[..., 1] = 180 * cells
    with pytest.warns(UserWarning, match="several dyes on black.* in blue only"):
        found = found_in(stack(colors, depth, axes=f"{axes}S"))
    blue = found_in(stack(colors[..., 2], depth, axes))
    assert blue.labels.max() == 2
    assert (found.labels == blue.labels).all()
    assert (found.provenance["channel"], found.provenance["channel_chosen"]) == (2, True)


def test_hot_pixels_do_not_decide_the_range_of_a_stack():
    clean = balls((3, 20, 16), (4, 40, 60), shape=(8, 64, 96)) + np.uint16(50)
    rng = np.random.default_rng(1)
    clean += rng.integers(0, 20, clean.shape, np.uint16)
    hot = clean.copy()
    hot[rng.random(clean.shape) < 0.01] = 65535
    for depth in (4.0, 2.5):
        found, expected = found_in(stack(hot, depth)), found_in(stack(clean, depth))
        assert [found.labels.max(), expected.labels.max()] == [2, 2]
        overlap = np.mean((found.labels == expected.labels)[expected.labels > 0])
        assert overlap > 0.95


def test_oddities_of_a_stack_are_pointed_out():
    array = balls((3, 20, 16)).astype(np.float32)
    array[2, :2, :3] = np.nan
    expected = found_in(stack(np.nan_to_num(array))).labels
    text = r"'cells', got NaN or infinity for 6 of 24576 intensities in 8 of its planes"
    with pytest.warns(UserWarning, match=text):
        assert (found_in(stack(array)).labels == expected).all()
    large = dataclasses.replace(PARAMETERS, diameter=65)
    with pytest.warns(UserWarning, match="48 x 64 pixels, got a diameter of 65 pixels"):
        found_in(stack(np.nan_to_num(array)), parameters=large)
