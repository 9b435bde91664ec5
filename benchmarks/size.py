"""How well the typical diameter of the nuclei is estimated, in octaves.

Scores the images that only choose the best epoch of `make train`, where
tools/prepare_data.py has made them: as they are, and the grey ones with debris. Then simulated
fields: every size with debris, and two populations side by side, of which the smaller nuclei
are the more frequent and so the typical ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from _common import ROOT, Measure, report, write_rows
from _conditions import degraded, littered

from napari_nucseg.image import Field, read_fields, simulate_field
from napari_nucseg.training.targets import median_diameter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

VALIDATION = ROOT / "runs" / "data" / "validation"
#: Bars: of the errors of all validation images, in octaves.
NEAR, SHARE_NEAR, WORST = 0.25, 0.95, 1.0

_DEBRIS_DIAMETERS = (10, 20, 40, 80)
_PAIRS = ((10, 20), (12, 48), (20, 40), (20, 80), (40, 80))
_SEEDS = range(20_000, 20_003)  # not those of fields that models are trained on
_SIDE = 512


@dataclasses.dataclass(frozen=True)
class Estimate:
    """The estimate of one image.

    Parameters
    ----------
    group, image : str
        The set that it belongs to, and its name.
    true, found : float
        Median diameter of the labelled nuclei, and the estimate, in pixels.
    """

    group: str
    image: str
    true: float
    found: float

    @property
    def octaves(self) -> float:
        """The error: 1 is twice as large as in truth, -1 half."""
        return float(np.log2(self.found / self.true))

    @property
    def row(self) -> dict[str, object]:
        """A row of the CSV."""
        return {
            "set": self.group,
            "image": self.image,
            "true": round(self.true, 2),
            "found": round(self.found, 2),
            "octaves": round(self.octaves, 3),
        }


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        help="with images/ and masks/; left out, all of runs/data/validation, and simulation",
    )
    parser.add_argument("--model", default="nuclei", help="name or folder of the model")
    options = parser.parse_args()
    folders = options.folders or sorted(VALIDATION.glob("*"))
    if not folders:
        print(f"  There is no data in {VALIDATION}: make it with tools/prepare_data.py.")
    real: list[Estimate] = []
    for folder in folders:
        real += _estimates(folder.name, read_fields([folder]), options.model)
    made: list[Estimate] = []
    if not options.folders:
        for group, fields in simulated_sets(VALIDATION):
            made += _estimates(group, fields, options.model)
    for one in sorted(real + made, key=lambda one: -abs(one.octaves)):
        if abs(one.octaves) > WORST:
            print(f"  {one.group}, {one.image}: {one.true:.0f} px, found {one.found:.0f}")
    if real:
        report("size", list(measures("all images", real, bars=True)))
    write_rows("size_images", [one.row for one in real + made])
    return 0


def simulated_sets(validation: Path) -> Iterator[tuple[str, list[Field]]]:
    """Yield the name and the fields of each set that is made for this.

    Parameters
    ----------
    validation : Path
        Folder of the validation groups; the grey one is littered, if it is there.

    Yields
    ------
    tuple of str and list of Field
        With known labels.
    """
    if (validation / "grey").is_dir():
        grey = read_fields([validation / "grey"])
        yield "grey, debris", [degraded(f, littered, seed) for seed, f in enumerate(grey)]
    cells = [_cells(diameter, seed) for diameter in _DEBRIS_DIAMETERS for seed in _SEEDS]
    littered_cells = [
        dataclasses.replace(field, image=littered(field.image, np.random.default_rng(number)))
        for number, field in enumerate(cells)
    ]
    yield "simulated, debris", littered_cells
    yield "two populations", [side_by_side(*pair, seed) for pair in _PAIRS for seed in _SEEDS]


def side_by_side(small: float, large: float, seed: int) -> Field:
    """Simulate a field with small nuclei in its left half and large ones in the right.

    Parameters
    ----------
    small, large : float
        Diameters in pixels.
    seed : int
        Of both halves.

    Returns
    -------
    Field
        Image and labels.
    """
    left, right = _cells(small, seed), _cells(large, seed)
    labels = right.known_labels
    others = np.where(labels > 0, labels + left.known_labels.max(), 0)
    return Field(
        np.concatenate([left.image, right.image], axis=1),
        name=f"{small:g} and {large:g} pixels, seed {seed}",
        labels=np.concatenate([left.known_labels, others], axis=1),
    )


def _cells(diameter: float, seed: int) -> Field:
    field = simulate_field((_SIDE, _SIDE), diameter=diameter, coverage=0.3, seed=seed)
    return dataclasses.replace(field, name=f"{diameter:g} pixels, seed {seed}")


def _estimates(group: str, fields: Sequence[Field], model: str) -> list[Estimate]:
    """Estimate the size of each field, and print what came out."""
    from napari_nucseg import find_nuclei

    found = []
    for field in fields:
        true = median_diameter(field.known_labels)
        if true is not None:  # there is no size without a nucleus
            diameter = find_nuclei(field, model).diameter
            found.append(Estimate(group, field.name, true, diameter))
    if found:
        for measure in measures(group, found):
            print(f"  {measure.name:<58} {measure.value:>9.3f} {measure.unit}", flush=True)
    return found


def measures(
    group: str, estimates: Sequence[Estimate], *, bars: bool = False
) -> Iterator[Measure]:
    """Summarize the errors of a set.

    Parameters
    ----------
    group : str
        Its name.
    estimates : sequence of Estimate
        At least one.
    bars : bool, optional
        Whether the bars hold for it.

    Yields
    ------
    Measure
        Median of the error without its sign, its mean with the sign, the share that is near,
        and the worst.
    """
    octaves = np.array([one.octaves for one in estimates])
    name = f"{group} ({len(octaves)})"
    yield Measure(f"{name}: median error", float(np.median(np.abs(octaves))), "oct")
    yield Measure(f"{name}: mean, with its sign", float(octaves.mean()), "oct")
    share = float(np.mean(np.abs(octaves) <= NEAR))
    least = SHARE_NEAR if bars else None
    yield Measure(f"{name}: share within {NEAR:g} octave", share, at_least=least)
    most = WORST if bars else None
    yield Measure(f"{name}: worst error", float(np.abs(octaves).max()), "oct", at_most=most)


if __name__ == "__main__":
    sys.exit(main())
