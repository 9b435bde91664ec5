"""Labels that are made in the way of other labels."""

import numpy as np
import pytest
import tifffile

from napari_nucseg.cli import main
from napari_nucseg.image.files import read_labels, write_labels
from napari_nucseg.image.provenance import read_provenance


def nucseg(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def made(tmp_path, simulated):
    """An image with two planes, and labels of the second, found with other parameters."""
    stack = np.stack([simulated.image * 0, simulated.image])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    options = ["--z=1", "--probability=0.7", "--minimum-size=150", "--diameter=22"]
    assert nucseg("segment", tmp_path / "a.tif", "--output", tmp_path / "one", *options) == 0
    return tmp_path / "one" / "a_labels.tif"


def test_labels_are_made_again(made, tmp_path):
    again = tmp_path / "two"
    assert nucseg("segment", tmp_path / "a.tif", "--output", again, "--from", made) == 0
    np.testing.assert_array_equal(read_labels(again / "a_labels.tif"), read_labels(made))
    one, two = read_provenance(made), read_provenance(again / "a_labels.tif")
    assert one | {"seconds": 0} == two | {"seconds": 0}
    assert one["parameters"]["minimum_size"] == 150


def test_other_options_count_first(made, tmp_path):
    options = ["--from", made, "--probability=0.2", "--z=0"]
    assert nucseg("segment", tmp_path / "a.tif", "--output", tmp_path / "two", *options) == 0
    found = read_provenance(tmp_path / "two" / "a_labels.tif")
    assert found["parameters"]["probability"] == 0.2
    assert found["parameters"]["minimum_size"] == 150
    assert found["plane"] == {"Z": 0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights_sha256": "00"}, "got one with other weights"),
        ({"model": "gone"}, "Name its folder, or another model, with --model"),
        ({"parameters": None}, "Expected labels that say how they were made"),
    ],
)
def test_what_cannot_be_done_again_is_told(tmp_path, nuclei, capsys, change, says):
    made = {"software": "1", "model": "nuclei", "parameters": {}}
    made |= {"weights_sha256": nuclei.card.weights_sha256, **change}
    labels = np.kron([[1, 0], [0, 2]], np.ones((5, 5), int))
    write_labels(tmp_path / "a_labels.tif", labels, provenance=made)
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint8))
    options = ["--output", tmp_path / "two", "--from", tmp_path / "a_labels.tif"]
    assert nucseg("segment", tmp_path / "a.tif", *options) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "two").exists()


def test_labels_that_are_not_there_are_told(tmp_path, capsys):
    options = ["--output", tmp_path / "two", "--from", tmp_path / "no.tif"]
    assert nucseg("segment", tmp_path / "a.tif", *options) == 1
    assert "there is nothing at" in capsys.readouterr().err
