"""Files of microscopes, read by packages that may be installed."""

import struct

import numpy as np
import pytest

from napari_nucseg.image import formats
from napari_nucseg.image.files import IMAGE_SUFFIXES, open_image, read_image
from napari_nucseg.image.formats import FORMATS, INSTALLED, image_of_letters

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
    image = image_of_letters(np.zeros(shape, np.uint16), letters)
    assert image.axes == axes
    assert image.shape == tuple(length for length in shape if length > 1)


def test_axes_without_a_meaning_here_have_to_be_named():
    with pytest.raises(ValueError, match="out of the letters"):
        image_of_letters(np.zeros((2, 6, 8)), "HYX")
    assert image_of_letters(np.zeros((2, 6, 8)), "HYX", "CYX").channels == 2
