"""Masks as COCO annotations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .base import ExportFormat, Labeled

__all__ = ["Coco"]


class Coco(ExportFormat):
    """COCO annotations, with a mask for each nucleus as run lengths.

    The runs go down the columns, as pycocotools writes and reads them, so that nothing
    is lost. The box is X and Y of its upper left corner, width and height, and the first pixel
    reaches from 0 to 1. The id of an annotation is its label. The category is ``nucleus``, and
    if nuclei have classes, there is one for each class beside it.
    """

    name = "coco"
    summary = "annotations for COCO tools, masks as run lengths"
    ending = "_coco.json"

    def _write(self, path: Path, labeled: Labeled) -> None:
        from skimage.measure import regionprops

        height, width = labeled.labels.shape
        annotations = []
        names = ["nucleus", *sorted({*labeled.classes.values()} - {"nucleus"})]
        for region in regionprops(labeled.labels):
            kind = labeled.classes.get(int(region.label), "nucleus")
            top, left, bottom, right = region.bbox
            y, x = region.coords.T
            annotations.append(
                {
                    "id": int(region.label),
                    "image_id": 1,
                    "category_id": 1 + names.index(kind),
                    "segmentation": {
                        "size": [height, width],
                        "counts": _packed(_runs(np.sort(x * height + y), height * width)),
                    },
                    "bbox": [left, top, right - left, bottom - top],
                    "area": len(y),
                    "iscrowd": 0,
                }
            )
        image = {"id": 1, "file_name": labeled.name, "height": height, "width": width}
        content = {
            "images": [image],
            "categories": [{"id": at, "name": name} for at, name in enumerate(names, 1)],
            "annotations": annotations,
        }
        path.write_text(json.dumps(content), encoding="utf-8")


def _runs(places: np.ndarray, size: int) -> list[int]:
    """Return the lengths of runs outside and inside of a mask in turn."""
    first = np.append(True, np.diff(places) != 1)
    starts, ends = places[first], places[np.append(first[1:], True)] + 1
    edges = np.stack([starts, ends], axis=1).ravel()
    runs = np.diff(edges, prepend=0, append=size).tolist()
    return runs if runs[-1] else runs[:-1]


def _packed(runs: list[int]) -> str:
    """Return run lengths as text: their differences in groups of five bits."""
    text = []
    for at, run in enumerate(runs):
        value = run - runs[at - 2] if at > 2 else run
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text.append(chr(48 + bits + (32 if more else 0)))
    return "".join(text)
