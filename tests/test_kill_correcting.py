"""What the benchmark with kill -9 says of the windows that it has killed."""

import math
import random
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import kill_correcting

    return kill_correcting


def worst(script, outcomes):
    (found,) = (one for one in script.measures(outcomes) if "worst" in one.name)
    return found.value


def test_windows_that_the_machine_held_up_are_not_timed(script):
    timed, held_up = script.Outcome(9, lost=2.0), script.Outcome(9, lost=99.0, held_up=True)
    assert worst(script, [timed, held_up]) == 2.0
    # What is corrupt is, whatever the machine did.
    held_up.corrupt = True
    corrupt = next(m for m in script.measures([timed, held_up]) if m.name == "corrupt")
    assert corrupt.value == 1
    assert math.isnan(worst(script, [held_up]))


def test_window_is_killed_at_the_chosen_moment(script, monkeypatch):
    monkeypatch.setattr(script, "MOST", script.LEAST)
    says = "import time; print('begun\\t1\\t7\\nnoise\\nstep\\t2\\t8\\nst', end='', flush=True)"
    command = [sys.executable, "-c", f"{says}; time.sleep(600)"]
    lines, killed, late = script.kill(command, {}, random.Random(0))
    assert lines == [["begun", "1", "7"], ["step", "2", "8"]]
    assert killed > 0
    assert late >= 0
