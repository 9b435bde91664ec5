"""The same labels as before, to the bit: checksums of 91 images that were never trained on.

    python benchmarks/labels.py DATA            # compare with labels.csv
    python benchmarks/labels.py DATA --write    # record what this code finds

A change that is meant to change no labels must not change these.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _common import BENCHMARKS, ROOT

RECORD = BENCHMARKS / "labels.csv"


def images_in(data: Path) -> list[Path]:
    """Return the test images and the held-out images.

    Parameters
    ----------
    data : Path
        Folder with ``dsb2018_fluo`` and ``dsb2018_other``.

    Returns
    -------
    list of Path
        50 and 41 files.

    Raises
    ------
    FileNotFoundError
        If one of the two is not there.
    """
    other = data / "dsb2018_other"
    with open(other / "split.csv", newline="", encoding="utf-8") as file:
        held_out = [row["file"] for row in csv.DictReader(file) if row["part"] == "heldout"]
    test = sorted((data / "dsb2018_fluo" / "test" / "images").iterdir())
    return [*test, *(other / "images" / name for name in held_out)]


def checksums(data: Path) -> Iterator[tuple[str, str]]:
    """Segment the images with the bundled model, one after the other.

    Parameters
    ----------
    data : Path
        Folder with ``dsb2018_fluo`` and ``dsb2018_other``.

    Yields
    ------
    tuple of str
        The path of the image inside of `data`, and the SHA-256 of its labels:
        the bytes of the int32 array, row by row.
    """
    from napari_nucseg import load_model, segment

    model = load_model("nuclei")
    for path in images_in(data):
        labels = np.ascontiguousarray(segment(path, model), np.int32)
        yield path.relative_to(data).as_posix(), hashlib.sha256(labels.tobytes()).hexdigest()


def read_record() -> dict[str, str]:
    """Return the recorded checksums by image.

    Returns
    -------
    dict of str to str
        As `checksums` gives them.
    """
    with open(RECORD, newline="", encoding="utf-8") as file:
        return {row["file"]: row["sha256"] for row in csv.DictReader(file)}


def write_record(data: Path) -> None:
    """Write the checksums of what this code finds.

    Parameters
    ----------
    data : Path
        Folder with ``dsb2018_fluo`` and ``dsb2018_other``.
    """
    rows = list(checksums(data))
    with open(RECORD, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("file", "sha256"), *rows])
    print(f"Wrote the checksums of {len(rows)} images to {RECORD}.")


def compare(data: Path) -> int:
    """Compare what this code finds with what is recorded, and print it.

    Parameters
    ----------
    data : Path
        Folder with ``dsb2018_fluo`` and ``dsb2018_other``.

    Returns
    -------
    int
        Number of images that differ, are not recorded, or are recorded and missing.
    """
    record, found = read_record(), dict(checksums(data))
    others = [name for name in {**record, **found} if record.get(name) != found.get(name)]
    identical = sum(record.get(name) == checksum for name, checksum in found.items())
    print(f"Identical labels: {identical} of {len(record)}.")
    for name in others:
        why = "differs" if name in record else "is not recorded"
        print(f"  {name} {why if name in found else 'is recorded and missing'}")
    return len(others)


def main() -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit status: 1 if labels differ.
    """
    parser = argparse.ArgumentParser(
        description="Compare the labels of 91 images with those that are recorded."
    )
    parser.add_argument(
        "data", nargs="?", type=Path, help="folder with dsb2018_fluo and dsb2018_other"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()
    data = options.data or ROOT.parent / "shared" / "data"
    try:
        images_in(data)
    except FileNotFoundError as error:
        if options.data:
            parser.error(f"Expected dsb2018_fluo and dsb2018_other in {data}: {error}")
        print("Skipped: name the folder with dsb2018_fluo and dsb2018_other.")
        return 0
    if options.write:
        write_record(data)
        return 0
    return 1 if compare(data) else 0


if __name__ == "__main__":
    raise SystemExit(main())
