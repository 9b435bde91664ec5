"""What an engine survives: failed starts, slow images, being closed and forked at any time."""

import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import dask.array
import numpy as np
import psutil
import pytest

from napari_nucseg.engine import EngineError, Segment, process, session
from napari_nucseg.engine.client import Engine
from napari_nucseg.engine.files import LARGE_BYTES
from napari_nucseg.image.field import Field
from napari_nucseg.pipeline.parameters import SegmentParameters
from napari_nucseg.support.callbacks import Callbacks, Stopped

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from small_engine import Echo, UntilStopped

LONG = 180.0
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Broken(BaseException):
    """Nothing expects it."""


# The start


def test_folder_of_a_stranger_with_a_similar_name_does_no_harm(small, temporary):
    folder = temporary / f"nucseg-1-1.2.3-abcdef01-{session._host()}"
    folder.mkdir()
    assert small.submit(Echo(1)).wait(LONG) == 1
    folder.rmdir()  # it is still there


@pytest.mark.parametrize("number", ["9" * 5000, "1.2.3"])
def test_stamp_that_is_no_number_is_not_ours(number):
    host = session._host()
    assert session._stamp_of(f"nucseg-{number}-1.2.3-abcdef01-{host}") is None


def test_start_that_fails_in_any_way_fails_that_job_only(small, monkeypatch):
    started = []

    def fail():
        started.extend(psutil.Process().children())
        raise KeyError("odd")

    with monkeypatch.context() as patch:
        patch.setattr(process, "remove_abandoned_folders", fail)
        for _ in range(2):
            with pytest.raises(EngineError, match=r"could not start.*odd"):
                small.submit(Echo(1)).wait(LONG)
    assert small.submit(Echo(1)).wait(LONG) == 1
    assert started
    assert not any(child.is_running() for child in started)


def test_failed_starts_leave_no_thread(temporary):
    engine = Engine("no_such_module")
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(EngineError, match="could not start"):
            engine.submit(Echo(1)).wait(LONG)
    engine.close()
    assert threading.active_count() <= before
    assert list(temporary.iterdir()) == []


def test_mistake_of_the_engine_fails_all_jobs_and_the_next_one_starts_anew(
    small, monkeypatch, caplog
):
    go_on = threading.Event()

    def fail(job):
        go_on.wait(LONG)
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(small, "_run", fail)
        jobs = [small.submit(Echo(number)) for number in range(3)]
        go_on.set()
        for job in jobs:
            with pytest.raises(EngineError, match="Broken"):
                job.wait(LONG)
    assert "The thread of the engine failed" in caplog.text
    assert small.submit(Echo(1)).wait(LONG) == 1


def test_idle_engine_keeps_no_result_in_memory(small):
    job = small.submit(Echo(np.zeros(LARGE_BYTES, np.uint8)))
    result = weakref.ref(job.wait(LONG))
    del job
    limit = time.monotonic() + LONG
    while result() is not None and time.monotonic() < limit:
        time.sleep(0.01)
    assert result() is None


# Cancel and close while an image is read


class Slow:
    """A lazy image that takes long to be read, as a large TIFF does."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def field(self):
        image = dask.array.from_delayed(dask.delayed(self._read)(), (64, 64), np.uint8)
        return Field(image, name="slow")

    def _read(self):
        self.begun.set()
        self.go_on.wait(LONG)
        return np.zeros((64, 64), np.uint8)


@pytest.fixture
def slow():
    slow = Slow()
    yield slow
    slow.go_on.set()


def segment_slowly(engine, slow):
    job = engine.submit(Segment(slow.field(), "nuclei", SegmentParameters()))
    assert slow.begun.wait(LONG)
    return job


def test_cancel_does_not_wait_until_a_lazy_image_is_read(small, slow):
    child = small.submit(Echo(1)).wait(LONG) and small.process_id
    job = segment_slowly(small, slow)
    job.cancel()
    with pytest.raises(Stopped, match="cancelled"):
        job.wait(0)
    assert job.state == "stopped"
    after = small.submit(Echo(2))
    slow.go_on.set()
    assert after.wait(LONG) == 2
    assert small.process_id == child, "the child need not be killed"


def test_close_does_not_wait_until_a_lazy_image_is_read(small, slow):
    job = segment_slowly(small, slow)
    thread, waiting = small._thread, small.submit(Echo(1))
    child = psutil.Process(small.process_id)
    small.close()
    for one in (job, waiting):
        with pytest.raises(Stopped, match="closed"):
            one.wait(0)
    assert not child.is_running()
    slow.go_on.set()
    thread.join(LONG)
    assert small.state == "off"


def test_callback_of_a_cancelled_job_may_wait_for_another_thread(small):
    begun = threading.Event()
    first = small.submit(UntilStopped(), Callbacks(on_progress=lambda *_: begun.set()))
    assert begun.wait(LONG)
    ends = []

    def on_done(_):
        other = threading.Thread(target=lambda: ends.append(small.submit(Echo(3))))
        other.start()
        other.join(10)
        ends.append(other.is_alive())

    small.submit(Echo(2), on_done=on_done).cancel()
    first.stop()
    assert ends[0].wait(LONG) == 3
    assert ends[1] is False


def test_job_that_comes_while_the_engine_is_closed_does_not_wait_for_ever(small, monkeypatch):
    small.submit(Echo(1)).wait(LONG)
    start, closer = small.start, threading.Thread(target=small.close)

    def start_and_close():
        start()
        closer.start()
        closer.join(1)

    monkeypatch.setattr(small, "start", start_and_close)
    job = small.submit(Echo(2))
    closer.join()
    assert job.has_ended(10)


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.1, 0.3])
def test_close_while_starting_leaves_nothing(temporary, delay):
    engine = Engine("small_engine")
    job = engine.submit(Echo(1))
    time.sleep(delay)
    engine.close()
    assert job.has_ended(LONG)
    assert [c for c in psutil.Process().children() if "small_engine" in c.cmdline()] == []
    assert list(temporary.iterdir()) == []


# Another process

FORK = """
import os, sys
from napari_nucseg.engine import Engine, EngineError, shared_engine
from small_engine import Echo
Engine.__init__.__defaults__ = ("small_engine",)
engine = shared_engine()
engine.submit(Echo(1)).wait(60)
fork = os.fork()
if fork == 0:
    try:
        engine.submit(Echo(2))
    except EngineError as error:
        assert "forked" in str(error), error
    assert shared_engine() is not engine
    assert shared_engine().submit(Echo(3)).wait(60) == 3
    sys.exit(7)
_, status = os.waitpid(fork, 0)
child = engine.process_id
print(os.waitstatus_to_exitcode(status), engine.submit(Echo(4)).wait(60))
assert engine.process_id == child
"""


@needs_fork
@pytest.mark.usefixtures("small")  # for its environment
def test_process_that_was_forked_has_an_engine_of_its_own():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, ["7", "4"], "")
