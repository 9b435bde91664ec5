"""Outlines in a ROI file of ImageJ, or in a ZIP archive of them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..support import pluralize, warn_user
from .outlines_in import Outline

__all__ = ["read_imagej_rois"]

_MAGIC = b"Iout"
_HEADER = 64  # bytes
#: Kinds of ROIs that are areas. All others are lines and points.
_POLYGON, _RECTANGLE, _OVAL, _FREEHAND, _TRACED = 0, 1, 2, 7, 8
#: Of the options: coordinates are floating-point numbers.
_SUBPIXEL = 128
#: From these versions on, for polygons, and for rectangles and ovals.
_SUBPIXEL_POLYGONS, _SUBPIXEL_BOXES = 222, 223

#: Numbers that follow the kind of a segment of a path.
_SEGMENTS = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}
_MOVE, _CLOSE = 0, 4
_CURVE = np.linspace(0, 1, 9)[1:, None]

#: No ROI is so large, and no archive holds so many bytes.
_MOST_BYTES, _MOST_IN_ALL = 16_000_000, 1_000_000_000


def read_imagej_rois(path: Path) -> list[Outline]:
    """Read the outlines of nuclei.

    Parameters
    ----------
    path : Path
        A file ``.roi``, or a ``.zip`` of them as ImageJ's ROI Manager writes it. Nothing is
        unpacked to the disk.

    Returns
    -------
    list of Outline
        One for each area, in the order of the archive.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is something else, is damaged, or has outlines of several planes.

    Warns
    -----
    UserWarning
        If it has lines or points, which are left out.
    """
    outlines: list[Outline] = []
    planes, others = set(), 0
    for name, data in _rois_in(path):
        try:
            outline = _outline_of(data)
            (plane,) = struct.unpack_from(">i", data, 56)
        except (struct.error, ValueError) as error:
            raise ValueError(f"{name} is no ROI of ImageJ, or is damaged: {error}") from error
        if outline is None:
            others += 1
        else:
            outlines.append(outline)
            planes |= {plane} - {0}
    if len(planes) > 1:
        raise ValueError(
            f"it has outlines of {len(planes)} planes of a stack. Save those of one plane"
        )
    if others:
        warn_user(f"{path}: {pluralize(others, 'shape')} without an area left out.")
    return outlines


def _rois_in(path: Path) -> list[tuple[str, bytes]]:
    if path.suffix.lower() != ".zip":
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large for a ROI")
        return [(path.name, path.read_bytes())]
    with open(path, "rb") as file:
        try:
            archive = zipfile.ZipFile(file)
            members = [one for one in archive.infolist() if one.filename.endswith(".roi")]
            sizes = [one.file_size for one in members]
            # An archive of a few kilobytes can hold more than any memory.
            if max(sizes, default=0) > _MOST_BYTES or sum(sizes) > _MOST_IN_ALL:
                raise ValueError("what is in it is too large for ROIs")
            return [(one.filename, archive.read(one)) for one in members]
        except Exception as error:  # a damaged one can raise anything
            raise ValueError(f"it is no ZIP archive, or is damaged: {error}") from error


def _outline_of(data: bytes) -> Outline | None:
    """Return the rings of a ROI, None if it is no area."""
    if not data.startswith(_MAGIC) or len(data) < _HEADER:
        raise ValueError("it does not begin like one")
    version, kind = struct.unpack_from(">hB", data, 4)
    top, left, bottom, right = (_coordinate(n) for n in struct.unpack_from(">4h", data, 8))
    (options,) = struct.unpack_from(">h", data, 50)
    (path_size,) = struct.unpack_from(">i", data, 36)
    is_subpixel = bool(options & _SUBPIXEL)
    if path_size > 0:
        return _path(np.frombuffer(data, ">f4", path_size, _HEADER))
    if kind in (_RECTANGLE, _OVAL):
        box = (left, top, right - left, bottom - top)
        if is_subpixel and version >= _SUBPIXEL_BOXES:
            box = struct.unpack_from(">4f", data, 18)
        return [_finite(_oval(*box) if kind == _OVAL else _rectangle(*box))]
    if kind not in (_POLYGON, _FREEHAND, _TRACED):
        return None
    (count,) = struct.unpack_from(">H", data, 16)
    if is_subpixel and version >= _SUBPIXEL_POLYGONS:
        points = np.frombuffer(data, ">f4", 2 * count, _HEADER + 4 * count)
        return [_finite(points.reshape(2, count).T.astype(float))]
    points = np.frombuffer(data, ">i2", 2 * count, _HEADER).reshape(2, count).T.astype(float)
    return [points + np.array([left, top])]


def _coordinate(number: int) -> int:
    """Return a number of 16 bits: ImageJ takes those below -5000 for large ones."""
    return number + 65536 if number < -5000 else number


def _rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    return np.array(corners, float) * (width, height) + (x, y)


def _oval(x: float, y: float, width: float, height: float) -> np.ndarray:
    count = int(np.clip(4 * (width + height), 32, 4096))
    angles = 2 * np.pi * np.arange(count) / count
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (unit + 1) / 2 * (width, height) + (x, y)


def _path(numbers: np.ndarray) -> Outline:
    """Return the rings of a path of lines and curves, as of a ROI with a hole."""
    values = _finite(numbers.astype(float))
    rings: list[list[Any]] = []
    place = 0
    while place < values.size:
        kind = int(values[place])
        if kind not in _SEGMENTS or place + _SEGMENTS[kind] >= values.size:
            raise ValueError("its path is not complete")
        points = values[place + 1 : place + 1 + _SEGMENTS[kind]].reshape(-1, 2)
        place += 1 + _SEGMENTS[kind]
        if kind == _MOVE:
            rings.append([points[0]])
        elif not rings:
            raise ValueError("its path does not begin anywhere")
        elif kind != _CLOSE:
            rings[-1] += [*_curve(rings[-1][-1], points)]
    return [np.array(ring) for ring in rings]


def _curve(start: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points on a line, or on a curve of second or third order."""
    if len(points) == 1:
        return points
    level = np.concatenate([start[None], points])[:, None] * np.ones((1, len(_CURVE), 1))
    while len(level) > 1:  # de Casteljau
        level = level[:-1] * (1 - _CURVE) + level[1:] * _CURVE
    return level[0]


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError("it has coordinates that are not finite")
    return values
