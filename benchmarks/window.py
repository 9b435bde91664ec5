"""What a person feels in a real napari window: waits, a stuck window, Cancel and Stop.

The widget is driven with clicks while a timer in the event loop notes by how much it is
late. TensorFlow is never loaded here: it runs in the engine. Without a display a virtual
one is made. The user's own models, corrections and settings are left alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _common import ROOT, Measure, report

if TYPE_CHECKING:
    from _person import Person, Shown

    from napari_nucseg.image.field import Field

SIDE, FIELD_SIDE, LARGE = 1024, 512, 4  # pixels, pixels, times the side
ROUNDS, CANCELS, FIELDS = 5, 3, 3


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"out of {', '.join(PARTS)}; all if left out")
    names = parser.parse_args().parts or list(PARTS)
    if unknown := set(names).difference(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    sys.path.insert(0, str(ROOT / "tools"))
    from with_display import display, has_display

    if has_display():
        return benchmark(names)
    with display() as name:
        # In a process of its own, which is gone before the display is.
        environment = {**os.environ, "DISPLAY": name}
        command = [sys.executable, __file__, *names]
        return subprocess.run(command, check=False, env=environment).returncode


def benchmark(names: list[str]) -> int:
    """Open a window, measure, and close it.

    Parameters
    ----------
    names : list of str
        Out of `PARTS`.

    Returns
    -------
    int
        Exit status.
    """
    from napari_nucseg.support.paths import HOME_VARIABLE

    with tempfile.TemporaryDirectory() as home:
        os.environ[HOME_VARIABLE] = home
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "napari.yaml")
        from _person import Person

        person = Person()
        try:
            measures: list[Measure] = []
            for name in names:
                print(f"  {name} …", flush=True)
                measures += PARTS[name](person)
        finally:
            person.close()
    if "tensorflow" in sys.modules:
        raise RuntimeError("Expected no TensorFlow beside the window, but it was imported.")
    report("window", measures)
    return 0


def segmenting(person: Person) -> Iterator[Measure]:
    """Click Segment several times, and add the same labels bare between."""
    image = person.open(_image(), "image")
    first = person.segment(image)
    person.remove(first.layer)
    ours: list[Shown] = []
    bare: list[Shown] = []
    for _ in range(ROUNDS):
        ours.append(person.segment(image))
        labels = ours[-1].layer.data.copy()
        person.remove(ours[-1].layer)
        bare.append(person.add_labels(labels))
        person.remove(bare[-1].layer)
    person.remove(image)
    excess = [
        one.block_after - other.block_after for one, other in zip(ours, bare, strict=True)
    ]
    waits = [shown.seconds for shown in ours]
    yield Measure("Segment to labels, first click", first.seconds, "s")
    yield Measure("Segment to labels", statistics.median(waits), "s", at_most=1.5)
    yield Measure("Segment to labels, slowest", max(waits), "s")
    working = [shown.block_before for shown in (first, *ours)]
    yield _block("longest block while segmenting", max(working), at_most=100)
    arrivals, adds = [[s.block_after for s in some] for some in (ours, bare)]
    yield _block("block when labels arrive", statistics.median(arrivals))
    yield _block("block of a bare add_labels", statistics.median(adds))
    yield _block("labels above bare", statistics.median(excess), at_most=50)
    yield _block("labels above bare, largest", max(excess))


def cancelling(person: Person) -> Iterator[Measure]:
    """Cancel the segmentation of a large image, then segment a small one."""
    small = person.open(_image(), "small")
    large = person.open(np.tile(_image(), (LARGE, LARGE)), "large")
    panel = person.dock.segment
    back, again = [], []
    for _ in range(CANCELS):
        panel.image.choose(large)
        person.click(panel.segment_button)
        person.wait(lambda: panel.progress.value() > 0, "the first tiles")
        back.append(_until_free(person, panel.cancel_button))
        again.append(_segment_and_remove(person, small))
    person.remove(large)
    person.remove(small)
    yield Measure("Cancel of Segment to control, slowest", max(back), "s", at_most=1.0)
    yield Measure("the next Segment to labels, slowest", max(again), "s")


def retraining(person: Person) -> Iterator[Measure]:
    """Retrain with default settings on three fields, and use the new model."""
    for number in range(FIELDS):
        person.add_to_training_set(_field(number))
    image = person.open(_image(), "image")
    panel = person.dock.retrain
    trained: list[str] = []
    panel.trained.connect(trained.append)
    name = panel.name.text()
    start = person.click(panel.retrain_button)
    person.wait(lambda: bool(trained) or _failed(person), "the new model")
    end = time.perf_counter()
    if not trained:
        raise RuntimeError(f"Expected a new model, got none: {person.dock.status.text()}")
    block = person.heart.longest_block(start, end)
    person.dock.segment.use_model(name)
    seconds = _segment_and_remove(person, image)
    person.dock.segment.use_model("nuclei")
    person.remove(image)
    yield Measure("Retrain to the new model", end - start, "s", at_most=120)
    yield _block("longest block while retraining", block, at_most=100)
    yield Measure("Segment to labels with the new model", seconds, "s")


def stopping(person: Person) -> Iterator[Measure]:
    """Stop a retraining before and after its first epoch, then segment."""
    image = person.open(_image(), "image")
    panel = person.dock.retrain
    epochs: list[object] = []
    person.dock.runner.epoch.connect(epochs.append)
    # The score of the starting model counts as an epoch, number 0.
    for moment, finished in (("before the first epoch", 1), ("after the first epoch", 2)):
        epochs.clear()
        person.click(panel.retrain_button)
        person.wait(_in_a_step(person, epochs, finished), "a step of training")
        seconds = _until_free(person, panel.stop_button)
        again = _segment_and_remove(person, image)
        yield Measure(f"Stop {moment} to control", seconds, "s", at_most=1.0)
        yield Measure(f"Segment to labels after Stop {moment}", again, "s")
    person.remove(image)


def _in_a_step(person: Person, epochs: list[object], finished: int) -> Callable[[], bool]:
    bar = person.dock.retrain.progress
    return lambda: len(epochs) >= finished and 1 < bar.value() < bar.maximum()


def _failed(person: Person) -> bool:
    return person.is_free() and not person.dock.retrain.state.text()


def _until_free(person: Person, button: object) -> float:
    start = person.click(button)
    person.wait(person.is_free, "control")
    return time.perf_counter() - start


def _segment_and_remove(person: Person, image: object) -> float:
    shown = person.segment(image)
    person.remove(shown.layer)
    return shown.seconds


def _block(name: str, seconds: float, at_most: float | None = None) -> Measure:
    return Measure(name, 1000 * seconds, "ms", at_most=at_most)


def _image() -> np.ndarray:
    from napari_nucseg.image.simulate import simulate_field

    return np.asarray(simulate_field((SIDE, SIDE)).image)


def _field(number: int) -> Field:
    import dataclasses

    from napari_nucseg.image.simulate import simulate_field

    field = simulate_field((FIELD_SIDE, FIELD_SIDE), seed=number)
    return dataclasses.replace(field, name=f"field {number}")


PARTS: dict[str, Callable[[Person], Iterator[Measure]]] = {
    "segmenting": segmenting,
    "cancelling": cancelling,
    "retraining": retraining,
    "stopping": stopping,
}

if __name__ == "__main__":
    sys.exit(main())
