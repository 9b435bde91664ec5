"""Outlines in a GeoJSON file, as QuPath writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..support import pluralize, warn_user
from .outlines_in import Outline

__all__ = ["read_geojson"]


def read_geojson(path: Path) -> list[Outline]:
    """Read the outlines of nuclei.

    Parameters
    ----------
    path : Path
        A collection of features, a list of them or a single one, in pixels of the image. Of a
        cell with a nucleus, the outline of the nucleus counts.

    Returns
    -------
    list of Outline
        One for each polygon or group of polygons.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is something else, or has outlines of several planes.

    Warns
    -----
    UserWarning
        If it has lines or points, which are left out.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    outlines: list[Outline] = []
    planes, others = set(), 0
    for geometry in _geometries(content):
        plane = geometry.get("plane") or {}
        if not isinstance(plane, dict):
            raise ValueError(f"it has a plane that is {plane!r}")
        outline = _outline_of(geometry)
        if outline is None:
            others += 1
        else:
            planes.add((plane.get("z", 0), plane.get("t", 0)))
            outlines.append(outline)
    if len(planes) > 1:
        raise ValueError(
            f"it has outlines of {len(planes)} planes of a stack. Export those of one plane"
        )
    if others:
        warn_user(f"{path}: {pluralize(others, 'shape')} without an area left out.")
    return outlines


def _geometries(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the geometry of each feature, that of the nucleus if there are two."""
    features = content
    if isinstance(content, dict):
        features = content.get("features", [content])
    if not isinstance(features, list):
        raise ValueError("there are no features in it")
    for feature in features:
        if not isinstance(feature, dict):
            raise ValueError(f"it has a feature that is {str(feature)[:40]!r}")
        geometry = feature.get("nucleusGeometry") or feature.get("geometry") or feature
        if not isinstance(geometry, dict):
            raise ValueError(f"it has a geometry that is {str(geometry)[:40]!r}")
        yield geometry


def _outline_of(geometry: dict[str, Any]) -> Outline | None:
    """Return the rings of a geometry, None if it is no area."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        return None
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list):
        raise ValueError(f"it has a geometry of the type {str(kind)[:40]!r}")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not all(isinstance(polygon, list) for polygon in polygons):
        raise ValueError("it has polygons that are no lists of rings")
    return [_ring(ring) for polygon in polygons for ring in polygon]


def _ring(points: Any) -> np.ndarray:
    try:
        ring = np.array([(point[0], point[1]) for point in points], float).reshape(-1, 2)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise ValueError(f"it has coordinates that are no pairs of numbers: {error}") from error
    if not np.isfinite(ring).all():
        raise ValueError("it has coordinates that are not finite")
    return ring
