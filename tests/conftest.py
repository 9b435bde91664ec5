"""Fixtures for tests without a window."""

import importlib.util
import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_nucseg.engine import Engine
from napari_nucseg.image.field import Field
from napari_nucseg.image.files import write_labels
from napari_nucseg.image.simulate import simulate_field
from napari_nucseg.registry.store import Card, load_model, save_model
from napari_nucseg.support.paths import HOME_VARIABLE

#: Who uses one of these trains a network, or has an engine with TensorFlow.
SLOW_FIXTURES = {"eagerly", "engine", "whole"}


# Several processes share the tests.
claims = runpy.run_path(str(Path(__file__).with_name("claims.py")))
pytest_addoption = claims["pytest_addoption"]
pytest_runtest_protocol = claims["pytest_runtest_protocol"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark tests as slow that use what takes seconds."""
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    claims["pytest_collection_modifyitems"](config, items)


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Keep the user's own models and corrections out of the tests."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def load_tool():
    """A function that takes the name of a script in tools/ and gives the module."""

    def load(name):
        path = Path(__file__).parents[1] / "tools" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def two_nuclei():
    """Labels with two squares that touch, 1 on the left and 2 on the right."""
    labels = np.zeros((12, 16), np.int32)
    labels[3:9, 2:8] = 1
    labels[3:9, 8:14] = 2
    return labels


@pytest.fixture
def field(two_nuclei):
    """A field with the two nuclei, brighter than the background."""
    image = (50 + 100 * (two_nuclei > 0)).astype(np.uint8)
    return Field(image, name="two", labels=two_nuclei)


@pytest.fixture(scope="session")
def simulated():
    """A simulated fluorescence field with its true labels."""
    return simulate_field((192, 192), seed=3)


@pytest.fixture(scope="session")
def nuclei():
    """The bundled model."""
    return load_model("nuclei")


def make_quick_learner(folder):
    """Make a model that knows nothing, and begins to learn within a second."""
    from napari_nucseg.network.architectures.unet import UNet

    architecture = UNet((4, 6, 8, 10))
    network = architecture.build(batch_norm=False)
    card = Card(folder.name, architecture=architecture.as_dict())
    return save_model(card, network.save_weights, folder).folder


@pytest.fixture(scope="session")
def quick_learner(tmp_path_factory):
    """The folder of a model that begins to learn within a second."""
    return make_quick_learner(tmp_path_factory.mktemp("models") / "quick learner")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    """A folder with images/ and masks/ of two small simulated fields."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "images").mkdir()
    for seed, name in enumerate("ab"):
        field = simulate_field((96, 128), seed=seed)
        tifffile.imwrite(folder / "images" / f"{name}.tif", field.image)
        write_labels(folder / "masks" / f"{name}.tif", field.labels)
    return folder


@pytest.fixture
def eagerly(monkeypatch):
    """Run what is only run a few times without translating it first."""
    from napari_nucseg.network import fit
    from napari_nucseg.network.backend import tf

    monkeypatch.setattr(fit, "_STATISTICS_BATCHES", 1)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def temporary(monkeypatch):
    """An empty folder for temporary files, with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def small(temporary, monkeypatch):
    """An engine with a child that starts fast, see `small_engine`. It leaves no files."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    engine = Engine("small_engine")
    yield engine
    engine.close()
    assert list(temporary.iterdir()) == []
