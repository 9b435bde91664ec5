"""Labels of stacks and series keep axes, spacing and units in their file."""

import numpy as np
import pytest
import tifffile

from napari_nucseg.image import (
    channel_number,
    check_channel,
    open_image,
    open_planes,
    understood,
)
from napari_nucseg.image.array import ArrayImage
from napari_nucseg.image.provenance import read_provenance
from napari_nucseg.image.stack_files import write_stack
from napari_nucseg.measure import measure_nuclei

SPACING = {"T": 60.0, "Z": 2.0, "Y": 0.5, "X": 0.25}
UNIT = {"T": "second", "Z": "micrometer", "Y": "micrometer", "X": "micrometer"}


def image_of(labels, axes):
    return ArrayImage(
        labels,
        axes,
        spacing={a: SPACING[a] for a in axes},
        unit={a: UNIT[a] for a in axes},
    )


@pytest.mark.parametrize("most", [40, 300, 70_000])
@pytest.mark.parametrize("axes", ["ZYX", "TYX", "TZYX"])
def test_labels_come_back_as_they_were(tmp_path, axes, most):
    labels = np.zeros((*(2, 3)[: len(axes) - 2], 5, 6), np.int32)
    labels[..., 1:3, 2:4] = most
    image = image_of(labels, axes)
    path = tmp_path / "labels.tif"
    write_stack(path, labels, axes, image, {"software": "this one", "axes": axes})
    back = open_image(path)
    assert (back.axes, back.shape) == (axes, labels.shape)
    assert (np.asarray(back) == labels).all()
    assert back.spacing == pytest.approx(image.spacing)
    assert back.unit == image.unit
    assert read_provenance(path) == {"software": "this one", "axes": axes}
    assert tifffile.imread(path).dtype == (np.uint16 if most < 65536 else np.int32)


def test_what_is_not_known_of_pixels_is_not_written(tmp_path):
    labels = np.ones((3, 4, 5), np.int32)
    write_stack(tmp_path / "a.tif", labels, "ZYX", ArrayImage(labels, "ZYX"))
    write_stack(tmp_path / "b.tif", labels, "ZYX")
    for name in "ab":
        image = open_image(tmp_path / f"{name}.tif")
        assert (image.axes, image.spacing) == ("ZYX", (None, None, None))


def test_labels_of_a_file_are_measured_in_micrometers(tmp_path):
    labels = np.zeros((4, 8, 10), np.int32)
    labels[1:3, 2:6, 2:8] = 7
    write_stack(tmp_path / "a.tif", labels, "ZYX", image_of(labels, "ZYX"))
    table = measure_nuclei(tmp_path / "a.tif")
    assert table["volume_um3"].tolist() == [2 * 4 * 6 * 2.0 * 0.5 * 0.25]
    series = np.stack([labels, labels])
    write_stack(tmp_path / "b.tif", series, "TZYX", image_of(series, "TZYX"))
    assert measure_nuclei(tmp_path / "b.tif")["volume_um3"].size == 2


def test_channels_have_the_names_that_files_give_them(tmp_path):
    planes = np.zeros((2, 8, 9), np.uint8)
    names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, planes, photometric="minisblack", metadata=names)
    image = open_image(path)
    assert image.channel_names == ("DAPI", "GFP")
    assert [channel_number(image, name) for name in ("gfp", " DAPI ", "1", 1, None)] == [
        1,
        0,
        1,
        1,
        None,
    ]
    assert image.view({"C": slice(1, 2)}).channel_names == ("GFP",)
    with pytest.raises(ValueError, match="called DAPI, GFP, got 'red'"):
        channel_number(image, "red")
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "CYX", "Labels": ["a", "b"]})
    assert open_image(path).channel_names == ("a", "b")
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(planes, dims=("c", "y", "x"), coords={"c": ["a", "b"]})
    assert ArrayImage(array).channel_names == ("a", "b")
    assert ArrayImage(planes, "CYX").channel_names == ()


def test_planes_without_names_are_a_stack_if_they_are_many():
    five = ArrayImage(np.zeros((5, 30, 40)))
    with pytest.warns(UserWarning, match=r"stack of 5 planes of 30 x 40 \(axes ZYX\)\. If"):
        assert understood(five).axes == "ZYX"
        assert understood(ArrayImage(np.zeros((30, 40, 5)))).shape == (5, 30, 40)
    assert understood(five, 0).axes == "CYX"
    for image in (
        ArrayImage(np.zeros((4, 30, 40))),
        ArrayImage(np.zeros((5, 30, 40)), "CYX"),
        ArrayImage(np.zeros((30, 40, 3))),
        ArrayImage(np.zeros((30, 40))),
    ):
        assert understood(image) is image


def test_files_of_planes_without_names_are_understood_in_one_way(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.zeros((5, 30, 40), np.uint8), photometric="minisblack", metadata=None
    )
    with pytest.warns(UserWarning, match="'a'. It is understood as a stack of 5 planes"):
        assert open_planes(path).axes == "ZYX"
    assert open_planes(path, channel=3).axes == "CYX"
    tifffile.imwrite(
        path, np.zeros((4, 30, 40), np.uint8), photometric="minisblack", metadata=None
    )
    image = open_planes(path)
    assert image.axes == "CYX"
    with pytest.raises(ValueError, match=r"4 channels .*so few planes are counted as channels"):
        check_channel(image)
