"""Sort the datasets of nuclei into one folder per kind of image, to train on.

Takes the parts marked ``train`` of ``dsb2018_fluo``, ``dsb2018_other``, ``kromp2020`` and
``tnbc2018``, and draws simulated fields beside them: single cells and packed tissue. Makes the
groups in `TRAINED`, each a folder with ``images`` and ``masks``. Some of each group is set
aside in ``validation``, to choose the best epoch by: whole slides or preparations where they
are known, a tenth of the images elsewhere. ``test`` and ``heldout`` of the Data Science Bowl
get a folder, too; these are only ever scored.

Files are linked where the system allows it and copied where it does not. Simulated fields
that are there already are kept, unless the simulator has changed.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_nucseg.image import Field

#: The groups to train on.
TRAINED = (
    "grey",
    "stained",
    "brightfield",
    "simulated",
    "kromp_sections",
    "kromp_cells",
    "tnbc",
    "simulated_fluorescent",
    "simulated_stained",
)
#: Those of which a part of the images, drawn by lot, only chooses the best epoch.
BY_LOT = (
    "grey",
    "stained",
    "brightfield",
    "simulated",
    "simulated_fluorescent",
    "simulated_stained",
)
#: How much of these.
VALIDATION = 0.1

GROUP_OF_FAMILY = {
    "grey": "grey",
    "violet": "stained",
    "white": "stained",
    "pink": "stained",
    "brightfield": "brightfield",
}
#: Of `kromp2020`: one of the four sections, and all touch imprints.
VALIDATION_OF_KROMP = (
    "kromp_Ganglioneuroblastoma_3.tif",
    "kromp_Neuroblastoma_0.tif",
    "kromp_Neuroblastoma_6.tif",
)
#: Of `tnbc2018`: two of the eight slides.
VALIDATION_OF_TNBC = ("slide_07", "slide_08")

_CELLS_DIAMETERS = (10.0, 90.0)
_TISSUE_DIAMETERS = (9.0, 60.0)
_KINDS = {"epithelium": 0.4, "mixed": 0.25, "lymphoid": 0.25, "stroma": 0.1}
_STAINS = {"he": 0.6, "dab": 0.2, "pas": 0.2}
_SHAPE = (384, 384)
_DRAWN = "drawn-"


@dataclasses.dataclass(frozen=True)
class Source:
    """An image with its mask.

    Parameters
    ----------
    folder : Path
        With the folders ``images`` and ``masks``.
    name : str
        Of the file in both.
    group : str
        What it belongs to.
    validation : bool, optional
        Whether it only chooses the best epoch.
    """

    folder: Path
    name: str
    group: str
    validation: bool = False

    @property
    def place(self) -> str:
        """The folder that it gets to."""
        return f"validation/{self.group}" if self.validation else self.group


@dataclasses.dataclass(frozen=True)
class Simulation:
    """Fields to simulate, each from a seed of its own.

    Parameters
    ----------
    group : str
        What they belong to.
    seeds : range
        One for each field.
    draw : callable
        Given a seed, returns the field.
    """

    group: str
    seeds: range
    draw: Callable[[int], Field]


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="folder with the datasets")
    parser.add_argument("output", type=Path, help="folder for the groups")
    arguments = parser.parse_args()
    try:
        counts = prepare(arguments.dataset, arguments.output)
    except (OSError, ValueError) as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return 1
    for place, count in sorted(counts.items()):
        print(f"{arguments.output / place}: {count} pairs")
    return 0


def prepare(dataset: Path, output: Path) -> Counter[str]:
    """Make the folders of all groups.

    Parameters
    ----------
    dataset : Path
        Folder of the datasets.
    output : Path
        Folder for the groups. Links that are there already are made anew.

    Returns
    -------
    Counter
        Number of image/mask pairs by folder.

    Raises
    ------
    FileNotFoundError
        If a file of a dataset is missing.
    ValueError
        If a table has an unknown family, part or slide.
    """
    sources = _fluorescence(dataset) + _others(dataset) + _kromp(dataset) + _tnbc(dataset)
    # Checks everything before the first change.
    for source in sources:
        for kind in ("images", "masks"):
            path = source.folder / kind / source.name
            if not path.is_file():
                raise FileNotFoundError(f"Expected {path}; it is missing.")
    sources = _drawn_by_lot(sources + _simulated(output))
    validation = (f"validation/{group}" for group in TRAINED)
    for place in (*TRAINED, "test", "heldout", *validation):
        for kind in ("images", "masks"):
            shutil.rmtree(output / place / kind, ignore_errors=True)
            (output / place / kind).mkdir(parents=True)
    for source in sources:
        for kind in ("images", "masks"):
            _link(source.folder / kind / source.name, output / source.place / kind)
    return Counter(source.place for source in sources)


def _drawn_by_lot(sources: list[Source]) -> list[Source]:
    """Set a part of the images aside for validation, always the same ones."""
    import numpy as np

    rng = np.random.default_rng(0)
    chosen = set()
    for group in BY_LOT:
        ours = sorted(source.name for source in sources if source.group == group)
        picks = rng.permutation(len(ours))[: round(VALIDATION * len(ours))]
        chosen |= {(group, ours[pick]) for pick in picks}
    return [
        dataclasses.replace(source, validation=True)
        if (source.group, source.name) in chosen
        else source
        for source in sources
    ]


def _fluorescence(dataset: Path) -> list[Source]:
    """Return the files of the subset of the StarDist paper."""
    found = []
    for part, group in (("train", "grey"), ("test", "test")):
        folder = dataset / "dsb2018_fluo" / part
        images = sorted((folder / "images").glob("*.tif"))
        if not images:
            raise FileNotFoundError(
                f"Expected TIFF images in {folder / 'images'}; there are none. Give the "
                f"folder of the datasets, for example: make train DATA=path/to/datasets"
            )
        found += [Source(folder, image.name, group) for image in images]
    return found


def _others(dataset: Path) -> list[Source]:
    """Return the other files of the Data Science Bowl, grouped by their family."""
    found = []
    for row in _table(dataset / "dsb2018_other"):
        if row["family"] not in GROUP_OF_FAMILY:
            raise ValueError(f"Expected a known family, got {row}.")
        trained = row["part"] == "train"
        group = GROUP_OF_FAMILY[row["family"]] if trained else "heldout"
        found.append(Source(dataset / "dsb2018_other", row["file"], group))
    return found


def _kromp(dataset: Path) -> list[Source]:
    """Return fluorescence of sections and of single cells, without what is only scored."""
    folder = dataset / "kromp2020"
    return [
        Source(
            folder,
            row["file"],
            "kromp_sections" if row["preparation"] == "tissue section" else "kromp_cells",
            row["file"] in VALIDATION_OF_KROMP,
        )
        for row in _table(folder)
        if row["part"] == "train"
    ]


def _tnbc(dataset: Path) -> list[Source]:
    """Return H and E, without what is only scored."""
    folder = dataset / "tnbc2018"
    return [
        Source(folder, row["file"], "tnbc", row["slide"] in VALIDATION_OF_TNBC)
        for row in _table(folder)
        if row["part"] == "train"
    ]


def _table(folder: Path) -> list[dict[str, str]]:
    """Read the table that says which images may be trained on."""
    with open(folder / "split.csv", newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        if row["part"] not in ("train", "heldout"):
            raise ValueError(
                f"Expected the part 'train' or 'heldout' in {folder / 'split.csv'}, got {row}."
            )
    return rows


def _simulated(output: Path) -> list[Source]:
    """Draw the simulated fields that are not there yet."""
    from napari_nucseg.image import write_labels
    from napari_nucseg.support import new_file

    drawn = output / f"{_DRAWN}{_fingerprint()}"
    for old in output.glob(f"{_DRAWN}*"):
        if old != drawn:
            shutil.rmtree(old)
    found = []
    for simulation in SIMULATIONS:
        folder = drawn / simulation.group
        for seed in simulation.seeds:
            name = f"{simulation.group}_{seed:04d}.tif"
            # The image is written last: if it is there, the field is whole.
            if not (folder / "images" / name).exists():
                import tifffile

                field = simulation.draw(seed)
                (folder / "masks").mkdir(parents=True, exist_ok=True)
                write_labels(folder / "masks" / name, field.known_labels, field)
                with new_file(folder / "images" / name) as aside:
                    tifffile.imwrite(aside, field.image)
            found.append(Source(folder, name, simulation.group))
    return found


def _fingerprint() -> str:
    """Return a checksum of the code that draws the simulated fields."""
    from napari_nucseg import image

    wing = Path(image.__file__).parent
    code = [Path(__file__), wing / "simulate.py", *sorted((wing / "tissue").glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:12]


def _cells(seed: int) -> Field:
    """Draw single cells and clusters, larger, denser and hazier than most of the images."""
    import numpy as np

    from napari_nucseg.image import simulate_field

    rng = np.random.default_rng(seed)
    return simulate_field(
        _SHAPE,
        diameter=float(np.exp(rng.uniform(*np.log(_CELLS_DIAMETERS)))),
        coverage=rng.uniform(0.05, 0.5),
        touching=rng.uniform(0.0, 0.8),
        seed=seed,
    )


def _tissue(seed: int, *, stained: bool) -> Field:
    """Draw packed tissue, fluorescent or stained."""
    import numpy as np

    from napari_nucseg.image import simulate_tissue

    rng = np.random.default_rng(seed)
    diameter = float(np.exp(rng.uniform(*np.log(_TISSUE_DIAMETERS))))
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    stain = rng.choice(list(_STAINS), p=list(_STAINS.values())) if stained else "fluorescence"
    return simulate_tissue(_SHAPE, kind, seed, diameter=diameter, stain=str(stain))


def _fluorescent_tissue(seed: int) -> Field:
    return _tissue(seed, stained=False)


def _stained_tissue(seed: int) -> Field:
    return _tissue(seed, stained=True)


def _link(source: Path, folder: Path) -> None:
    """Link to a file, or copy it where links are not allowed (often on Windows)."""
    target = folder / source.name
    try:
        os.symlink(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


#: Seeds of groups do not overlap, so that no two fields are alike.
SIMULATIONS = (
    Simulation("simulated", range(60), _cells),
    Simulation("simulated_fluorescent", range(1000, 1150), _fluorescent_tissue),
    Simulation("simulated_stained", range(2000, 2100), _stained_tissue),
)


if __name__ == "__main__":
    sys.exit(main())
