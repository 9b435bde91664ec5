"""How many of the errors a person meets at the beginning of the review queue.

The bundled model segments images; errors are nuclei that no true one matches at IoU 0.5, and
true ones that were missed. With ``--fit`` the weights of the queue are fitted instead, to the
images that may be trained on.
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
from napari_nucseg.corrections.features import features_of
from napari_nucseg.corrections.suspicion import MISSED, NUCLEI, Odds
from napari_nucseg.image import Field, read_image, read_labels
from napari_nucseg.network import load_predictor
from napari_nucseg.pipeline import SegmentParameters, segment_field
from napari_nucseg.registry import load_model

#: The datasets with a file that says which part an image belongs to.
SPLIT = ("dsb2018_other", "kromp2020", "tnbc2018")
IOU = 0.5

#: Of larger images only a part is looked at.
SIDE = 768

#: Strength of the penalty for large weights.
PENALTY = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """What was found in an image, and what of it is wrong.

    Parameters
    ----------
    nuclei, candidates : dict of str to ndarray
        Their features.
    wrong : ndarray of bool
        Of each nucleus, whether no true one matches it.
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
    parser.add_argument("--images", type=int, default=10**6, help="of each dataset, at most")
    options = parser.parse_args()
    part = "train" if options.fit else "heldout"
    found: dict[str, list[Result]] = {}
    for name, pairs in datasets(options.data, part):
        order = np.random.default_rng(0).permutation(len(pairs))[: options.images]
        found[name] = list(results([pairs[index] for index in sorted(order)]))
    every = [one for several in found.values() for one in several]
    if options.fit:
        print_weights("nuclei", NUCLEI, every, [one.nuclei for one in every], "wrong")
        print_weights("candidates", MISSED, every, [one.candidates for one in every], "right")
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
            yield _compare(found.labels, truth, found.maps, found.diameter)


def _compare(labels: np.ndarray, truth: np.ndarray, maps: Any, diameter: float) -> Result:
    shape = (int(labels.max()) + 1, int(truth.max()) + 1)
    shared = np.bincount(
        (labels.astype(np.int64) * shape[1] + truth).ravel(), minlength=shape[0] * shape[1]
    ).reshape(shape)
    area, true_area = shared.sum(axis=1), shared.sum(axis=0)
    union = area[1:, np.newaxis] + true_area[1:] - shared[1:, 1:]
    matches = shared[1:, 1:] >= IOU * np.maximum(union, 1)
    # One that a nucleus covers by half is not missed, but merged or badly outlined.
    covered = 2 * shared[1:, 1:].max(axis=0, initial=0) >= true_area[1:]
    is_missed = np.concatenate([[False], ~matches.any(axis=0) & ~covered & (true_area[1:] > 0)])
    nuclei = features_of(labels, maps, diameter)
    candidates = missed_nuclei(labels, maps, diameter=diameter)
    right = is_missed[truth[candidates["inside_y"], candidates["inside_x"]]]
    wrong = ~matches.any(axis=1)[nuclei["label"] - 1]
    return Result(nuclei, candidates, wrong, right, int(is_missed.sum()))


def measures_of(name: str, several: Sequence[Result]) -> Iterator[Measure]:
    """Yield which part of the errors is in the first parts of a queue."""
    errors = np.concatenate([part for one in several for part in (one.wrong, one.right)])
    total = sum(int(one.wrong.sum()) + one.missed for one in several)
    logits = [
        part
        for one in several
        for part in (_logits(NUCLEI, one.nuclei), _logits(MISSED, one.candidates))
    ]
    unsure = [
        -part.get("probability", np.zeros(part["label"].size))
        for one in several
        for part in (one.nuclei, one.candidates)
    ]
    yield Measure(f"{name}: errors in the queue", float(errors.sum() / total))
    yield Measure(f"{name}: wrong in the queue", float(errors.mean()))
    for part, bar in ((0.1, 0.5), (0.2, 0.7)):
        for order, scores in (("suspicion", logits), ("lowest probability", unsure)):
            ranked = errors[np.argsort(-np.concatenate(scores), kind="stable")]
            value = ranked[: round(part * errors.size)].sum() / total
            is_bar = name == "all" and order == "suspicion"
            text = f"{name}: errors in the first {part:.0%}, by {order}"
            yield Measure(text, float(value), at_least=bar if is_bar else None)
        best = min(round(part * errors.size), errors.sum()) / total
        yield Measure(f"{name}: errors in the first {part:.0%}, best possible", float(best))


def _risks(odds: Odds, features: dict[str, np.ndarray]) -> np.ndarray:
    count = features["label"].size
    risks = [one.risk(features) if count else np.zeros(0) for one in odds.reasons]
    return np.stack(risks, axis=1)


def _logits(odds: Odds, features: dict[str, np.ndarray]) -> np.ndarray:
    weights = np.array([reason.weight for reason in odds.reasons])
    return odds.usual + _risks(odds, features) @ weights


def print_weights(
    name: str,
    odds: Odds,
    several: Sequence[Result],
    features: Sequence[dict[str, np.ndarray]],
    target: str,
) -> None:
    """Fit the weights, none of them negative, and print them."""
    risks = np.concatenate([_risks(odds, one) for one in features])
    truth = np.concatenate([getattr(one, target) for one in several]).astype(float)
    columns = np.hstack([risks, np.ones((len(risks), 1))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit = columns @ weights
        shrink = np.append(weights[:-1], 0.0)
        value = np.sum(np.logaddexp(0, logit) - truth * logit) + PENALTY * shrink @ shrink
        chance = 1 / (1 + np.exp(-logit))
        return float(value), columns.T @ (chance - truth) + 2 * PENALTY * shrink

    bounds = [(0, None)] * risks.shape[1] + [(None, None)]
    start = np.zeros(columns.shape[1])
    weights = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    print(f"{name}: {truth.size}, of which {int(truth.sum())} are {target}")
    for reason, weight in zip(odds.reasons, weights, strict=False):
        print(f"  {reason.feature:18} {reason.words:45} {weight:6.2f}")
    print(f"  usual {weights[-1]:6.2f}")


if __name__ == "__main__":
    sys.exit(main())
