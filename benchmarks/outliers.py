"""How well nuclei are found where some pixels are no part of the image.

A simulated field, in which a share of the pixels has one value: single pixels, blobs, text or
a stripe along the border; the scores are AP at IoU 0.5.

    python benchmarks/outliers.py
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from _common import write_rows

from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.measure.metrics import match_counts, summarize

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

SHARES = (0.0001, 0.001, 0.003, 0.01, 0.02, 0.05)
Form = Callable[[tuple[int, int], float, np.random.Generator], np.ndarray]


def pixels(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Return single pixels anywhere."""
    return rng.permutation(shape[0] * shape[1]).reshape(shape) < share * shape[0] * shape[1]


def blobs(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Return discs of 2 to 9 pixels radius anywhere."""
    mask = np.zeros(shape, bool)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    while mask.sum() < share * mask.size:
        left = share * mask.size - mask.sum()
        radius = min(rng.uniform(2, 9), max(1, (left / np.pi) ** 0.5))
        row, column = rng.uniform(0, shape)
        mask |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return mask


def text(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Return strokes two pixels wide in a corner."""
    wanted = share * shape[0] * shape[1]
    side = int((2.5 * wanted) ** 0.5) + 4
    letters = rng.random((side // 6 + 1, side // 6 + 1, 3, 3)) < 0.55
    strokes = letters.transpose(0, 2, 1, 3).reshape(len(letters) * 3, -1)
    block = np.kron(strokes, np.ones((2, 2), bool))[:side, :side]
    block &= np.cumsum(block).reshape(block.shape) <= wanted
    mask = np.zeros(shape, bool)
    mask[4 : 4 + side, 4 : 4 + side] = block
    return mask


def stripe(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Return the uppermost rows, the last of them in part."""
    return np.arange(shape[0] * shape[1]).reshape(shape) < share * shape[0] * shape[1]


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nuclei", help="name or folder of the model")
    options = parser.parse_args()
    from napari_nucseg import segment

    field = simulate_field((512, 512), seed=5)
    clean = np.asarray(field.image)
    rows: list[dict[str, Any]] = []
    forms: tuple[Form, ...] = (pixels, blobs, text, stripe)
    print(f"  {'':22}" + "".join(f"{share:>8.2%}" for share in SHARES))
    for form in forms:
        for name, value in (("65535", 65535), ("twice the maximum", 2 * clean.max()), ("0", 0)):
            row: dict[str, Any] = {"form": form.__name__, "value": name}
            for share in SHARES:
                image = clean.copy()
                image[form(clean.shape, share, np.random.default_rng(1))] = value
                labels = segment(image, options.model)
                scores = summarize([match_counts(labels, field.known_labels)])
                row[f"{share:.2%}"] = round(scores.ap_pooled[0.5], 3)
            found = "".join(f"{row[f'{share:.2%}']:8.3f}" for share in SHARES)
            print(f"  {form.__name__ + ', ' + name:22}{found}", flush=True)
            rows.append(row)
    write_rows("outliers", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
