"""What a start costs: importing the package, loading the model, warming the engine.

Every measurement is a process of its own, as a person's would be.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from _common import Measure, report

#: Nothing of these may come with `import napari_nucseg`.
HEAVY = (
    *("tensorflow", "keras", "napari", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6"),
    *("vispy", "magicgui", "matplotlib", "skimage", "scipy"),
)
RUNS = 5

_LOADED = "import json, sys, napari_nucseg; print(json.dumps(sorted(sys.modules)))"
_FIRST_CALL = """
import json, os, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
start = time.perf_counter()
from napari_nucseg import segment
from napari_nucseg.image.simulate import simulate_field
import napari_nucseg.network.predict
imported = time.perf_counter()
image = simulate_field((512, 512)).image
times = {"import": imported - start}
for name in ("first", "second"):
    start = time.perf_counter()
    segment(image)
    times[name] = time.perf_counter() - start
print(json.dumps(times))
"""
_ENGINE = """
import time
from napari_nucseg.engine import Engine, Warm
start = time.perf_counter()
engine = Engine()
engine.submit(Warm("nuclei")).wait(300)
print(time.perf_counter() - start)
engine.close()
"""


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    measures = [*package(), *first_call(), engine()]
    report("startup", measures)
    return 0


def package() -> list[Measure]:
    """Measure ``import napari_nucseg`` alone, and count what heavy modules it loads."""
    loaded = set(json.loads(_output("-c", _LOADED)))
    heavy = sorted(loaded.intersection(HEAVY))
    if heavy:
        print(f"  import napari_nucseg loads {', '.join(heavy)}")
    imports = [_import_seconds() for _ in range(RUNS)]
    processes = [_seconds("-c", "import napari_nucseg") for _ in range(RUNS)]
    return [
        Measure("import napari_nucseg", statistics.median(imports), "s", at_most=0.3),
        Measure("heavy modules it loads", len(heavy), at_most=0),
        Measure("process that does only this", statistics.median(processes), "s"),
    ]


def first_call() -> list[Measure]:
    """Measure the way to the first labels in Python."""
    times = json.loads(_output("-c", _FIRST_CALL))
    return [
        Measure("import of the network, with TensorFlow", times["import"], "s"),
        Measure("first segment of 512 x 512, loads the model", times["first"], "s"),
        Measure("second segment of 512 x 512", times["second"], "s"),
    ]


def engine() -> Measure:
    """Measure from the start of the engine to when it is warm."""
    return Measure(
        "engine, from its start until it is warm", float(_output("-c", _ENGINE)), "s"
    )


def _import_seconds() -> float:
    """Return the cumulative time that ``-X importtime`` gives for the package."""
    done = _run("-X", "importtime", "-c", "import napari_nucseg")
    for line in done.stderr.splitlines():
        _, cumulative, name = line.split("|")
        if name.strip() == "napari_nucseg":
            return int(cumulative) / 1e6
    raise RuntimeError("Expected a line for napari_nucseg from -X importtime, got none.")


def _seconds(*arguments: str) -> float:
    start = time.perf_counter()
    _run(*arguments)
    return time.perf_counter() - start


def _output(*arguments: str) -> str:
    return _run(*arguments).stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python; what TensorFlow says on its way is only shown if it fails."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Expected {arguments} to work, it did not:\n{done.stderr}")
    return done


if __name__ == "__main__":
    sys.exit(main())
