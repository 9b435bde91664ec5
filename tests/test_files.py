import os
import subprocess
import sys
import textwrap

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_nucseg.image.field import Field
from napari_nucseg.image.files import read_image, read_labels, write_labels
from napari_nucseg.image.folders import find_images

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLOR = np.stack([GREY, GREY + 1, GREY + 2], axis=-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, ">u2"])
def test_grey_tiff(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(dtype))
    field = read_image(tmp_path / "a.tif")
    assert (field.axes, field.name) == ("YX", "a")
    assert (np.asarray(field.image) == GREY).all()
    assert field.image.dtype.isnative


def test_color_tiff_in_both_orders(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", COLOR, photometric="rgb")
    planar = np.moveaxis(COLOR, -1, 0)
    tifffile.imwrite(tmp_path / "b.tif", planar, photometric="rgb", planarconfig="separate")
    for name in "ab":
        field = read_image(tmp_path / f"{name}.tif")
        assert field.axes == "YXS"
        assert (np.asarray(field.image) == COLOR).all()


def test_channels_and_pixel_size_of_imagej(tmp_path):
    stack = np.stack([GREY, GREY + 1])
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack.astype(np.uint16),
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "CYX", "unit": "um"},
    )
    field = read_image(tmp_path / "a.tif")
    assert field.axes == "CYX"
    assert field.pixel_size == pytest.approx((0.5, 0.25))
    assert field.unit == "micrometer"


def test_pixel_size_of_ome(tmp_path):
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", GREY, metadata=metadata)
    assert read_image(tmp_path / "a.ome.tif").pixel_size == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize("size", ["", "about 1", "0.0000000001", "1e300", "-1", "nan"])
def test_odd_pixel_size_of_ome_is_not_known(tmp_path, size):
    pixels = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" '
        'SizeX="8" SizeY="6" SizeC="1" SizeZ="1" SizeT="1" '
        f'PhysicalSizeX="{size}" PhysicalSizeY="0.5"><TiffData/></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", GREY, description=pixels, metadata=None)
    field = read_image(tmp_path / "a.ome.tif")
    assert (field.pixel_size, field.unit) == (None, "pixel")
    assert (np.asarray(field.image) == GREY).all()


def test_axes_of_length_1_are_dropped(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY[None, None], metadata={"axes": "TZYX"})
    assert read_image(tmp_path / "a.tif").axes == "YX"


def test_stack_is_refused_with_its_axes(tmp_path):
    stack = np.stack([GREY] * 3)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"}
    )
    with pytest.raises(ValueError, match="axes ZYX"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("shape", [(8, 60, 70), (60, 70, 2), (60, 70, 4)])
@pytest.mark.parametrize("metadata", [None, {}, {"axes": "YXC"}])
def test_channels_without_a_name_are_told_by_their_number(tmp_path, shape, metadata):
    if metadata and shape[:2] != (60, 70):
        metadata = {"axes": "CYX"}
    image = np.zeros(shape, np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="minisblack", metadata=metadata)
    field = read_image(path)
    assert (field.axes, field.shape, field.channels) == ("CYX", (60, 70), min(shape))


@pytest.mark.parametrize(("dtype", "axes"), [(np.uint8, "YXS"), (np.uint16, "CYX")])
def test_planes_of_16_bits_are_stains_even_if_they_are_called_colors(tmp_path, dtype, axes):
    planes = np.zeros((3, 60, 70), dtype)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    assert read_image(tmp_path / "a.tif").axes == axes


def test_many_planes_without_a_name_are_a_stack(tmp_path):
    stack = np.arange(30 * 40 * 50, dtype=np.uint16).reshape(30, 40, 50)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None)
    with pytest.raises(ValueError, match=r"a\.tif: .*30 planes \(Z\).*guessed"):
        read_image(tmp_path / "a.tif")
    assert (read_image(tmp_path / "a.tif", z=12).plane() == stack[12]).all()
    assert read_image(tmp_path / "a.tif", "cyx").channels == 30


def test_pages_with_a_palette_are_no_colors(tmp_path):
    palette = np.zeros((3, 256), np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for _ in range(3):
            file.write(GREY, photometric="palette", colormap=palette, metadata=None)
    field = read_image(tmp_path / "a.tif")
    assert (field.axes, field.channels) == ("CYX", 3)


def test_what_is_missing_in_a_tiff_is_told(tmp_path):
    """Of an OME-TIFF in two files one was left behind."""
    pixels = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" '
        'SizeX="8" SizeY="6" SizeC="2" SizeZ="1" SizeT="1">'
        '<Channel ID="C:0"/><Channel ID="C:1"/>'
        '<TiffData FirstC="0" IFD="0"><UUID FileName="a.ome.tif">urn:uuid:a</UUID></TiffData>'
        '<TiffData FirstC="1" IFD="0"><UUID FileName="b.ome.tif">urn:uuid:b</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, GREY, description=pixels, metadata=None)
    with pytest.warns(UserWarning, match=r"a\.ome\.tif: .*b\.ome\.tif") as told:
        field = read_image(path)
        assert (field.plane(0) == GREY).all()
    assert len(told) == 1
    assert field.axes == "CYX"


@pytest.mark.parametrize(("others", "told"), [((6, 8), True), ((2, 3), False)])
def test_images_of_a_tiff_that_are_not_read_are_told(tmp_path, others, told, recwarn):
    """Thumbnails are much smaller, and not worth a word."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY, metadata={"axes": "YX"})
        for dtype in (np.uint16, np.float32):
            file.write(np.zeros(others, dtype), metadata={"axes": "YX"})
    assert (np.asarray(read_image(tmp_path / "a.tif").image) == GREY).all()
    messages = [str(warning.message) for warning in recwarn]
    assert [f"{tmp_path / 'a.tif'} holds 3 images" in text for text in messages] == [
        True
    ] * told


def test_mask_may_be_said_three_times(tmp_path):
    """Whether the channels are called colors, or not."""
    for photometric in ("rgb", "minisblack"):
        path = tmp_path / f"{photometric}.tif"
        mask = np.stack([GREY] * 3, axis=-1)
        tifffile.imwrite(path, mask, photometric=photometric, planarconfig="contig")
        assert (read_labels(path) == GREY).all()


def test_png_jpeg_and_palette(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    PIL.Image.fromarray(COLOR).save(tmp_path / "b.jpg")
    PIL.Image.fromarray(COLOR).convert("P").save(tmp_path / "c.png")
    PIL.Image.fromarray(GREY > 20).save(tmp_path / "d.png")
    assert (read_image(tmp_path / "a.png").image == GREY).all()
    assert read_image(tmp_path / "b.jpg").axes == "YXS"
    assert read_image(tmp_path / "c.png").image.shape == (6, 8, 3)
    assert read_image(tmp_path / "d.png").image.dtype == bool


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_is_read_with_all_of_them(tmp_path, channels):
    image = 1000 + 257 * np.arange(48 * channels, dtype=np.uint16).reshape(6, 8, channels)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(image.squeeze()))
    read = read_image(path)
    wanted = image if channels > 2 else image[..., 0]  # without alpha
    assert (read.image.dtype, read.axes) == (np.uint16, "YXS" if channels > 2 else "YX")
    assert (read.image == wanted).all()


def test_pictures_of_any_size_are_read(tmp_path, monkeypatch):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 5)
    assert (read_image(tmp_path / "a.png").image == GREY).all()
    assert PIL.Image.MAX_IMAGE_PIXELS == 5


@pytest.mark.parametrize("name", ["text.tif", "text.png", "cut.tif", "cut.png"])
def test_damaged_files_are_named(tmp_path, name):
    path = tmp_path / name
    if name.startswith("text"):
        path.write_text("This is no image at all.")
    else:
        noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
        if name.endswith("tif"):
            tifffile.imwrite(path, noise, compression="zlib")
        else:
            PIL.Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ValueError, match=f"{name}.*damaged"):
        read_image(path).plane()


def test_missing_file_and_other_suffix(tmp_path):
    with pytest.raises(IsADirectoryError, match="got the folder"):
        read_image(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.tif"):
        read_image(tmp_path / "none.tif")
    (tmp_path / "a.bmp").touch()
    with pytest.raises(ValueError, match="Save it as TIFF"):
        read_image(tmp_path / "a.bmp")


def test_grey_mask_saved_as_color_is_a_mask_and_colors_are_not(tmp_path):
    PIL.Image.fromarray(np.stack([GREY] * 3, axis=-1)).save(tmp_path / "a.png")
    assert (read_labels(tmp_path / "a.png") == GREY).all()
    PIL.Image.fromarray(COLOR).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match="one value per pixel"):
        read_labels(tmp_path / "b.png")


def test_mask_with_a_palette_is_the_numbers_of_its_colors(tmp_path, two_nuclei):
    picture = PIL.Image.fromarray(two_nuclei.astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    picture.save(tmp_path / "mask.png")
    assert (read_labels(tmp_path / "mask.png") == two_nuclei).all()


def test_jpeg_is_no_mask(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.JPG")
    with pytest.raises(ValueError, match=r"saved without loss, got .*a\.JPG"):
        read_labels(tmp_path / "a.JPG")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    top=st.sampled_from([0, 1, 300, 70_000]),
)
def test_labels_come_back_as_they_were(tmp_path, rows, columns, top):
    labels = np.random.default_rng(0).integers(0, top + 1, (rows, columns)).astype(np.int32)
    write_labels(tmp_path / "a.tif", labels)
    assert (read_labels(tmp_path / "a.tif") == labels).all()


def test_labels_keep_the_pixel_size(tmp_path, two_nuclei):
    field = Field(two_nuclei, pixel_size=(0.5, 0.25), unit="micrometer")
    write_labels(tmp_path / "a.tif", two_nuclei, field)
    assert read_image(tmp_path / "a.tif").pixel_size == pytest.approx((0.5, 0.25))


def test_pixel_size_that_no_pixel_has_is_left_out(tmp_path, two_nuclei):
    field = Field(two_nuclei, pixel_size=(1e-11, 1e-11), unit="micrometer")
    write_labels(tmp_path / "a.tif", two_nuclei, field)
    assert read_image(tmp_path / "a.tif").pixel_size is None
    assert (read_labels(tmp_path / "a.tif") == two_nuclei).all()


def test_full_disk_leaves_nothing_half_written(tmp_path):
    """The file size is limited by the operating system, as a full disk would."""
    pytest.importorskip("resource")
    script = textwrap.dedent(
        f"""
        import resource, signal, numpy as np
        from napari_nucseg.image.files import write_labels
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        labels = np.random.default_rng(0).integers(0, 9999, (200, 200))
        try:
            write_labels({str(tmp_path / "new.tif")!r}, labels)
        except OSError as error:
            print(error)
        """
    )
    (tmp_path / "new.tif").write_text("what was there before")
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "Nothing was written" in run.stdout
    assert os.listdir(tmp_path) == ["new.tif"]
    assert (tmp_path / "new.tif").read_text() == "what was there before"


def test_folders_give_their_images_but_not_our_labels(tmp_path):
    for name in ("b.png", "a.tif", "a_labels.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    found = find_images([tmp_path, tmp_path / "a_labels.tif"])
    assert [path.name for path in found] == ["a.tif", "b.png", "a_labels.tif"]


def test_folder_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected images"):
        find_images([tmp_path])
