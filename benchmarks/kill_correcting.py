"""What is lost when napari is killed at a random moment of a correction.

A window is started with the dock widget, in which a script corrects nuclei: with our tools,
with napari's, with undo and redo, and saves the field now and then. It is ended by kill -9.
What the journal has then must be what was shown at some moment, at most 5 s ago, and what
the window said was saved must be in the training set. The next window is to restore it.
Without a display a virtual one is made. The user's own files are left alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import BENCHMARKS, ROOT, Measure, report

LEAST, MOST = 0.5, 20.0  # seconds from the first step to the end
PATIENCE = 600  # seconds
BAR = 5.0  # seconds
LATE = 1.0  # seconds by which this process may wake too late
#: The first words of what `_victim.py` says.
SAID: tuple[str, ...] = ("begun", "restored", "step", "saved")


@dataclasses.dataclass
class Outcome:
    """What became of one window.

    Parameters
    ----------
    steps : int
        How many it did.
    lost : float
        Age of the oldest step that is lost, in seconds; 0 if none is.
    corrupt, unsaved, not_restored : bool
        Whether what is on the disk was never shown; whether a save that was acknowledged is
        not there; whether the window showed something else than the disk had.
    held_up : bool
        Whether the machine stood still before the end, so that `lost` says nothing.
    """

    steps: int
    lost: float = 0.0
    corrupt: bool = False
    unsaved: bool = False
    not_restored: bool = False
    held_up: bool = False


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50, help="how often napari is killed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    from with_display import display

    with display() as name, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **({"DISPLAY": name} if name else {})}
        return benchmark(options.runs, options.seed, Path(folder), environment)


def benchmark(runs: int, seed: int, folder: Path, environment: dict[str, str]) -> int:
    """Kill windows one after the other, each with what the one before has left.

    Parameters
    ----------
    runs : int
        How many.
    seed : int
        For the moments and the steps.
    folder : Path
        For all files.
    environment : dict
        Of the windows.

    Returns
    -------
    int
        Exit status.
    """
    import tifffile
    from _victim import SIDE

    from napari_nucseg.image import simulate_field
    from napari_nucseg.support.paths import HOME_VARIABLE

    home = str(folder / "home")
    os.environ[HOME_VARIABLE] = home
    environment = {**environment, HOME_VARIABLE: home, "NAPARI_CONFIG": ""}
    tifffile.imwrite(
        folder / "image.tif", np.asarray(simulate_field((SIDE, SIDE), seed=0).image)
    )
    moments = random.Random(seed)
    outcomes = []
    left: int | None = None
    for run in range(runs):
        command = [sys.executable, str(BENCHMARKS / "_victim.py"), str(folder / "image.tif")]
        lines, killed, late = kill([*command, str(seed + run)], environment, moments)
        outcome, left = judge(lines, killed, left)
        outcome.held_up = late > LATE
        outcomes.append(outcome)
        print(f"  {run + 1:3} of {runs}: {outcome}", flush=True)
    report("kill_correcting", list(measures(outcomes)))
    return 0


def kill(
    command: list[str], environment: dict[str, str], moments: random.Random
) -> tuple[list[list[str]], float, float]:
    """Start a window, and end it at a random moment of its work.

    Parameters
    ----------
    command : list of str
        What starts it.
    environment : dict
        Its environment.
    moments : Random
        Chooses the moment.

    Returns
    -------
    lines : list of list of str
        The words that it said.
    killed : float
        When, in seconds since the epoch.
    late : float
        How much later than chosen, in seconds. This process only sleeps until then, so it is
        late if the whole machine, or all that was started from here, stands still.
    """
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    said: list[str] = []
    has_begun = threading.Event()

    def listen() -> None:
        for line in process.stdout or ():
            said.append(line)
            has_begun.set()
        has_begun.set()

    thread = threading.Thread(target=listen)
    thread.start()
    if not has_begun.wait(PATIENCE):
        process.kill()
        raise TimeoutError("Expected a window that begins to work, got none.")
    moment, began = moments.uniform(LEAST, MOST), time.monotonic()
    time.sleep(moment)
    late = time.monotonic() - began - moment
    if process.poll() is not None:
        raise RuntimeError(f"Expected a window to kill, but it ended by itself: {said[-1:]}")
    killed = time.time()
    process.kill()
    thread.join()
    process.communicate()
    # The last line may be cut. Napari says other things on standard output.
    whole = [line.rstrip("\n").split("\t") for line in said if line.endswith("\n")]
    return [words for words in whole if words[0] in SAID], killed, late


def judge(
    lines: list[list[str]], killed: float, left: int | None
) -> tuple[Outcome, int | None]:
    """Compare what was said with what is on the disk.

    Parameters
    ----------
    lines : list of list of str
        What the window said.
    killed : float
        When it ended.
    left : int or None
        The state that the window before has left, None if none.

    Returns
    -------
    outcome : Outcome
        The verdict.
    left : int or None
        The state that is on the disk now.
    """
    from _victim import state_of

    from napari_nucseg.corrections import Journal, Journals, States
    from napari_nucseg.training import TrainingSet

    shown = [(float(line[1]), int(line[-1])) for line in lines if line[0] != "saved"]
    outcome = Outcome(len(shown))
    outcome.not_restored = left is not None and (
        lines[0][0] != "restored" or shown[0][1] != left
    )
    training_set = TrainingSet()
    saves = [line for line in lines if line[0] == "saved"]
    outcome.unsaved = not all(_is_there(training_set, line[2]) for line in saves)
    journals = Journals().left()
    if journals:
        found = Journal(journals[0].folder).restore()
        left = state_of(found.labels, found.states)
        places = [n for n, (_, state) in enumerate(shown) if state == left]
    elif saves:
        # What was saved needs no journal.
        saved = float(saves[-1][1])
        field = training_set.read(saves[-1][2])
        is_same = state_of(field.known_labels, States()) == int(saves[-1][3])
        outcome.unsaved = outcome.unsaved or not is_same
        places = [n for n, (then, _) in enumerate(shown) if then <= saved]
        left = None
    else:
        places, left = [0], None
    outcome.corrupt = not places
    missing = shown[max(places, default=-1) + 1 :]
    outcome.lost = killed - missing[0][0] if missing else 0.0
    return outcome, left


def _is_there(training_set: Any, key: str) -> bool:
    """Return whether a field is in the set, or an older version of one.

    A process that ends while it saves the next version may leave both in the set.
    """
    if any(entry.key == key for entry in training_set.older()):
        return True
    try:
        return training_set.read(key).labels is not None
    except (KeyError, OSError, ValueError):
        return False


def measures(outcomes: list[Outcome]) -> list[Measure]:
    """Return the numbers of all windows.

    Parameters
    ----------
    outcomes : list of Outcome
        Of each.

    Returns
    -------
    list of Measure
        With their bars.
    """
    lost = [outcome.lost for outcome in outcomes if not outcome.held_up] or [float("nan")]
    return [
        Measure("windows killed", len(outcomes)),
        Measure("held up by the machine, so not timed", sum(o.held_up for o in outcomes)),
        Measure("steps done", sum(outcome.steps for outcome in outcomes)),
        Measure("oldest step that is lost, median", float(np.median(lost)), "s"),
        Measure("oldest step that is lost, worst", max(lost), "s", at_most=BAR),
        Measure("corrupt", sum(one.corrupt for one in outcomes), at_most=0),
        Measure("saves that are not there", sum(one.unsaved for one in outcomes), at_most=0),
        Measure("not restored by the window", sum(o.not_restored for o in outcomes), at_most=0),
    ]


if __name__ == "__main__":
    sys.exit(main())
