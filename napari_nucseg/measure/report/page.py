"""The page of a report."""

from __future__ import annotations

import base64
import html
import json
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...support import __version__, new_file, pluralize
from ..table_file import join_tables
from .entry import STATES, STATES_KEY, ReportEntry
from .outliers import distances_from_most
from .svg import bars, histogram, number

__all__ = ["write_report"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px;
  padding: 0 1rem; color: #222; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } .odd { background: #fff3cd; } .note { color: #666; }
.fields, .plots { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
.plots { grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); }
figure { margin: 0; } figcaption { font-size: .85rem; overflow-wrap: anywhere; }
figure input { position: absolute; opacity: 0; }
figure img { width: 100%; height: 200px; object-fit: contain; background: #111;
  cursor: zoom-in; display: block; }
figure input:focus-visible + img { outline: 3px solid #1565c0; }
figure input:checked + img { position: fixed; inset: 0; width: 100vw; height: 100vh;
  z-index: 9; cursor: zoom-out; image-rendering: auto; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg rect { fill: #3f7fbf; } svg rect:hover { fill: #bf5f1f; }
svg path { fill: none; stroke: #999; } svg line { stroke: #bf5f1f; stroke-width: 1.5; }
svg .title { font-weight: 600; font-size: 12px; }
pre { background: #f6f6f6; padding: .7rem; overflow-x: auto; font-size: .85rem; }
"""

#: Robust standard deviations from the median beyond which something is told.
_FAR_IMAGE, _FAR_NUCLEUS = 3.5, 6.0
_MOST_ROWS = 25

#: Columns of the summary that are shown, and what they are called.
_SHOWN = {
    "nuclei": "nuclei",
    "density_per_mm2": "per mm²",
    "density_per_mm3": "per mm³",
    "density": "per megapixel",
    "coverage": "coverage",
    "at_border": "at the border",
    "median_area": "median area, px²",
    "median_area_um2": "median area, µm²",
    "median_volume": "median volume, voxels",
    "median_volume_um3": "median volume, µm³",
    "median_circularity": "median circularity",
}

_UNITS = ("_per_mm2", "_per_mm3", "_um2", "_um3")

#: What of nuclei has a histogram; of the names of intensities, how they begin.
_PLOTTED = (
    *("area", "volume", "feret", "circularity", "solidity", "sphericity", "nearest"),
    "corrected_mean_",
)

#: What of nuclei is looked at for outliers.
_LOOKED_AT = ("area", "voxels", "solidity", "circularity")


def write_report(path: str | Path, entries: Sequence[ReportEntry], title: str = "") -> None:
    """Write a report of images: one HTML file, which opens without a network.

    It has a picture of each image with outlines, counts, distributions, outliers, the model
    and its parameters, and the versions of the software.

    Parameters
    ----------
    path : path
        File to make or replace, ``.html``.
    entries : sequence of ReportEntry
        The images, see `report_entry`.
    title : str, optional
        What the report is called.

    Raises
    ------
    ValueError
        If there are no images, or the file has another suffix.
    OSError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"Expected a file with the suffix .html, got {path}.")
    if not entries:
        raise ValueError("Expected images for the report, got none.")
    told = html.escape(title or "Nuclei")
    head = f'<meta charset="utf-8"><title>{told}</title><style>{_STYLE}</style>'
    with new_file(path) as aside, open(aside, "w", encoding="utf-8") as file:
        file.write(f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n')
        file.write(f"<h1>{told}</h1>\n")
        for part in _parts(entries):
            file.write(part + "\n")
        file.write("</body></html>\n")


def _parts(entries: Sequence[ReportEntry]) -> Iterator[str]:
    """Yield the parts of the page."""
    table = join_tables({entry.name: entry.measurement.table for entry in entries})
    counted = pluralize(int(table["label"].size))
    yield f'<p class="note">{counted} in {pluralize(entries, "image")}</p>'
    yield "<h2>Fields</h2><p class='note'>Click a picture for a large one.</p>"
    yield "<div class='fields'>"
    yield from map(_figure, entries)
    yield "</div>"
    yield "<h2>Images</h2>" + _images(entries)
    yield "<h2>Distributions</h2>" + _plots(entries, table)
    yield "<h2>Outliers</h2>" + _outliers(table)
    yield "<h2>Corrected by hand</h2>" + _corrected(entries)
    yield "<h2>How the labels were made</h2>" + _provenance(entries)
    yield "<h2>Software</h2>" + _software()


def _figure(entry: ReportEntry) -> str:
    picture = base64.b64encode(entry.picture).decode()
    name = html.escape(entry.name)
    count = pluralize(int(entry.measurement.table["label"].size))
    return (
        f'<figure><label><input type="checkbox" aria-label="Enlarge {name}">'
        f'<img alt="{name}" src="data:image/jpeg;base64,{picture}"></label>'
        f"<figcaption>{name}: {count}</figcaption></figure>"
    )


def _images(entries: Sequence[ReportEntry]) -> str:
    """Return the table of images; what is far from most is marked."""
    summaries = [entry.measurement.summary for entry in entries]
    there = {name for one in summaries for name in one}
    # What is known in micrometers is not told in pixels again.
    in_unit = {name for name in there if any(name + end in there for end in _UNITS)}
    columns = [name for name in _SHOWN if name in there - in_unit]
    values = {
        name: np.array([one.get(name, np.nan) for one in summaries], float) for name in columns
    }
    far = {name: np.abs(distances_from_most(values[name])) > _FAR_IMAGE for name in columns}
    rows = [
        [
            html.escape(entry.name),
            *((number(values[name][at]), far[name][at]) for name in columns),
        ]
        for at, entry in enumerate(entries)
    ]
    note = (
        f'<p class="note">Marked: more than {_FAR_IMAGE} robust standard deviations from the '
        f"median of the images, of which there must be five.</p>"
    )
    return _table(["image", *(_SHOWN[name] for name in columns)], rows) + note


def _plots(entries: Sequence[ReportEntry], table: dict[str, np.ndarray]) -> str:
    counts = [int(entry.measurement.table["label"].size) for entry in entries]
    drawn = [bars(counts, [entry.name for entry in entries], "nuclei of each image")]
    in_units = {name.rpartition("_um")[0] for name in table if "_um" in name}
    for name, column in table.items():
        if name.startswith(_PLOTTED) and name not in in_units:
            drawn.append(histogram(column, name))
    return f"<div class='plots'>{''.join(drawn)}</div>"


def _outliers(table: dict[str, np.ndarray]) -> str:
    """Return the table of nuclei that are far from most."""
    found: list[tuple[float, list[Any]]] = []
    for name in _LOOKED_AT:
        if name not in table:
            continue
        values = table[name].astype(float)
        distances = distances_from_most(
            np.log(values) if name in ("area", "voxels") else values
        )
        for at in np.flatnonzero(np.abs(distances) > _FAR_NUCLEUS).tolist():
            place = [f"{table[f'centroid_{axis}'][at]:.0f}" for axis in "yx"]
            row = [html.escape(str(table["file"][at])), str(table["label"][at])]
            row += [", ".join(place), name, number(values[at]), f"{distances[at]:+.1f}"]
            found.append((-abs(float(distances[at])), row))
    if not found:
        return '<p class="note">No nucleus is far from most in size or shape.</p>'
    found.sort(key=lambda one: one[0])
    heads = ["image", "label", "y, x", "what", "value", "deviations"]
    left = len(found) - _MOST_ROWS
    more = f'<p class="note">And {left} more.</p>' if left > 0 else ""
    return _table(heads, [row for _, row in found[:_MOST_ROWS]]) + more


def _corrected(entries: Sequence[ReportEntry]) -> str:
    """Return the table of what a person has done with the nuclei."""
    known = [entry for entry in entries if entry.corrected]
    if not known:
        return '<p class="note">The labels do not say whether a person has corrected them.</p>'
    rows = [
        [html.escape(entry.name), *(str(entry.corrected.get(one, 0)) for one in STATES)]
        for entry in known
    ]
    others = len(entries) - len(known)
    left = f" {pluralize(others, 'image')}: not known." if others else ""
    note = (
        f'<p class="note">Nuclei by what a person has done with them: drawn or changed '
        f"(edited), or found right as they were (accepted).{left}</p>"
    )
    return _table(["image", *STATES], rows) + note


def _provenance(entries: Sequence[ReportEntry]) -> str:
    """Return how the labels came about, once for all images of which it is the same."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        same = {
            name: value
            for name, value in entry.provenance.items()
            if name not in ("image", "seconds", "diameter", "blank", "plane", STATES_KEY)
        }
        text = json.dumps(same, indent=2, ensure_ascii=False) if same else ""
        groups.setdefault(text, []).append(entry.name)
    told = []
    for text, names in groups.items():
        where = html.escape(", ".join(names)) if len(groups) > 1 else "All images"
        what = f"<pre>{html.escape(text)}</pre>" if text else "<p>The labels do not say it.</p>"
        told.append(f"<p>{where}:</p>{what}")
    return "".join(told)


def _software() -> str:
    libraries = [f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-image")]
    names = [f"napari-nucseg {__version__}", f"Python {platform.python_version()}", *libraries]
    return f"<p>{html.escape(', '.join(names))}</p>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table; a cell is a text, or a text and whether it is marked."""
    head = "".join(f"<th>{html.escape(one)}</th>" for one in heads)
    body = []
    for row in rows:
        cells = [cell if isinstance(cell, tuple) else (cell, False) for cell in row]
        marked = (("<td class='odd'>" if odd else "<td>") + text for text, odd in cells)
        body.append("<tr>" + "</td>".join(marked) + "</td></tr>")
    return f"<div class='scroll'><table><tr>{head}</tr>{''.join(body)}</table></div>"
