"""Stacks and movies: accuracy against simple methods, links of tracks, time and memory.

20 simulated stacks (voxels 1 to 8 times as deep as wide, dense and sparse, with little noise
and with much) and, where it is, the ovule of the folder of datasets. Movies with divisions.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import Measure, PeakMemory, report, write_rows
from _stack_peers import links_of, merged_through_z, otsu_watershed, plain_iou

from napari_nucseg.image import ArrayImage, simulate_movie, simulate_stack
from napari_nucseg.measure.metrics import match_counts

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

#: Micrometers of the voxels of the ovule.
_OVULE = {"Z": 0.284, "Y": 0.127, "X": 0.127}

#: Of the simulated stacks: depths of voxels, coverage, and photons with attenuation.
_DEPTHS, _COVERAGES, _LIGHTS = (1, 2, 4, 6, 8), (0.08, 0.3), ((300, 0.2), (40, 0.6))
_HEIGHT, _SIDE = 96, 160

_MOVIES, _FRAMES, _NUCLEI = 6, 10, (30, 60, 90)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the datasets, with volumes3d/")
    parser.add_argument("--movies", action="store_true", help="score movies, not stacks")
    parser.add_argument("--diameter", type=float, default=28.0, help="in pixels, for --speed")
    parser.add_argument(
        "--speed", type=float, metavar="DEPTH", help="time 64 x 1024 x 1024 of such voxels"
    )
    options = parser.parse_args()
    if options.movies:
        report("movies", _score_movies())
    elif options.speed:
        report(f"stack_speed_{options.speed:g}", _time_stack(options.speed, options.diameter))
    else:
        _score_stacks(options.data)


def _stacks(data: Path | None) -> Iterator[tuple[str, ArrayImage, np.ndarray]]:
    """Yield name, image and truth."""
    kinds = itertools.product(_DEPTHS, _COVERAGES, _LIGHTS)
    for seed, (depth, coverage, (photons, attenuation)) in enumerate(kinds):
        shape = (round(_HEIGHT / depth), _SIDE, _SIDE)
        made = simulate_stack(
            shape,
            depth=depth,
            coverage=coverage,
            photons=photons,
            attenuation=attenuation,
            seed=seed,
        )
        name = f"depth {depth}, coverage {coverage}, {photons} photons"
        yield name, made.image, made.labels
    if data is not None:
        import tifffile

        folder = data / "volumes3d"
        image = tifffile.imread(folder / "images" / "ovule.tif")
        unit = dict.fromkeys("ZYX", "micrometer")
        truth = tifffile.imread(folder / "masks" / "ovule.tif").astype(np.int32)
        yield "ovule", ArrayImage(image, "ZYX", spacing=_OVULE, unit=unit), truth


def _score_stacks(data: Path | None) -> None:
    """Score three methods on every stack, and print the means."""
    rows: list[dict[str, Any]] = []
    for name, image, truth in _stacks(data):
        for method, labels in _methods(image).items():
            counts = match_counts(labels, truth)
            through, merged = merged_through_z(labels, truth)
            matched = counts.matched[0]
            score = matched / max(1, counts.predicted + counts.true - matched)
            rows.append(
                {
                    "stack": name,
                    "method": method,
                    "true": counts.true,
                    "found": counts.predicted,
                    "ap50": round(score, 4),
                    "merged_through_z": through,
                    "merged": merged,
                }
            )
            print(rows[-1], flush=True)
    write_rows("stacks", rows)
    report("stacks_means", _means(rows))


def _means(rows: list[dict[str, Any]]) -> list[Measure]:
    """Return the mean scores and how much was merged, over all stacks."""
    means = {
        method: float(np.mean([row["ap50"] for row in rows if row["method"] == method]))
        for method in ("ours", "otsu", "plain IoU")
    }
    ours = [row for row in rows if row["method"] == "ours"]
    found = sum(row["found"] for row in ours) / 100
    return [
        Measure("AP at 0.5", means["ours"]),
        Measure("beyond Otsu + 3-D watershed", means["ours"] - means["otsu"], "", 0.1),
        Measure("beyond plain IoU", means["ours"] - means["plain IoU"], "", 0.1),
        Measure(
            "merged through z", sum(r["merged_through_z"] for r in ours) / found, "%", None, 2
        ),
        Measure("merged", sum(r["merged"] for r in ours) / found, "%"),
    ]


def _methods(image: ArrayImage) -> dict[str, np.ndarray]:
    """Segment a stack by all methods; all are given the diameter that ours estimates."""
    from napari_nucseg import find_nuclei, segment

    found = find_nuclei(image)
    size, depth = found.diameter, found.provenance["voxel_depth"]
    planes = np.stack([segment(image.array[z], diameter=size) for z in range(image.shape[0])])
    return {
        "ours": found.labels,
        "otsu": otsu_watershed(image.array, depth, size),
        "plain IoU": plain_iou(planes),
    }


def _score_movies() -> list[Measure]:
    """Score the links between nuclei, found in true labels and found in images."""
    from napari_nucseg import find_nuclei
    from napari_nucseg.pipeline.tracking import link_frames

    known, right, wrong = (dict.fromkeys(("true labels", "images"), 0) for _ in range(3))
    for seed in range(_MOVIES):
        movie = simulate_movie(
            _FRAMES, (256, 256), nuclei=_NUCLEI[seed % len(_NUCLEI)], divisions=0.03, seed=seed
        )
        ids = [dict.fromkeys(np.unique(one[one > 0]).tolist()) for one in movie.labels]
        truth = links_of([{n: n for n in one} for one in ids], movie.divisions)
        shuffled = _shuffled(movie.labels, seed)
        tracks = link_frames(shuffled, (1.0, 1.0), 20.0, diameter=20.0)
        found = find_nuclei(movie.image)
        assert found.tracks is not None
        for kind, labels, made in (
            ("true labels", shuffled, tracks),
            ("images", found.labels, found.tracks),
        ):
            names = [_matched(a, b) for a, b in zip(labels, movie.labels, strict=True)]
            links = links_of(names, made.divisions)
            known[kind] += len(truth)
            right[kind] += len(truth & links)
            wrong[kind] += len(links - truth)
    return [
        measure
        for kind in known
        for measure in (
            Measure(f"links found in {kind}", 100 * right[kind] / known[kind], "%", 98),
            Measure(f"wrong links in {kind}", 100 * wrong[kind] / known[kind], "%"),
        )
    ]


def _shuffled(labels: np.ndarray, seed: int) -> np.ndarray:
    """Number the nuclei of every frame at random."""
    rng = np.random.default_rng(seed)
    out = np.zeros_like(labels)
    for one, frame in zip(out, labels, strict=True):
        numbers = np.append(0, rng.permutation(int(labels.max())) + 1).astype(np.int32)
        one[...] = numbers[frame]
    return out


def _matched(labels: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """Return by label the true nucleus that it matches at an IoU of 0.5."""
    both = (labels > 0) & (truth > 0)
    pairs, counts = np.unique(np.stack([labels[both], truth[both]]), axis=1, return_counts=True)
    sizes, true_sizes = np.bincount(labels.ravel()), np.bincount(truth.ravel())
    iou = counts / (sizes[pairs[0]] + true_sizes[pairs[1]] - counts)
    return dict(pairs[:, iou > 0.5].T.tolist())


def _time_stack(depth: float, diameter: float) -> list[Measure]:
    """Segment a stack of 64 x 1024 x 1024 voxels; the model is loaded before."""
    from napari_nucseg import find_nuclei

    tile = simulate_stack((64, 256, 256), depth=depth, diameter=diameter, coverage=0.2, seed=0)
    image = ArrayImage(
        np.tile(tile.image.array, (1, 4, 4)),
        "ZYX",
        spacing={"Z": depth, "Y": 1.0, "X": 1.0},
        unit=dict.fromkeys("ZYX", "micrometer"),
    )
    find_nuclei(image.view({"Z": slice(2), "Y": slice(256), "X": slice(256)}))
    with PeakMemory() as memory:
        start = time.perf_counter()
        found = find_nuclei(image)
        seconds = time.perf_counter() - start
    return [
        Measure("seconds", seconds, "s", at_most=60),
        Measure("peak memory", memory.peak / 1e9, "GB", at_most=3),
        Measure("diameter found", found.diameter, "pixels"),
        Measure("directions", found.provenance["directions"]),
        Measure("nuclei", int(found.labels.max())),
    ]


if __name__ == "__main__":
    main()
