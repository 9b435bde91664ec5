"""Several processes share the tests: each takes the next file that no other has taken.

So all of them are at work until the end, however long each file takes. Both ``conftest.py``
take the functions of this module over.
"""

from collections import Counter
from pathlib import Path

_claimed = {}


def pytest_addoption(parser):
    parser.addoption(
        "--claims",
        type=Path,
        help="where the processes that share the tests note which files they have taken",
    )


def pytest_collection_modifyitems(config, items):
    """Begin with the files that take longest, or two may end on one of them."""
    if config.getoption("claims") is not None:
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        every = Counter(item.path for item in items)
        items.sort(key=lambda item: (-slow[item.path], -every[item.path], item.path))


def pytest_runtest_protocol(item, nextitem):
    """Pass over a test whose file another process has taken."""
    folder, path = item.config.getoption("claims"), item.path
    if folder is None:
        return None
    if path not in _claimed:
        name = path.relative_to(item.config.rootpath).as_posix()
        _claimed[path] = _claim(folder / name.replace("/", " "))
    if _claimed[path]:
        return None
    # What was kept for this test, such as its folder, is not needed by one elsewhere.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _claim(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
