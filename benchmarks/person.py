"""What correcting costs a person: gestures for each wrong nucleus, in the real window.

12 fields of 512 x 512 pixels that no model was trained on are segmented. Somebody who knows
the truth corrects every nucleus that has no match at IoU 0.5, with events of mouse and keys:
once with the correcting tool, once with the brush, the fill bucket and the picker of napari.
Both follow a fixed strategy, see ``_gestures.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import Measure, report, write_rows
from _window import Mouse, in_window
from _wrong import KINDS, Overlaps

from napari_nucseg.image import read_image, read_labels

if TYPE_CHECKING:
    from _gestures import Gesture, Person

SIDE = 512

#: Smaller remains of nuclei at the border of a field do not count, in pixels.
LEAST = 20

#: Folder, file, and the upper left corner of the field; None takes the middle of the image.
FIELDS: tuple[tuple[str, str, tuple[int, int] | None], ...] = (
    *(
        ("dsb2018_fluo/test", f"{name}.tif", None)
        for name in (
            "3477024fd843e46097840360f9cdee24b76bf5c593ed27a9aee7a5728a06aa51",
            "5f9d29d6388c700f35a3c29fa1b1ce0c1cba6667d05fdb70bd1e89004dcf71ed",
            "a5e695fce80dc03efb6665a9ec14500ab47f4ee9f6437531388dd3cc32c90db1",
            "c304a1fdf3bca2f4b4580d2cac59942e2224a7678001bf5ed9d9852f57708932",
        )
    ),
    # The windows with most nuclei of three sections, and a second one of the densest.
    ("kromp2020", "kromp_Ganglioneuroblastoma_4.tif", (128, 64)),
    ("kromp2020", "kromp_Ganglioneuroblastoma_7.tif", (320, 704)),
    ("kromp2020", "kromp_Ganglioneuroblastoma_7.tif", (0, 0)),
    ("kromp2020", "kromp_Ganglioneuroblastoma_8.tif", (256, 384)),
    *(("tnbc2018", f"tnbc_{name}.tif", None) for name in ("09_1", "09_4", "10_1", "11_1")),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """One field.

    Parameters
    ----------
    folder, name : str
        Where it comes from.
    image : ndarray, shape (512, 512) or (512, 512, 3)
        What is segmented.
    truth : ndarray of int, shape (512, 512)
        The true nuclei.
    """

    folder: str
    name: str
    image: np.ndarray
    truth: np.ndarray


@dataclasses.dataclass(frozen=True)
class Corrected:
    """What it took to correct a field.

    Parameters
    ----------
    wrong, gestures : Counter of str
        By kind of error: nuclei that were wrong, and what was done.
    clicks : int
        How many gestures it is without drags that delete several nuclei.
    way : float
        How far the mouse was dragged, in pixels of the field.
    left : int
        Nuclei that are still wrong.
    iou_before, iou : float
        Mean IoU of the true nuclei with what was found.
    """

    wrong: Counter[str]
    gestures: Counter[str]
    clicks: int
    way: float
    left: int
    iou_before: float
    iou: float


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with dsb2018_fluo and the others")
    parser.add_argument("--fields", type=int, nargs="*", help="only these, from 0 on")
    parser.add_argument("--click", action="store_true", help="click missed nuclei, then draw")
    options = parser.parse_args()
    chosen = options.fields if options.fields else range(len(FIELDS))
    fields = [read(options.data, *FIELDS[index]) for index in chosen]
    return in_window(lambda: benchmark(fields, options.click))


def read(data: Path, folder: str, name: str, corner: tuple[int, int] | None) -> Field:
    """Read one field.

    Parameters
    ----------
    data : Path
        Folder with all data sets.
    folder, name, corner : str, str, tuple of int or None
        See `FIELDS`.

    Returns
    -------
    Field
        Image and true nuclei.
    """
    image = np.asarray(read_image(data / folder / "images" / name).image)
    truth = read_labels(data / folder / "masks" / name)
    y, x = corner or ((truth.shape[0] - SIDE) // 2, (truth.shape[1] - SIDE) // 2)
    image, truth = (one[y : y + SIDE, x : x + SIDE] for one in (image, truth))
    areas = np.bincount(truth.ravel())
    return Field(folder, name, image, np.where(areas[truth] < LEAST, 0, truth))


def benchmark(fields: Sequence[Field], by_click: bool) -> int:
    """Correct all fields with our tools, then with napari's.

    Parameters
    ----------
    fields : sequence of Field
        The fields.
    by_click : bool
        Whether missed nuclei are clicked before they are drawn.

    Returns
    -------
    int
        Exit status.
    """
    found, ours = with_our_tools(fields, by_click)
    napari = with_napari(fields, found)
    rows = [
        row_of(field, tools, one)
        for tools, several in (("ours", ours), ("napari", napari))
        for field, one in zip(fields, several, strict=True)
    ]
    write_rows("person_fields", rows)
    report("person", measures_of(ours, napari))
    return 0


def with_our_tools(
    fields: Sequence[Field], by_click: bool
) -> tuple[list[np.ndarray], list[Corrected]]:
    """Segment and correct in the dock; also return the labels before."""
    from _person import Person as Window

    window = Window()
    found, corrected = [], []
    try:
        for field in fields:
            image = window.open(field.image, field.name)
            layer = window.segment(image).layer
            found.append(np.array(layer.data))
            mouse = Mouse(window.viewer, layer)

            def act(gesture: Gesture, mouse: Mouse = mouse, window: Window = window) -> None:
                _do(mouse, gesture)
                window.wait(lambda: _is_still(window), "the tool")

            one = _correct(field, layer, act, _ours, adds_by_click=by_click)
            corrected.append(one)
            _say(field, "our tools", one)
            window.remove(layer)
            window.remove(image)
    finally:
        window.close()
    return found, corrected


def with_napari(fields: Sequence[Field], found: Sequence[np.ndarray]) -> list[Corrected]:
    """Correct in a viewer without the dock."""
    import napari
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(1600, 1000)
    corrected = []
    for field, labels in zip(fields, found, strict=True):
        image = viewer.add_image(field.image, name=field.name)
        layer = viewer.add_labels(labels.copy(), name="nuclei")
        QTest.qWait(500)
        # The slider of the size of the brush; it is counted with the rest.
        layer.brush_size = 1
        mouse = Mouse(viewer, layer)

        def act(gesture: Gesture, mouse: Mouse = mouse) -> None:
            _do(mouse, gesture)

        one = _correct(field, layer, act, _napari)
        corrected.append(one)
        _say(field, "napari", one)
        for old in (layer, image):
            viewer.layers.remove(old)
            QTest.qWait(500)
    viewer.close()
    return corrected


def _ours(person: Person) -> None:
    from _gestures import Keys

    person.with_our_tools(Keys())


def _napari(person: Person) -> None:
    person.with_napari()


def _do(mouse: Mouse, gesture: Gesture) -> None:
    """Do a gesture with mouse and keys."""
    if gesture.key:
        mouse.key(gesture.key)
    elif gesture.right:
        mouse.encircle(_fine(gesture.path))
    else:
        mouse.drag(_fine(gesture.path), alt=gesture.alt)


def _fine(path: np.ndarray, step: float = 6.0) -> np.ndarray:
    """Return a path with more points, as the mouse tells them on its way."""
    parts = [path[:1]]
    for start, end in itertools.pairwise(path):
        count = max(int(np.ceil(np.hypot(*(end - start)) / step)), 1)
        parts.append(start + (end - start) * np.linspace(0, 1, count + 1)[1:, np.newaxis])
    return np.concatenate(parts)


def _is_still(window: Any) -> bool:
    """Return whether nothing is being done for the last gesture."""
    return bool(window.is_free())


def _correct(
    field: Field,
    layer: Any,
    act: Callable[[Gesture], None],
    strategy: Callable[[Person], None],
    *,
    adds_by_click: bool = False,
) -> Corrected:
    """Let a person correct the labels of a layer."""
    from _gestures import Person

    before = Overlaps(np.asarray(layer.data), field.truth)
    person = Person(
        field.truth, lambda: np.asarray(layer.data), act, adds_by_click=adds_by_click
    )
    wrong: Counter[str] = Counter()
    for one in person.wrong():
        wrong[one.kind] += one.count
    strategy(person)
    after = Overlaps(np.asarray(layer.data), field.truth)
    return Corrected(
        wrong,
        person.counts,
        sum(one.clicks for one in person.done),
        sum(one.way for one in person.done),
        sum(one.count for one in person.wrong()),
        float(before.iou.max(axis=0, initial=0).mean()),
        float(after.iou.max(axis=0, initial=0).mean()),
    )


def _say(field: Field, tools: str, one: Corrected) -> None:
    counts = f"{one.wrong.total():>3} wrong, {one.gestures.total():>3} gestures"
    print(f"  {field.name[:40]:<40} {tools:<9} {counts}, {one.left} left", flush=True)


def row_of(field: Field, tools: str, one: Corrected) -> dict[str, Any]:
    """Return the row of a table.

    Parameters
    ----------
    field : Field
        The field.
    tools : str
        Whose tools.
    one : Corrected
        What it took.

    Returns
    -------
    dict
        All with the same keys.
    """
    return {
        "set": field.folder,
        "field": field.name,
        "tools": tools,
        **{f"wrong_{kind}": one.wrong[kind] for kind in KINDS},
        **{f"gestures_{kind}": one.gestures[kind] for kind in (*KINDS, "caused", "setup")},
        "gestures_deleting_one_by_one": one.clicks,
        "dragged_pixels": round(one.way),
        "still_wrong": one.left,
        "iou_before": round(one.iou_before, 3),
        "iou": round(one.iou, 3),
    }


def measures_of(ours: Sequence[Corrected], napari: Sequence[Corrected]) -> list[Measure]:
    """Return what is reported, by kind of error.

    Parameters
    ----------
    ours, napari : sequence of Corrected
        Of all fields.

    Returns
    -------
    list of Measure
        Gestures per wrong nucleus, and what was reached.
    """
    wrong = sum((one.wrong for one in ours), Counter[str]())
    total = max(wrong.total(), 1)
    measures = [Measure("wrong nuclei", wrong.total())]
    measures += [Measure(f"  of these {kind}", wrong[kind]) for kind in KINDS]
    each, clicks = [], []
    for name, several in (("our tools", ours), ("napari's tools", napari)):
        done = sum((one.gestures for one in several), Counter[str]())
        each.append(done.total() / total)
        bar = 1.6 if name == "our tools" else None
        measures.append(Measure(f"{name}: gestures per wrong nucleus", each[-1], at_most=bar))
        for kind in KINDS:
            value = done[kind] / max(wrong[kind], 1)
            measures.append(Measure(f"  {name}: {kind}", value))
        more = (done["setup"] + done["caused"]) / total
        way = sum(one.way for one in several) / total
        clicks.append(sum(one.clicks for one in several) / total)
        iou = float(np.mean([one.iou for one in several]))
        measures += [
            Measure(f"  {name}: keys for tools, errors of the hand", more),
            Measure(f"  {name}: if each false one is clicked", clicks[-1]),
            Measure(f"  {name}: dragged per wrong nucleus", way, "pixels"),
            Measure(f"  {name}: nuclei that stay wrong", sum(one.left for one in several)),
            Measure(f"  {name}: mean IoU of the true nuclei", iou),
        ]
    before = float(np.mean([one.iou_before for one in ours]))
    measures.append(Measure("mean IoU before", before))
    for name, value in (("ours over napari's", each[1]), ("over its clicks", clicks[1])):
        measures.append(Measure(name, each[0] / max(value, 1e-9), at_most=0.5))
    return measures


if __name__ == "__main__":
    sys.exit(main())
