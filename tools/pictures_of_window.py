"""Take the pictures of the window in docs/: nuclei that were found, and their numbers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from demo import click_segment, wait_until
from with_display import display

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (1366, 768)


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    if "--take" in sys.argv:
        return take()
    with display() as virtual, tempfile.TemporaryDirectory() as home:
        # In a process of its own, which is gone before the display is, and with nothing that
        # is remembered of the person.
        environment = {**os.environ, "NAPARI_NUCSEG_HOME": home, "NAPARI_CONFIG": ""}
        if virtual:
            environment["DISPLAY"] = virtual
        command = [sys.executable, __file__, "--take"]
        return subprocess.run(command, check=False, env=environment).returncode


def take() -> int:
    """Segment a simulated field, measure it, and save the window both times.

    Returns
    -------
    int
        Exit status.
    """
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-nucseg", "simulated")
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-nucseg", "Nucleus Segmentation", tabify=False
    )
    click_segment(viewer, dock)
    viewer.reset_view()
    save(viewer, "window.png")
    dock.open_part(dock.numbers)
    QTest.mouseClick(dock.numbers.measure_button, Qt.MouseButton.LeftButton)
    wait_until(lambda: len(viewer.layers[-1].features.columns) > 10)
    save(viewer, "measure.png")
    viewer.close()
    return 0


def save(viewer: Any, name: str) -> None:
    """Save the window as it is once all is drawn.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    name : str
        Of the file in docs/.
    """
    from qtpy.QtTest import QTest

    QTest.qWait(2000)
    viewer.screenshot(str(DOCS / name), canvas_only=False, flash=False)
    print(f"saved {DOCS / name}")


if __name__ == "__main__":
    sys.exit(main())
