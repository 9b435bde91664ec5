"""Whether a PNG or JPEG is whole, before memory is taken for its pixels."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator

from .unreadable import Damaged

__all__ = ["SIGNATURE_OF_PNG", "check_jpeg", "check_png", "is_png_of_16_bits"]

SIGNATURE_OF_PNG = b"\x89PNG\r\n\x1a\n"

#: Samples of a pixel by PNG's types of colors.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

#: How many bytes Deflate can make of one.
_DEFLATED = 1100

#: How many pixels of a JPEG a byte can stand for: a block of 64 takes at least a bit.
_PIXELS_OF_A_BYTE = 1024

#: Chunks of a PNG without which its pixels are something else.
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")

_START_OF_SCAN, _END_OF_JPEG = 0xDA, b"\xff\xd9"
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
    kept, compressed, header = [SIGNATURE_OF_PNG], 0, b""
    for kind, chunk in _chunks(data):
        if kind == b"IHDR":
            header = chunk[8:21]
        elif kind == b"IDAT":
            compressed += len(chunk) - 12
        if kind in _NEEDED:
            kept.append(chunk)
    if len(header) != 13:
        raise Damaged("it has no size")
    width, height, bits, colors = struct.unpack(">IIBB", header[:10])
    needed = height * (1 + math.ceil(width * bits * _SAMPLES.get(colors, 1) / 8))
    if compressed * _DEFLATED < needed:
        raise Damaged(f"{needed} bytes of pixels are declared, but {compressed} are stored")
    return b"".join(kept)


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


def check_jpeg(data: bytes) -> None:
    """Check that a JPEG has an end, and as many pixels as it can hold.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Raises
    ------
    Damaged
        If it is not so.
    """
    place, pixels = 2, 0
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise Damaged("there is something between its parts")
        marker = data[place + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if marker in _SIZES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9].ljust(4, b"\0"))
            pixels = height * width
        place += 2 + length
        if marker == _START_OF_SCAN:
            break
    if _END_OF_JPEG not in data[place:]:
        raise Damaged("it ends too early")
    if pixels > _PIXELS_OF_A_BYTE * len(data):
        raise Damaged(f"{pixels} pixels are declared, but only {len(data)} bytes are stored")
