"""What the numbers of a TIFF stand for, held against Pillow and scikit-image."""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.TiffImagePlugin
import pytest
import skimage.color
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_nucseg.image.files import read_image, read_labels
from napari_nucseg.image.tiff import TiffImage

# Colors that change smoothly, as fewer colors than pixels are stored of some.
ROWS, COLUMNS = np.mgrid[:32, :48].astype(float)
RGB = np.stack([90 + 4 * ROWS, 210 - 2 * COLUMNS, 120 + 2 * ROWS - COLUMNS], axis=-1)
RGB = RGB.astype(np.uint8)
GREY = RGB[..., 0]
MASK = np.zeros((32, 48), np.uint8)
MASK[4:12, 5:15], MASK[4:12, 15:25], MASK[20:30, 30:44] = 1, 2, 3


def difference(path, wanted=RGB, scale=1):
    """How much an image differs from the right one at most."""
    image = np.asarray(read_image(path).image).astype(float)
    assert image.shape == wanted.shape
    return np.abs(image / scale - wanted).max()


def with_tags(path, tags):
    """Change numbers that a TIFF of one page has in its directory."""
    with tifffile.TiffFile(path, mode="r+") as file:
        for name, value in tags.items():
            file.pages[0].tags[name].overwrite(value)
    return path


# grey values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib", "tile": (16, 16)}])
def test_white_that_is_zero(tmp_path, dtype, how):
    top = -1 if dtype is np.int16 else np.iinfo(dtype).max
    stored = top - GREY.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite", **how)
    image = read_image(tmp_path / "a.tif").image
    assert image.dtype == dtype
    assert (np.asarray(image) == GREY).all()
    assert (image[3:9:2, 7] == GREY[3:9:2, 7]).all()


def test_white_that_is_zero_as_pillow_reads_it(tmp_path):
    """In bits, which tifffile takes for what it has written itself, unless told otherwise."""
    how = {"photometric": "miniswhite", "software": False, "metadata": None}
    for stored in (GREY > 150, GREY):
        tifffile.imwrite(tmp_path / "a.tif", stored, **how)
        with PIL.Image.open(tmp_path / "a.tif") as picture:
            assert (
                np.asarray(read_image(tmp_path / "a.tif").image) == np.asarray(picture)
            ).all()


def test_white_that_is_zero_in_4_bits(tmp_path):
    stored = 15 - (GREY >> 4)
    packed = (stored[:, ::2] << 4 | stored[:, 1::2]).tobytes()
    tags = {258: (3, [4]), 262: (3, [0]), 277: (3, [1]), 278: (4, [32])}
    path = tiff_of(tmp_path / "a.tif", [packed], tags)
    assert (np.asarray(read_image(path).image) == GREY >> 4).all()


def test_numbers_without_a_largest_have_no_white(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.float32), photometric="miniswhite")
    with pytest.raises(ValueError, match=r"a\.tif.*0 is white in it \(MINISWHITE\).*float32"):
        read_image(tmp_path / "a.tif")


def test_mask_in_which_white_is_zero_is_no_inverse(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, 255 - MASK, photometric="miniswhite")
    assert (read_labels(path) == MASK).all()
    tifffile.imwrite(path, 65535 - MASK.astype(np.uint16), photometric="miniswhite")
    assert (read_labels(path) == MASK).all()
    picture = PIL.Image.fromarray(MASK > 0)
    picture.save(path, compression="group4", tiffinfo={262: 0})
    with PIL.Image.open(path) as picture:
        assert (read_labels(path) == np.asarray(picture)).all()


@pytest.mark.parametrize("how", [{}, {"ome": True}, {"compression": "zlib"}])
def test_mask_of_bits_is_what_tifffile_was_given(tmp_path, how):
    """It says of each that 0 is white, and writes the bits as they are."""
    tifffile.imwrite(tmp_path / "a.tif", MASK > 0, **how)
    assert (read_labels(tmp_path / "a.tif") == (MASK > 0)).all()


def test_images_that_imagej_shows_inverted_stay_as_they_are(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", MASK, imagej=True)
    with_tags(tmp_path / "a.tif", {"PhotometricInterpretation": 0})
    assert (read_labels(tmp_path / "a.tif") == MASK).all()
    assert (np.asarray(read_image(tmp_path / "a.tif").image) == MASK).all()


def test_alpha_of_grey_is_left_out(tmp_path):
    PIL.Image.fromarray(np.stack([GREY, MASK], -1), "LA").save(tmp_path / "a.tif")
    field = read_image(tmp_path / "a.tif")
    assert field.axes == "YX"
    assert (np.asarray(field.image) == GREY).all()


# palettes


def test_colors_of_a_palette_are_looked_up_as_in_a_png(tmp_path):
    picture = PIL.Image.fromarray(RGB).quantize(60)
    for name in ("a.tif", "a.png"):
        picture.save(tmp_path / name)
    wanted = np.asarray(picture.convert("RGB"))
    assert difference(tmp_path / "a.tif", wanted) == 0
    assert difference(tmp_path / "a.png", wanted) == 0
    image = TiffImage(tmp_path / "a.tif")
    assert (image.axes, image.dtype) == ("YXS", np.uint8)
    assert (image.read({"S": 1, "X": slice(3, 9)}) == wanted[:, 3:9, 1]).all()
    assert (image.read({"S": slice(2, None), "Y": 4})[:, 0] == wanted[4, :, 2]).all()
    assert TiffImage(tmp_path / "a.tif", "YX").axes == "YXS"


def test_palette_of_a_stack_and_one_of_8_bits(tmp_path):
    colors = np.random.default_rng(0).integers(0, 255, (3, 256)).astype(np.uint16)
    stack = np.stack([MASK] * 30 + [GREY])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="palette", colormap=colors,
                     metadata={"axes": "ZYX"})  # fmt: skip
    assert TiffImage(tmp_path / "a.tif").axes == "ZYXS"
    assert (read_image(tmp_path / "a.tif", z=30).plane() == colors.T[GREY]).all()


@pytest.mark.parametrize("tint", [(1, 1, 1), (0, 1, 0), (0.5, 0, 1)])
def test_palette_that_only_tints_leaves_intensities(tmp_path, tint):
    colors = np.outer(tint, np.arange(256) * 257).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="palette", colormap=colors)
    assert (np.asarray(read_image(tmp_path / "a.tif").image) == GREY).all()


def test_palette_of_imagej_is_looked_up_if_it_is_no_scale(tmp_path):
    fire = np.stack([np.clip(np.arange(256) * n, 0, 255) for n in (3, 2, 1)]) * 257
    others = np.random.default_rng(0).permuted(fire, axis=1)
    for colors, axes in ((fire, "YX"), (fire[:, ::-1], "YX"), (others, "YXS")):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, GREY, imagej=True, colormap=colors.astype(np.uint16))
        assert read_image(path).axes == axes


def test_numbers_of_a_palette_are_labels(tmp_path):
    picture = PIL.Image.fromarray(MASK, "P")
    picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 9, 9, 9])
    picture.save(tmp_path / "a.tif")
    assert (read_labels(tmp_path / "a.tif") == MASK).all()
    assert read_image(tmp_path / "a.tif").axes == "YXS"


# colors


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "RGBA", "RGBX"])
@pytest.mark.parametrize("how", [{}, {"compression": "tiff_lzw"}])
def test_colors_are_what_pillow_converts(tmp_path, mode, how):
    picture = PIL.Image.fromarray(RGB).convert(mode)
    picture.save(tmp_path / "a.tif", **how)
    wanted = np.asarray(picture.convert("RGB"))
    image = np.asarray(read_image(tmp_path / "a.tif").image)[..., :3].astype(int)
    assert np.abs(image - wanted).max() <= 1  # Pillow rounds in between


def test_planes_of_colors_and_their_alpha(tmp_path):
    inks = np.asarray(PIL.Image.fromarray(RGB).convert("CMYK"))
    layers = np.moveaxis(np.dstack([inks, MASK]), -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", layers, photometric="separated",
                     planarconfig="separate", extrasamples=["unassalpha"])  # fmt: skip
    image = TiffImage(tmp_path / "a.tif")
    assert (image.axes, image.shape) == ("SYX", (4, 32, 48))
    assert np.abs(image.read({"S": slice(3)}) - np.moveaxis(RGB, -1, 0).astype(int)).max() <= 1
    assert (image.read({"S": 3}) == MASK).all()
    assert read_image(tmp_path / "a.tif").axes == "YXS"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_that_were_multiplied_by_alpha(tmp_path, dtype):
    alpha = np.where(MASK > 0, 255, 128).astype(np.uint8)
    stored = np.dstack([(RGB * (alpha / 255)[..., None]).round().astype(np.uint8), alpha])
    scale = np.iinfo(dtype).max // 255
    tifffile.imwrite(
        tmp_path / "a.tif", stored * dtype(scale), photometric="rgb", extrasamples="assocalpha"
    )
    image = np.asarray(read_image(tmp_path / "a.tif").image).astype(float) / scale
    assert np.abs(image[..., :3] - RGB).max() <= 2
    assert (image[..., 3] == alpha).all()
    if dtype is np.uint8:
        with PIL.Image.open(tmp_path / "a.tif") as picture:
            wanted = np.asarray(picture.convert("RGBA"))
        assert np.abs(image - wanted).max() <= 1


def lab_of(encoding, bits):
    """The picture as L*a*b* of white D50, in numbers of TIFF."""
    lab = skimage.color.rgb2lab(RGB, illuminant="D65")
    kind = np.uint8 if bits == 8 else np.uint16
    scale = 1 if bits == 8 else 256
    if encoding == "cielab":
        light = lab[..., :1] * (np.iinfo(kind).max / 100)
        rest = (lab[..., 1:] * scale).round().astype(np.int8 if bits == 8 else np.int16)
        return np.dstack([light.round().astype(kind), rest.view(kind)])
    if encoding == "icclab":
        numbers = [lab[..., :1] * 2.55, lab[..., 1:] + 128]
        return (np.dstack(numbers) * scale).round().astype(kind)
    numbers = [lab[..., :1] * 2.55, lab[..., 1:2] * 1.5 + 128, lab[..., 2:] * 1.275 + 96]
    return (np.dstack(numbers) * np.iinfo(kind).max / 255).round().clip(0).astype(kind)


#: Chromaticity of D65, as numerators and denominators.
D65 = (318, "2I", 2, (3127, 10000, 3290, 10000), True)


@pytest.mark.parametrize(("bits", "most"), [(8, 3), (16, 1)])
def test_lab_is_what_scikit_image_converts(tmp_path, bits, most):
    tifffile.imwrite(tmp_path / "a.tif", lab_of("cielab", bits), photometric="cielab",
                     extratags=[D65])  # fmt: skip
    assert read_image(tmp_path / "a.tif").image.dtype == f"uint{bits}"
    assert difference(tmp_path / "a.tif", scale=1 if bits == 8 else 257) <= most


@pytest.mark.parametrize("encoding", ["icclab", "itulab"])
@pytest.mark.parametrize("bits", [8, 16])
def test_encodings_of_lab_mean_the_same(tmp_path, encoding, bits):
    for name in ("cielab", encoding):
        lab = lab_of(name, bits)
        tifffile.imwrite(tmp_path / f"{name}.tif", lab, photometric="minisblack",
                         planarconfig="contig", metadata=None)  # fmt: skip
        number = tifffile.PHOTOMETRIC[name.upper()]
        with_tags(tmp_path / f"{name}.tif", {"PhotometricInterpretation": number})
    one, other = (
        np.asarray(read_image(tmp_path / f"{name}.tif").image).astype(float)
        for name in ("cielab", encoding)
    )
    assert np.abs(one - other).max() <= 9 * (1 if bits == 8 else 40)
    assert np.abs(one - other).mean() <= 1.5 * (1 if bits == 8 else 4)


def test_lab_of_pillow(tmp_path):
    srgb, lab = (PIL.ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
    picture = PIL.ImageCms.profileToProfile(
        PIL.Image.fromarray(RGB), srgb, lab, outputMode="LAB"
    )
    picture.save(tmp_path / "a.tif")
    wanted = np.asarray(PIL.ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB"))
    assert difference(tmp_path / "a.tif", wanted.astype(float)) <= 4


def groups_of(ycbcr, across, down):
    """Numbers of YCbCr with one color for a group of pixels."""
    height, width = ycbcr.shape[0] // down, ycbcr.shape[1] // across
    light = ycbcr[..., 0].reshape(height, down, width, across).transpose(0, 2, 1, 3)
    colors = ycbcr[::down, ::across, 1:]
    parts = [light.reshape(height, width, -1), colors]
    return np.concatenate(parts, axis=2).astype(np.uint8).tobytes()


def tiff_of(path, strips, tags, shape=(32, 48)):
    """Write a TIFF by hand: strips of bytes, and tags as (number, type, values)."""
    offsets = [8 + sum(map(len, strips[:number])) for number in range(len(strips))]
    where = 8 + sum(map(len, strips))
    tags = {256: (4, [shape[1]]), 257: (4, [shape[0]]), 273: (4, offsets),
            279: (4, [*map(len, strips)]), 259: (3, [1]), **tags}  # fmt: skip
    entries, behind = b"", b""
    for number, (kind, values) in sorted(tags.items()):
        data = struct.pack(f"<{len(values)}{'..HI'[kind - 1] if kind < 5 else 'I'}", *values)
        count = len(values) // (2 if kind == 5 else 1)
        if len(data) > 4:
            place = where + 2 + 12 * len(tags) + 4 + len(behind)
            behind += data
            data = struct.pack("<I", place)
        entries += struct.pack("<HHI", number, kind, count) + data.ljust(4, b"\0")
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + behind
    header = b"II*\0" + struct.pack("<I", where)
    Path(path).write_bytes(header + b"".join(strips) + directory)
    return path


@pytest.mark.parametrize("range_of_numbers", [(0, 255, 128, 255, 128, 255),
                                              (16, 235, 128, 240, 128, 240)])  # fmt: skip
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 2)])
def test_fewer_colors_than_pixels_without_jpeg(tmp_path, across, down, range_of_numbers):
    ycbcr = np.asarray(PIL.Image.fromarray(RGB).convert("YCbCr")).astype(float)
    black, white = np.array(range_of_numbers[::2]), np.array(range_of_numbers[1::2])
    scaled = (ycbcr - [0, 128, 128]) * (white - black) / [255, 127, 127] + black
    stored = groups_of(scaled.round(), across, down)
    half = len(stored) // 2
    # Pillow leaves only what is compressed to libtiff, which knows of these colors.
    strips = [imagecodecs.lzw_encode(part) for part in (stored[:half], stored[half:])]
    ranges = [number for one in range_of_numbers for number in (one, 1)]
    tags = {258: (3, [8, 8, 8]), 259: (3, [5]), 262: (3, [6]), 277: (3, [3]), 278: (4, [16]),
            530: (3, [across, down]), 532: (5, ranges)}  # fmt: skip
    path = tiff_of(tmp_path / "a.tif", strips, tags)
    with PIL.Image.open(path) as picture:
        wanted = np.asarray(picture.convert("RGB")).astype(float)
    assert difference(path, wanted) <= 3  # libtiff counts in whole numbers
    assert difference(path, RGB.astype(float)) < 30
    tags[259] = (3, [1])
    assert difference(tiff_of(path, [stored[:half], stored[half:]], tags), wanted) <= 3
    part = TiffImage(path).read({"Y": slice(13, 19), "X": slice(5, 9)})
    assert (part == TiffImage(path).read()[13:19, 5:9]).all()


def test_jpeg_in_a_tiff_is_rgb_already(tmp_path):
    for size in ((1, 1), (2, 2)):
        how = {"compression": "jpeg", "compressionargs": {"level": 95}, "subsampling": size}
        tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", tile=(16, 16), **how)
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            assert file.pages[0].photometric == tifffile.PHOTOMETRIC.YCBCR
        assert difference(tmp_path / "a.tif", RGB.astype(float)) < 12


def test_jpeg_2000_of_aperio(tmp_path):
    ycbcr = np.asarray(PIL.Image.fromarray(RGB).convert("YCbCr"))
    data = imagecodecs.jpeg2k_encode(ycbcr, level=0, mct=False, codecformat="j2k")
    path = tiff_of(
        tmp_path / "a.tif",
        [data],
        {258: (3, [8, 8, 8]), 259: (3, [33003]), 262: (3, [2]), 277: (3, [3]),
         278: (4, [32])},
    )  # fmt: skip
    assert difference(path, RGB.astype(float)) <= 3


# what is not read


@pytest.mark.parametrize(
    ("number", "name"),
    [(4, "MASK"), (32803, "CFA"), (32844, "LOGL"), (32845, "LOGLUV"), (34892, "LINEAR_RAW"),
     (51177, "DEPTH_MAP"), (52527, "SEMANTIC_MASK"), (7, r"not know \(7\)")],
)  # fmt: skip
def test_other_kinds_of_pixels_are_refused_by_name(tmp_path, number, name):
    tags = {258: (3, [8]), 262: (3, [number]), 277: (3, [1]), 278: (4, [32])}
    path = tiff_of(tmp_path / "a.tif", [GREY.tobytes()], tags)
    with pytest.raises(ValueError, match=rf"a\.tif.*{name}") as caught:
        read_image(path)
    assert "damaged" not in str(caught.value)
    if number != 4:
        with pytest.raises(ValueError, match=rf"a\.tif.*{name}"):
            read_labels(path)


def test_inks_of_other_printers_and_numbers_of_other_widths_are_refused(tmp_path):
    inks = np.dstack([RGB, GREY])
    how = {"photometric": "separated", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "a.tif", inks, extratags=[(332, "H", 1, 2, True)], **how)
    tifffile.imwrite(tmp_path / "b.tif", inks.astype(np.float32), **how)
    with pytest.raises(ValueError, match=r"a\.tif.*inks \(SEPARATED\) other than cyan"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"b\.tif.*SEPARATED.*4 samples of 32 bits"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize(
    "how",
    [
        {"photometric": "cielab"},
        {"photometric": "separated"},
        {"photometric": "ycbcr"},
        {"compression": "jpeg"},
    ],
)
def test_labels_are_not_converted_with_loss(tmp_path, how):
    samples = {"separated": 4}.get(how.get("photometric"), 3)
    mask = np.dstack([MASK] * samples)
    tifffile.imwrite(tmp_path / "a.tif", mask, **{"photometric": "rgb", **how})
    with pytest.raises(ValueError, match=r"a\.tif.*(not labels|JPEG)"):
        read_labels(tmp_path / "a.tif")


def test_transparency_is_a_mask(tmp_path):
    tags = {258: (3, [8]), 262: (3, [4]), 277: (3, [1]), 278: (4, [32])}
    path = tiff_of(tmp_path / "a.tif", [MASK.tobytes()], tags)
    assert (read_labels(path) == MASK).all()


@settings(max_examples=20, deadline=None)
@given(data=st.data(), mode=st.sampled_from(["P", "CMYK", "YCbCr", "LA", "L"]))
def test_a_part_is_a_part_of_the_whole(tmp_path_factory, data, mode):
    path = tmp_path_factory.mktemp("parts") / "a.tif"
    PIL.Image.fromarray(RGB).convert("L" if mode == "LA" else "RGB").convert(mode).save(path)
    image = TiffImage(path)
    whole = image.read()
    index = [data.draw(st.slices(n)) for n in whole.shape]
    index = [one if (one.step or 1) > 0 else slice(None) for one in index]
    assert (image[tuple(index)] == whole[tuple(index)]).all()
