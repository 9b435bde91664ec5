"""A process that is killed loses nothing that was on the disk, and leaves nothing corrupt."""

import os
import signal
import subprocess
import sys
import zlib

import pytest

from napari_nucseg.corrections import Journal, Journals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")

#: Draws without an end, and says what was drawn, and what the disk has.
DRAWING = """
import itertools
import sys
import zlib
import numpy as np
from napari.components import ViewerModel
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from napari_nucseg.corrections import Journal
from napari_nucseg.widgets.journal.journal_keeper import keeper_of

application = QApplication([])
viewer = ViewerModel()
keeper = keeper_of(viewer)
layer = viewer.add_labels(np.zeros((600, 600), np.int32))
random = np.random.default_rng(int(sys.argv[1]))
on_disk = None
for number in itertools.count(1):
    layer.paint(random.integers(0, 600, 2), number)
    if number % 3 == 0:
        layer.undo()
    print("drawn", zlib.crc32(layer.data.tobytes()), flush=True)
    QTest.qWait(20)
    folder = keeper.folder_of(layer)
    if folder and Journal(folder).exists() and number % 5 == 0:
        found = zlib.crc32(Journal(folder).restore().labels.tobytes())
        if found != on_disk:
            print("kept", found, flush=True)
        on_disk = found
"""


def test_killed_process_leaves_what_the_disk_had(home):
    command = [sys.executable, "-c", DRAWING, "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    drawn, kept = [], []
    for line in process.stdout:
        what, state = line.split()
        (drawn if what == "drawn" else kept).append(int(state))
        if len(kept) == 3:
            process.send_signal(signal.SIGKILL)
            break
    drawn += [int(line.split()[1]) for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    (left,) = Journals().left()
    found = zlib.crc32(Journal(left.folder).restore().labels.tobytes())
    # What was drawn last may be on the disk before it was said.
    assert {found, *kept} <= {*drawn}
    assert drawn.index(found) >= drawn.index(kept[-1])
