"""Whether a PNG or JPEG is whole, before memory is taken for its pixels."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence

from .unreadable import Damaged

__all__ = ["SIGNATURE_OF_PNG", "check_jpeg", "check_png", "is_png_of_16_bits"]

SIGNATURE_OF_PNG = b"\x89PNG\r\n\x1a\n"

#: Samples of a pixel by PNG's types of colors.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

#: How many bytes Deflate can make of one, and how many are looked at at once.
_DEFLATED, _AT_ONCE = 1100, 1 << 18

#: First pixel and step along X and Y of the parts of an interlaced PNG.
_WHOLE = ((0, 1, 0, 1),)
_INTERLACED = (
    (0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
    (0, 1, 1, 2),
)  # fmt: skip

#: How many pixels of a JPEG a byte can stand for: a block of 64 takes at least a bit.
_PIXELS_OF_A_BYTE = 1024

#: Chunks of a PNG without which its pixels are something else.
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")

_START_OF_SCAN, _END, _END_OF_JPEG = 0xDA, 0xD9, b"\xff\xd9"
#: What is not a part of the pixels.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
#: Markers of a JPEG that begin its size: all of C0 to CF that are no tables.
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def is_png_of_16_bits(data: bytes) -> bool:
    """Return whether a file is a PNG whose samples have 16 bits.

    Parameters
    ----------
    data : bytes
        Its content.

    Returns
    -------
    bool
        Whether it is.
    """
    return data.startswith(SIGNATURE_OF_PNG) and data[24:25] == b"\x10"


def check_png(data: bytes) -> bytes:
    """Check that a PNG is whole.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    bytes
        The same without what is not needed for its pixels.

    Raises
    ------
    Damaged
        If a checksum is wrong, it is incomplete, or it declares more pixels than it can hold.
    """
    if not data.startswith(SIGNATURE_OF_PNG):
        raise Damaged("it does not begin as a PNG")
    kept, header = [SIGNATURE_OF_PNG], b""
    pixels = []
    for kind, chunk in _chunks(data):
        if kind == b"IHDR":
            header = chunk[8:21]
        elif kind == b"IDAT":
            pixels.append(chunk[8:-4])
        if kind in _NEEDED:
            kept.append(chunk)
    if len(header) != 13:
        raise Damaged("it has no size")
    _check_pixels(pixels, _size_of(header))
    return b"".join(kept)


def _size_of(header: bytes) -> int:
    """Return how many bytes the pixels of a PNG are, with a byte in front of each row."""
    width, height, bits, colors, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    size = 0
    for left, across, top, down in _INTERLACED if interlaced else _WHOLE:
        columns = max(0, -((left - width) // across))
        rows = max(0, -((top - height) // down)) if columns else 0
        size += rows * (1 + math.ceil(columns * bits * _SAMPLES.get(colors, 1) / 8))
    return size


def _check_pixels(parts: Sequence[bytes], declared: int) -> None:
    """Check that pixels unpack to a number of bytes, as Pillow makes the rest black."""
    stored = sum(map(len, parts))
    if stored * _DEFLATED < declared:
        raise Damaged(f"{declared} bytes of pixels are declared, but {stored} are stored")
    unpacker, size = zlib.decompressobj(), 0
    try:
        for part in parts:
            rest = part
            while rest and size <= declared and not unpacker.eof:
                size += len(unpacker.decompress(rest, _AT_ONCE))
                rest = unpacker.unconsumed_tail
        while size <= declared and (more := unpacker.decompress(b"", _AT_ONCE)):
            size += len(more)
    except zlib.error as error:
        raise Damaged(f"its pixels cannot be unpacked: {error}") from error
    if size != declared:
        raise Damaged(f"{declared} bytes of pixels are declared, but {size} or more are stored")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Go through the chunks of a PNG, and check each."""
    start, kind = len(SIGNATURE_OF_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[start : start + 8].ljust(8, b"\0"))
        chunk = data[start : start + length + 12]
        if len(chunk) < length + 12:
            raise Damaged("it ends too early")
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise Damaged(f"the checksum of its part {kind!r} is wrong")
        yield kind, chunk
        start += length + 12


def check_jpeg(data: bytes) -> list[int]:
    """Check that a JPEG has an end, and at most as many pixels as it can hold.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    list of int
        Where the pixels end, or each of their parts.

    Raises
    ------
    Damaged
        If it is not so.
    """
    place, pixels = 2, 0
    ends = []
    while place + 2 <= len(data):
        if data[place] != 0xFF:
            raise Damaged("there is something between its parts")
        marker = data[place + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == _END:
            break
        if marker in _SIZES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9].ljust(4, b"\0"))
            pixels = height * width
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _START_OF_SCAN:
            found = _MARKER.search(data, place)
            place = found.start() if found else len(data)
            ends.append(place)
    if data[place : place + 2] != _END_OF_JPEG:
        raise Damaged("it ends too early")
    if pixels > _PIXELS_OF_A_BYTE * len(data):
        raise Damaged(f"{pixels} pixels are declared, but only {len(data)} bytes are stored")
    return ends
