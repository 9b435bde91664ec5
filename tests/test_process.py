"""The marks of processes, with real ones."""

import os
import subprocess
import sys

import pytest

from napari_nucseg.support.process import is_running, process_stamp


@pytest.fixture
def sleeper():
    """A living process."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_living_process_is_told_from_one_that_ended(sleeper):
    left = {**process_stamp(), "process": sleeper.pid}
    assert is_running(process_stamp())
    assert is_running(left)
    assert not is_running({**left, "host": "another"})
    assert not is_running({**left, "began": 1e9})  # the number was another one's then
    assert not is_running({"name": "of an older version"})
    for number in ("one", -5, 10**30):
        assert not is_running({**left, "process": number})
    assert not is_running({**process_stamp(), "began": "today"})
    sleeper.kill()
    sleeper.wait()
    assert not is_running(left)


@pytest.mark.skipif(os.name == "nt", reason="needs the processes of POSIX")
def test_process_that_nobody_waits_for_has_ended(sleeper):
    left = {**process_stamp(), "process": sleeper.pid}
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(left)
