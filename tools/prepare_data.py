"""Sort the Data Science Bowl 2018 nuclei into one folder per kind of image.

Makes, out of the dataset's folders ``dsb2018_fluo/{train,test}`` and
``dsb2018_other/{images,masks,split.csv}``, what ``make train`` trains on
(``grey``, ``stained``, ``brightfield``) and what is only ever scored (``test``,
``heldout``), each with ``images`` and ``masks``. A last group to train on, ``simulated``,
has nuclei larger, denser and hazier than most of the dataset. A tenth of each group to
train on is set aside in ``validation``, to choose the best epoch by. Files are linked
where the system allows it and copied where it does not.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

GROUP_OF_FAMILY = {
    "grey": "grey",
    "violet": "stained",
    "white": "stained",
    "pink": "stained",
    "brightfield": "brightfield",
}

#: The groups to train on.
TRAINED = ("grey", "stained", "brightfield", "simulated")
#: How much of them only chooses the best epoch.
VALIDATION = 0.1

SIMULATED_FIELDS = 60
SIMULATED_SHAPE = (384, 384)
SIMULATED_DIAMETERS = (10.0, 90.0)

#: A file of the dataset without its folder "images" or "masks", and its group.
Source = tuple[Path, str, str]


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="folder with dsb2018_fluo and _other")
    parser.add_argument("output", type=Path, help="folder for the groups")
    arguments = parser.parse_args()
    try:
        counts = prepare(arguments.dataset, arguments.output)
    except (OSError, ValueError) as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return 1
    for group, count in sorted(counts.items()):
        print(f"{arguments.output / group}: {count} pairs")
    return 0


def prepare(dataset: Path, output: Path) -> Counter[str]:
    """Make the folders of all groups.

    Parameters
    ----------
    dataset : Path
        Folder of the dataset.
    output : Path
        Folder for the groups. Groups that are there already are made anew.

    Returns
    -------
    Counter
        Number of image/mask pairs by folder.

    Raises
    ------
    FileNotFoundError
        If a file of the dataset is missing.
    """
    sources = _fluorescence(dataset) + _others(dataset)
    # Checks everything before the first change.
    for folder, name, _ in sources:
        for kind in ("images", "masks"):
            if not (folder / kind / name).is_file():
                raise FileNotFoundError(f"Expected {folder / kind / name}; it is missing.")
    names: dict[str, list[str]] = {}
    for _, name, group in sources:
        names.setdefault(group, []).append(name)
    names["simulated"] = [f"simulated_{seed:03d}.tif" for seed in range(SIMULATED_FIELDS)]
    part = _parts(names)
    for place in (*names, *(f"validation/{group}" for group in TRAINED)):
        for kind in ("images", "masks"):
            shutil.rmtree(output / place / kind, ignore_errors=True)
            (output / place / kind).mkdir(parents=True)
    for folder, name, group in sources:
        for kind in ("images", "masks"):
            _link(folder / kind / name, output / part[group, name] / kind / name)
    for seed, name in enumerate(names["simulated"]):
        _simulate(seed, output / part["simulated", name], name)
    return Counter(part.values())


def _parts(names: dict[str, list[str]]) -> dict[tuple[str, str], str]:
    """Return the folder of every file by its group and name."""
    import numpy as np

    parts = {(group, name): group for group, ours in names.items() for name in ours}
    rng = np.random.default_rng(0)
    for group in TRAINED:
        ours = sorted(names[group])
        for index in rng.permutation(len(ours))[: round(VALIDATION * len(ours))]:
            parts[group, ours[index]] = f"validation/{group}"
    return parts


def _simulate(seed: int, folder: Path, name: str) -> None:
    """Write a simulated field with its labels."""
    import numpy as np
    import tifffile

    from napari_nucseg.image.files import write_labels
    from napari_nucseg.image.simulate import simulate_field

    rng = np.random.default_rng(seed)
    field = simulate_field(
        SIMULATED_SHAPE,
        diameter=float(np.exp(rng.uniform(*np.log(SIMULATED_DIAMETERS)))),
        coverage=rng.uniform(0.05, 0.5),
        touching=rng.uniform(0.0, 0.8),
        seed=seed,
    )
    tifffile.imwrite(folder / "images" / name, field.image)
    write_labels(folder / "masks" / name, field.known_labels, field)


def _fluorescence(dataset: Path) -> list[Source]:
    """Return the files of the subset of the StarDist paper."""
    found = []
    for part, group in (("train", "grey"), ("test", "test")):
        folder = dataset / "dsb2018_fluo" / part
        images = sorted((folder / "images").glob("*.tif"))
        if not images:
            raise FileNotFoundError(
                f"Expected TIFF images in {folder / 'images'}; there are none. Give the "
                f"dataset's folder, for example: make train DATA=path/to/dataset"
            )
        found += [(folder, image.name, group) for image in images]
    return found


def _others(dataset: Path) -> list[Source]:
    """Return the other files, with the group that `split.csv` puts them in."""
    folder = dataset / "dsb2018_other"
    found = []
    with open(folder / "split.csv", newline="") as table:
        for row in csv.DictReader(table):
            if row["family"] not in GROUP_OF_FAMILY or row["part"] not in (
                "train",
                "heldout",
            ):
                raise ValueError(f"Expected a known family and part, got {row}.")
            trained = row["part"] == "train"
            group = GROUP_OF_FAMILY[row["family"]] if trained else "heldout"
            found.append((folder, row["file"], group))
    return found


def _link(source: Path, target: Path) -> None:
    """Link to a file, or copy it where links are not allowed (often on Windows)."""
    try:
        os.symlink(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main())
