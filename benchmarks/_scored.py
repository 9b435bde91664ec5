"""The images that are only ever scored, straight from the folder of the datasets.

Each belongs to the rows of the table that it counts in: the whole set, its family.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from _tissue import TestField, test_fields

from napari_nucseg.image import Field, Stain, read_image, read_labels

__all__ = ["FLUORESCENCE", "ScoredField", "scored_fields"]

#: The set that other people published scores on.
FLUORESCENCE = "dsb2018_fluo/test"
_SECTIONS = "tissue section", "20x"


@dataclasses.dataclass(frozen=True)
class ScoredField:
    """A field to score.

    Parameters
    ----------
    rows : tuple of str
        The rows of the table that it counts in, the whole set first.
    field : Field
        The image and its true labels.
    """

    rows: tuple[str, ...]
    field: Field


def scored_fields(data: Path) -> Iterator[ScoredField]:
    """Read all images that are only scored, and simulate the test fields of tissue.

    Parameters
    ----------
    data : Path
        Folder of the datasets: ``dsb2018_fluo``, ``dsb2018_other``, ``kromp2020``,
        ``tnbc2018``. What is not there is left out and named.

    Yields
    ------
    ScoredField
        Set by set.

    Raises
    ------
    FileNotFoundError
        If there is none of them.
    """
    there = {name: (data / name).is_dir() for name in _SETS}
    if not any(there.values()):
        raise FileNotFoundError(
            f"Expected folders such as {', '.join(_SETS)} in {data}; there is none. Give the "
            f"folder of the datasets."
        )
    for name, read in _SETS.items():
        if there[name]:
            yield from read(data / name)
        else:
            print(f"  {data / name} is not there and is left out.")
    yield from map(_simulated, test_fields())


def _fluorescence(folder: Path) -> Iterator[ScoredField]:
    """Read the test images of the StarDist paper."""
    for path in sorted((folder / "test" / "images").glob("*.tif")):
        yield ScoredField((FLUORESCENCE,), _read(folder / "test", path.name))


def _held_out(
    folder: Path, family_of: Callable[[dict[str, str]], tuple[str, ...]]
) -> Iterator[ScoredField]:
    """Read the held-out images of a set, whose families `family_of` finds in its table."""
    whole = f"{folder.name} heldout"
    with open(folder / "split.csv", newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["part"] == "heldout":
                families = (f"{whole}: {family}" for family in family_of(row))
                yield ScoredField((whole, *families), _read(folder, row["file"]))


def _others(folder: Path) -> Iterator[ScoredField]:
    """Read stained tissue and bright field of the Data Science Bowl, by family."""
    return _held_out(folder, lambda row: (row["family"],))


def _kromp(folder: Path) -> Iterator[ScoredField]:
    """Read fluorescence by preparation, by magnification, and the sections at 20x."""

    def families(row: dict[str, str]) -> tuple[str, ...]:
        kind, magnification = row["preparation"], row["magnification"]
        both = (f"{kind} at {magnification}",) if (kind, magnification) == _SECTIONS else ()
        return kind, magnification, *both

    return _held_out(folder, families)


def _tnbc(folder: Path) -> Iterator[ScoredField]:
    """Read H and E by slide."""
    return _held_out(folder, lambda row: (row["slide"],))


def _simulated(made: TestField) -> ScoredField:
    """Put a simulated field of tissue into its rows."""
    look = "fluorescence" if made.stain is Stain.FLUORESCENCE else "stained"
    kind = f"simulated tissue: {made.kind.value}"
    field = dataclasses.replace(made.field, name=f"{made.number:02d} {made.field.name}")
    return ScoredField(("simulated tissue", kind, f"{kind}, {look}"), field)


def _read(folder: Path, name: str) -> Field:
    """Read an image with its labels."""
    field = read_image(folder / "images" / name)
    return dataclasses.replace(field, labels=read_labels(folder / "masks" / name))


#: How the images of each dataset are read, by its folder.
_SETS: dict[str, Callable[[Path], Iterator[ScoredField]]] = {
    "dsb2018_fluo": _fluorescence,
    "dsb2018_other": _others,
    "kromp2020": _kromp,
    "tnbc2018": _tnbc,
}
