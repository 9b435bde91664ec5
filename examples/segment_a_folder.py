"""Count the nuclei in every image of a folder.

    python segment_a_folder.py IMAGES OUTPUT

Writes a label image for each image, and counts.csv. A file that cannot be read is
reported, and the rest go on; the exit status is 1 then.
"""

import csv
import sys
from pathlib import Path

import tifffile

import napari_nucseg

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def main(images: str, output: str) -> None:
    """Segment the images one after the other.

    Parameters
    ----------
    images : str
        Folder with TIFF, PNG or JPEG images.
    output : str
        Folder to write to.
    """
    if not Path(images).is_dir():
        sys.exit(f"Expected a folder of images, got {images}.")
    paths = sorted(path for path in Path(images).iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        sys.exit(f"Expected images in {images}, got none.")
    stems = [path.stem for path in paths]
    clash = next((path.name for path in paths if stems.count(path.stem) > 1), None)
    if clash:
        sys.exit(f"Expected images of different names in {images}, got {clash} and another.")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with open(folder / "counts.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "nuclei"])
        for path in paths:
            try:
                labels = napari_nucseg.segment(path)
            except (OSError, TypeError, ValueError) as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                failed += 1
                continue
            tifffile.imwrite(folder / f"{path.stem}_labels.tif", labels, compression="zlib")
            table.writerow([path.name, labels.max()])
            print(f"{path.name}: {labels.max()} nuclei")
    if failed:
        sys.exit(f"Failed: {failed} of {len(paths)}.")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
