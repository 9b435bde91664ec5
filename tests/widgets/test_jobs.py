"""Jobs of the engine and of threads, as Qt signals on the window's thread."""

import subprocess
import sys
import threading

import pytest

from napari_nucseg.engine import Relabel, RelabelExpired, Segment, Warm, shared_engine
from napari_nucseg.pipeline.segmentation import SegmentParameters
from napari_nucseg.widgets.jobs import JobRunner, _Relay, run_in_thread

PATIENCE = 180_000  # milliseconds


def segmentation(field):
    return Segment(field, "nuclei", SegmentParameters())


def test_signals_of_a_job_come_on_the_thread_of_the_window(qtbot, simulated):
    runner, threads, steps = JobRunner(), [], []
    runner.progress.connect(lambda *step: steps.append(step))
    runner.progress.connect(lambda *_: threads.append(threading.current_thread()))
    with qtbot.waitSignal(runner.done, timeout=PATIENCE) as done:
        job = runner.run(segmentation(simulated))
        assert runner.job is job
        with pytest.raises(RuntimeError, match="no job to run"):
            runner.run(segmentation(simulated))
    assert done.args == [job]
    assert job.result.labels.max() > 0
    qtbot.waitUntil(lambda: runner.job is None)
    assert steps
    assert set(threads) == {threading.main_thread()}
    assert all(0 <= step <= total for step, total, _ in steps)


def test_of_steps_that_come_fast_not_every_one_is_emitted(qtbot):
    relay, steps = _Relay(), []
    relay.progress.connect(lambda *step: steps.append(step))
    for step in range(1000):
        relay.on_progress(step, 1000, "training")
    relay.on_progress(0, 5, "scoring")
    assert steps[0] == (0, 1000, "training")
    assert steps[-1] == (0, 5, "scoring")
    assert len(steps) < 100


def test_error_of_a_job_arrives(qtbot):
    runner = JobRunner()
    with qtbot.waitSignal(runner.done, timeout=PATIENCE) as done:
        runner.run(Relabel("none", SegmentParameters()))
    (job,) = done.args
    assert job.state == "failed"
    assert isinstance(job.error, RelabelExpired)
    assert "Click Segment again" in str(job.error)


def test_job_outlives_its_runner(qtbot, simulated):
    runner = JobRunner()
    job = runner.run(segmentation(simulated))
    with qtbot.waitSignal(runner.destroyed, timeout=PATIENCE):
        runner.deleteLater()
    assert job.wait(PATIENCE / 1000).labels.max() > 0
    assert shared_engine().submit(Warm("nuclei")).wait(PATIENCE / 1000) is None


@pytest.mark.parametrize("broken", [False, True])
def test_function_runs_on_a_thread_and_answers_on_the_windows(qtbot, broken):
    threads, results, errors = [], [], []

    def work():
        threads.append(threading.current_thread())
        return 1 // (not broken)

    def note(where):
        return lambda value: (
            where.append(value),
            threads.append(threading.current_thread()),
        )

    run_in_thread(work, note(results), note(errors))
    qtbot.waitUntil(lambda: len(threads) == 2)
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()
    assert results == ([] if broken else [1])
    assert [type(error) for error in errors] == ([ZeroDivisionError] if broken else [])


CLOSED_AT_ONCE = """
import sys, time
from pathlib import Path
from napari_nucseg.widgets.jobs import run_in_thread

def save():
    time.sleep(0.5)
    Path(sys.argv[1]).touch()

run_in_thread(save, print, print)
"""


def test_what_is_being_saved_is_saved_also_if_napari_ends(tmp_path):
    saved = tmp_path / "saved"
    subprocess.run([sys.executable, "-c", CLOSED_AT_ONCE, saved], check=True)
    assert saved.exists()
