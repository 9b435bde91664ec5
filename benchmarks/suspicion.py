"""How many of the errors a person meets at the beginning of the review queue.

The bundled model segments images. Errors are nuclei that no true one matches at IoU 0.5
(false ones, pieces, bad outlines), nuclei that cover two true ones (merged), and true ones that
were missed. The queue of a dataset has the nuclei and candidates of all its images.

With ``--fit --write`` the weights of the queue are fitted instead, to images that may be
trained on, and ``napari_nucseg/corrections/weights.py`` is written anew. Do so for a new
bundled model.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _common import Measure, report
from scipy.optimize import minimize

from napari_nucseg.corrections import missed_nuclei
from napari_nucseg.corrections import weights as fitted
from napari_nucseg.corrections.features import features_of
from napari_nucseg.corrections.odds import MISSED, NUCLEI, WITHOUT_MAPS, Odds
from napari_nucseg.image import Field, read_image, read_labels
from napari_nucseg.network import load_predictor
from napari_nucseg.pipeline import SegmentParameters, segment_field
from napari_nucseg.registry import load_model

#: The datasets with a file that says which part an image belongs to.
SPLIT = ("dsb2018_other", "kromp2020", "tnbc2018")
IOU = 0.5

#: Of larger images only a part is looked at.
SIDE = 768

#: Images of each dataset that weights are fitted to.
IMAGES = {"dsb2018_fluo": 60, "dsb2018_other": 45, "kromp2020": 22, "tnbc2018": 22}

#: Strength of the penalties for the sum of weights, and for that of their squares.
PENALTIES = 2.0, 0.5

#: Parts of the queue, and which part of the errors shall be in them.
BARS = ((0.1, 0.5), (0.2, 0.7))


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """What was found in an image, and what of it is wrong.

    Parameters
    ----------
    nuclei, candidates : dict of str to ndarray
        Their features.
    wrong : ndarray of bool
        Of each nucleus, whether no true one matches it, or whether it covers two.
    right : ndarray of bool
        Of each candidate, whether a nucleus was missed there.
    missed : int
        How many true nuclei were missed.
    """

    nuclei: dict[str, np.ndarray]
    candidates: dict[str, np.ndarray]
    wrong: np.ndarray
    right: np.ndarray
    missed: int


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with dsb2018_fluo and the others")
    parser.add_argument("--fit", action="store_true", help="fit weights to the part train")
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--images", type=int, default=10**6, help="of each dataset, at most")
    options = parser.parse_args()
    part = "train" if options.fit else "heldout"
    found: dict[str, list[Result]] = {}
    for name, pairs in datasets(options.data, part):
        most = min(options.images, IMAGES[name]) if options.fit else options.images
        order = np.random.default_rng(0).permutation(len(pairs))[:most]
        found[name] = list(results([pairs[index] for index in sorted(order)]))
    every = [one for several in found.values() for one in several]
    if options.fit:
        print(text := weights_of(every))
        if options.write:
            Path(fitted.__file__).write_text(text, encoding="utf-8")
        return 0
    measures = [
        measure
        for name, several in [*found.items(), ("all", every)]
        for measure in measures_of(name, several)
    ]
    report("suspicion", measures)
    return 0


def datasets(data: Path, part: str) -> Iterator[tuple[str, list[tuple[Path, Path]]]]:
    """Yield the name of each dataset, and its images and masks."""
    folder = data / "dsb2018_fluo" / ("train" if part == "train" else "test")
    images = sorted((folder / "images").glob("*.tif"))
    yield "dsb2018_fluo", [(path, folder / "masks" / path.name) for path in images]
    for name in SPLIT:
        with open(data / name / "split.csv", newline="", encoding="utf-8") as file:
            files = [row["file"] for row in csv.DictReader(file) if row["part"] == part]
        yield (
            name,
            [(data / name / "images" / one, data / name / "masks" / one) for one in files],
        )


def results(pairs: Sequence[tuple[Path, Path]]) -> Iterator[Result]:
    """Segment images and yield what is wrong."""
    predictor = load_predictor(load_model("nuclei"))
    for image, mask in pairs:
        plane = np.asarray(read_image(image).image)[:SIDE, :SIDE]
        truth = read_labels(mask)[:SIDE, :SIDE]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = segment_field(Field(plane), predictor, SegmentParameters(), keep_maps=True)
        if found.maps is not None and found.labels.any():
            yield _compare(plane, found.labels, truth, found.maps, found.diameter)


def _compare(
    plane: np.ndarray, labels: np.ndarray, truth: np.ndarray, maps: Any, diameter: float
) -> Result:
    shape = (int(labels.max()) + 1, int(truth.max()) + 1)
    shared = np.bincount(
        (labels.astype(np.int64) * shape[1] + truth).ravel(), minlength=shape[0] * shape[1]
    ).reshape(shape)
    area, true_area = shared.sum(axis=1), shared.sum(axis=0)
    union = area[1:, np.newaxis] + true_area[1:] - shared[1:, 1:]
    matches = shared[1:, 1:] >= IOU * np.maximum(union, 1)
    # One that a nucleus covers by half is not missed, but merged or badly outlined.
    covers = (2 * shared[1:, 1:] >= true_area[1:]) & (true_area[1:] > 0)
    is_missed = ~matches.any(axis=0) & ~covers.any(axis=0) & (true_area[1:] > 0)
    is_missed = np.concatenate([[False], is_missed])
    nuclei = features_of(labels, maps, diameter, plane)
    candidates = missed_nuclei(labels, maps, diameter=diameter)
    right = is_missed[truth[candidates["inside_y"], candidates["inside_x"]]]
    wrong = (~matches.any(axis=1) | (covers.sum(axis=1) > 1))[nuclei["label"] - 1]
    return Result(nuclei, candidates, wrong, right, int(is_missed.sum()))


def measures_of(name: str, several: Sequence[Result]) -> Iterator[Measure]:
    """Yield which part of the errors is in the first parts of a queue."""
    errors = np.concatenate([part for one in several for part in (one.wrong, one.right)])
    total = sum(int(one.wrong.sum()) + one.missed for one in several)
    orders = {
        "suspicion": [
            part
            for one in several
            for part in (_logits(NUCLEI, one.nuclei), _logits(MISSED, one.candidates))
        ],
        "lowest probability": [
            -part.get("probability", np.zeros(part["label"].size))
            for one in several
            for part in (one.nuclei, one.candidates)
        ],
    }
    yield Measure(f"{name}: errors in the queue", float(errors.sum() / total))
    yield Measure(f"{name}: wrong in the queue", float(errors.mean()))
    for part, bar in BARS:
        first = round(part * errors.size)
        best = min(first, errors.sum()) / total
        for order, scores in orders.items():
            ranked = errors[np.argsort(-np.concatenate(scores), kind="stable")]
            value = float(ranked[:first].sum() / total)
            is_bar = name == "all" and order == "suspicion"
            text = f"{name}: errors in the first {part:.0%}, by {order}"
            yield Measure(text, value, at_least=bar if is_bar else None)
            yield Measure(f"{text}, of the possible", value / best)
        yield Measure(
            f"{name}: errors in the first {part:.0%}, at random", part * errors.sum() / total
        )
        yield Measure(f"{name}: errors in the first {part:.0%}, best possible", float(best))


def _risks(odds: Odds, features: dict[str, np.ndarray]) -> np.ndarray:
    count = features["label"].size
    risks = [
        one.risk(features) if one.feature in features else np.zeros(count)
        for one in odds.reasons
    ]
    return np.stack(risks, axis=1)


def _logits(odds: Odds, features: dict[str, np.ndarray]) -> np.ndarray:
    return odds.usual + _risks(odds, features) @ np.array(odds.weights)


def weights_of(several: Sequence[Result]) -> str:
    """Fit all weights, and return the module that holds them."""
    nuclei = [(one.nuclei, one.wrong) for one in several]
    candidates = [(one.candidates, one.right) for one in several]
    text = Path(fitted.__file__).read_text(encoding="utf-8")
    head, end = text.split("NUCLEI = ", maxsplit=1)[0], ""
    for name, odds, rows in (
        ("NUCLEI", NUCLEI, nuclei),
        ("WITHOUT_MAPS", WITHOUT_MAPS, nuclei),
        ("MISSED", MISSED, candidates),
    ):
        usual, weights = fit(odds, rows)
        numbers = "".join(
            f"        {weight},  # {reason.feature} from {reason.safe} to {reason.risky}\n"
            for reason, weight in zip(odds.reasons, weights, strict=True)
        )
        end += f"{name} = (\n    {usual},\n    (\n{numbers}    ),\n)\n"
    return head + end


def fit(
    odds: Odds, rows: Sequence[tuple[dict[str, np.ndarray], np.ndarray]]
) -> tuple[float, list[float]]:
    """Fit the weights by logistic regression, none of them negative."""
    risks = np.concatenate([_risks(odds, features) for features, _ in rows])
    truth = np.concatenate([target for _, target in rows]).astype(float)
    columns = np.hstack([risks, np.ones((len(risks), 1))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit, shrunk = columns @ weights, np.append(weights[:-1], 0.0)
        value = np.sum(np.logaddexp(0, logit) - truth * logit)
        slope = columns.T @ (1 / (1 + np.exp(-logit)) - truth)
        value += PENALTIES[0] * shrunk.sum() + PENALTIES[1] * shrunk @ shrunk
        slope[:-1] += PENALTIES[0] + 2 * PENALTIES[1] * weights[:-1]
        return float(value), slope

    bounds = [(0, None)] * risks.shape[1] + [(None, None)]
    start = np.zeros(columns.shape[1])
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return round(float(found[-1]), 2), [round(float(one), 2) for one in found[:-1]]


if __name__ == "__main__":
    sys.exit(main())
