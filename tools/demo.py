"""Open napari, dock the widget, segment a sample image and tune that, as a person would.

Without a display the same happens on a virtual one, and a picture of the whole window
is saved as ``demo.png``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from with_display import display

PICTURE = Path("demo.png")
PATIENCE = 300  # seconds
#: For the pale nuclei of the sample.
PROBABILITY = 0.4


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    if "--picture" in sys.argv:
        return demonstrate(take_picture=True)
    with display() as virtual:
        if not virtual:
            return demonstrate(take_picture=False)
        # In a process of its own, which is gone before the display is.
        command = [sys.executable, __file__, "--picture"]
        environment = {**os.environ, "DISPLAY": virtual}
        return subprocess.run(command, check=False, env=environment).returncode


def demonstrate(*, take_picture: bool) -> int:
    """Do what a person would do.

    Parameters
    ----------
    take_picture : bool
        Save a picture of the window and close it; otherwise leave it open.

    Returns
    -------
    int
        Exit status.
    """
    import napari

    print("demo: opening napari", flush=True)
    viewer = napari.Viewer()
    viewer.window.resize(1600, 1000)
    viewer.open_sample("napari-nucseg", "tissue")
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation", tabify=False
    )
    try:
        labels, seconds = click_segment(viewer, dock)
    except RuntimeError as error:
        viewer.close()
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"demo: {labels.data.max()} nuclei in {seconds:.1f} s after the click", flush=True)
    lower_probability(labels, dock)
    print(f"demo: {labels.data.max()} with the probability lowered, as many are pale")
    if take_picture:
        viewer.screenshot(str(PICTURE), canvas_only=False, flash=False)
        print(f"demo: there is no display; the window is in {PICTURE.resolve()}")
        viewer.close()
    else:
        napari.run()
    return 0


def click_segment(viewer: Any, dock: Any) -> tuple[Any, float]:
    """Click Segment and wait for the nuclei.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    dock : NucleusDock
        The dock widget.

    Returns
    -------
    tuple of Labels and float
        The new layer, and how many seconds it took.

    Raises
    ------
    RuntimeError
        If there are no nuclei in the end, with what the widget says.
    """
    from napari.layers import Labels
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    button = dock.segment.segment_button
    if not button.isEnabled():
        raise RuntimeError(f"The button Segment is disabled: {button.toolTip()}")
    print("demo: segmenting (the first time waits for TensorFlow)", flush=True)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    seconds = wait_until(lambda: dock.runner.job is None)
    found = [layer for layer in viewer.layers if isinstance(layer, Labels)]
    if not found:
        raise RuntimeError(f"Expected nuclei, got none. {dock.status.text()}")
    return found[-1], seconds


def lower_probability(labels: Any, dock: Any) -> None:
    """Move the slider and wait for the labels to follow.

    Parameters
    ----------
    labels : Labels
        What was found.
    dock : NucleusDock
        The dock widget.
    """
    dock.segment.form.boxes["probability"].value = PROBABILITY
    wait_until(lambda: labels.metadata["nucseg"]["parameters"]["probability"] == PROBABILITY)


def wait_until(done: Callable[[], bool]) -> float:
    """Wait until something is done and on the screen, or patience ends.

    Parameters
    ----------
    done : callable
        Asked again and again.

    Returns
    -------
    float
        How many seconds it took to be done.
    """
    from qtpy.QtTest import QTest

    started = time.monotonic()
    while not done() and time.monotonic() - started < PATIENCE:
        QTest.qWait(20)
    seconds = time.monotonic() - started
    QTest.qWait(500)  # to be drawn
    return seconds


if __name__ == "__main__":
    sys.exit(main())
