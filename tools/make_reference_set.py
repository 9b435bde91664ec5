"""Cut the reference set that ships with the package out of the images to train on.

It takes small crops of the parts marked ``train`` of ``dsb2018_fluo``, ``dsb2018_other``,
``kromp2020`` and ``tnbc2018``, grey and stained, never of what is only scored. Fine-tuning
rehearses some of them, and measures on the others whether it forgets. The choice depends
on the file names only, so the same images give the same set.

Usage: python tools/make_reference_set.py DATA [--output FOLDER]
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).parents[1] / "napari_nucseg" / "training" / "reference_set"
SIDE = 256
#: Fewer nuclei than these tell little.
FEWEST = 5
_PLACES = 30


@dataclasses.dataclass(frozen=True)
class Kind:
    """Images of one kind, and how many crops of them to take.

    Parameters
    ----------
    name : str
        What the crops are called.
    dataset : str
        Folder of the data.
    column, values : str and tuple of str
        Which rows of its ``split.csv``: those with one of the values in the column.
    count : int
        How many crops, each of another image.
    bin : int, optional
        How many pixels along either side become one, so that large nuclei fit in.
    """

    name: str
    dataset: str
    column: str
    values: tuple[str, ...]
    count: int
    bin: int = 1


KINDS = (
    Kind("fluorescence", "dsb2018_fluo", "", (), 26),
    Kind("violet", "dsb2018_other", "family", ("violet",), 8),
    Kind("white", "dsb2018_other", "family", ("white",), 6),
    Kind("pink", "dsb2018_other", "family", ("pink",), 2),
    Kind("brightfield", "dsb2018_other", "family", ("brightfield",), 4),
    Kind("sections", "kromp2020", "preparation", ("tissue section",), 4),
    Kind("imprints", "kromp2020", "preparation", ("Tumor touch imprint", "BM cytospin"), 4, 2),
    Kind("cultured", "kromp2020", "preparation", ("cellline grown", "cellline cytospin"), 4, 2),
    Kind("breast", "tnbc2018", "part", ("train",), 6),
)


def main() -> None:
    """Read the command line, cut the crops and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the four datasets")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to; default: there")
    options = parser.parse_args()
    for kind in KINDS:
        for number, (image, labels) in enumerate(crops(options.data, kind), start=1):
            write(options.output, f"{kind.dataset}_{kind.name}_{number}", image, labels)
    total = sum(path.stat().st_size for path in options.output.rglob("*.png"))
    print(f"{total / 1e6:.2f} MB in {options.output}")


def crops(data: Path, kind: Kind) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the crops of a kind.

    Parameters
    ----------
    data : Path
        Folder with the datasets.
    kind : Kind
        Which images.

    Yields
    ------
    image : ndarray of uint8, shape (256, 256) or (256, 256, 3)
        Intensities.
    labels : ndarray of uint16, shape (256, 256)
        Its nuclei.
    """
    import tifffile

    found = 0
    for folder, name in sorted(files_of(data, kind), key=lambda pair: _rank(pair[1])):
        image = tifffile.imread(folder / "images" / name)
        labels = tifffile.imread(folder / "masks" / name)
        image = image[..., :3] if image.ndim == 3 else image
        crop = _best_crop(image, labels, kind.bin, name)
        if crop is not None and found < kind.count:
            found += 1
            yield crop


def files_of(data: Path, kind: Kind) -> Iterator[tuple[Path, str]]:
    """Yield the files of a kind that may be trained on.

    Parameters
    ----------
    data : Path
        Folder with the datasets.
    kind : Kind
        Which images.

    Yields
    ------
    folder : Path
        With ``images`` and ``masks``.
    name : str
        Of the file in both.
    """
    folder = data / kind.dataset
    if not (folder / "split.csv").exists():
        folder /= "train"
        yield from ((folder, path.name) for path in (folder / "images").glob("*.tif"))
        return
    with open(folder / "split.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["part"] == "train" and row[kind.column] in kind.values:
                yield folder, row["file"]


def write(folder: Path, name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """Write a crop as two PNG files.

    Parameters
    ----------
    folder : Path
        Gets the folders ``images`` and ``masks``.
    name : str
        Of both files, without the suffix.
    image, labels : ndarray
        The crop.
    """
    from PIL import Image

    for place, array in (("images", image), ("masks", labels)):
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(folder / place / f"{name}.png", optimize=True)


def _rank(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _best_crop(
    image: np.ndarray, labels: np.ndarray, bin_: int, name: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the crop with most nuclei out of some; None if there are few in all of them."""
    side = SIDE * bin_
    if min(labels.shape) < side:
        return None
    rng = np.random.default_rng(list(_rank(name)[:8]))
    places = [
        tuple(slice(start, start + side) for start in rng.integers(0, room))
        for room in [np.array(labels.shape) - side + 1] * _PLACES
    ]
    best = max(places, key=lambda place: len(np.unique(labels[place])))
    crop, mask = image[best], _numbered(labels[best][::bin_, ::bin_])
    if bin_ > 1:
        tiles = crop.reshape(SIDE, bin_, SIDE, bin_, *crop.shape[2:])
        crop = np.rint(tiles.mean(axis=(1, 3))).astype(np.uint8)
    return (crop, mask) if mask.max() >= FEWEST else None


def _numbered(labels: np.ndarray) -> np.ndarray:
    """Number the nuclei from 1, in as few bytes as they need."""
    values, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.reshape(labels.shape) + (0 if values[0] == 0 else 1)
    return inverse.astype(np.uint8 if inverse.max() < 256 else np.uint16)


if __name__ == "__main__":
    main()
