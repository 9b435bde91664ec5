"""How messages and the large arrays in them travel, and that nothing of them stays behind."""

import contextlib
import mmap
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_nucseg.engine import Engine, EngineError
from napari_nucseg.engine.files import LARGE_BYTES
from napari_nucseg.engine.session import new_session_folder, remove_abandoned_folders
from napari_nucseg.engine.transport import Channel, Disconnected, UnreadableMessage

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from small_engine import Echo, Invent, Threshold, Unreadable, limit_files

LONG = 180.0
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 2000, (4096, 4096), np.uint16)


@pytest.fixture
def ends(tmp_path):
    """Both ends of a connection, in this process."""
    folder = tmp_path / "arrays"
    folder.mkdir()
    channels = [Channel(connection, folder) for connection in Pipe()]
    yield (*channels, folder)
    for channel in channels:
        channel.close()
    assert not folder.exists()


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def wait_until(condition):
    limit = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


def owner_of_memory(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


# One process


def arrays():
    large = np.arange(LARGE_BYTES, dtype=np.uint16).reshape(1024, 1024)
    read_only = large.copy()
    read_only.flags.writeable = False
    return {
        "plain": large,
        "in the order of Fortran": np.asfortranarray(large),
        "a channel of a color image": np.stack([large] * 3, axis=-1)[..., 1],
        "turned": large[::-1, ::-1],
        "read-only": read_only,
        "floats with no numbers": np.where(large == 7, np.nan, large),
        "bools": np.tile(large > 500, (1, 4)),
        "of the other byte order": large.astype(">u2"),
        "records": np.zeros(LARGE_BYTES, [("a", "u1"), ("b", "f8")]),
        "exactly large": np.zeros(LARGE_BYTES, np.uint8),
        "not large": np.arange(LARGE_BYTES - 1) % 7 > 3,
        "empty": np.zeros((0, 5), np.int32),
        "objects": np.array([None, "a"] * LARGE_BYTES),
    }


@pytest.mark.parametrize("name", arrays())
def test_array_arrives_as_it_was(ends, name):
    one, two, folder = ends
    array = arrays()[name]
    sender = threading.Thread(target=one.send, args=({"array": array},))
    sender.start()
    arrived = two.receive()["array"]
    sender.join()
    assert files_in(folder) == []
    assert arrived.dtype == array.dtype
    assert arrived.flags.writeable == array.flags.writeable
    np.testing.assert_array_equal(arrived, array)
    is_mapped = isinstance(owner_of_memory(arrived), mmap.mmap)
    assert is_mapped == (array.nbytes >= LARGE_BYTES and not array.dtype.hasobject)


def test_mapped_file_of_the_sender_travels_as_a_file(ends, tmp_path):
    one, two, folder = ends
    mapped = np.memmap(tmp_path / "image", np.uint8, "w+", shape=(LARGE_BYTES,))
    mapped[5] = 3
    one.send(mapped)
    assert len(files_in(folder)) == 1
    np.testing.assert_array_equal(two.receive(), mapped)


def test_message_itself_is_small(ends):
    one, two, _ = ends
    one.send([np.zeros(LARGE_BYTES, np.uint8), np.zeros((LARGE_BYTES, 3))[:, 1]])
    assert all(len(two._connection.recv_bytes()) < 1000 for _ in range(2))


def test_array_that_is_there_twice_travels_once(ends):
    one, two, folder = ends
    array = np.zeros(LARGE_BYTES, np.uint8)
    one.send([array, array])
    assert len(files_in(folder)) == 1
    first, second = two.receive()
    assert first is second


def test_arrays_that_arrive_can_be_written_to_and_stand_alone(ends):
    one, two, _ = ends
    one.send([np.full(LARGE_BYTES, value, np.uint8) for value in (1, 2)])
    first, second = two.receive()
    first[:] = 3
    assert (second == 2).all()
    assert owner_of_memory(first) is not owner_of_memory(second)


@pytest.mark.skipif(not hasattr(psutil.Process, "num_fds"), reason="needs a count of files")
def test_many_arrays_share_a_few_files(ends):
    one, two, folder = ends
    count = 100
    sent = [np.full(LARGE_BYTES + number, number, np.uint8) for number in range(count)]
    one.send(sent)
    assert len(files_in(folder)) < 40
    process = psutil.Process()
    before = process.num_fds()
    arrived = two.receive()
    assert process.num_fds() - before < 40
    for one_sent, one_arrived in zip(sent, arrived, strict=True):
        np.testing.assert_array_equal(one_sent, one_arrived)
    assert files_in(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of open files")
def test_arrays_that_cannot_be_mapped_leave_no_file(ends):
    import resource

    one, two, folder = ends
    one.send([np.zeros(LARGE_BYTES, np.uint8) for _ in range(4)], "the label")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    full = []
    try:
        with contextlib.suppress(OSError):
            while True:
                full.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(2):  # enough for the first array
            os.close(full.pop())
        with pytest.raises(UnreadableMessage, match="Too many open files") as caught:
            two.receive()
    finally:
        for descriptor in full:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert caught.value.label == "the label"
    assert files_in(folder) == []


def test_parcel_that_is_not_sent_leaves_no_file_and_no_message(ends):
    one, two, folder = ends
    parcel = one.pack(np.zeros(LARGE_BYTES, np.uint8))
    assert len(files_in(folder)) == 1
    parcel.remove()
    assert files_in(folder) == []
    one.send("next")
    assert two.receive() == "next"


def test_packing_ends_when_the_message_is_no_longer_wanted(ends):
    one, _, folder = ends
    read = []

    class Lazy:
        def __reduce__(self):
            read.append(self)
            return list, ()

    def check():
        if read:
            raise InterruptedError("not wanted")

    with pytest.raises(InterruptedError, match="not wanted"):
        one.pack([np.zeros(LARGE_BYTES, np.uint8), Lazy(), Lazy()], check=check)
    assert len(read) == 1
    assert files_in(folder) == []


def test_message_that_cannot_be_pickled_leaves_no_file_and_no_half_message(ends):
    one, two, folder = ends
    with pytest.raises((AttributeError, TypeError)):
        one.send([np.zeros(LARGE_BYTES, np.uint8), lambda: 0])
    assert files_in(folder) == []
    one.send("next")
    assert two.receive() == "next"


def test_message_that_cannot_be_read_leaves_no_file_and_says_what_it_is(ends):
    one, two, folder = ends
    one.send([np.zeros(LARGE_BYTES, np.uint8), Unreadable()], "the label")
    one.send("next")
    with pytest.raises(UnreadableMessage, match="only there") as caught:
        two.receive()
    assert caught.value.label == "the label"
    assert isinstance(caught.value.error, ModuleNotFoundError)
    assert files_in(folder) == []
    assert two.receive() == "next"


def test_threads_that_send_at_once_do_not_mix_their_messages(ends):
    one, two, _ = ends
    threads, count = 8, 50

    def send(number):
        for _ in range(count):
            one.send(bytes([number]) * 50_000)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for sender in senders:
        sender.start()
    arrived = [two.receive() for _ in range(threads * count)]
    for sender in senders:
        sender.join()
    assert all(len(message) == 50_000 and len(set(message)) == 1 for message in arrived)
    assert [sum(message[0] == n for message in arrived) for n in range(threads)] == [count] * 8


def test_end_of_the_other_process_is_noticed(ends):
    one, two, _ = ends
    assert not one.wait(0)
    two.close()
    assert one.wait(0)
    with pytest.raises(Disconnected):
        one.receive()
    with pytest.raises(Disconnected):
        one.send("hello")
    with pytest.raises(Disconnected):
        two.send("hello")


# Two processes


def test_large_image_goes_there_and_its_labels_come_back(small, image, temporary):
    labels = small.submit(Threshold(image)).wait(LONG)
    assert labels.dtype == np.int32
    assert (labels == (image > 1000)).all()
    assert isinstance(owner_of_memory(labels), mmap.mmap)
    assert files_in(temporary) == []
    labels[5, 5] = 77  # as a person who corrects them


@needs_kill
def test_full_disk_is_an_error_and_nothing_else(small, image, temporary):
    process = small.submit(Echo(1)).wait(LONG) and small.process_id
    before = limit_files()
    try:
        with pytest.raises(OSError, match=r"room for 34 MB in the folder of temp.*TMPDIR"):
            small.submit(Echo(image)).wait(LONG)
    finally:
        limit_files(before)
    assert files_in(temporary) == []
    with pytest.raises(OSError, match=r"room for 4 MB in the folder of temporary.*TMPDIR"):
        small.submit(Invent("what finds no room")).wait(LONG)
    assert files_in(temporary) == []
    assert small.submit(Echo(2)).wait(LONG) == 2
    assert small.process_id == process


@needs_kill
def test_nothing_stays_of_a_task_that_a_killed_child_has_not_read(small, image, temporary):
    small.submit(Echo(1)).wait(LONG)
    os.kill(small.process_id, signal.SIGSTOP)
    job = small.submit(Echo(image))
    wait_until(lambda: files_in(temporary))
    os.kill(small.process_id, signal.SIGKILL)
    with pytest.raises(EngineError):
        job.wait(LONG)
    assert files_in(temporary) == []
    assert small.submit(Echo(2)).wait(LONG) == 2


@needs_kill
def test_nothing_stays_of_a_result_that_a_killed_child_has_not_sent(small, temporary):
    job = small.submit(Invent("what kills"))
    with pytest.raises(EngineError):
        job.wait(LONG)
    assert files_in(temporary) == []


PARENT = """
import os, signal, sys, time
import numpy as np
from napari_nucseg.engine import Engine
from small_engine import Deaf, Echo
from napari_nucseg.support import Callbacks
engine = Engine("small_engine")
engine.submit(Echo(1)).wait()
print(engine.process_id, flush=True)
if sys.argv[1] == "stopped child":
    os.kill(engine.process_id, signal.SIGSTOP)
callbacks = Callbacks(on_progress=lambda *_: print("deaf", flush=True))
engine.submit(Deaf(np.zeros((4096, 4096), np.uint16)), callbacks)
time.sleep(600)
"""


def start_parent(kind):
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, kind], stdout=subprocess.PIPE, text=True
    )


@needs_kill
@pytest.mark.usefixtures("small")  # for its environment
def test_child_of_a_killed_parent_ends_and_nothing_stays(temporary):
    parent = start_parent("child")
    child = psutil.Process(int(parent.stdout.readline()))
    assert parent.stdout.readline() == "deaf\n"
    assert list(temporary.iterdir())
    parent.kill()
    parent.communicate()
    child.wait(LONG)
    assert list(temporary.iterdir()) == []


@needs_kill
def test_what_both_leave_when_they_are_killed_is_removed_by_the_next_start(small, temporary):
    parent = start_parent("stopped child")
    child = psutil.Process(int(parent.stdout.readline()))
    wait_until(lambda: files_in(temporary))
    small.submit(Echo(1)).wait(LONG)
    assert files_in(temporary), "the folder of a process that runs was removed"
    child.kill()
    parent.kill()
    parent.communicate()
    child.wait(LONG)
    left = {path.parent for path in files_in(temporary)}
    assert len(left) == 1
    other = Engine("small_engine")
    other.submit(Echo(1)).wait(LONG)
    other.close()
    assert not any(folder.exists() for folder in left)
    assert small.submit(Echo(2)).wait(LONG) == 2


def test_path_that_is_too_long_for_a_socket(small, image, temporary, monkeypatch):
    deep = temporary / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert (small.submit(Threshold(image)).wait(LONG) == (image > 1000)).all()
    small.close()
    assert list(deep.iterdir()) == []
    deep.rmdir()


# The folder


def test_folder_is_for_this_user_only_and_stays_while_its_process_runs(temporary):
    folder = new_session_folder()
    remove_abandoned_folders()
    assert folder.is_dir()
    if os.name != "nt":
        assert folder.stat().st_mode & 0o077 == 0


def test_folders_of_other_computers_and_other_programs_stay(temporary, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(platform, "node", lambda: "elsewhere")
        folders = [new_session_folder()]
    gone = new_session_folder()
    for name in ("nucseg-notes", "nucseg-1-x", "other"):
        folders.append(temporary / name)
        folders[-1].mkdir()
    # As if its process had ended: what has the number now began after the year 2000.
    began = gone.name.split("-")[2]
    gone = gone.rename(temporary / gone.name.replace(began, "950000000.0"))
    remove_abandoned_folders()
    assert all(folder.is_dir() for folder in folders)
    assert not gone.exists()
