"""The files that hold what was found in an image."""

from __future__ import annotations

import csv
import dataclasses
import json
import stat
from pathlib import Path

import numpy as np

from ..image import (
    LABELS_ENDING,
    PROBABILITY_ENDING,
    Field,
    write_labels,
    write_probability,
)
from ..support import new_file
from .segmentation import Segmentation

__all__ = ["TABLE_ENDING", "Outputs"]

#: End of the name of a file with a table of nuclei, before the suffix.
TABLE_ENDING = "_nuclei"

_DIGITS = 4


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What is written, and where to.

    Parameters
    ----------
    folder : Path
        It must exist.
    probability_map, provenance, table : bool
        What to write beside the labels.
    """

    folder: Path
    probability_map: bool = False
    provenance: bool = False
    table: bool = False

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

    def check(self, image: Path) -> None:
        """Check, before anything is computed, that the files for an image can have their names.

        Parameters
        ----------
        image : Path
            File of the image.

        Raises
        ------
        IsADirectoryError
            If there is a folder in place of one.
        ValueError
            If a name is too long, or cannot be one of a file.
        """
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
        ]

    def _probability_of(self, image: Path) -> Path:
        return self.folder / f"{image.stem}{PROBABILITY_ENDING}.tif"

    def _table_of(self, image: Path) -> Path:
        return self.folder / f"{image.stem}{TABLE_ENDING}.csv"

    def write(self, image: Path, field: Field, result: Segmentation) -> None:
        """Write what was found in an image; older files are replaced.

        Parameters
        ----------
        image : Path
            File of the image.
        field : Field
            What was read from it.
        result : Segmentation
            What was found in it.

        Raises
        ------
        OSError
            If something cannot be written. The labels are written last.
        """
        labels = self.labels_of(image)
        if self.probability_map:
            write_probability(self._probability_of(image), result.probability, field)
        if self.provenance:
            text = json.dumps(result.provenance, indent=2, ensure_ascii=False)
            with new_file(labels.with_suffix(".json")) as aside:
                # Of a name that is no text; JSON writes such letters in the same way.
                aside.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        if self.table:
            _write_table(self._table_of(image), result.nuclei)
        write_labels(labels, result.labels, field, result.provenance)


def _write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    rounded = [np.round(values, _DIGITS).tolist() for values in columns.values()]
    with new_file(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*rounded, strict=True))
