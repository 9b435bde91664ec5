"""Kinds of images to fine-tune on, each with other slides or specimens to test on."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from napari_nucseg.image import Field, Species, TissueKind, simulate_tissue

__all__ = ["DOMAINS", "Domain", "fluorescence", "spoiled", "stained"]

_SIDE = 512
_SIMULATED = 12
_SIMULATED_DIAMETER = 22.0


@dataclasses.dataclass(frozen=True)
class Domain:
    """One kind of images.

    Attributes
    ----------
    to_learn, to_test : callable
        Given the folder with the datasets, return fields to fine-tune on, and others.
    left_out : tuple of str
        Beginnings of the names in the reference set that are of the same dataset.
    """

    to_learn: Callable[[Path], list[Field]]
    to_test: Callable[[Path], list[Field]]
    left_out: tuple[str, ...]


def read(folder: Path, name: str) -> Field:
    """Read the middle of an image with its labels, 512 x 512 pixels at most.

    Parameters
    ----------
    folder : Path
        With ``images`` and ``masks``.
    name : str
        Of the file in both.

    Returns
    -------
    Field
        With labels.
    """
    import tifffile

    image = tifffile.imread(folder / "images" / name)
    image = image[..., :3] if image.ndim == 3 else image
    field = Field(
        image, name=Path(name).stem, labels=tifffile.imread(folder / "masks" / name).astype(int)
    )
    starts = [max(0, (length - _SIDE) // 2) for length in field.shape]
    return field.crop(*(slice(start, start + _SIDE) for start in starts))


def _split(
    dataset: str, part: str, column: str, values: Sequence[str]
) -> Callable[[Path], list[Field]]:
    """Return what reads the rows of ``split.csv`` with one of the values in a column."""

    def fields(data: Path) -> list[Field]:
        with open(data / dataset / "split.csv", newline="", encoding="utf-8") as file:
            rows = [
                row
                for row in csv.DictReader(file)
                if row["part"] == part and (not column or row[column] in values)
            ]
        return [read(data / dataset, row["file"]) for row in rows]

    return fields


def _domain(dataset: str, column: str, *values: str) -> Domain:
    left_out = (
        (dataset,)
        if dataset != "dsb2018_other"
        else tuple(f"{dataset}_{value}" for value in values)
    )
    return Domain(
        _split(dataset, "train", column, values),
        _split(dataset, "heldout", column, values),
        left_out,
    )


def _tissue(first_seed: int) -> Callable[[Path], list[Field]]:
    """Return what simulates dense fluorescent tissue with chromocenters."""

    def fields(data: Path) -> list[Field]:
        return [
            dataclasses.replace(
                simulate_tissue(
                    (_SIDE, _SIDE),
                    TissueKind.EPITHELIUM,
                    seed,
                    diameter=_SIMULATED_DIAMETER,
                    species=Species.MOUSE,  # with chromocenters
                ),
                name=f"simulated {seed}",
            )
            for seed in range(first_seed, first_seed + _SIMULATED)
        ]

    return fields


DOMAINS = {
    "sections": _domain("kromp2020", "preparation", "tissue section"),
    "imprints": _domain("kromp2020", "preparation", "Tumor touch imprint", "BM cytospin"),
    "cultured": _domain("kromp2020", "preparation", "cellline grown", "cellline cytospin"),
    "breast": _domain("tnbc2018", ""),
    "violet": _domain("dsb2018_other", "family", "violet"),
    "white": _domain("dsb2018_other", "family", "white"),
    "simulated": Domain(_tissue(500), _tissue(900), ()),
}


def fluorescence(data: Path) -> list[Field]:
    """Return the fluorescence test images of the StarDist paper.

    Parameters
    ----------
    data : Path
        Folder with the datasets.

    Returns
    -------
    list of Field
        With labels.
    """
    folder = data / "dsb2018_fluo" / "test"
    return [read(folder, path.name) for path in sorted((folder / "images").glob("*.tif"))]


def stained(data: Path) -> list[Field]:
    """Return the stained tissue that is held out.

    Parameters
    ----------
    data : Path
        Folder with the datasets.

    Returns
    -------
    list of Field
        With labels.
    """
    return _split("dsb2018_other", "heldout", "family", ("violet", "white", "pink"))(data)


def spoiled(field: Field, how: str, others: Sequence[Field], rng: np.random.Generator) -> Field:
    """Return a field with bad labels.

    Parameters
    ----------
    field : Field
        With good ones.
    how : str
        ``"shifted"`` by half a nucleus, ``"random"`` disks, ``"other"``: those of another
        image, ``"eroded"`` by a third of the area, or ``"empty"`` but for one nucleus.
    others : sequence of Field
        Of the same kind.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Field
        The same image.
    """
    labels = field.known_labels
    areas = np.bincount(labels.ravel())[1:]
    width = 2 * float(np.sqrt(np.median(areas[areas > 0]) / np.pi))
    if how == "shifted":
        angle = rng.uniform(0, 2 * np.pi)
        away = [round(width / 2 * float(part)) for part in (np.sin(angle), np.cos(angle))]
        labels = np.roll(labels, away, (0, 1))
    elif how == "random":
        labels = _disks(labels.shape, len(areas), width, rng)
    elif how == "other":
        other = others[int(rng.integers(len(others)))].known_labels
        labels = np.resize(other, labels.shape) if other.shape != labels.shape else other
    elif how == "eroded":
        labels = _eroded(labels)
    elif how == "empty":
        labels = np.where(labels == np.flatnonzero(areas)[0] + 1, labels, 0)
    else:
        raise ValueError(f"Expected shifted, random, other, eroded or empty, got {how!r}.")
    return dataclasses.replace(field, labels=labels)


def _disks(
    shape: tuple[int, ...], count: int, width: float, rng: np.random.Generator
) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for label in range(1, count + 1):
        row, column = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        disk = (rows - row) ** 2 + (columns - column) ** 2 < width**2 / 4
        labels[disk & (labels == 0)] = label
    return labels


def _eroded(labels: np.ndarray) -> np.ndarray:
    """Take the outer third of the pixels off every nucleus."""
    from scipy import ndimage
    from skimage.measure import regionprops

    eroded = np.zeros_like(labels)
    for region in regionprops(labels):
        inside = ndimage.distance_transform_edt(np.pad(region.image, 1))[1:-1, 1:-1]
        least = np.quantile(inside[region.image], 1 / 3)
        eroded[region.slice][region.image & (inside > least)] = region.label
    return eroded
