"""The files that hold what was found in an image."""

from __future__ import annotations

import csv
import dataclasses
import json
import stat
from pathlib import Path

import numpy as np

from ..image import (
    PROBABILITY_ENDING,
    BaseImage,
    Field,
    labels_name,
    says_corrected,
    set_aside_corrected,
    write_labels,
    write_probability,
    write_stack,
)
from ..pipeline import Segmentation
from ..support import new_file
from .track_files import write_tracks

__all__ = ["LINEAGE_ENDING", "TABLE_ENDING", "TRACKS_ENDING", "Outputs"]

#: Ends of the names of files with tables of nuclei, tracks and lineages, before the suffix.
TABLE_ENDING, TRACKS_ENDING, LINEAGE_ENDING = "_nuclei", "_tracks", "_lineage"

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
    replace_corrected : bool, optional
        Whether labels that a person has corrected may be replaced; they are set aside then.
        Otherwise it is an error.
    """

    folder: Path
    probability_map: bool = False
    provenance: bool = False
    table: bool = False
    tracks: bool = False
    replace_corrected: bool = False

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
        return self.folder / labels_name(image)

    def check(self, image: Path) -> None:
        """Check, before anything is computed, that the files for an image can have their names.

        Parameters
        ----------
        image : Path
            File of the image.

        Raises
        ------
        FileExistsError
            If a person has corrected the labels that are there.
        IsADirectoryError
            If there is a folder in place of one.
        ValueError
            If a name is too long, or cannot be one of a file.
        """
        self._check_files(image)
        self._check_corrected(image)

    def _check_corrected(self, image: Path) -> None:
        labels = self.labels_of(image)
        if not self.replace_corrected and says_corrected(labels):
            raise FileExistsError(
                f"Expected labels of {image} that nobody has corrected, got {labels} with the "
                f"corrections of a person. Choose another folder with --output, or give "
                f"--replace-corrected, which keeps them as {labels.stem}.before.tif."
            )

    def _check_files(self, image: Path) -> None:
        for path in self._files_of(image):
            try:
                mode = path.stat().st_mode
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                text = getattr(error, "strerror", None) or error
                raise ValueError(
                    f"Expected an image whose outputs can be written, got {image}: {path} "
                    f"cannot be the name of a file ({text}). Rename the image, or choose "
                    f"another folder."
                ) from error
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(
                    f"Expected to write what is found in {image} to {path}, which is a folder. "
                    f"Rename that, or choose another one with --output."
                )

    def _files_of(self, image: Path) -> list[Path]:
        """Return all files that are written for an image."""
        labels = self.labels_of(image)
        return [
            labels,
            *([self._probability_of(image)] if self.probability_map else []),
            *([labels.with_suffix(".json")] if self.provenance else []),
            *([self._table_of(image)] if self.table else []),
            *(self._tracks_of(image) if self.tracks else []),
        ]

    def _probability_of(self, image: Path) -> Path:
        return self.folder / f"{image.stem}{PROBABILITY_ENDING}.tif"

    def _table_of(self, image: Path) -> Path:
        return self.folder / f"{image.stem}{TABLE_ENDING}.csv"

    def _tracks_of(self, image: Path) -> list[Path]:
        """Return the files for tracks in the formats of `write_tracks`, and for lineages."""
        names = [f"{TRACKS_ENDING}.csv", f"{TRACKS_ENDING}.xml", f"{LINEAGE_ENDING}.csv"]
        return [self.folder / f"{image.stem}{name}" for name in names]

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
            If something cannot be written, or a person has corrected the labels that are
            there. The labels are written last.
        """
        labels = self.labels_of(image)
        self._check_corrected(image)  # it may have been done since
        if self.probability_map:
            path = self._probability_of(image)
            if isinstance(field, Field):
                write_probability(path, result.probability, field)
            else:
                write_stack(path, result.probability, result.axes, field)
        if self.provenance:
            text = json.dumps(result.provenance, indent=2, ensure_ascii=False)
            with new_file(labels.with_suffix(".json")) as aside:
                # Of a name that is no text; JSON writes such letters in the same way.
                aside.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        if self.table:
            _write_table(self._table_of(image), result.nuclei)
        if self.tracks and result.tracks is not None:
            source = field.source if isinstance(field, Field) else field
            *files, lineage = self._tracks_of(image)
            for path in files:
                write_tracks(path, result.tracks, source)
            _write_table(lineage, result.tracks.table())
        set_aside_corrected(labels)
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
