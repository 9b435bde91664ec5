"""Outlines as ROIs of ImageJ and Fiji."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np

from ..outlines import Polygon, polygons_of_labels
from .base import ExportFormat, Labeled

__all__ = ["ImageJRois"]

_VERSION = 227
_HEADER = 64  # bytes, as of the second header
_RECTANGLE, _TRACED = 1, 8
_MOVE, _LINE, _CLOSE = 0, 1, 4

#: ImageJ takes coordinates above this for negative ones.
_LARGEST = 60_535


class ImageJRois(ExportFormat):
    """A ZIP archive of ROIs for ImageJ's ROI Manager, one for each nucleus.

    Coordinates are corners of pixels: the first pixel reaches from 0 to 1, as ImageJ counts
    for areas. So a nucleus of one pixel at row 5, column 7 is the square from (7, 5) to
    (8, 6), and *Measure* finds an area of 1. A nucleus in one piece without holes is a traced
    ROI, others are composite ones. A ROI is named by its label, with five digits at least.
    """

    name = "imagej"
    summary = "ROIs for the ROI Manager of ImageJ and Fiji"
    ending = "_rois.zip"

    def _write(self, path: Path, labeled: Labeled) -> None:
        if max(labeled.labels.shape) > _LARGEST:
            raise ValueError(
                f"Expected labels of at most {_LARGEST} pixels along each side, got "
                f"{labeled.labels.shape}: ROIs of ImageJ hold no larger numbers. Export "
                f"geojson."
            )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for label, polygons in polygons_of_labels(labeled.labels):
                name = f"{label:05d}"
                # Without a date the same labels make the same file.
                member = zipfile.ZipInfo(f"{name}.roi")
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, _roi(name, polygons))


def _roi(name: str, polygons: list[Polygon]) -> bytes:
    """Return the bytes of a ROI."""
    points = np.concatenate([polygon[0] for polygon in polygons])
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    rings = [ring for polygon in polygons for ring in polygon]
    if len(rings) == 1:
        kind, count, path_size = _TRACED, len(points), 0
        body = (points - (left, top)).T.astype(">i2").tobytes()
    else:
        path = np.concatenate([_path(ring) for ring in rings])
        kind, count, path_size = _RECTANGLE, 0, path.size
        body = path.astype(">f4").tobytes()
    box = (top, left, bottom, right)
    header = struct.pack(">4shBx4HH", b"Iout", _VERSION, kind, *box, count)
    header += struct.pack(">18xi", path_size).ljust(_HEADER - 4 - len(header), b"\0")
    return b"".join([header, struct.pack(">i", _HEADER + len(body)), body, _named(name, body)])


def _path(ring: np.ndarray) -> np.ndarray:
    """Return a ring as numbers: a kind of segment, X and Y; and again."""
    kinds = np.full((len(ring), 1), _LINE)
    kinds[0] = _MOVE
    return np.append(np.hstack([kinds, ring]).ravel(), _CLOSE)


def _named(name: str, body: bytes) -> bytes:
    """Return the second header, which says where the name is, and the name."""
    where = _HEADER + len(body) + _HEADER
    header = struct.pack(">16xii", where, len(name)).ljust(_HEADER, b"\0")
    return header + name.encode("utf-16-be")
