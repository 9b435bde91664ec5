"""Outlines as GeoJSON for QuPath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..outlines import Polygon, polygons_of_labels
from .base import ExportFormat, Labeled

__all__ = ["GeoJson"]


class GeoJson(ExportFormat):
    """GeoJSON with a detection of QuPath for each nucleus, with its measurements.

    Coordinates are pixels of the image at full resolution, X before Y, and the first pixel
    reaches from 0 to 1, as in QuPath. Polygons run along the sides of pixels, so that nothing
    is lost; holes are rings of their own, and a nucleus in several pieces is a MultiPolygon.
    A nucleus is named by its label, and if it has a class, that is its classification. Open
    it in QuPath with *File, Import objects*.
    """

    name = "geojson"
    summary = "detections with measurements for QuPath"
    ending = ".geojson"

    def _write(self, path: Path, labeled: Labeled) -> None:
        table = labeled.table
        columns = [name for name in table if name != "label"]
        rows = zip(*(table[name].tolist() for name in columns), strict=True)
        features = [
            _feature(
                label,
                polygons,
                dict(zip(columns, row, strict=True)),
                labeled.classes.get(label, ""),
            )
            for (label, polygons), row in zip(
                polygons_of_labels(labeled.labels), rows, strict=True
            )
        ]
        content = {"type": "FeatureCollection", "features": features}
        path.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")


def _feature(
    label: int, polygons: list[Polygon], row: dict[str, Any], kind: str
) -> dict[str, Any]:
    rings = [[_closed(ring) for ring in polygon] for polygon in polygons]
    is_single = len(rings) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if is_single else "MultiPolygon",
            "coordinates": rings[0] if is_single else rings,
        },
        "properties": {
            "objectType": "detection",
            "name": str(label),
            **({"classification": {"name": kind}} if kind else {}),
            "measurements": {
                name: float(value) for name, value in row.items() if np.isfinite(value)
            },
        },
    }


def _closed(ring: np.ndarray) -> list[list[int]]:
    return [*ring.tolist(), ring[0].tolist()]
