"""A fixed test set of simulated tissue that no training can ever see.

`simulate_tissue`, which makes fields to train on, draws from one stream of random numbers,
these fields from another one: no seed gives one of them there. The table
``tissue_fields.csv`` says what they looked like when the set was made, because a change of
the simulator changes them, and results from before and after cannot be compared.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_nucseg.image import Field, Stain, TissueKind
from napari_nucseg.image.tissue.simulate import draw_tissue

TABLE = Path(__file__).with_name("tissue_fields.csv")

_SEED = 2033
_STREAM = 1  # `simulate_tissue` has stream 0
_SIDE = 512
_DIAMETERS = (12.0, 40.0)
_KINDS = (TissueKind.EPITHELIUM, TissueKind.LYMPHOID)
_STAINS = (Stain.FLUORESCENCE,) * 11 + (Stain.HE,) * 3 + (Stain.DAB,) * 3 + (Stain.PAS,) * 3


@dataclasses.dataclass(frozen=True)
class TestField:
    """One field of the test set.

    Attributes
    ----------
    number : int
        0 to 39.
    kind : TissueKind
        Epithelium or lymphoid.
    stain : Stain
        How it is made visible.
    diameter : float
        Of a typical nucleus in pixels.
    field : Field
        Image and true labels.
    """

    number: int
    kind: TissueKind
    stain: Stain
    diameter: float
    field: Field

    @property
    def row(self) -> dict[str, str]:
        """What the table says about it."""
        return {
            "number": str(self.number),
            "kind": self.kind.value,
            "stain": self.stain.value,
            "diameter": f"{self.diameter:.1f}",
            "nuclei": str(self.field.nuclei),
            "mean": f"{np.mean(self.field.image):.1f}",
        }


def random_numbers(number: int) -> np.random.Generator:
    """Return the source of randomness of one field.

    Parameters
    ----------
    number : int
        Of the field.

    Returns
    -------
    numpy.random.Generator
        The same one each time.
    """
    return np.random.default_rng(np.random.SeedSequence(_SEED, spawn_key=(_STREAM, number)))


def test_fields() -> Iterator[TestField]:
    """Make the 40 fields of the test set, one after the other.

    Yields
    ------
    TestField
        20 of epithelium, then 20 of lymphoid tissue, each 512 x 512 pixels.
    """
    sizes = np.geomspace(*_DIAMETERS, len(_STAINS))
    number = 0
    for kind in _KINDS:
        for index, stain in enumerate(_STAINS):
            # Small and large ones for every stain: 7 and 20 have no common factor.
            diameter = float(sizes[7 * index % len(_STAINS)])
            field = draw_tissue(
                (_SIDE, _SIDE), kind, random_numbers(number), diameter=diameter, stain=stain
            )
            yield TestField(number, kind, stain, diameter, field)
            number += 1


def changed(fields: list[TestField]) -> list[int]:
    """Compare the fields with the table.

    Other processors may round otherwise, so that a little is allowed.

    Parameters
    ----------
    fields : list of TestField
        As they are made now.

    Returns
    -------
    list of int
        Numbers of the fields that are not what they were.
    """
    with open(TABLE, newline="", encoding="utf-8") as file:
        known = {int(row["number"]): row for row in csv.DictReader(file)}
    return [
        field.number
        for field in fields
        if any(
            abs(float(field.row[name]) - float(known[field.number][name]))
            > 0.02 * float(known[field.number][name])
            for name in ("diameter", "nuclei", "mean")
        )
    ]


def write_table(fields: list[TestField]) -> None:
    """Write the table anew: only together with new results of the models compared.

    Parameters
    ----------
    fields : list of TestField
        All of them.
    """
    with open(TABLE, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(fields[0].row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(field.row for field in fields)


if __name__ == "__main__":
    write_table(list(test_fields()))
    print(f"wrote {TABLE}", file=sys.stderr)
