"""How well nuclei are found in simulated epithelium and lymphoid tissue.

Scores a fixed set of 40 fields, see `_tissue.test_fields`, whose true labels are known to
the pixel. It is never trained on and never used to choose a setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from _common import score_values, write_rows
from _tissue import TestField, changed, test_fields

from napari_nucseg.image import Stain
from napari_nucseg.measure import Scores, match_counts, summarize

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nuclei", help="name or folder of the model")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="also write the fields")
    options = parser.parse_args()
    fields = list(test_fields())
    others = changed(fields)
    if others:
        print(f"  Fields {others} are not those of tissue_fields.csv: the simulator has")
        print("  changed. Score the models that you compare all anew.")
    if options.images:
        _write(fields, options.images)
    counts = [_segmented(field, options.model) for field in fields]
    rows = []
    for name, chosen in _groups(fields).items():
        scores = summarize([counts[number] for number in chosen])
        print(_line(name, scores))
        rows.append({"set": name, "model": options.model, **score_values(scores)})
    write_rows("tissue", rows)
    return 0


def _segmented(field: TestField, model: str) -> Any:
    """Segment a field and match what was found with its labels."""
    from napari_nucseg import segment

    labels = segment(field.field, model)
    counts = match_counts(labels, field.field.known_labels)
    scores = summarize([counts])
    name = f"{field.number} {field.kind.value}, {field.stain.value}, {field.diameter:.0f} px"
    print(_line(name, scores), flush=True)
    return counts


def _groups(fields: list[TestField]) -> dict[str, list[int]]:
    """Return the numbers of the fields of each kind of tissue, and of each kind of image."""
    groups: dict[str, list[int]] = {"all": []}
    for field in fields:
        glows = field.stain is Stain.FLUORESCENCE
        image = "fluorescence" if glows else "stained"
        for name in ("all", field.kind.value, f"{field.kind.value}, {image}"):
            groups.setdefault(name, []).append(field.number)
    return groups


def _line(name: str, scores: Scores) -> str:
    """Write the scores for people."""
    return (
        f"  {name:34} AP50 {scores.ap_per_image[0.5]:.3f}  mean AP {scores.mean_ap:.3f}  "
        f"pooled AP50 {scores.ap_pooled[0.5]:.3f}  {scores.true} nuclei, "
        f"{scores.predicted} found"
    )


def _write(fields: list[TestField], folder: Path) -> None:
    """Write images and masks as TIFF."""
    import tifffile

    from napari_nucseg.image import write_labels

    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for field in fields:
        name = f"{field.number:02d}_{field.kind.value}_{field.stain.value}.tif"
        tifffile.imwrite(folder / "images" / name, field.field.image)
        write_labels(folder / "masks" / name, field.field.known_labels, field.field)


if __name__ == "__main__":
    sys.exit(main())
