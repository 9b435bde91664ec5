"""TIFF files: what is decoded, what they say of themselves."""

import pickle

import numpy as np
import pytest
import tifffile

from napari_nucseg.image import tiff_pages
from napari_nucseg.image.files import open_image, read_image
from napari_nucseg.image.tiff import TiffImage

PLANES = np.random.default_rng(1).integers(0, 60_000, (3, 64, 80)).astype(np.uint16)


@pytest.fixture
def decoded(monkeypatch):
    """The numbers of the strips and tiles that are decoded."""
    numbers, decode = [], tiff_pages._decode

    def noting(page, number, box, part):
        numbers.append((page.index, number))
        decode(page, number, box, part)

    monkeypatch.setattr(tiff_pages, "_decode", noting)
    return numbers


def stack_at(path, **how):
    how = {"photometric": "minisblack", "metadata": {"axes": "ZYX"}, **how}
    tifffile.imwrite(path, PLANES, **how)
    return path


def test_only_the_tiles_of_the_region_are_decoded(tmp_path, decoded):
    path = stack_at(tmp_path / "a.tif", compression="zlib", tile=(16, 16))
    image = TiffImage(path)
    assert decoded == []
    corner = image.read({"Z": 2, "Y": slice(20, 30), "X": slice(30, 34)})
    assert (corner == PLANES[2, 20:30, 30:34]).all()
    assert decoded == [(2, 6), (2, 7)]  # of the second of four rows of five tiles
    decoded.clear()
    assert (image.read({"Z": slice(0, 2), "Y": 63, "X": 79}) == PLANES[:2, 63, 79]).all()
    assert decoded == [(0, 19), (1, 19)]


def test_only_the_strips_of_the_region_are_decoded(tmp_path, decoded):
    path = stack_at(tmp_path / "a.tif", compression="zlib", rowsperstrip=10)
    field = read_image(path, z=1)
    assert decoded == []
    assert (field.crop(rows=slice(9, 21)).plane() == PLANES[1, 9:21]).all()
    assert decoded == [(1, 0), (1, 1), (1, 2)]


def test_what_is_not_compressed_is_not_decoded_but_mapped(tmp_path, decoded):
    image = TiffImage(stack_at(tmp_path / "a.tif"))
    assert (image.read({"Z": 1}) == PLANES[1]).all()
    assert decoded == []


DTYPES, NUMBERS = ("uint8", "uint16", "float32", "bool"), ("uint8", "uint16", "float32")
SHAPES = ((40, 50), (40, 50, 3), (3, 40, 50), (2, 3, 40, 50))

#: Ways to write a TIFF, and of which types and shapes one can be written so.
WAYS = [
    ({"compression": "jpeg", "tile": (32, 32)}, NUMBERS[:2], SHAPES),
    ({"compression": "jpeg", "photometric": "rgb"}, NUMBERS[:2], SHAPES[1:]),
    (
        {"compression": "zstd", "predictor": True, "planarconfig": "separate"},
        NUMBERS,
        SHAPES,
    ),
    ({"tile": (16, 16)}, DTYPES, SHAPES),
    ({"rowsperstrip": 3, "byteorder": ">"}, DTYPES, SHAPES),
    (
        {
            "tile": (2, 32, 32),
            "volumetric": True,
            "compression": "zlib",
            "photometric": "minisblack",
        },
        DTYPES,
        SHAPES[2:],
    ),
    ({"bigtiff": True}, DTYPES, SHAPES),
    ({"imagej": True}, NUMBERS, SHAPES),
]
WRITABLE = [
    pytest.param(how, dtype, shape, id=f"{'-'.join(map(str, how))}-{dtype}-{shape}")
    for how, dtypes, shapes in WAYS
    for dtype in dtypes
    for shape in shapes
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning:tifffile")
@pytest.mark.parametrize(("how", "dtype", "shape"), WRITABLE)
def test_image_is_what_tifffile_reads(tmp_path, dtype, how, shape):
    array = np.random.default_rng(2).integers(0, 2 if dtype == "bool" else 255, shape)
    tifffile.imwrite(tmp_path / "a.tif", array.astype(dtype), **how)
    image = TiffImage(tmp_path / "a.tif", "TZYX"[-len(shape) :])
    whole = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.read(), whole)
    part = image.read({"Y": slice(1, None, 2), "X": -1})
    np.testing.assert_array_equal(part, whole[..., 1::2, -1])


def test_pages_that_are_missing_are_named_when_they_are_wanted(tmp_path):
    """Of an OME-TIFF in which the second of three planes was never written."""
    pixels = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="80" SizeY="64" '
        'SizeC="1" SizeZ="3" SizeT="1"><TiffData FirstZ="0" IFD="0" PlaneCount="1"/>'
        '<TiffData FirstZ="2" IFD="1" PlaneCount="1"/></Pixels></Image></OME>'
    )
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(PLANES[0], description=pixels, metadata=None, compression="zlib")
        file.write(PLANES[2], metadata=None, compression="zlib")
    image = TiffImage(tmp_path / "a.ome.tif")
    assert image.axes == "ZYX"
    assert (image.read({"Z": slice(0, 3, 2)}) == PLANES[::2]).all()
    for part in ({}, {"Z": 1}):
        with pytest.raises(ValueError, match=r"a\.ome\.tif.*of the 3 planes .* number 1,"):
            image.read(part)


def test_axes_and_spacing_of_ome(tmp_path):
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeZ": 0.002,
        "PhysicalSizeZUnit": "mm",
        "TimeIncrement": 5.0,
        "TimeIncrementUnit": "min",
    }
    path = tmp_path / "a.ome.tif"
    array = np.zeros((2, 2, 3, 64, 80), np.uint8)
    tifffile.imwrite(path, array, metadata=metadata, photometric="minisblack")
    image = TiffImage(path)
    assert (image.axes, image.shape) == ("TCZYX", array.shape)
    assert image.spacing == pytest.approx((300, None, 2, 0.5, 0.25))
    assert image.unit == ("second", None, *["micrometer"] * 3)
    field = read_image(path, z=2, t=1)
    assert (field.axes, field.pixel_size, field.unit) == ("CYX", (0.5, 0.25), "micrometer")


@pytest.mark.parametrize("metadata", ["<OME", "<OME><Image></OME>", "<OME xmlns='a' &></OME>"])
def test_damaged_metadata_do_not_make_an_image_unreadable(tmp_path, metadata):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as file:
        description = '<?xml version="1.0"?>' + metadata + "</OME>"
        file.write(PLANES[1], description=description, metadata=None)
    image = TiffImage(path)
    assert image.pixel_size is None
    with pytest.warns(UserWarning, match=r"a\.ome\.tif: .*OME-XML is damaged"):
        assert (image.read() == PLANES[1]).all()


def test_axes_and_spacing_of_imagej(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        np.zeros((2, 3, 2, 64, 80), np.uint16),
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "TZCYX", "unit": "um", "spacing": 2.0, "finterval": 60.0},
    )
    image = TiffImage(path)
    assert image.axes == "TZCYX"
    assert image.spacing == pytest.approx((60, 2, None, 0.5, 0.25))
    assert image.unit == ("second", "micrometer", None, "micrometer", "micrometer")
    assert read_image(path, z=0, t=0).axes == "CYX"


def test_levels_of_a_pyramid(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    stack = np.concatenate([PLANES] * 40)
    with tifffile.TiffWriter(path) as file:
        how = {"tile": (16, 16), "compression": "zlib", "photometric": "minisblack"}
        file.write(stack, subifds=1, metadata=metadata, **how)
        file.write(stack[:, ::2, ::2], subfiletype=1, **how)
    fine, coarse = TiffImage(path).levels
    assert (fine.shape, coarse.shape) == ((120, 64, 80), (120, 32, 40))
    assert (fine.pixel_size, coarse.pixel_size) == ((0.25, 0.25), (0.5, 0.5))
    assert (coarse.read({"Z": 1}) == PLANES[1, ::2, ::2]).all()


def test_other_images_of_a_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(PLANES[0], metadata={"axes": "YX"})
        file.write(PLANES[1, :8, :8], metadata={"axes": "YX"})
    second = TiffImage(tmp_path / "a.tif", series=1)
    assert second.shape == (8, 8)
    assert (second.read() == PLANES[1, :8, :8]).all()
    with pytest.raises(ValueError, match="there are 2 images in it"):
        TiffImage(tmp_path / "a.tif", series=2)


def test_axes_may_be_given_in_place_of_those_of_the_file(tmp_path):
    path = stack_at(tmp_path / "a.tif")
    assert open_image(path, "tyx").axes == "TYX"
    assert read_image(path, "CYX").channels == 3
    assert (read_image(path, "CYX").plane(2) == PLANES[2]).all()
    with pytest.raises(ValueError, match=r"a\.tif: Expected .* 2 dimensions for axes YX"):
        open_image(path, "YX")
    unnamed = tmp_path / "b.tif"
    tifffile.imwrite(unnamed, np.zeros((2, 3, 64, 80), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match=r"b\.tif: .*names of its axes"):
        open_image(unnamed)
    assert open_image(unnamed, "TZYX").describe() == "2 time points, 3 planes of 64 x 80"


def test_image_travels_to_another_process_as_its_file(tmp_path):
    path = stack_at(tmp_path / "a.tif", compression="zlib")
    image = open_image(path)
    assert len(pickle.dumps(image)) < 2000
    assert (pickle.loads(pickle.dumps(image)).read({"Z": 1}) == PLANES[1]).all()
    field = pickle.loads(pickle.dumps(read_image(path, z=1)))
    assert isinstance(field.image, np.ndarray)
    assert (field.image == PLANES[1]).all()


def test_file_that_is_damaged_behind_its_beginning_is_named_when_it_is_read(tmp_path):
    path = stack_at(tmp_path / "a.tif", compression="zlib", tile=(16, 16))
    image = open_image(path)
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size - 4000)
        file.write(bytes(4000))
    with pytest.raises(ValueError, match=r"a\.tif.*damaged"):
        image.read()
