"""Records in a file that grows: each is whole, or is known not to be."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

__all__ = ["pack", "read_frames"]

_MARK = b"NSJ1"
_HEADER = struct.Struct("<4sQI")

#: Little compression takes little time, and labels have long runs of equal numbers.
_LEVEL = 1


def pack(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Pack one record.

    Parameters
    ----------
    about : dict
        Ready for JSON.
    arrays : dict of str to ndarray
        Of numbers.

    Returns
    -------
    bytes
        With its length and checksum in front.
    """
    listed = [
        [name, array.dtype.newbyteorder("<").str, list(array.shape)]
        for name, array in arrays.items()
    ]
    head = json.dumps({"about": about, "arrays": listed}).encode()
    parts = [struct.pack("<I", len(head)), head]
    parts += [
        np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        for array in arrays.values()
    ]
    payload = zlib.compress(b"".join(parts), _LEVEL)
    return _HEADER.pack(_MARK, len(payload), zlib.crc32(payload)) + payload


def read_frames(
    file: BinaryIO,
) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray], int]]:
    """Read the records of a file up to the first one that is not whole.

    Parameters
    ----------
    file : binary file
        Open for reading, at its start.

    Yields
    ------
    about : dict
        See `pack`.
    arrays : dict of str to ndarray
        See `pack`.
    end : int
        Where the record ends in the file, in bytes.
    """
    while True:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        mark, length, checksum = _HEADER.unpack(header)
        if mark != _MARK:
            return
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield *_unpack(zlib.decompress(payload)), file.tell()


def _unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    (length,) = struct.unpack_from("<I", data)
    start = struct.calcsize("<I")
    head = json.loads(data[start : start + length])
    start += length
    arrays = {}
    for name, dtype, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(data, dtype, count, start).reshape(shape)
        start += arrays[name].nbytes
    return head["about"], arrays
