"""Tracks of nuclei as files: CSV, and the XML of TrackMate (Fiji)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ..image import BaseImage
from ..pipeline import Tracks
from ..support import new_file

__all__ = ["TRACK_SUFFIXES", "write_tracks"]

#: The suffixes of the files that tracks can be written to.
TRACK_SUFFIXES = (".csv", ".xml")

_TRACKMATE = "7.11.1"  # the version whose files these are
_UNITS = {"micrometer": "µm", "second": "sec"}
#: What TrackMate wants to know of each feature in the file: name, short name, dimension, and
#: whether its values are whole numbers.
_FEATURES: dict[str, tuple[tuple[str, str, str, str, bool], ...]] = {
    "SpotFeatures": (
        ("QUALITY", "Quality", "Quality", "QUALITY", False),
        ("POSITION_X", "X", "X", "POSITION", False),
        ("POSITION_Y", "Y", "Y", "POSITION", False),
        ("POSITION_Z", "Z", "Z", "POSITION", False),
        ("POSITION_T", "T", "T", "TIME", False),
        ("FRAME", "Frame", "Frame", "NONE", True),
        ("RADIUS", "Radius", "R", "LENGTH", False),
        ("VISIBILITY", "Visibility", "Visibility", "NONE", True),
    ),
    "EdgeFeatures": (
        ("SPOT_SOURCE_ID", "Source spot ID", "Source ID", "NONE", True),
        ("SPOT_TARGET_ID", "Target spot ID", "Target ID", "NONE", True),
        ("LINK_COST", "Edge cost", "Cost", "COST", False),
    ),
    "TrackFeatures": (
        ("TRACK_INDEX", "Track index", "Index", "NONE", True),
        ("TRACK_ID", "Track ID", "ID", "NONE", True),
    ),
}


def write_tracks(path: str | Path, tracks: Tracks, image: BaseImage | None = None) -> None:
    """Write tracks for other programs.

    Parameters
    ----------
    path : path
        File to make or replace; it appears whole or not at all. ``.csv`` gets a row for each
        nucleus and frame: track, frame, (z,) y, x in pixels, size, and the track of the
        parent, 0 if there is none. ``.xml`` is opened by Fiji with *Load a TrackMate file*:
        a lineage is one track there, with a branch for each division.
    tracks : Tracks
        The tracks.
    image : BaseImage, optional
        The series that they were found in: size of pixels, time between frames, name.

    Raises
    ------
    ValueError
        If the suffix is another one.
    OSError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in TRACK_SUFFIXES:
        raise ValueError(
            f"Expected a file with one of the suffixes {', '.join(TRACK_SUFFIXES)} for tracks, "
            f"got {path}."
        )
    if path.suffix.lower() == ".csv":
        _write_csv(path, tracks)
        return
    root = _trackmate(tracks, image)
    ElementTree.indent(root)
    with new_file(path) as aside:
        ElementTree.ElementTree(root).write(aside, encoding="UTF-8", xml_declaration=True)


def _write_csv(path: Path, tracks: Tracks) -> None:
    names = ("z", "y", "x")[-tracks.position.shape[1] :]
    parents = {d: one.parent for one in tracks.divisions for d in one.daughters}
    with new_file(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("track", "frame", *names, "size", "parent"))
        for track, frame, place, size in zip(
            tracks.track.tolist(),
            tracks.frame.tolist(),
            np.round(tracks.position, 3).tolist(),
            tracks.size.tolist(),
            strict=True,
        ):
            writer.writerow((track, frame, *place, size, parents.get(track, 0)))


def _trackmate(tracks: Tracks, image: BaseImage | None) -> ElementTree.Element:
    """Return the file of TrackMate as a tree."""
    step, units = _calibration(image)
    root = ElementTree.Element("TrackMate", version=_TRACKMATE)
    model = ElementTree.SubElement(root, "Model", spatialunits=units["X"], timeunits=units["T"])
    declared = ElementTree.SubElement(model, "FeatureDeclarations")
    for kind, features in _FEATURES.items():
        part = ElementTree.SubElement(declared, kind)
        for key, name, short, dimension, whole in features:
            about = {"feature": key, "name": name, "shortname": short, "dimension": dimension}
            _add(part, "Feature", {**about, "isint": str(whole).lower()})
    _add_spots(model, tracks, step)
    _add_lineages(model, tracks)
    _add_settings(root, tracks, image, step)
    _add(root, "GUIState", {"state": "ConfigureViews"})
    return root


def _calibration(image: BaseImage | None) -> tuple[dict[str, float], dict[str, str]]:
    """Return the distance between pixels and frames, 1 where it is not known, and the units."""
    step = dict.fromkeys("TZYX", 1.0)
    units = {"T": "frame", "X": "pixel"}
    if image is not None:
        for axis, known, unit in zip(image.axes, image.spacing, image.unit, strict=True):
            if axis in step and known and unit in _UNITS:
                step[axis] = float(known)
                units[axis] = _UNITS[unit]
    return step, units


def _add(parent: ElementTree.Element, tag: str, values: Mapping[str, Any]) -> None:
    ElementTree.SubElement(parent, tag, {name: str(value) for name, value in values.items()})


def _add_spots(model: ElementTree.Element, tracks: Tracks, step: Mapping[str, float]) -> None:
    flat = tracks.position.shape[1] == 2
    places = np.insert(tracks.position, 0, 0.0, axis=1) if flat else tracks.position
    z, y, x = (places * [step["Z"], step["Y"], step["X"]]).T
    voxel = step["X"] * step["Y"] * (1.0 if flat else step["Z"])
    amount = tracks.size * voxel
    radius = np.sqrt(amount / np.pi) if flat else np.cbrt(0.75 * amount / np.pi)
    spots = ElementTree.SubElement(model, "AllSpots", nspots=str(tracks.track.size))
    for frame in np.unique(tracks.frame).tolist():
        here = ElementTree.SubElement(spots, "SpotsInFrame", frame=str(frame))
        for row in np.flatnonzero(tracks.frame == frame).tolist():
            values = {"ID": row, "name": f"ID{row}", "VISIBILITY": 1, "QUALITY": 1.0}
            values |= {"POSITION_X": float(x[row]), "POSITION_Y": float(y[row])}
            values |= {"POSITION_Z": float(z[row]), "POSITION_T": frame * step["T"]}
            _add(here, "Spot", {**values, "FRAME": frame, "RADIUS": float(radius[row])})


def _add_lineages(model: ElementTree.Element, tracks: Tracks) -> None:
    """Add a track of TrackMate for each lineage that has links."""
    edges = list(_edges(tracks))
    ancestor = {n: n for n in np.unique(tracks.track).tolist()}
    for division in tracks.divisions:  # in the order of frames, so that a parent is known
        for daughter in division.daughters:
            ancestor[daughter] = ancestor[division.parent]
    lineages: dict[int, list[tuple[int, int]]] = {}
    for one, two in edges:
        lineages.setdefault(ancestor[int(tracks.track[one])], []).append((one, two))
    every = ElementTree.SubElement(model, "AllTracks")
    chosen = ElementTree.SubElement(model, "FilteredTracks")
    for index, (number, links) in enumerate(lineages.items()):
        about = {"name": f"Track_{number}", "TRACK_INDEX": str(index), "TRACK_ID": str(number)}
        track = ElementTree.SubElement(every, "Track", about)
        for one, two in links:
            source = {"SPOT_SOURCE_ID": one, "SPOT_TARGET_ID": two}
            _add(track, "Edge", {**source, "LINK_COST": -1.0})
        _add(chosen, "TrackID", {"TRACK_ID": number})


def _edges(tracks: Tracks) -> Iterable[tuple[int, int]]:
    """Yield the rows that follow each other, those of daughters after their parent."""
    for row in np.flatnonzero(np.diff(tracks.track) == 0).tolist():
        yield row, row + 1
    numbers, first = np.unique(tracks.track, return_index=True)
    start = dict(zip(numbers.tolist(), first.tolist(), strict=True))
    last = dict(
        zip(numbers.tolist(), [*(first[1:] - 1).tolist(), tracks.track.size - 1], strict=True)
    )
    for one in tracks.divisions:
        for daughter in one.daughters:
            yield last[one.parent], start[daughter]


def _add_settings(
    root: ElementTree.Element,
    tracks: Tracks,
    image: BaseImage | None,
    step: Mapping[str, float],
) -> None:
    sizes = {} if image is None else image.sizes
    frames = sizes.get("T", int(tracks.frame.max(initial=0)) + 1)
    settings = ElementTree.SubElement(root, "Settings")
    about: dict[str, Any] = {"filename": "" if image is None else image.name, "folder": ""}
    about |= {"width": sizes.get("X", 0), "height": sizes.get("Y", 0)}
    about |= {"nslices": sizes.get("Z", 1), "nframes": frames}
    about |= {"pixelwidth": step["X"], "pixelheight": step["Y"], "voxeldepth": step["Z"]}
    _add(settings, "ImageData", {**about, "timeinterval": step["T"]})
    _add(settings, "DetectorSettings", {"DETECTOR_NAME": "MANUAL_DETECTOR", "RADIUS": 5.0})
    _add(settings, "InitialSpotFilter", {"feature": "QUALITY", "value": 0, "isabove": "true"})
    _add(settings, "SpotFilterCollection", {})
    _add(settings, "TrackerSettings", {"TRACKER_NAME": "MANUAL_TRACKER"})
    _add(settings, "TrackFilterCollection", {})
    _add(settings, "AnalyzerCollection", {})
