"""Copy the training images whose labels a model can follow, and leave out the others.

    python tools/clean_data.py runs/model runs/data/grey runs/clean/grey --least-ap 0.65

A model that has learned from all images is no better on those that it learned from than on
others. Where it disagrees with the labels most, the labels are doubtful: nuclei outlined far
outside of where others end that look the same, several drawn as one, specks. To learn from
what is left teaches a network that hesitates less (Han et al., arXiv 1804.06872, choose
single examples by their loss in the same way).
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

#: How much larger or smaller than the true ones the nuclei found may be, in the median.
_MOST_RATIO = 1.25

#: A nucleus found and a true one are the same for that if their IoU is above this.
_SAME = 0.4

#: A speck has fewer pixels than this.
_SPECK = 40


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("model", help="name or folder of a model")
    parser.add_argument("data", type=Path, help="folder with images/ and masks/")
    parser.add_argument("output", type=Path, help="folder to make")
    parser.add_argument(
        "--least-ap", type=float, default=0.0, help="AP at IoU 0.5 that an image has to reach"
    )
    parser.add_argument(
        "--least-part",
        type=float,
        default=0.0,
        help=f"part of the median area below which a label of less than {_SPECK} pixels goes",
    )
    options = parser.parse_args(arguments)
    try:
        kept, all_of_them = clean(
            options.model, options.data, options.output, options.least_ap, options.least_part
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"{kept} of {all_of_them} images are in {options.output}.")


def clean(
    model: str | Path, data: Path, output: Path, least_ap: float = 0.0, least_part: float = 0.0
) -> tuple[int, int]:
    """Copy the images whose labels a model can follow.

    Parameters
    ----------
    model : str or path
        Name or folder of the model.
    data : Path
        Folder of pairs of image and mask, see `napari_nucseg.pairs.find_pairs`.
    output : Path
        Folder for ``images/`` and ``masks/``; it must not exist.
    least_ap : float, optional
        AP at IoU 0.5 that an image has to reach, 0 to 1.
    least_part : float, optional
        Part of the median area in an image below which specks are left out of its mask.

    Returns
    -------
    tuple of int
        How many images were copied, and how many there were.

    Raises
    ------
    FileNotFoundError
        If there is no pair, or no such model.
    FileExistsError
        If `output` exists.
    """
    from napari_nucseg import segment
    from napari_nucseg.atomic import check_new_folder, new_folder
    from napari_nucseg.files import write_labels
    from napari_nucseg.metrics import compare
    from napari_nucseg.model_store import load_model
    from napari_nucseg.pairs import find_pairs, read_pair

    check_new_folder(output)
    pairs, judge, kept = find_pairs(data), load_model(model), 0
    with new_folder(output) as aside:
        for inner in ("images", "masks"):
            (aside / inner).mkdir()
        for pair in pairs:
            true = read_pair(pair).known_labels
            found = segment(pair.image, judge)
            if compare(found, true).ap_per_image[0.5] < least_ap:
                continue
            if not 1 / _MOST_RATIO <= area_ratio(found, true) <= _MOST_RATIO:
                continue
            shutil.copyfile(pair.image, aside / "images" / pair.image.name)
            mask = aside / "masks" / f"{pair.image.stem}.tif"
            write_labels(mask, without_specks(true, least_part))
            kept += 1
    return kept, len(pairs)


def area_ratio(found: np.ndarray, true: np.ndarray) -> float:
    """Return how much larger nuclei were found than they are labelled.

    Parameters
    ----------
    found, true : ndarray of int, shape (Y, X)
        Instance labels.

    Returns
    -------
    float
        Median of found area by true area over the nuclei that are in both; 1 if none is.
    """
    areas, ratios = np.bincount(found.ravel()), []
    for value in np.unique(true[true > 0]):
        inside = found[true == value]
        overlaps = np.bincount(inside[inside > 0])
        if overlaps.size:
            best = int(overlaps.argmax())
            union = inside.size + areas[best] - overlaps[best]
            if overlaps[best] > _SAME * union:
                ratios.append(areas[best] / inside.size)
    return float(np.median(ratios)) if ratios else 1.0


def without_specks(labels: np.ndarray, least_part: float) -> np.ndarray:
    """Return labels without specks.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Instance labels.
    least_part : float
        Part of the median area below which a label of few pixels is a speck.

    Returns
    -------
    ndarray of int, shape (Y, X)
        A copy.
    """
    values, areas = np.unique(labels[labels > 0], return_counts=True)
    median = np.median(areas) if areas.size else 0
    specks = values[(areas < least_part * median) & (areas < _SPECK)]
    return np.where(np.isin(labels, specks), 0, labels)


if __name__ == "__main__":
    main()
