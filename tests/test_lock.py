"""The lock that windows and programs take one after the other."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from napari_nucseg.support.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from napari_nucseg.support import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


def test_one_thread_at_a_time(path):
    inside, most = [], []

    def work():
        for _ in range(20):
            with locked(path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert set(most) == {1}


def test_lock_that_is_held_for_too_long_is_told(path):
    who = f"process {os.getpid()} on "
    with (
        locked(path),
        pytest.raises(TimeoutError, match=rf"{who}.* for 0 s\. Nothing was changed"),
        locked(path, patience=0),
    ):
        pytest.fail("two have the lock")
    with locked(path, patience=0):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_lock_of_a_process_that_was_killed_is_free(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            with (
                pytest.raises(TimeoutError, match=f"process {process.pid}"),
                locked(path, patience=0),
            ):
                pytest.fail("two have the lock")
        finally:
            process.kill()
    with locked(path, patience=0):
        pass


def test_error_inside_gives_the_lock_back(path):
    with pytest.raises(ValueError, match="no"), locked(path):
        raise ValueError("no")
    with locked(path, patience=0):
        pass
