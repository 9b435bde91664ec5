"""The files that ``nucseg segment`` writes for each image."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..image import (
    LABELS_ENDING,
    PROBABILITY_ENDING,
    BaseImage,
    Field,
    write_labels,
    write_probability,
    write_stack,
)
from ..measure import write_tracks
from ..pipeline import Segmentation
from ..support import new_file

__all__ = ["Outputs", "add_outputs", "outputs_of"]

_TABLE_ENDING, _TRACKS_ENDING, _LINEAGE_ENDING = "_nuclei", "_tracks", "_lineage"
_DIGITS = 4


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What is written, and where to.

    Parameters
    ----------
    folder : Path
        It must exist.
    probability_map, provenance, table, tracks : bool
        What to write beside the labels.
    """

    folder: Path
    probability_map: bool = False
    provenance: bool = False
    table: bool = False
    tracks: bool = False

    def labels_of(self, image: Path) -> Path:
        """Return the file for the labels of an image.

        Parameters
        ----------
        image : Path
            File of the image.

        Returns
        -------
        Path
            In the folder.
        """
        return self.folder / f"{image.stem}{LABELS_ENDING}.tif"

    def write(self, image: Path, field: Field | BaseImage, result: Segmentation) -> None:
        """Write what was found in an image; older files are replaced.

        Parameters
        ----------
        image : Path
            File of the image.
        field : Field or BaseImage
            What was read from it: a plane, or a stack or series.
        result : Segmentation
            What was found in it.

        Raises
        ------
        OSError
            If something cannot be written. The labels are written last.
        """
        labels = self.labels_of(image)
        if self.probability_map:
            path = self.folder / f"{image.stem}{PROBABILITY_ENDING}.tif"
            if isinstance(field, Field):
                write_probability(path, result.probability, field)
            else:
                write_stack(path, result.probability, result.axes, field)
        if self.provenance:
            text = json.dumps(result.provenance, indent=2, ensure_ascii=False)
            with new_file(labels.with_suffix(".json")) as aside:
                aside.write_text(text + "\n", encoding="utf-8")
        if self.table:
            path = self.folder / f"{image.stem}{_TABLE_ENDING}.csv"
            _write_table(path, result.nuclei)
        if self.tracks and result.tracks is not None:
            source = field.source if isinstance(field, Field) else field
            for suffix in (".csv", ".xml"):
                path = self.folder / f"{image.stem}{_TRACKS_ENDING}{suffix}"
                write_tracks(path, result.tracks, source)
            path = self.folder / f"{image.stem}{_LINEAGE_ENDING}.csv"
            _write_table(path, result.tracks.table())
        if isinstance(field, Field):
            write_labels(labels, result.labels, field, result.provenance)
        else:
            write_stack(labels, result.labels, result.axes, field, result.provenance)


def _write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    rounded = [np.round(values, _DIGITS).tolist() for values in columns.values()]
    with new_file(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*rounded, strict=True))


def add_outputs(command: Any) -> None:
    """Add the options for what is written.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    """
    text = f"Folder for the labels, <stem>{LABELS_ENDING}.tif; older ones are replaced."
    command.add_argument("--output", required=True, type=Path, metavar="DIR", help=text)
    for option, text in (
        (
            "--probability-map",
            f"Also write the foreground probability, <stem>{PROBABILITY_ENDING}.tif, as "
            f"8-bit numbers: 255 is 1.",
        ),
        (
            "--provenance",
            f"Also write how the labels came about, <stem>{LABELS_ENDING}.json.",
        ),
        (
            "--table",
            f"Also write position, area and mean probability of each nucleus, "
            f"<stem>{_TABLE_ENDING}.csv.",
        ),
        (
            "--tracks",
            f"Also write the tracks of a time series: <stem>{_TRACKS_ENDING}.csv, a row for "
            f"each nucleus and time point; <stem>{_TRACKS_ENDING}.xml for TrackMate; "
            f"<stem>{_LINEAGE_ENDING}.csv, parents and daughters.",
        ),
    ):
        command.add_argument(option, action="store_true", help=text)


def outputs_of(options: Any) -> Outputs:
    """Return what is to be written.

    Parameters
    ----------
    options : argparse.Namespace
        What was parsed.

    Returns
    -------
    Outputs
        As the options say.
    """
    return Outputs(
        options.output,
        options.probability_map,
        options.provenance,
        options.table,
        options.tracks,
    )
