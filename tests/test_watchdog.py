"""A benchmark that hangs says where, and ends."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import _watchdog

class Clock:
    # It stands still while the machine does.
    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        end = self.now + seconds
        while self.now < end:
            time.sleep(0.001)

_watchdog.time = clock = Clock()

def sleep_for_ever():
    clock.now += 1000
    time.sleep(600)

dog = _watchdog.Watchdog(1000, lambda: print("after: click Import"))
for _ in range(15):
    dog.beat()
    clock.now += 100
    time.sleep(0.01)
print("still here", flush=True)
if sys.argv[2] == "hang":
    sleep_for_ever()
"""


def run(what):
    command = [sys.executable, "-c", SCRIPT, str(BENCHMARKS), what]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_process_that_hangs_says_where_and_ends():
    hung = run("hang")
    assert hung.returncode == 3
    assert "in sleep_for_ever" in hung.stderr
    assert hung.stdout.split("\n")[:3] == [
        "still here",
        "Nothing went on for 1000 s.",
        "after: click Import",
    ]


def test_process_that_goes_on_is_left_alone():
    ended = run("end")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "still here\n", "")
