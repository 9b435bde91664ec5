"""Files of microscopes, read by packages that may be installed."""

import contextlib
import logging
import struct
import sys
import types

import numpy as np
import pytest

from napari_nucseg.image import formats
from napari_nucseg.image.axes import check_axes
from napari_nucseg.image.files import IMAGE_SUFFIXES, open_image, read_image
from napari_nucseg.image.formats import FORMATS, INSTALLED, FormatImage, axes_of_letters

STACK = np.arange(3 * 6 * 8, dtype=np.uint8).reshape(3, 6, 8)

_HEADER = """<LMSDataContainerHeader Version="2"><Element Name="dish" Visibility="1"><Data/>
<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children><Element Name="one" Visibility="1">
<Data><Image><ImageDescription><Channels><ChannelDescription DataType="0" ChannelTag="0"
Resolution="8" NameOfMeasuredQuantity="" Min="0" Max="255" Unit="" LUTName="Gray"
IsLUTInverted="0" BytesInc="0" BitInc="0"/></Channels><Dimensions>
<DimensionDescription DimID="1" NumberOfElements="8" Origin="0" Length="4e-6" Unit="m"
BitInc="0" BytesInc="1"/><DimensionDescription DimID="2" NumberOfElements="6" Origin="0"
Length="3e-6" Unit="m" BitInc="0" BytesInc="8"/><DimensionDescription DimID="3"
NumberOfElements="3" Origin="0" Length="6e-6" Unit="m" BitInc="0" BytesInc="48"/>
</Dimensions></ImageDescription></Image></Data>
<Memory Size="144" MemoryBlockID="MemBlock_1"/></Element></Children></Element>
</LMSDataContainerHeader>"""


def lif_of(pixels):
    """Write the parts of a LIF file: its header, and the pixels of its one image."""
    text = _HEADER.encode("utf-16-le")
    name = "MemBlock_1".encode("utf-16-le")
    file = struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2) + text
    about = struct.pack("<BQBI", 0x2A, len(pixels), 0x2A, len(name) // 2) + name
    return file + struct.pack("<II", 0x70, len(about)) + about + pixels


def test_lif(tmp_path):
    pytest.importorskip("liffile")
    path = tmp_path / "a.lif"
    path.write_bytes(lif_of(STACK.tobytes()))
    image = open_image(path)
    assert (image.axes, image.name) == ("ZYX", "a")
    assert image.spacing == pytest.approx((3, 0.6, 4 / 7))
    assert image.unit == ("micrometer",) * 3
    assert (image.read() == STACK).all()
    assert (read_image(path, z=2).plane() == STACK[2]).all()
    assert (image.read({"Z": slice(None, None, 2), "Y": 4}) == STACK[::2, 4]).all()
    assert read_image(path, "CYX").channels == 3
    with pytest.raises(ValueError, match=r"a\.lif: .*3 planes \(Z\), axes ZYX\. Give"):
        read_image(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_file_that_is_no_image_or_without_its_reader(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"This is no image at all.")
    says = r"damaged" if suffix in INSTALLED else r'pip install "napari-nucseg\[formats\]"'
    with pytest.raises(ValueError, match=says):
        read_image(path)
    assert (suffix in IMAGE_SUFFIXES) == (suffix in INSTALLED)


def test_what_is_missing_is_said():
    assert 'pip install "napari-nucseg[formats]"' in formats.why_not_installed(".nd2")
    assert formats.why_not_installed(".bmp") == ""


@pytest.mark.parametrize(
    ("letters", "shape", "axes"),
    [
        ("BVTCZYXS", (1, 1, 2, 2, 3, 6, 8, 1), "TCZYX"),
        ("CYXS", (1, 6, 8, 3), "YXS"),
        ("YXS", (6, 8, 2), "YXC"),
    ],
)
def test_letters_of_other_programs(letters, shape, axes):
    named, kept = axes_of_letters(letters, shape)
    assert named == axes
    assert [shape[place] for place in kept] == [length for length in shape if length > 1]


class Block:
    """A block of a CZI file, as czifile documents its entries."""

    def __init__(self, start, array, read):
        self.start, self.shape, self.stored_shape = start, array.shape, array.shape
        self.array, self.read = array, read

    def data_segment(self):
        return self

    def data(self):
        self.read.append(self.start)
        return self.array


@pytest.fixture
def czi(monkeypatch, tmp_path):
    """A stand-in for czifile, since no file can be written: two blocks for each plane."""
    read = []
    whole = STACK[None, :, :, :, None]

    class CziFile(contextlib.nullcontext):
        axes, shape, dtype, start = "HZYX0", whole.shape, whole.dtype, (0, 5, 2, 0, 0)

        def metadata(self):
            scale = '<Distance Id="{}"><Value>{}</Value></Distance>'
            items = "".join(map(scale.format, "XYZ", (2e-7, 3e-7, 1e-6)))
            return f"<ImageDocument><Scaling><Items>{items}</Items></Scaling></ImageDocument>"

        @property
        def filtered_subblock_directory(self):
            return [
                Block((0, 5 + z, 2 + y, 0, 0), whole[:, z : z + 1, y : y + 3], read)
                for z in range(3)
                for y in (0, 3)
            ]

        def __enter__(self):
            return self

    monkeypatch.setitem(sys.modules, "czifile", types.SimpleNamespace(CziFile=CziFile))
    return tmp_path / "a.czi", read


def test_czi_is_read_by_block_with_its_pixel_size(czi):
    path, read = czi
    image = FormatImage(path)
    assert (image.axes, image.shape, read) == ("ZYX", (3, 6, 8), [])
    assert image.spacing == pytest.approx((1, 0.3, 0.2))
    assert (image.read({"Z": 2, "Y": slice(3, None, 2)}) == STACK[2, 3::2]).all()
    assert read == [(0, 7, 5, 0, 0)]
    assert (image.read({"Y": slice(1, None, 2)}) == STACK[:, 1::2]).all()
    assert (image.read() == STACK).all()


def test_axes_may_be_given_for_all_or_for_the_long_ones(czi):
    path, _ = czi
    assert FormatImage(path, "tyx").axes == "TYX"
    assert FormatImage(path, "TZYXC").shape == (1, 3, 6, 8, 1)
    with pytest.raises(ValueError, match="4 dimensions for axes TZYX"):
        FormatImage(path, "TZYX")


@pytest.mark.parametrize("calibrated", [True, False])
def test_nd2_without_calibration_has_no_pixel_size(monkeypatch, tmp_path, calibrated):
    volume = types.SimpleNamespace(axesCalibrated=(calibrated, calibrated, False))
    channel = types.SimpleNamespace(volume=volume)

    class ND2File(contextlib.nullcontext):
        shape, dtype, sizes = (
            STACK.shape,
            STACK.dtype,
            dict(zip("ZYX", STACK.shape, strict=True)),
        )
        metadata = types.SimpleNamespace(channels=[channel])

        def voxel_size(self):
            return types.SimpleNamespace(x=0.5, y=0.5, z=1.0)

        def to_dask(self):
            return STACK

        def __enter__(self):
            return self

    monkeypatch.setitem(sys.modules, "nd2", types.SimpleNamespace(ND2File=ND2File))
    image = FormatImage(tmp_path / "a.nd2")
    assert image.spacing == ((None, 0.5, 0.5) if calibrated else (None,) * 3)
    assert (image.read({"Z": 1, "X": slice(2, 4)}) == STACK[1, :, 2:4]).all()


def test_axes_without_a_meaning_here_have_to_be_named(tmp_path):
    with pytest.raises(ValueError, match="out of the letters"):
        check_axes(axes_of_letters("HYX", (2, 6, 8))[0], (2, 6, 8))
    assert axes_of_letters("HYX", (2, 6, 8), "CYX") == ("CYX", [0, 1, 2])


def test_what_a_reader_logs_is_told_with_the_name_of_the_file(tmp_path, monkeypatch, caplog):
    @contextlib.contextmanager
    def open_it(package, path):
        logging.getLogger("json").warning("block 3 is empty")
        yield formats.Opened((6, 8), "YX", np.uint8, {}, lambda wanted: STACK[0])

    monkeypatch.setitem(FORMATS, ".odd", formats.Format("json", open_it))
    with pytest.warns(UserWarning, match=r"a\.odd: block 3 is empty") as told:
        image = FormatImage(tmp_path / "a.odd")
        assert (image.read() == STACK[0]).all()
    assert len(told) == 1
    assert caplog.records == []
