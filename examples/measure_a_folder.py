"""Measure the nuclei in every image of a folder, and write one table.

    python measure_a_folder.py IMAGES TABLE.csv [RING_WIDTH]

Segments the images and writes a row for each nucleus, with the name of its image in the
first column: position, size, shape and intensities, and those in a ring around the nucleus if
a width is given. A file that cannot be read is reported, and the rest go on; the exit status
is 1 then.
"""

import csv
import sys
from pathlib import Path

import napari_nucseg

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def main(images: str, table: str, ring_width: str = "0") -> None:
    """Measure the images one after the other.

    Parameters
    ----------
    images : str
        Folder with TIFF, PNG or JPEG images.
    table : str
        File to write, CSV.
    ring_width : str, optional
        Width of the ring in micrometers, or in pixels where their size is not known.
    """
    if not Path(images).is_dir():
        sys.exit(f"Expected a folder of images, got {images}.")
    paths = sorted(path for path in Path(images).iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        sys.exit(f"Expected images in {images}, got none.")
    rows: list[dict[str, object]] = []
    failed = 0
    for path in paths:
        try:
            found = napari_nucseg.find_nuclei(path)
            columns = napari_nucseg.measure_nuclei(found, path, ring_width=float(ring_width))
        except (OSError, TypeError, ValueError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        values = zip(*(column.tolist() for column in columns.values()), strict=True)
        rows += [{"image": path.name, **dict(zip(columns, row, strict=True))} for row in values]
        print(f"{path.name}: {len(columns['label'])} nuclei")
    write(table, rows)
    if failed:
        sys.exit(f"Failed: {failed} of {len(paths)}.")


def write(table: str, rows: list[dict[str, object]]) -> None:
    """Write the rows of all images.

    Parameters
    ----------
    table : str
        File to write.
    rows : list of dict
        Values by the names of the columns; images of other channels have other columns.
    """
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["image", "label"]
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
