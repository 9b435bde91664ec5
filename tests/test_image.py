"""Images of every kind: a region is the slice of the whole, and nothing else is read."""

import dask.array
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_nucseg.image.array import ArrayImage, as_image
from napari_nucseg.image.axes import axes_of_names, names_of_axes, read_old_axes
from napari_nucseg.image.base import BaseImage, View
from napari_nucseg.image.field import Field
from napari_nucseg.image.image import Image
from napari_nucseg.image.tiff import TiffImage

AXES, SHAPE = "TCZYXS", (2, 2, 3, 20, 24, 3)
GREY = AXES[:-1]
WHOLE = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
STACK = WHOLE[..., 0].astype(np.uint16) * 7


class Counting:
    """An array that is neither of NumPy nor of Dask, and notes what is read of it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.read = []

    def __getitem__(self, index):
        part = self.array[index]
        self.read.append(part.size)
        return part


class Foreign:
    """An image of another library, with nothing but the protocol."""

    name, axes, shape, dtype = "foreign", GREY, STACK.shape, STACK.dtype
    spacing, unit = (None,) * 3 + (0.5, 0.25), (None,) * 3 + ("micrometer",) * 2

    def read(self, region):
        return ArrayImage(STACK, GREY).read(region)


def numpy_image(tmp_path):
    return ArrayImage(STACK, GREY)


def dask_image(tmp_path):
    return ArrayImage(dask.array.from_array(STACK, chunks=(1, 1, 2, 8, 8)), GREY)


def other_array(tmp_path):
    return ArrayImage(Counting(STACK), GREY)


def zarr_image(tmp_path):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        store=zarr.storage.MemoryStore(),
        shape=STACK.shape,
        chunks=(1, 1, 1, 8, 8),
        dtype=STACK.dtype,
        dimension_names=["t", "c", "z", "y", "x"],
    )
    array[...] = STACK
    return ArrayImage(array)


def xarray_image(tmp_path):
    xarray = pytest.importorskip("xarray")
    names = ["time", "channel", "depth", "row", "column"]
    return ArrayImage(xarray.DataArray(STACK, dims=names))


def foreign_image(tmp_path):
    return as_image(Foreign())


def turned_view(tmp_path):
    turned = ArrayImage(Counting(STACK.transpose(4, 2, 0, 3, 1)), "XZTYC")
    return turned.in_order()


def stepped_view(tmp_path):
    wide = np.repeat(np.pad(STACK, [(0, 0)] * 4 + [(2, 0)]), 2, axis=3)
    return View(ArrayImage(wide, GREY), {"Y": slice(None, None, 2), "X": slice(2, None)})


def tiff_of(tmp_path, array=STACK, axes=GREY, name="a", **how):
    path = tmp_path / f"{name}.ome.tif"
    if not path.exists():
        how = {"photometric": "minisblack", "metadata": {"axes": axes}, **how}
        tifffile.imwrite(path, array, **how)
    return TiffImage(path)


def plain_tiff(tmp_path):
    return tiff_of(tmp_path)


def striped_tiff(tmp_path):
    return tiff_of(tmp_path, compression="zlib", predictor=True, rowsperstrip=7)


def tiled_tiff(tmp_path):
    return tiff_of(tmp_path, compression="zlib", tile=(16, 16))


def big_endian_tiff(tmp_path):
    return tiff_of(tmp_path, byteorder=">", compression="lzw", tile=(16, 16))


def imagej_tiff(tmp_path):
    path = tmp_path / "a.tif"
    if not path.exists():
        array = STACK.transpose(0, 2, 1, 3, 4)  # ImageJ's order
        tifffile.imwrite(path, array, imagej=True, metadata={"axes": "TZCYX"})
    return TiffImage(path).in_order()


KINDS = [
    numpy_image,
    dask_image,
    other_array,
    zarr_image,
    xarray_image,
    foreign_image,
    turned_view,
    stepped_view,
    plain_tiff,
    striped_tiff,
    tiled_tiff,
    big_endian_tiff,
    imagej_tiff,
]


def parts(length):
    """A part of an axis: a place, or a slice that may be empty or go in steps."""
    ends = st.none() | st.integers(-length - 2, length + 2)
    steps = st.none() | st.integers(1, 3)
    return st.integers(-length, length - 1) | st.builds(slice, ends, ends, steps)


def regions(axes, shape):
    lengths = dict(zip(axes, shape, strict=True))
    return st.fixed_dictionaries(
        {}, optional={axis: parts(length) for axis, length in lengths.items()}
    )


def slice_of(array, axes, region):
    return array[tuple(region.get(axis, slice(None)) for axis in axes)]


quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(region=regions(GREY, STACK.shape))
def test_region_is_the_slice_of_the_whole(tmp_path, kind, region):
    image = kind(tmp_path)
    assert isinstance(image, Image)
    assert (image.axes, image.shape, image.dtype) == (GREY, STACK.shape, STACK.dtype)
    read = image.read(region)
    np.testing.assert_array_equal(read, slice_of(STACK, GREY, region), strict=True)


COLORS = {
    "beside": {"photometric": "rgb"},
    "tiled": {"photometric": "rgb", "compression": "zlib", "tile": (16, 16)},
    "one after the other": {
        "photometric": "rgb",
        "planarconfig": "separate",
        "compression": "zlib",
        "rowsperstrip": 5,
    },
}


@pytest.mark.parametrize("how", COLORS)
@quick
@given(region=regions("ZYXS", WHOLE[0, 0].shape))
def test_region_of_colors_is_the_slice_of_the_whole(tmp_path, how, region):
    whole, axes = WHOLE[0, 0], "ZYXS"
    if "planarconfig" in COLORS[how]:
        whole, axes = np.moveaxis(whole, -1, 1), "ZSYX"
    image = tiff_of(tmp_path, whole, axes, **COLORS[how])
    assert image.axes == axes
    read = image.in_order().read(region)
    np.testing.assert_array_equal(read, slice_of(WHOLE[0, 0], "ZYXS", region), strict=True)


@given(first=regions(GREY, STACK.shape), data=st.data())
@settings(deadline=None)
def test_view_of_a_view(first, data):
    """Whether NumPy makes it or we do."""
    wanted = slice_of(STACK, GREY, first)
    left = "".join(a for a in GREY if not isinstance(first.get(a), int))
    if not {"Y", "X"} <= set(left) or not wanted.size:
        return
    second = data.draw(regions(left, wanted.shape))
    for array in (STACK, Counting(STACK)):
        view = ArrayImage(array, GREY).view(first)
        read = view.read(second)
        np.testing.assert_array_equal(read, slice_of(wanted, left, second), strict=True)


def test_nothing_is_read_before_it_is_asked_for_nor_more_than_that():
    counting = Counting(STACK)
    image = ArrayImage(counting, GREY)
    chosen = image.select(t=1, z=2).crop(slice(4, 9), slice(6, 8)).in_order("XYCS")
    assert (chosen.axes, chosen.shape) == ("XYC", (2, 5, 2))
    assert counting.read == []
    assert (chosen.read() == STACK[1, :, 2, 4:9, 6:8].transpose(2, 1, 0)).all()
    assert counting.read == [20]


def test_image_can_be_used_as_an_array():
    image = View(ArrayImage(Counting(STACK), GREY))
    assert (np.asarray(image) == STACK).all()
    assert np.asarray(image, np.float32).dtype == np.float32
    assert (image[1, ..., 3] == STACK[1, ..., 3]).all()
    assert (image[..., 2:5] == STACK[..., 2:5]).all()
    lazy = dask.array.from_array(image, chunks=(1, 1, 1, 20, 24))
    assert (lazy[1, 0, 2].compute() == STACK[1, 0, 2]).all()
    with pytest.raises(IndexError, match="at most 5"):
        image[0, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="copy=False"):
        np.array(image, copy=False)


def test_odd_regions_are_refused():
    image = ArrayImage(STACK, GREY)
    with pytest.raises(ValueError, match=r"axes out of TCZYX .*got 'S'"):
        image.read({"S": 0})
    with pytest.raises(ValueError, match="positive step"):
        image.read({"Y": slice(None, None, -1)})
    with pytest.raises(IndexError, match="from 0 to 1 along the axis T"):
        image.read({"T": 2})


def test_planes_are_chosen_by_name():
    image = ArrayImage(STACK, GREY, name="movie")
    plane = image.select(t=1, c=0, z=2)
    assert (plane.axes, plane.name) == ("YX", "movie")
    assert (plane.read() == STACK[1, 0, 2]).all()
    assert image.select(z=None) is image
    with pytest.raises(ValueError, match=r"z from 0 to 2 .*2 time points, 2 channels, 3"):
        image.select(z=3)
    channels = ArrayImage(np.zeros((8, 60, 70)))
    assert channels.select(z=0) is channels
    with pytest.raises(ValueError, match=r"CYX \(guessed .*'Z'"):
        channels.select(z=1)


@pytest.mark.parametrize(
    ("shape", "axes", "says"),
    [
        ((12, 2, 30, 512, 512), "TCZYX", "12 time points, 2 channels, 30 planes of 512 x 512"),
        ((1, 2, 5, 7), "TCYX", "2 channels of 5 x 7"),
        ((5, 7), "YX", "5 x 7"),
        ((30, 5, 7, 3), "ZYXS", "30 planes of 5 x 7 in color"),
    ],
)
def test_size_in_words(shape, axes, says):
    image = np.broadcast_to(np.uint8(0), shape)
    assert ArrayImage(image, axes).describe() == says


def test_axes_can_be_called_otherwise():
    channels = ArrayImage(np.zeros((8, 60, 70)))
    assert (channels.axes, channels.guessed) == ("CYX", True)
    stack = channels.with_axes("zyx")
    assert (stack.axes, stack.guessed, channels.axes) == ("ZYX", False, "CYX")
    assert as_image(channels, "TYX").axes == "TYX"
    long = ArrayImage(np.zeros((1, 8, 60, 70)), "TCYX").with_axes("ZYX")
    assert (long.axes, long.shape) == ("ZYX", (8, 60, 70))
    for array in (np.zeros((1, 8, 60, 70)), dask.array.zeros((1, 8, 60, 70))):
        assert as_image(array, "ZYX").shape == (8, 60, 70)
        assert as_image(array, "TZYX").shape == array.shape
    with pytest.raises(ValueError, match="4 dimensions for axes TZYX"):
        channels.with_axes("TZYX")


def test_axes_and_spacing_of_xarray():
    xarray = pytest.importorskip("xarray")
    coordinates = {
        "y": ("y", 0.5 * np.arange(20), {"units": "micrometer"}),
        "x": ("x", 3 + 0.25 * np.arange(24), {"units": "micrometer"}),
        "z": [0.0, 1.0, 5.0],  # not evenly apart
        "c": ["DAPI", "actin"],
    }
    array = xarray.DataArray(STACK[0], dims=["c", "z", "y", "x"], coords=coordinates)
    image = ArrayImage(array)
    assert image.axes == "CZYX"
    assert image.spacing == (None, None, 0.5, 0.25)
    assert image.unit == (None, None, "micrometer", "micrometer")
    field = Field(image.select(c=1, z=0))
    assert (field.pixel_size, field.unit) == ((0.5, 0.25), "micrometer")
    assert Field(array[0, 1]).pixel_size == (0.5, 0.25)
    assert Field(xarray.DataArray(STACK[0, :, 0], dims=["a", "b", "d"])).axes == "CYX"


def test_spacing_comes_along():
    spacing = {"Z": 2.0, "Y": 0.5, "X": 0.25}
    image = ArrayImage(STACK, GREY, spacing=spacing, unit=dict.fromkeys(spacing, "micrometer"))
    assert image.spacing == (None, None, 2.0, 0.5, 0.25)
    thin = View(image, {"T": 0, "Y": slice(None, None, 2)}, "XYZC")
    assert thin.spacing == (0.25, 1.0, 2.0, None)
    assert image.view({"T": 0, "Y": slice(None, None, 2)}, "XYZC").spacing == thin.spacing
    assert as_image(Foreign()).pixel_size == (0.5, 0.25)


def test_names_of_axes():
    assert axes_of_names(["Time", "c", "slice", "Y", "x"]) == "TCZYX"
    assert axes_of_names(names_of_axes("TCZYXS")) == "TCZYXS"
    for unknown in (["axis -2", "axis -1"], ["y", "y"], ["z", "x"], ["dye", "y", "x"]):
        assert axes_of_names(unknown) == ""


def test_axes_of_colors_that_were_saved_as_channels():
    assert read_old_axes("YXC", (5, 6, 3)) == "YXS"
    assert read_old_axes("YXC", (5, 6, 2)) == "YXC"
    assert read_old_axes("CYX", (3, 5, 6)) == "CYX"


def test_a_kind_of_image_needs_nothing_but_to_be_read():
    class Ramp(BaseImage):
        def _read(self, ranges):
            rows, columns = (list(one) for one in ranges)
            return np.add.outer(rows, columns).astype(self.dtype)

    field = Field(Ramp("YX", (30, 40), np.uint16, name="ramp"))
    assert (field.name, field.shape) == ("ramp", (30, 40))
    assert (field.crop(slice(2, 4), slice(5, 7)).plane() == [[7, 8], [8, 9]]).all()
