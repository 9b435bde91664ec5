"""What is left when the engine or napari is killed at a random moment of a retraining.

A window retrains and adds fields to the training set all the time. Then `kill -9` hits the
engine or napari. Afterwards the training set must be whole, every model whole, and whatever
was learned must be offered, or be a model by then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from _common import BENCHMARKS, ROOT, Measure, report

from napari_nucseg.image import Field, simulate_field
from napari_nucseg.registry import load_model, models_directory
from napari_nucseg.support import runs_directory
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training import Run, TrainingSet

FIELDS, SIDE = 3, 160
PATIENCE = 600  # seconds
MODEL = "quick learner"
_MAKE_MODEL = """
import pathlib, runpy, sys
fixtures = runpy.run_path(sys.argv[1])
fixtures["make_quick_learner"](pathlib.Path(sys.argv[2]))
"""


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status: 1 if something was lost.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="how often")
    parser.add_argument("--seconds", type=float, default=10, help="latest moment of a kill")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    from with_display import display, has_display

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if not has_display():
            os.environ["DISPLAY"] = stack.enter_context(display())
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        prepared = Path(folder) / "prepared"
        prepare(prepared)
        chance = random.Random(options.seed)
        problems, learned = [], 0
        for number in range(options.kills):
            home = Path(folder) / str(number)
            shutil.copytree(prepared, home)
            os.environ[HOME_VARIABLE] = str(home)
            victim = ("engine", "napari")[number % 2]
            moment = chance.uniform(0, options.seconds)
            kill(victim, moment)
            found, has_learned = inspect()
            learned += has_learned
            said = "; ".join(found) or "all is there"
            print(f"{number + 1:3} {victim:<7} after {moment:4.1f} s: {said}", flush=True)
            problems += found
            shutil.rmtree(home)
    measures = [
        Measure("kills -9", options.kills),
        Measure("of these after the first epoch", learned),
        Measure("things lost, damaged or not offered", len(problems), at_most=0),
    ]
    report("kills", measures)
    return int(bool(problems))


def prepare(home: Path) -> None:
    """Make the folder of a user: a training set, and a model that learns in moments."""
    os.environ[HOME_VARIABLE] = str(home)
    fixtures = ROOT / "tests" / "conftest.py"
    command = [
        sys.executable,
        "-c",
        _MAKE_MODEL,
        str(fixtures),
        str(models_directory() / MODEL),
    ]
    subprocess.run(command, check=True)
    for number in range(FIELDS):
        TrainingSet().add(field(number))


def field(number: int) -> Field:
    """Return one of the fields of the training set."""
    made = simulate_field((SIDE, SIDE), seed=number)
    return Field(made.image, "YX", f"field {number}", labels=made.labels)


def kill(victim: str, moment: float) -> None:
    """Start a window that retrains, and kill it or its engine.

    Parameters
    ----------
    victim : str
        ``"engine"`` or ``"napari"``.
    moment : float
        How long to wait after the begin of the retraining, in seconds.
    """
    command = [sys.executable, str(BENCHMARKS / "_retraining_window.py"), MODEL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as napari:
        children = []
        guard = threading.Timer(PATIENCE, napari.kill)
        guard.start()
        try:
            word, _, engine = _line_of(napari).partition(" ")
            if word != "retraining":
                raise RuntimeError("The window did not retrain.")
            time.sleep(moment)
            children = psutil.Process(napari.pid).children(recursive=True)
            if victim == "engine":
                os.kill(int(engine), signal.SIGKILL)
                # The window lives on, and says what it has kept.
                if not _line_of(napari).startswith("over"):
                    raise RuntimeError("The window did not say what became of the retraining.")
                children = psutil.Process(napari.pid).children(recursive=True)
        finally:
            guard.cancel()
            napari.kill()
        # Engines end by themselves when their window is gone.
        _, alive = psutil.wait_procs(children, PATIENCE)
        if alive:
            raise RuntimeError(f"Expected the engine to end with its window: {alive}")


def _line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints; empty if it ends before."""
    return process.stdout.readline() if process.stdout else ""


def inspect() -> tuple[list[str], bool]:
    """Look at what is on the disk after a kill.

    Returns
    -------
    problems : list of str
        What was lost or damaged.
    has_learned : bool
        Whether an epoch was finished.
    """
    problems = []
    left = {one.name: one for one in TrainingSet().fields()}
    wanted = {one.name: one for one in map(field, range(FIELDS))}
    if sorted(left) != sorted(wanted):
        problems.append(f"fields {sorted(left)}")
    for name in left.keys() & wanted.keys():
        for part in ("image", "labels"):
            if not np.array_equal(getattr(left[name], part), getattr(wanted[name], part)):
                problems.append(f"{part} of {name} changed")
    models = [path for path in models_directory().glob("[!.]*") if path.name != MODEL]
    for path in models:
        try:
            load_model(path)
        except (OSError, ValueError) as error:
            problems.append(str(error))
    runs = [Run(path) for path in runs_directory().glob("*")]
    learned = [run for run in runs if run.has_epoch]
    offered = Run.unfinished(runs_directory())
    if learned and not offered and not models:
        problems.append("what was learned is not offered")
    for one in offered:
        try:
            load_model(one.run.finish(f"of {one.name}").path)
        except (OSError, ValueError) as error:
            problems.append(str(error))
    return problems, bool(learned or models)


if __name__ == "__main__":
    sys.exit(main())
