"""Seconds of a training step and megapixel/s of the network, architecture by architecture.

With ``--minutes`` it also prints the commands that train each for as long, whose models
``accuracy.py --model`` then compares.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _common import write_rows

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

#: What the network is given: a batch of patches in training, one of tiles in prediction.
BATCH, PATCH, TILES = 8, 256, (2, 576, 1152, 3)
EPOCHS = 20
ENCODER = "ENCODER"


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken")
    parser.add_argument("--minutes", type=float, help="print how to train each for as long")
    options = parser.parse_args()
    seconds = measure(options.runs)
    rows = [row(kind, seconds) for kind in seconds]
    for values in rows:
        print("  " + "  ".join(f"{key} {value}" for key, value in values.items()))
    write_rows("architectures", rows)
    for values in rows if options.minutes else ():
        print(command(values, options.minutes))
    return 0


def measure(runs: int) -> dict[str, dict[str, float]]:
    """Return the seconds of each task by architecture.

    The tasks take turns, so that other work on the computer slows all of them.
    """
    from napari_nucseg.network import kinds

    jobs = {
        (kind, task): job
        for kind, architecture in kinds().items()
        for task, job in tasks(architecture()).items()
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in jobs}
    for number in range(runs + 1):
        for key, job in jobs.items():
            began = time.perf_counter()
            job()
            if number:  # the first time it is translated
                times[key].append(time.perf_counter() - began)
    return {
        kind: {task: statistics.median(times[kind, task]) for task in ("train", "hold", "run")}
        for kind in kinds()
    }


def tasks(architecture: Any) -> dict[str, Callable[[], Any]]:
    """Return a step of training, one with the encoder frozen, and a run of the network."""
    import tensorflow as tf

    from napari_nucseg.network.learner import Learner
    from napari_nucseg.network.precision import precision, set_precision
    from napari_nucseg.network.weights import freeze_encoder

    rng = np.random.default_rng(0)
    images = rng.random((BATCH, PATCH, PATCH, 3), np.float32)
    targets = {
        "maps": rng.random((BATCH, PATCH, PATCH, 4), np.float32),
        "size": rng.random((BATCH, PATCH // 8, PATCH // 8, 2), np.float32),
    }

    def step(frozen: bool) -> Callable[[], Any]:
        network = architecture.build(batch_norm=True)
        set_precision(network, precision(training=True))
        freeze_encoder(network, architecture, frozen)
        learner = Learner(network)
        return lambda: learner.step(images, targets, 1e-3)

    network = architecture.build(batch_norm=False)
    set_precision(network, precision())
    tiles = tf.constant(rng.random(TILES, np.float32))

    @tf.function(autograph=False)
    def run() -> Any:
        return network(tiles, training=False)["maps"]

    return {"train": step(False), "hold": step(True), "run": lambda: run().numpy()}


def row(kind: str, seconds: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return a row of the CSV."""
    return {
        "architecture": kind,
        "seconds_per_step": round(seconds[kind]["train"], 3),
        "seconds_per_step_encoder_held": round(seconds[kind]["hold"], 3),
        "megapixel_per_second": round(np.prod(TILES[:3]) / 1e6 / seconds[kind]["run"], 2),
    }


def command(values: dict[str, Any], minutes: float) -> str:
    """Return the command that trains an architecture for so many minutes."""
    kind = values["architecture"]
    pretrained = kind == "mobilenetv2"
    frozen = EPOCHS // 10 if pretrained else 0
    a_step = (EPOCHS - frozen) * values["seconds_per_step"]
    a_step += frozen * values["seconds_per_step_encoder_held"]
    options = f" --encoder-weights {ENCODER}" if pretrained else ""
    return (
        f"nucseg train DATA... --architecture {kind}{options} --epochs {EPOCHS} "
        f"--steps-per-epoch {max(1, round(minutes * 60 / a_step))} --output runs/{kind}"
    )


if __name__ == "__main__":
    sys.exit(main())
