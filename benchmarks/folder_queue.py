"""What a person feels who works through a folder of images, and what a kill leaves of it.

In a real window the folder is segmented in the background, while somebody opens one image
after the other, corrects a nucleus and says that it is done. A timer in the event loop notes
by how much it is late. Then windows that do the same are ended by kill -9 at random moments,
each going on with what the one before has left. Without a display a virtual one is made.
The user's own files are left alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from _common import BENCHMARKS, ROOT, Measure, report

if TYPE_CHECKING:
    from _person import Person

SIDE, BASES = 1024, 6  # pixels, fields that are simulated; the others are turned ones
WARM = 3  # images after which memory is counted
PATIENCE = 5.0  # seconds of corrections that may be lost


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["walk", "kill"], help="walk, kill or both")
    parser.add_argument("--images", type=int, default=200, help="how many are in the folder")
    parser.add_argument("--kills", type=int, default=10, help="how often napari is killed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if unknown := set(options.parts) - {"walk", "kill"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    if "walk" in options.parts:
        from _window import in_window

        # Where there is no display, the script is started again, for this part alone.
        sys.argv = [sys.argv[0], "walk", f"--images={options.images}"]
        status = in_window(lambda: walk(options.images))
        if status:
            return status
    return kill_many(options.kills, options.seed) if "kill" in options.parts else 0


def make_folder(folder: Path, count: int, side: int) -> None:
    """Write simulated images.

    Parameters
    ----------
    folder : Path
        Where to; it is made.
    count : int
        How many.
    side : int
        Height and width in pixels.
    """
    import tifffile

    from napari_nucseg.image.simulate import simulate_field

    folder.mkdir(parents=True)
    bases = [np.asarray(simulate_field((side, side), seed=seed).image) for seed in range(BASES)]
    for number in range(count):
        turned = np.rot90(bases[number % BASES], number // BASES % 4)
        moved = np.roll(turned, 13 * number, axis=(0, 1))
        tifffile.imwrite(folder / f"field_{number:03}.tif", np.ascontiguousarray(moved))


# One window, to the end


@dataclasses.dataclass(frozen=True)
class Step:
    """How the next image came.

    Parameters
    ----------
    seconds : float
        From the key until its labels were painted.
    block : float
        Longest block of the event loop meanwhile and until all was calm, in seconds.
    """

    seconds: float
    block: float


def walk(count: int) -> int:
    """Work through a folder in a window.

    Parameters
    ----------
    count : int
        How many images it has.

    Returns
    -------
    int
        Exit status.
    """
    from _person import Person

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "images"
        make_folder(folder, count, SIDE)
        person = Person()
        try:
            measures = list(_walk(person, folder, count))
        finally:
            person.close()
    report("folder_queue", measures)
    return 0


def _walk(person: Person, folder: Path, count: int) -> Iterator[Measure]:
    panel, process = person.dock.folder, psutil.Process()
    bare = [_bare(person) for _ in range(4)][1:]
    person.dock.open_part(panel)
    panel.choice.open_folder(folder)
    person.wait(lambda: panel.work is not None, "the folder")
    start = person.click(panel.segment_button)
    person.wait(lambda: panel.batch.done >= 2, "the first labels")
    panel.open_image("field_000.tif")
    person.wait(lambda: _is_open(person, "field_000.tif"), "the first image")
    person.rest()
    steps, memory = [], []
    for number in range(1, count):
        person.wait(_has_labels(panel, number), "labels of the next image")
        _correct(person)
        steps.append(_go_on(person, f"field_{number:03}.tif"))
        memory.append(process.memory_info().rss)
    end = time.perf_counter()
    person.wait(lambda: not panel.batch.is_running and not panel.desk.is_busy, "the end")
    states = Counter(str(row.state) for row in panel.work.rows())
    seconds = [step.seconds for step in steps]
    blocks = [1000 * step.block for step in steps]
    yield Measure("images", count)
    yield Measure("done", states["done"])
    yield Measure("next image to its labels, median", statistics.median(seconds), "s")
    yield Measure("next image to its labels, slowest", max(seconds), "s", at_most=0.5)
    yield Measure("block when the next image comes, median", statistics.median(blocks), "ms")
    yield Measure("block when the next image comes, longest", max(blocks), "ms", at_most=100)
    yield Measure("block of a bare add_image and add_labels", max(bare), "ms")
    whole = 1000 * person.heart.longest_block(start, end)
    yield Measure("longest block of all", whole, "ms", at_most=100)
    growth = (max(memory[WARM:]) - memory[min(WARM, len(memory) - 1)]) / 1e6
    yield Measure("growth of memory", growth, "MB", at_most=300)


def _has_labels(panel: Any, number: int) -> Callable[[], bool]:
    return lambda: panel.batch.done > number or not panel.batch.is_running


def _bare(person: Person) -> float:
    """Return the longest block when a script adds an image and labels, in milliseconds."""
    from napari_nucseg.image.simulate import simulate_field

    field = simulate_field((SIDE, SIDE), seed=1)
    pixels, labels = np.asarray(field.image), np.array(field.labels)
    person.rest()
    start = time.perf_counter()
    image = person.viewer.add_image(pixels)
    layer = person.viewer.add_labels(labels)
    person.rest()
    block = person.heart.longest_block(start, time.perf_counter())
    person.remove(layer)
    person.remove(image)
    return 1000 * block


def _is_open(person: Person, name: str) -> bool:
    desk = person.dock.folder.desk
    return desk.name == name and not desk.is_busy


def _correct(person: Person) -> None:
    """Delete a nucleus, as a person does."""
    from napari_nucseg.corrections import delete

    correct = person.dock.correct
    layer = correct.labels.layer()
    if layer is not None:
        layer = getattr(layer, "__wrapped__", layer)
        plane = correct.editor.plane(layer)
        correct.editor.do(layer, plane, delete(plane.labels, [int(plane.labels.max())]))
        person.rest()


def _go_on(person: Person, name: str) -> Step:
    """Press the key, and watch until the labels of the next image are painted."""
    from qtpy.QtTest import QTest

    inserted = person._inserting
    canvas = person.viewer.window._qt_viewer.canvas.native
    start = time.perf_counter()
    QTest.keyClick(canvas, "y")
    person.wait(
        lambda: (
            person.dock.folder.desk.name == name
            and len(person.viewer.layers) > 1
            and any(layer.name == f"{name[:-4]} nuclei" for layer in person.viewer.layers)
        ),
        f"the labels of {name}",
    )
    added = max(person._inserting, inserted)
    person.wait(lambda: person._painter.last > added, "the canvas")
    painted = time.perf_counter()
    person.wait(lambda: _is_open(person, name), "the end of the change")
    person.rest()
    return Step(painted - start, person.heart.longest_block(start, time.perf_counter()))


# Windows that are killed


@dataclasses.dataclass
class Outcome:
    """What became of a window that was killed.

    Parameters
    ----------
    images, edits : int
        How many it segmented and corrected.
    lost : float
        Age of the oldest correction that is lost, in seconds; 0 if none is.
    corrupt, twice, elsewhere : int
        Files that never were on the screen; images that were segmented again; whether the
        folder goes on somewhere else.
    undone : int
        Images that were done and are not any more, or segmented and are new.
    """

    images: int
    edits: int
    lost: float = 0.0
    corrupt: int = 0
    twice: int = 0
    elsewhere: int = 0
    undone: int = 0


def kill_many(kills: int, seed: int) -> int:
    """Kill windows one after the other.

    Parameters
    ----------
    kills : int
        How many.
    seed : int
        For the moments and the steps.

    Returns
    -------
    int
        Exit status.
    """
    import kill_correcting
    from _folder_victim import COUNT
    from _folder_victim import SIDE as SMALL

    from napari_nucseg.support.paths import HOME_VARIABLE

    sys.path.insert(0, str(ROOT / "tools"))
    from with_display import display

    kill_correcting.SAID = ("at", "segmented", "edit", "done")
    with display() as name, tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "images"
        make_folder(folder, COUNT, SMALL)
        home = str(Path(made) / "home")
        os.environ[HOME_VARIABLE] = home
        environment = {**os.environ, **({"DISPLAY": name} if name else {})}
        environment |= {HOME_VARIABLE: home, "NAPARI_CONFIG": ""}
        moments, outcomes, before = random.Random(seed), [], set[str]()
        for run in range(kills):
            program = str(BENCHMARKS / "_folder_victim.py")
            command = [sys.executable, program, str(folder), str(seed + run)]
            lines, killed, late = kill_correcting.kill(command, environment, moments)
            # While the whole machine stood still, nothing could be saved.
            outcomes.append(judge(folder, lines, killed - late, before))
            print(f"  {run + 1:3} of {kills}: {outcomes[-1]}", flush=True)
    report("folder_queue_kills", list(_verdict(outcomes)))
    return 0


def judge(
    folder: Path, lines: Sequence[Sequence[str]], killed: float, before: set[str]
) -> Outcome:
    """Compare what a window said with what is on the disk.

    Parameters
    ----------
    folder : Path
        The images.
    lines : sequence of sequence of str
        What it said.
    killed : float
        When it ended.
    before : set of str
        Images that were segmented by earlier windows; those of this one are added.

    Returns
    -------
    Outcome
        The verdict.
    """
    from _victim import state_of

    from napari_nucseg.corrections import FolderWork, ImageState, Journals, States

    segmented = [line[2] for line in lines if line[0] == "segmented"]
    edits = [line for line in lines if line[0] in ("at", "edit")]
    outcome = Outcome(len(segmented), sum(line[0] == "edit" for line in lines))
    outcome.twice = sum(
        (name in before) or times > 1 for name, times in Counter(segmented).items()
    )
    before.update(segmented)
    work = FolderWork(folder)
    work.open()
    work.recover(Journals())
    shown: dict[str, list[tuple[float, int]]] = {}
    for _, then, name, state in edits:
        shown.setdefault(name, []).append((float(then), int(state)))
    for name, states in shown.items():
        stored = work.read(name)
        now = -1 if stored is None else state_of(stored.labels, States())
        places = [at for at, (_, state) in enumerate(states) if state == now]
        outcome.corrupt += not places
        missing = states[max(places, default=-1) + 1 :]
        if missing:
            outcome.lost = max(outcome.lost, killed - missing[0][0])
    last = [line[2] for line in lines if line[0] == "at"]
    # It is noted before it is said.
    outcome.elsewhere = bool(last) and work.at not in _from(work, last[-1])
    for row in work.rows():
        outcome.undone += row.name in before and row.state is ImageState.NEW
    for line in lines:
        if line[0] == "done":
            outcome.undone += work.row(line[2]).state is not ImageState.DONE
    return outcome


def _from(work: Any, name: str) -> list[str]:
    """Return an image and the next, which may have been on its way."""
    names = [row.name for row in work.rows()]
    place = names.index(name)
    return names[place : place + 2]


def _verdict(outcomes: Sequence[Outcome]) -> Iterator[Measure]:
    lost = [outcome.lost for outcome in outcomes]
    yield Measure("windows killed", len(outcomes))
    yield Measure("images segmented", sum(one.images for one in outcomes))
    yield Measure("corrections", sum(one.edits for one in outcomes))
    yield Measure("oldest correction lost", max(lost), "s", at_most=PATIENCE)
    for name in ("corrupt", "twice", "undone", "elsewhere"):
        yield Measure(name, sum(getattr(one, name) for one in outcomes), at_most=0)


if __name__ == "__main__":
    sys.exit(main())
