"""Damaged images and labels: they are read, or an error names the file."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from napari_nucseg.image.files import open_image, read_labels
from napari_nucseg.image.foreign import read_foreign_labels

from .damage import clean, damaged, often

GREY = (np.mgrid[:48, :64].sum(axis=0) * 2).astype(np.uint8)
COLORS = np.dstack([GREY, 255 - GREY, GREY // 2])
LABELS = np.zeros((48, 64), np.int32)
LABELS[5:15, 5:20], LABELS[25:40, 30:50] = 1, 2

#: More pixels than any of the damaged files can hold.
MOST = 50_000_000


def written(write, *arguments, **how):
    buffer = io.BytesIO()
    write(buffer, *arguments, **how)
    return buffer.getvalue()


def tiffs():
    for how in (
        {},
        {"compression": "zlib", "tile": (16, 16)},
        {"compression": "lzw", "rowsperstrip": 8, "predictor": True},
        {"compression": "jpeg", "tile": (16, 16)},
        {"imagej": True},
        {"photometric": "miniswhite", "compression": "zstd"},
    ):
        yield written(tifffile.imwrite, GREY, **how)
    yield written(tifffile.imwrite, np.stack([GREY] * 3), photometric="minisblack", ome=True,
                  compression="zlib", metadata={"axes": "ZYX"})  # fmt: skip
    for mode in ("P", "CMYK", "LA", "YCbCr", "1"):
        grey = PIL.Image.fromarray(COLORS).convert("L" if mode == "LA" else "RGB")
        yield written(grey.convert(mode).save, format="TIFF")


def pictures(format, modes, **how):
    for mode in modes:
        yield written(PIL.Image.fromarray(COLORS).convert(mode).save, format=format, **how)


TIFFS = [*tiffs()]
PNGS = [
    *pictures("PNG", ("L", "P", "RGB", "RGBA", "1", "LA")),
    written(PIL.Image.fromarray(GREY.astype(np.uint16) * 200).save, format="PNG"),
]
JPEGS = [
    *pictures("JPEG", ("L", "RGB", "CMYK")),
    *pictures("JPEG", ("RGB",), progressive=True),
]
ARRAYS = [
    written(np.save, LABELS),
    written(np.save, LABELS.astype(float)),
    written(np.save, {"masks": LABELS}, allow_pickle=True),
]


def read(path):
    image = open_image(path)
    if np.prod(image.shape, dtype=float) < MOST or image.dtype.itemsize < 8:
        assert image.read().size < MOST


def tried(folder, name, content, reader=read):
    path = Path(folder) / name
    path.write_bytes(content)
    with clean(path):
        reader(path)


@often(120)
@given(content=damaged(TIFFS))
def test_tiffs(tmp_path, content):
    tried(tmp_path, "image.tif", content)


@often(80)
@given(content=damaged(PNGS), forged=st.booleans())
def test_pngs(tmp_path, content, forged):
    tried(tmp_path, "image.png", with_right_checksums(content) if forged else content)


def with_right_checksums(content):
    """Make the checksums of a PNG those of what is in it."""
    content, place = bytearray(content), 8
    while place + 12 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(content):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[place + 4 : end]))
        place = end + 4
    return bytes(content)


@often()
@given(content=damaged(JPEGS))
def test_jpegs(tmp_path, content):
    tried(tmp_path, "image.jpg", content)


@often()
@given(content=damaged(TIFFS + PNGS))
def test_masks(tmp_path, content):
    name = "mask.png" if content.startswith(b"\x89P") else "mask.tif"
    tried(tmp_path, name, content, read_labels)


@often()
@given(content=damaged(ARRAYS))
def test_arrays(tmp_path, content):
    tried(tmp_path, "labels.npy", content, lambda path: read_foreign_labels(path, (48, 64)))
