"""Light of several dyes on black: the color of the nuclei is found, and stains stay colors."""

import itertools
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
from scipy import ndimage
from skimage.io import imread

from napari_nucseg import evaluate, find_nuclei
from napari_nucseg.cli import main
from napari_nucseg.image.channel_names import named_nuclear_channel
from napari_nucseg.image.files import read_image
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.image.tissue import Stain, simulate_tissue
from napari_nucseg.pipeline.composite import nuclear_color
from napari_nucseg.pipeline.normalize import measure_range, normalize

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def nuclei_field():
    return simulate_field((256, 256), seed=5)


def whole_cells(labels, rng):
    return ndimage.distance_transform_edt(labels == 0) < 10


def rings(labels, rng):
    return whole_cells(labels, rng) & (labels == 0)


def some_cells(labels, rng):
    away, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    return (away < 10) & (rng.random(labels.max() + 1) < 0.4)[labels[tuple(nearest)]]


def everywhere(labels, rng):
    return 1 + 0.3 * ndimage.gaussian_filter(rng.standard_normal(labels.shape), 2)


def fibers(labels, rng):
    noise = ndimage.gaussian_filter(rng.standard_normal(labels.shape), (1, 14))
    return np.clip(noise / noise.std(), 0, None)


def composite(field, around, colors, brightness, dtype=np.uint8):
    """Nuclei in the first color, something else in the second."""
    rng = np.random.default_rng(0)
    most = 200 if dtype == np.uint8 else 4000
    image = np.zeros((*field.shape, 3))
    light = np.asarray(field.image).astype(float)
    image[..., colors[0]] = np.clip((light - 130) / 1800, 0, 1)
    other = ndimage.gaussian_filter(np.asarray(around(field.labels, rng), float), 1)
    image[..., colors[1]] = (0.5 * brightness * other).clip(0, 1)
    image += 0.01 * rng.random(image.shape)
    return (most * image).clip(0, np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("brightness", [0.5, 1])
@pytest.mark.parametrize("around", [whole_cells, rings, some_cells, everywhere, fibers])
def test_blue_nuclei_are_found_beside_another_color(nuclei_field, around, brightness, dtype):
    for other in (0, 1):
        image = composite(nuclei_field, around, (2, other), brightness, dtype)
        assert nuclear_color(image) == 2


@pytest.mark.parametrize("around", [whole_cells, rings, fibers])
def test_nuclei_may_have_any_color(nuclei_field, around):
    for colors in itertools.permutations(range(3), 2):
        assert nuclear_color(composite(nuclei_field, around, colors, 1)) == colors[0]


def test_one_color_alone(nuclei_field):
    for color in range(3):
        image = composite(nuclei_field, lambda labels, rng: 0 * labels, (color, color - 1), 1)
        assert nuclear_color(image) == color


@pytest.mark.parametrize("name", ["violet", "purple"])
def test_stained_tissue_is_looked_at_in_color(name):
    assert nuclear_color(imread(DATA / f"{name}.png")) is None


@pytest.mark.parametrize("stain", [Stain.HE, Stain.DAB, Stain.PAS])
def test_simulated_stains_are_looked_at_in_color(stain):
    image = simulate_tissue((128, 128), stain=stain, seed=1).image
    assert nuclear_color(np.asarray(image)) is None


def test_other_pictures_are_looked_at_as_they_are(nuclei_field):
    stained = skimage.data.immunohistochemistry()
    bordered = stained.copy()
    bordered[:200] = 0
    light = np.asarray(nuclei_field.image)
    grey = np.stack([light] * 3, axis=-1)
    for image in (stained, stained // 4, bordered, 255 - stained, grey, light):
        assert nuclear_color(image) is None
    for value in (0, np.nan, np.inf):
        assert nuclear_color(np.full((9, 9, 3), value)) is None


def test_a_composite_is_normalized_as_the_grey_image_of_its_nuclei(nuclei_field):
    image = composite(nuclei_field, whole_cells, (1, 0), 2)
    assert measure_range(image).color == 1
    np.testing.assert_array_equal(normalize(image), normalize(image[..., 1]))


def test_which_color_was_chosen_is_told_and_written_down(nuclei_field):
    image = composite(nuclei_field, whole_cells, (2, 0), 1)
    with pytest.warns(UserWarning, match=r"in blue only.*channel 2.*0 \(red\) or 1 \(green\)"):
        found = find_nuclei(image)
    assert found.provenance["channel"] == 2
    assert found.provenance["channel_chosen"]
    assert evaluate(found.labels, nuclei_field.labels).ap_pooled[0.5] > 0.9
    chosen = find_nuclei(image, channel=2)  # without a word
    np.testing.assert_array_equal(chosen.labels, found.labels)
    assert chosen.provenance["channel"] == 2
    assert not chosen.provenance["channel_chosen"]


def test_channels_of_a_file_can_be_called_colors_in_the_command(nuclei_field, tmp_path, capsys):
    image = composite(nuclei_field, whole_cells, (2, 0), 1, np.uint16)
    path = tmp_path / "channels.ome.tif"
    tifffile.imwrite(path, np.moveaxis(image, -1, 0), metadata={"axes": "CYX"})
    command = ["segment", str(path), "--output", str(tmp_path / "labels")]
    assert main(command) == 1
    assert "axis is S" in capsys.readouterr().err
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main([*command, "--axes", "SYX"]) == 0
    assert "in blue only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "channel"),
    [
        (["GFP", "DAPI"], 1),
        (["actin", "Hoechst 33342", "H2B-mCherry"], 1),
        (["mCherry-H2B", "phalloidin"], 0),
        (["Draq5", "tubulin"], 0),
        (["C1", "C2 SYTO 13"], 1),
        (["TO-PRO-3", "anti-pigment"], 0),
        (["PI", "pi3k"], 0),
        (["cell", "nuclei"], 1),
        (["green, emission 520 nm", "emission 461 nm"], 1),
        (["excitation 488 nm", "excitation 405 nm"], 1),
        (["DAPI round 1", "DAPI round 2"], None),
        (["nucleolin", "synaptophysin"], None),
        (["", ""], None),
    ],
)
def test_channel_of_nuclei_by_name(names, channel):
    assert named_nuclear_channel(names) == channel


def test_channel_that_an_ome_tiff_names_is_segmented(nuclei_field, tmp_path):
    image = composite(nuclei_field, whole_cells, (1, 0), 2, np.uint16)
    path = tmp_path / "two.ome.tif"
    names = {"axes": "CYX", "Channel": {"Name": ["membrane", "DAPI"]}}
    tifffile.imwrite(path, np.moveaxis(image[..., :2], -1, 0), metadata=names)
    field = read_image(path)
    assert pickle.loads(pickle.dumps(field)).nuclear_channel == 1
    with pytest.warns(UserWarning, match=r"in DAPI only.*channel 1.*0 \(membrane\)"):
        found = find_nuclei(path)
    assert (found.provenance["channel"], found.provenance["channel_chosen"]) == (1, True)
    np.testing.assert_array_equal(found.labels, find_nuclei(path, channel=1).labels)
