"""Files that hold less than they declare, or something else: an error that names them."""

import io
import math
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import PIL.Image
import pytest
import tifffile

from napari_nucseg.image.files import open_image, read_image, read_labels
from napari_nucseg.image.foreign import read_foreign_labels
from napari_nucseg.image.numpy_in import read_numpy_labels
from napari_nucseg.image.tiff import TiffImage

SLOPE = (np.mgrid[:256, :256].sum(axis=0) // 2).astype(np.uint8)
COLORS = np.dstack([SLOPE, 255 - SLOPE, SLOPE // 2])
TILED_JPEG = {"compression": "jpeg", "tile": (64, 64)}

#: Ways to write a picture as a TIFF.
WAYS = [
    {},
    {"imagej": True},
    {"rowsperstrip": 32},
    {"rowsperstrip": 32, "compression": "lzw"},
    {"rowsperstrip": 32, "compression": "packbits"},
    {"compression": "zlib"},
    {"tile": (64, 64)},
    {"tile": (64, 64), "compression": "zstd"},
    {"compression": "jpeg"},
    TILED_JPEG,
    {"compression": "png"},
]


def tiff_at(path, how, image=SLOPE, **tags):
    """Write a TIFF, and change numbers in its directory."""
    tifffile.imwrite(path, image, **how)
    if tags:
        with tifffile.TiffFile(path, mode="r+") as file:
            for name, value in tags.items():
                file.pages[0].tags[name].overwrite(value)
    return path


def assert_is_refused(path, read=lambda path: read_image(path).plane()):
    """Reading is an error that names the file, and takes no memory to speak of."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=path.name):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", WAYS, ids=str)
def test_more_is_declared_than_is_stored(tmp_path, how):
    path = tmp_path / "a.tif"
    assert (read_image(tiff_at(path, how)).plane() == SLOPE).mean() > 0.9
    assert_is_refused(tiff_at(path, how, ImageLength=300))
    assert_is_refused(tiff_at(path, how, ImageWidth=300))
    assert_is_refused(tiff_at(path, how, ImageLength=10**6, ImageWidth=10**6))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", WAYS, ids=str)
@pytest.mark.parametrize("part", [0.99, 0.6])
def test_end_is_missing(tmp_path, how, part):
    path = tiff_at(tmp_path / "a.tif", how)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert_is_refused(path)


@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_tiles_of_jpeg_that_end_early_or_are_empty(tmp_path, photometric):
    """The decoder of JPEG fills what is missing with grey."""
    image = COLORS if photometric == "rgb" else SLOPE
    path = tiff_at(tmp_path / "a.tif", {**TILED_JPEG, "photometric": photometric}, image)
    with tifffile.TiffFile(path) as file:
        where, count = file.pages[0].dataoffsets[5], file.pages[0].databytecounts[5]
    content = bytearray(path.read_bytes())
    for start in (where + count - 40, where):
        content[start : where + count] = bytes(where + count - start)
        path.write_bytes(content)
        assert_is_refused(path)
        image = TiffImage(path)  # the other tiles can be read
        assert image.read({"X": slice(0, 64)}).any()


@pytest.mark.parametrize("how", [{"tile": (64, 64)}, {"compression": "zlib"}, {}])
def test_offsets_and_counts_that_cannot_be(tmp_path, how):
    path = tiff_at(tmp_path / "a.tif", how)
    kind = "Tile" if "tile" in how else "Strip"
    with tifffile.TiffFile(path) as file:
        offsets, counts = (
            list(file.pages[0].tags[f"{kind}{what}"].value)
            for what in ("Offsets", "ByteCounts")
        )
    beyond = path.stat().st_size + 5
    for what, first, rest in (
        ("Offsets", beyond, offsets[1:]),
        ("Offsets", 0, offsets[1:]),
        ("ByteCounts", 10, counts[1:]),
        ("ByteCounts", 0, counts[1:]),
    ):
        assert_is_refused(tiff_at(path, how, **{f"{kind}{what}": [first, *rest]}))


def test_tiles_that_were_left_out_are_told(tmp_path):
    """Slides have such tiles where there is no tissue; a page without any is damaged."""
    how = {"tile": (64, 64), "compression": "zlib"}
    path = tiff_at(tmp_path / "a.tif", how)
    with tifffile.TiffFile(path) as file:
        offsets, counts = (list(one) for one in (file.pages[0].dataoffsets,
                                                 file.pages[0].databytecounts))  # fmt: skip
    offsets[0] = counts[0] = 0
    tiff_at(path, how, TileOffsets=offsets, TileByteCounts=counts)
    image = TiffImage(path)
    with pytest.warns(UserWarning, match=r"a\.tif: Some of its .* not stored and read as 0"):
        whole = image.read()
    assert not whole[:64, :64].any()
    assert (whole[64:] == SLOPE[64:]).all()
    assert_is_refused(
        tiff_at(path, how, TileOffsets=[0] * len(offsets), TileByteCounts=[0] * len(offsets))
    )


def test_tags_that_pixels_depend_on(tmp_path):
    """tifffile goes on without a tag that it cannot read."""
    how = {"compression": "zlib", "metadata": None}
    path = tiff_at(tmp_path / "a.tif", how)
    with tifffile.TiffFile(path) as file:
        places = {code: file.pages[0].tags[code].offset for code in (259, 262, 282)}
    for code, place in places.items():
        content = bytearray(
            tiff_at(path, {"compression": "zlib", "metadata": None}).read_bytes()
        )
        content[place + 2 : place + 4] = struct.pack("<H", 77)  # no such type
        path.write_bytes(content)
        if code == 282:  # the resolution
            with pytest.warns(UserWarning, match=r"a\.tif: .*282"):
                assert (read_image(path).plane() == SLOPE).all()
        else:
            assert_is_refused(path)


def test_stack_that_was_cut(tmp_path):
    """The chain of pages, or what ImageJ and tifffile say of them, leads nowhere."""
    stack = np.stack([SLOPE] * 5)
    for how in ({"imagej": True}, {"metadata": None}, {"metadata": {"axes": "ZYX"}}):
        path = tiff_at(tmp_path / "a.tif", {"photometric": "minisblack", **how}, stack)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        assert_is_refused(path, lambda path: TiffImage(path, "ZYX").read())


def test_more_planes_in_ome_than_are_stored(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([SLOPE] * 3), photometric="minisblack",
                     metadata={"axes": "ZYX"}, compression="zlib")  # fmt: skip
    content = path.read_bytes()
    assert content.count(b'SizeZ="3"') == content.count(b'PlaneCount="3"') == 1
    content = content.replace(b'SizeZ="3"', b'SizeZ="5"')
    path.write_bytes(content.replace(b'PlaneCount="3"', b'PlaneCount="5"'))
    with pytest.warns(UserWarning, match=r"a\.ome\.tif: .*index out of range"):
        assert (read_image(path, z=2).plane() == SLOPE).all()
    assert_is_refused(path, lambda path: read_image(path, z=4).plane())
    assert_is_refused(path, lambda path: open_image(path).read())


ENDLESS = [
    "ImageJ=1.11a\nimages=1000000000\nslices=1000000000\n",
    "ImageJ=1.11a\nimages=6\nchannels=2\nslices=3\n",
    '{"shape": [1000000000, 256, 256]}',
    '{"shape": [5, 256, 256]}',
    *(
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="256" SizeY="256" '
        f'SizeC="1" SizeZ="{planes}" SizeT="1"><TiffData IFD="0" PlaneCount="{count}"/>'
        f"</Pixels></Image></OME>"
        for planes, count in ((10**9, 1), (10**9, 10**9), (1, 10**9))
    ),
]


@pytest.mark.parametrize("description", ENDLESS)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_endless_stacks(tmp_path, description, compression):
    """Metadata declare planes of which one is stored."""
    path = tmp_path / "a.tif"
    how = {"description": description, "metadata": None, "compression": compression}
    tifffile.imwrite(path, SLOPE, **how)
    assert_is_refused(path, lambda path: open_image(path).read())


def test_pages_that_lead_to_each_other(tmp_path):
    path = tiff_at(tmp_path / "a.tif", {"metadata": None})
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack("<I", content[4:8])
    (tags,) = struct.unpack("<H", content[first : first + 2])
    behind = first + 2 + 12 * tags
    for following in (first, 10**9):
        content[behind : behind + 4] = struct.pack("<I", following)
        path.write_bytes(content)
        assert_is_refused(path)


# PNG and JPEG


def png_of(image):
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


#: First pixel and step along X and Y of the parts of an interlaced PNG.
INTERLACED = (
    (0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
    (0, 1, 1, 2),
)  # fmt: skip


def chunk_of(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(
        ">I", zlib.crc32(kind + data)
    )  # fmt: skip


@pytest.mark.parametrize("image", [SLOPE, COLORS, SLOPE.astype(np.uint16) * 257])
def test_png_that_is_not_whole(tmp_path, image):
    path, content = tmp_path / "a.png", png_of(image)
    start = content.index(b"IDAT")
    for wrong in (
        content[:-12],  # without its last part
        content[: len(content) // 2],
        content[: start + 60] + bytes([content[start + 60] ^ 1]) + content[start + 61 :],
        content[:20] + bytes([content[20] ^ 1]) + content[21:],
        content[:8],
    ):
        path.write_bytes(wrong)
        assert_is_refused(path)


def test_png_that_declares_more_than_it_holds(tmp_path):
    for bits, colors in ((8, 0), (8, 2), (16, 2), (1, 0)):
        header = chunk_of(b"IHDR", struct.pack(">IIBBBBB", 10**6, 10**6, bits, colors, 0, 0, 0))
        content = png_of(SLOPE)
        (tmp_path / "a.png").write_bytes(content[:8] + header + content[33:])
        assert_is_refused(tmp_path / "a.png")


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("colors", [0, 2, 4, 6])
@pytest.mark.parametrize("rows", [0, 30, 39, 41])
def test_png_with_other_rows_than_it_declares(tmp_path, bits, colors, rows):
    """All of its checksums are right; Pillow would make the missing rows black."""
    row = bytes(1 + math.ceil(30 * bits * {0: 1, 2: 3, 4: 2, 6: 4}[colors] / 8))
    header = struct.pack(">IIBBBBB", 30, 40, bits, colors, 0, 0, 0)
    for count in (rows, 40):
        parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * count)), (b"IEND", b""))
        content = b"".join(chunk_of(kind, data) for kind, data in parts)
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
        if count == rows:
            assert_is_refused(tmp_path / "a.png")
    if bits > 1 or colors == 0:
        assert read_image(tmp_path / "a.png").shape == (40, 30)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (13, 9), (256, 256)])
def test_png_that_is_interlaced(tmp_path, size):
    """libpng writes none by way of Pillow, so the rows are put together here."""
    rows = b""
    for left, across, top, down in INTERLACED:
        for row in SLOPE[top : size[0] : down, left : size[1] : across]:
            rows += b"\0" + row.tobytes() if row.size else b""
    header = struct.pack(">IIBBBBB", size[1], size[0], 8, 0, 0, 0, 1)
    for content in (rows, rows[:-1]):
        parts = ((b"IHDR", header), (b"IDAT", zlib.compress(content)), (b"IEND", b""))
        whole = b"".join(chunk_of(kind, data) for kind, data in parts)
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
        if content == rows:
            assert (read_image(tmp_path / "a.png").image == SLOPE[: size[0], : size[1]]).all()
    assert_is_refused(tmp_path / "a.png")


@pytest.mark.parametrize("image", [SLOPE, COLORS])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_that_is_not_whole(tmp_path, image, progressive):
    buffer, path = io.BytesIO(), tmp_path / "a.jpg"
    PIL.Image.fromarray(image).save(buffer, "JPEG", progressive=progressive)
    content = buffer.getvalue()
    path.write_bytes(content + b"something behind it")
    assert read_image(path).shape == (256, 256)
    size = content.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    for wrong in (
        content[:-2],
        content[: int(0.99 * len(content))],
        content[: len(content) // 2] + bytes(len(content) // 2),
        content[:size] + b"\xff\xdc\xff\xdc" + content[size + 4 :],  # 65500 x 65500
        content[:size] + b"\x01\x2c\x01\x00" + content[size + 4 :],  # 300 x 256
        content[: len(content) // 2] + b"\xff\xd9" + content[len(content) // 2 + 2 :],
        content[:3],
    ):
        path.write_bytes(wrong)
        assert_is_refused(path)


JPEGS = [
    {},
    {"progressive": True},
    {"optimize": True},
    {"quality": 5},
    {"quality": 100, "subsampling": 0},
    {"restart_marker_rows": 2},
]


@pytest.mark.parametrize("how", JPEGS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_whole_jpegs_are_read(tmp_path, how, seed):
    """Of any size, with noise, in grey and color, and flat."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 255, (*random.integers(1, 50, 2), 3), np.uint8)
    for image in (noise, noise[..., 0], noise // 200 * 200, np.zeros_like(noise)):
        picture = PIL.Image.fromarray(image)
        picture.save(tmp_path / "a.jpg", **how)
        with PIL.Image.open(tmp_path / "a.jpg") as opened:
            assert (read_image(tmp_path / "a.jpg").image == np.asarray(opened)).all()
    picture = PIL.Image.fromarray(noise).convert("CMYK")
    picture.save(tmp_path / "a.jpg", **how)
    assert read_image(tmp_path / "a.jpg").shape == noise.shape[:2]


# labels in NumPy files


@pytest.mark.parametrize("shape", [(10**6, 10**6), (300, 256), (-1, 5)])
def test_array_that_is_larger_than_its_file(tmp_path, shape):
    path = tmp_path / "a.npy"
    with open(path, "wb") as file:
        header = {"descr": "<i4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(SLOPE.astype(np.int32).tobytes())
    with pytest.raises(ValueError, match="damaged"):
        read_numpy_labels(path)
    assert_is_refused(path, lambda path: read_foreign_labels(path, (256, 256)))


# what libraries say


def test_what_pillow_says_reaches_nobody_without_a_name(tmp_path):
    """It warns of a palette with transparency, and of EXIF that is damaged."""
    picture = PIL.Image.fromarray(COLORS).quantize(50)
    wanted = np.asarray(picture.convert("RGB"))
    picture.save(tmp_path / "a.png", transparency=bytes(range(50)))
    with (
        PIL.Image.open(tmp_path / "a.png") as opened,
        pytest.warns(UserWarning, match="Palette"),
    ):
        opened.convert("RGB")
    assert (read_image(tmp_path / "a.png").image == wanted).all()
    assert (read_labels(tmp_path / "a.png") == np.asarray(picture)).all()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x09" + bytes(9)
    PIL.Image.fromarray(COLORS).save(tmp_path / "a.jpg", exif=exif)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        read_image(tmp_path / "a.jpg")
    assert all(str(tmp_path / "a.jpg") in str(one.message) for one in told)


def test_what_tifffile_logs_reaches_nobody_without_a_name(tmp_path, caplog, capfd):
    path = tiff_at(tmp_path / "a.tif", {"rowsperstrip": 32}, ImageLength=300)
    assert_is_refused(path)
    path.write_bytes(path.read_bytes()[:5000])
    assert_is_refused(path)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    tifffile.logger().warning("of another thread or of another program")
    assert len(caplog.records) == 1


# sets of files

OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{here}">'
    "{images}</OME>"
)
IMAGE = (
    '<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" DimensionOrder="XYCZT" '
    'Type="uint8" SizeX="256" SizeY="256" SizeC="1" SizeZ="{planes}" SizeT="1">'
    '<Channel ID="Channel:{number}:0"/>{data}</Pixels></Image>'
)
DATA = (
    '<TiffData FirstZ="{z}" IFD="0" PlaneCount="1"><UUID FileName="{name}.ome.tif">'
    "urn:uuid:{name}</UUID></TiffData>"
)


def set_of(folder, images):
    """Write a file for each of the letters a to c, as a plane of the same images."""
    for place, name in enumerate("abc"):
        tifffile.imwrite(folder / f"{name}.ome.tif", SLOPE // (place + 1), metadata=None,
                         description=OME.format(here=name, images=images))  # fmt: skip


def test_each_file_of_a_set_is_its_own_image(tmp_path):
    """Each says which images are in the others, too."""
    set_of(tmp_path, "".join(
        IMAGE.format(number=n, planes=1, data=DATA.format(z=0, name=name))
        for n, name in enumerate("abc")
    ))  # fmt: skip
    for place, name in enumerate("abc"):
        image = read_image(tmp_path / f"{name}.ome.tif").plane()  # and no warning
        assert (image == SLOPE // (place + 1)).all()


def test_image_in_several_files_is_read_as_one(tmp_path):
    data = "".join(DATA.format(z=z, name=name) for z, name in enumerate("abc"))
    set_of(tmp_path, IMAGE.format(number=0, planes=3, data=data))
    assert (read_image(tmp_path / "a.ome.tif", z=2).plane() == SLOPE // 3).all()
    with pytest.warns(UserWarning, match=r"b\.ome\.tif: It is a part .* begins in a\.ome\.tif"):
        assert (read_image(tmp_path / "b.ome.tif", z=2).plane() == SLOPE // 3).all()
    (tmp_path / "c.ome.tif").unlink()
    with pytest.warns(UserWarning, match=r"a\.ome\.tif: .*failed to read 'c\.ome\.tif'"):
        assert (read_image(tmp_path / "a.ome.tif", z=1).plane() == SLOPE // 2).all()
    assert_is_refused(tmp_path / "a.ome.tif", lambda path: read_image(path, z=2).plane())
