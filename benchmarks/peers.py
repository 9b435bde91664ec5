"""Accuracy, speed and memory beside others, on the same images in the same run.

Each method runs in a process of its own: the bundled model; Otsu's threshold with a
watershed, as the floor; StarDist from PyPI, called as its documentation does and in tiles, in
an environment of its own in runs/peers, trained there by its own code (``--train-stardist``,
about an hour), or with a published model (``--stardist 2D_versatile_fluo``, needs the
internet).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile
from _common import (
    BENCHMARKS,
    ROOT,
    PeakMemory,
    score_values,
    simulated_image,
    write_rows,
)

DATA = ROOT / "runs" / "data"
PEERS = ROOT / "runs" / "peers"
STARDIST_MODEL = PEERS / "models" / "stardist"
#: The newest StarDist runs on the Keras of TensorFlow 2.15.
STARDIST_PACKAGES = ("stardist", "tensorflow-cpu<2.16")
DIAMETER = 24.0


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--train-stardist",
        type=Path,
        metavar="FOLDER",
        help="first train it on the pairs in images/ and masks/ of this folder",
    )
    parser.add_argument("--epochs", type=int, default=40, help="of 100 steps, for StarDist")
    parser.add_argument("--stardist", default=str(STARDIST_MODEL), help="name or folder")
    parser.add_argument("--side", type=int, default=4096, help="of the field for speed")
    parser.add_argument("--runs", type=int, default=3, help="on that field, of each method")
    options = parser.parse_args()
    if options.train_stardist:
        train_stardist(options.train_stardist, options.epochs)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        field = Path(folder) / "field"
        field.mkdir()
        tifffile.imwrite(field / "field.tif", simulated_image(options.side, DIAMETER))
        for name, command in methods(options.stardist):
            rows.append(row(name, command, field, Path(folder) / name, options.runs))
            print("  " + "  ".join(f"{key} {value}" for key, value in rows[-1].items()))
    write_rows("peers", rows)
    return 0


def methods(stardist: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of every method that is there, and the command that runs it."""
    script = str(BENCHMARKS / "_peer.py")
    yield "nucseg", [sys.executable, script, "nucseg"]
    yield "otsu", [sys.executable, script, "otsu"]
    if stardist == str(STARDIST_MODEL) and not STARDIST_MODEL.is_dir():
        print("  StarDist is left out: train it with --train-stardist.")
        return
    for name in ("stardist", "stardist_tiled"):
        yield name, [str(stardist_python()), script, name, "--model", stardist]


def row(name: str, command: list[str], field: Path, output: Path, runs: int) -> dict[str, Any]:
    """Measure one method: speed and memory on the field, then accuracy if there is data."""
    _, peak = run(command, field, output / "field")
    seconds, _ = run([*command, "--runs", str(runs)], field, output / "field", watch=False)
    image = tifffile.imread(field / "field.tif")
    values: dict[str, Any] = {
        "method": name,
        "megapixel_per_second": round(image.size / 1e6 / seconds["field"], 3),
        "peak_memory_gb": round(peak / 1e9, 2),
    }
    test = DATA / "test"
    if test.is_dir():
        times, _ = run(command, test / "images", output / "test", watch=False)
        values["seconds_per_image"] = round(statistics.median(times.values()), 3)
        values |= scores(output / "test", test / "masks")
    return values


def run(
    command: list[str], images: Path, output: Path, *, watch: bool = True
) -> tuple[dict[str, float], int]:
    """Run a method, and return the seconds of every image and its peak memory in bytes.

    Watching takes time, so that what is timed is not watched.
    """
    with subprocess.Popen(
        [*command, str(images), str(output)], stdout=subprocess.PIPE
    ) as child:
        memory = PeakMemory(child.pid)
        with memory if watch else contextlib.nullcontext():
            text, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"Expected {' '.join(command)} to succeed; see its error above.")
    return json.loads(text.splitlines()[-1]), memory.peak if watch else 0


def scores(predicted: Path, truth: Path) -> dict[str, float]:
    """Return the scores of a folder of labels."""
    from napari_nucseg import evaluate

    names = sorted(path.name for path in truth.glob("*.tif"))
    found = evaluate([predicted / name for name in names], [truth / name for name in names])
    return score_values(found)


def stardist_python() -> Path:
    """Return the Python of StarDist's own environment, which is made if it is missing."""
    folder = PEERS / "stardist"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    installed = folder / "installed"
    if not installed.exists():
        if sys.version_info >= (3, 12):
            raise RuntimeError("Expected Python 3.11, the newest that TensorFlow 2.15 runs on.")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *STARDIST_PACKAGES]
        subprocess.run(install, check=True)
        installed.touch()
    return python


def train_stardist(data: Path, epochs: int) -> None:
    """Train StarDist in its own environment, by its own code."""
    script = str(BENCHMARKS / "_train_stardist.py")
    command = [str(stardist_python()), script, str(data), str(STARDIST_MODEL)]
    subprocess.run([*command, "--epochs", str(epochs)], check=True)


if __name__ == "__main__":
    sys.exit(main())
