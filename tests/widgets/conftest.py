"""Fixtures for tests with a real napari window.

TensorFlow is never imported here: it runs in the engine, one for all the tests.
"""

import contextlib
import functools
import gc
import itertools
import os
import runpy
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from napari.layers import Labels
from napari.utils.notifications import NotificationSeverity, notification_manager
from npe2 import PluginManifest
from qtpy.QtCore import QEvent, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_nucseg.engine import Engine, Warm, shared, shared_engine
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.registry.store import DEFAULT_MODEL, models_directory
from napari_nucseg.support.paths import HOME_VARIABLE
from napari_nucseg.training.training_set import TrainingSet
from napari_nucseg.widgets.jobs import THREAD

with pytest.MonkeyPatch.context() as patched:
    patched.syspath_prepend(Path(__file__).parents[1])
    from eager_engine import MakeQuickLearner

PATIENCE = 180  # seconds, for a busy machine that starts the engine anew

#: The numbers of a retraining that takes seconds and teaches little.
TINY = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "patch_size": 64}


# Napari keeps no settings on the disk, neither reads nor writes those of a person.
os.environ["NAPARI_CONFIG"] = ""

# Of what hypothesis makes up, the tests see a little, and every time the same.
# A sequence of actions that fails is printed as it is: to shorten it takes minutes.
_ALIKE = {
    "deadline": None,
    "database": None,
    "phases": (Phase.explicit, Phase.generate),
    "report_multiple_bugs": False,
}
settings.register_profile(
    "short", max_examples=8, stateful_step_count=25, derandomize=True, **_ALIKE
)
settings.register_profile("thorough", max_examples=50, stateful_step_count=200, **_ALIKE)
settings.load_profile("short")


# Several processes share the tests.
claims = runpy.run_path(str(Path(__file__).parents[1] / "claims.py"))
pytest_addoption = claims["pytest_addoption"]
pytest_collection_modifyitems = claims["pytest_collection_modifyitems"]
pytest_runtest_protocol = claims["pytest_runtest_protocol"]


def pytest_runtest_logfinish():
    """Spare the garbage collector what outlives a test.

    Napari calls it whenever a layer is removed, and it would go through all of it each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def user_folder(tmp_path_factory):
    """The folder of the user's models and corrections, for the tests and their engine."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder))
        # With a child that does not take time to make what it does faster.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        patch.setattr(shared, "Engine", functools.partial(Engine, "eager_engine"))
        patch.setenv("SKIMAGE_DATADIR", str(tmp_path_factory.mktemp("downloads")))
        yield folder
        shared_engine().close()


@pytest.fixture(scope="session", autouse=True)
def manifests():
    """The manifests of all plugins, which napari reads again for each viewer."""
    read = PluginManifest.discover
    discover = functools.cache(lambda paths=(): list(read(paths)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", discover)
        yield


@pytest.fixture(autouse=True)
def home(user_folder):
    """The same folder, empty at the start of each test."""
    yield user_folder
    limit = time.monotonic() + PATIENCE
    while shared_engine().state == "busy":
        assert time.monotonic() < limit, "a test has left a job that does not end"
        time.sleep(0.02)
    for thread in threading.enumerate():
        if thread.name == THREAD:  # may still write, of a layer that was closed
            thread.join(PATIENCE)
    for path in user_folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="session")
def simulated():
    """A small simulated fluorescence field with its true labels."""
    return simulate_field((160, 192), seed=3)


@pytest.fixture
def trained_on(home, simulated):
    """The user's training set, with one field in it."""
    training_set = TrainingSet()
    training_set.add(simulated)
    return training_set


@pytest.fixture(scope="session")
def quick_learner(tmp_path_factory, user_folder):
    """The folder of a model that begins to learn within a second, made by the engine."""
    folder = tmp_path_factory.mktemp("models") / "quick learner"
    shared_engine().submit(MakeQuickLearner(folder)).wait(PATIENCE)
    return folder


class Window:
    """A real napari window with our widget, and the hands and eyes of a person."""

    def __init__(self, viewer, qtbot):
        self.viewer = viewer
        self.qtbot = qtbot
        _, self.dock = viewer.window.add_plugin_dock_widget(
            "napari-nucseg", "Nucleus Segmentation"
        )
        self._heard = len(notification_manager.records)

    @property
    def status(self):
        return self.dock.status.text()

    @property
    def errors(self):
        new = notification_manager.records[self._heard :]
        return [str(n.message) for n in new if n.severity == NotificationSeverity.ERROR]

    def labels(self):
        return [layer for layer in self.viewer.layers if isinstance(layer, Labels)]

    def wait(self, condition):
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE * 1000)

    def click(self, button):
        """Click a button, on the part of the dock that it is on."""
        assert button.isEnabled(), button.toolTip()
        for panel in self.dock.panels:
            if panel.isAncestorOf(button):
                self.dock.open_part(panel)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def add(self, answer="Add"):
        """Click Add to training set, answer the question if there is one, and return it."""
        asked, timer = [], QTimer()

        def look():
            box = QApplication.activeModalWidget()
            if isinstance(box, QMessageBox):
                asked.append(box.text())
                (button,) = [b for b in box.buttons() if b.text().strip("&") == answer]
                button.click()

        timer.timeout.connect(look)
        timer.start(20)
        self.click(self.dock.correct.add_button)
        timer.stop()
        return "".join(asked)

    def start(self, button):
        """Click a button that starts a job, and return the job when the engine has it."""
        self.click(button)
        job = self.dock.runner.job
        self.wait(lambda: job.state != "waiting")
        return job

    def finish(self):
        self.wait(lambda: self.dock.runner.job is None)

    def segment(self):
        """Click Segment and return the layer that is shown then."""
        self.click(self.dock.segment.segment_button)
        self.finish()
        assert not self.errors
        return self.viewer.layers.selection.active

    def retrain(self, **numbers):
        """Fill in the numbers under Advanced, and click Retrain."""
        form = self.dock.retrain.advanced.boxes
        # Count the steps, and go without the reference images.
        still = {"minutes": form["minutes"].min, "rehearsal": 0}
        for name, value in {**still, **TINY, **numbers}.items():
            form[name].value = value
        return self.start(self.dock.retrain.retrain_button)

    @contextlib.contextmanager
    def new_model(self):
        """Wait for a new model, and for what the widget says of it."""
        with self.qtbot.waitSignal(self.dock.retrain.trained, timeout=PATIENCE * 1000):
            yield
        self.finish()


@pytest.fixture
def window(home, make_napari_viewer, qtbot):
    window = Window(make_napari_viewer(show=True), qtbot)
    yield window
    # What the last epoch left to be drawn holds the viewer until it is.
    qtbot.wait(100)
    # pytest would keep it for longer than napari allows a closed viewer to live.
    vars(window).clear()


@pytest.fixture
def quick(window, quick_learner):
    """The name of a starting model that needs no time, chosen in the window."""
    shutil.copytree(quick_learner, models_directory() / quick_learner.name)
    window.dock.retrain.parent_model.refresh(quick_learner.name)
    return quick_learner.name


@pytest.fixture
def engine_held():
    """What keeps the engine from going on, so that a job lasts as long as a test needs."""
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("needs a process that can be held")

    @contextlib.contextmanager
    def held():
        shared_engine().submit(Warm(DEFAULT_MODEL)).wait(PATIENCE)
        process = shared_engine().process_id
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    return held


@pytest.fixture
def kill_engine():
    """What ends the engine's process, as the system does when memory is short."""
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("needs kill -9")
    return lambda: os.kill(shared_engine().process_id, signal.SIGKILL)


@pytest.fixture
def tasks(monkeypatch):
    """The types of the tasks that the engine is given."""
    kinds = []
    submit = Engine.submit

    def note(engine, task, *arguments, **options):
        kinds.append(type(task))
        return submit(engine, task, *arguments, **options)

    monkeypatch.setattr(Engine, "submit", note)
    return kinds


class Mouse:
    """The mouse of a person over the canvas, and her keys: events of Qt, as they really come.

    Parameters
    ----------
    window : Window
        The window.
    layer : Layer
        The layer in whose pixels places are given, one number for each of its axes.
    """

    def __init__(self, window, layer):
        self.window = window
        self.layer = getattr(layer, "__wrapped__", layer)
        self.viewer = window.viewer.window._qt_viewer
        self.canvas = self.viewer.canvas.native

    def on_canvas(self, place):
        """Return where a place is on the canvas, as vispy says."""
        displayed = list(self.layer._slice_input.displayed)
        node = self.viewer.canvas.layer_to_visual[self.layer].node
        to_canvas = node.get_transform(map_from="visual", map_to="canvas")
        y, x = (place[axis] for axis in displayed)
        # The corner of the first pixel is the origin of vispy.
        mapped = to_canvas.map((x + 0.5, y + 0.5, 0, 1))
        return QPointF(mapped[0] / mapped[3], mapped[1] / mapped[3])

    def send(self, kind, place, button=Qt.MouseButton.NoButton, held=None, modifiers=None):
        at = place if isinstance(place, QPointF) else self.on_canvas(place)
        event = QMouseEvent(
            kind,
            at,
            self.canvas.mapToGlobal(at),
            button,
            Qt.MouseButton.NoButton if held is None else held,
            modifiers or Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)
        if kind == QEvent.Type.MouseMove:
            self.window.qtbot.wait(8)  # napari drops moves that come faster

    def move(self, place):
        self.send(QEvent.Type.MouseMove, place)

    def press(self, place, modifiers=None):
        left = Qt.MouseButton.LeftButton
        self.move(place)
        self.send(QEvent.Type.MouseButtonPress, place, left, left, modifiers)

    def drag_to(self, place, modifiers=None):
        self.send(
            QEvent.Type.MouseMove, place, held=Qt.MouseButton.LeftButton, modifiers=modifiers
        )

    def release(self, place, modifiers=None):
        left = Qt.MouseButton.LeftButton
        self.send(QEvent.Type.MouseButtonRelease, place, left, None, modifiers)

    def click(self, place, modifiers=None):
        self.press(place, modifiers)
        self.release(place, modifiers)

    def drag(self, *places, modifiers=None, steps=6):
        """Drag along a line through places."""
        self.press(places[0], modifiers)
        for start, end in itertools.pairwise(places):
            for part in range(1, steps + 1):
                between = [a + (b - a) * part / steps for a, b in zip(start, end, strict=True)]
                self.drag_to(between, modifiers)
        self.release(places[-1], modifiers)

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.canvas, key, modifiers)


@pytest.fixture
def mouse(window):
    """What makes a `Mouse` over a layer."""

    def over(layer):
        window.qtbot.wait(50)  # the canvas has its size then
        return Mouse(window, layer)

    return over
