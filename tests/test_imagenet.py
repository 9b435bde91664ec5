"""Weights of MobileNetV2 from elsewhere: Keras's own files and torchvision's."""

import collections
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from napari_nucseg.network.architectures.mobilenetv2 import MobileNetUNet
from napari_nucseg.network.weights import set_encoder

import keras  # isort: skip
import tensorflow as tf  # isort: skip

LIGHT = MobileNetUNet((4, 6, 8, 10), alpha=0.35)
SKIPS = (1, 3, 6, 13)


def mobilenet(**options):
    return keras.applications.MobileNetV2(
        (64, 64, 3), weights=None, include_top=False, **options
    )


def randomize(network):
    rng = np.random.default_rng(0)
    for layer in network.layers:
        layer.set_weights([w + 0.3 * rng.random(w.shape) for w in layer.get_weights()])


def test_encoder_with_the_weights_is_the_one_of_keras(tmp_path):
    theirs = mobilenet(alpha=0.35)
    randomize(theirs)
    theirs.save_weights(tmp_path / "encoder.weights.h5")
    ours = LIGHT.build(batch_norm=True)
    set_encoder(ours, LIGHT.load_encoder(tmp_path / "encoder.weights.h5"))
    image = np.random.default_rng(1).random((1, 64, 64, 3)).astype(np.float32)
    skips = [f"block_{number}_expand_relu" for number in SKIPS]
    found, expected = (
        keras.Model(network.input, [network.get_layer(name).output for name in names])(given)
        for network, names, given in (
            (ours, [*skips, "block_16_project_norm"], image),
            (theirs, [*skips, "block_16_project_BN"], 2 * image - 1),
        )
    )
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4 * np.abs(two).max())


@pytest.mark.filterwarnings("ignore:Skipping")
def test_weights_of_something_else_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        LIGHT.load_encoder(tmp_path / "none.weights.h5")
    file = tmp_path / "other.weights.h5"
    mobilenet(alpha=0.5).save_weights(file)
    with pytest.raises(ValueError, match=r"alpha=0\.35"):
        LIGHT.load_encoder(file)
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="something else"):
        LIGHT.load_encoder(file)


def test_without_the_internet_it_says_what_to_do(tmp_path, monkeypatch):
    module = sys.modules[keras.applications.MobileNetV2.__module__]
    monkeypatch.setattr(module, "BASE_WEIGHT_PATH", "http://127.0.0.1:9/")
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(ConnectionError, match="file of them"):
        LIGHT.load_encoder()


# torchvision's


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("torchvision_mobilenet")


@pytest.fixture(scope="module")
def state():
    """The names and shapes of torchvision's weights up to the end of the encoder."""
    rng = np.random.default_rng(0)
    state = {}

    def add(name, norm, shape):
        fan_in = np.prod(shape[1:])
        state[f"{name}.weight"] = rng.normal(0, (2 / fan_in) ** 0.5, shape)
        state[f"{norm}.weight"] = rng.uniform(0.5, 1.5, shape[0])
        state[f"{norm}.bias"] = rng.uniform(-0.5, 0.5, shape[0])
        state[f"{norm}.running_mean"] = rng.uniform(-0.5, 0.5, shape[0])
        state[f"{norm}.running_var"] = 10 ** rng.uniform(-2, 0, shape[0])

    add("features.0.0", "features.0.1", (32, 3, 3, 3))
    for number, (before, width, _) in enumerate(blocks(), start=1):
        inside = before if number == 1 else 6 * before
        name, step = f"features.{number}.conv", 0
        if number > 1:
            add(f"{name}.0.0", f"{name}.0.1", (inside, before, 1, 1))
            step = 1
        add(f"{name}.{step}.0", f"{name}.{step}.1", (inside, 1, 3, 3))
        add(f"{name}.{step + 1}", f"{name}.{step + 2}", (width, inside, 1, 1))
    add("features.18.0", "features.18.1", (1280, 320, 1, 1))
    return {name: values.astype(np.float32) for name, values in state.items()}


def blocks():
    """Yield width before, width and stride of each block."""
    before = 32
    for width, count, stride in (
        (16, 1, 1),
        (24, 2, 2),
        (32, 3, 2),
        (64, 4, 2),
        (96, 3, 1),
        (160, 3, 2),
        (320, 1, 1),
    ):
        for number in range(count):
            yield before, width, 1 if number else stride
            before = width


def test_torchvision_weights_give_what_they_gave_there_upside_down(tool, state, tmp_path):
    tool.as_keras(state).save_weights(tmp_path / "encoder.weights.h5")
    ours = MobileNetUNet((4, 6, 8, 10)).build(batch_norm=True)
    set_encoder(ours, MobileNetUNet().load_encoder(tmp_path / "encoder.weights.h5"))
    image = np.random.default_rng(1).random((1, 96, 96, 3)).astype(np.float32)
    names = [f"block_{number}_expand_relu" for number in SKIPS[:2]]
    outputs = [ours.get_layer(name).output for name in names]
    found = keras.Model(ours.input, outputs)(image[:, ::-1, ::-1])
    for turned, expected in zip(found, torchvision(state, image), strict=True):
        one, two = np.asarray(turned)[:, ::-1, ::-1], np.asarray(expected)
        # Towards the border they differ, as what is outside is another grey.
        middle = np.s_[:, two.shape[1] // 2 - 2 : two.shape[1] // 2 + 2, two.shape[2] // 2]
        np.testing.assert_allclose(one[middle], two[middle], atol=2e-3)
        assert np.ptp(two[middle]) > 0.1


def torchvision(state, image):
    """Give what torchvision's network would give before each halving of the resolution."""

    def convolve(x, name, stride=1):
        kernel = state[f"{name}.weight"].transpose(2, 3, 1, 0)
        margin = kernel.shape[0] // 2
        x = tf.pad(x, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
        if kernel.shape[2] == x.shape[-1]:
            return tf.nn.conv2d(x, kernel, stride, "VALID")
        kernel = kernel.transpose(0, 1, 3, 2)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "VALID")

    def normalize(x, name):
        gamma, beta, mean, variance = (
            state[f"{name}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    x = (image - [0.485, 0.456, 0.406]) / np.array([0.229, 0.224, 0.225])
    x = convolve(x.astype(np.float32), "features.0.0", 2)
    x = tf.nn.relu6(normalize(x, "features.0.1"))
    for number, (before, width, stride) in enumerate(blocks(), start=1):
        name, step, shortcut = f"features.{number}.conv", 0, x
        if number > 1:
            x = tf.nn.relu6(normalize(convolve(x, f"{name}.0.0"), f"{name}.0.1"))
            step = 1
            if number - 1 in SKIPS:
                yield x
            if number - 1 == SKIPS[1]:
                return
        x = convolve(x, f"{name}.{step}.0", stride)
        x = tf.nn.relu6(normalize(x, f"{name}.{step}.1"))
        x = normalize(convolve(x, f"{name}.{step + 1}"), f"{name}.{step + 2}")
        x = x + shortcut if stride == 1 and before == width else x


class Tensor:
    """Pickles as a tensor does."""

    def __init__(self, key, array):
        self.key, self.array = key, array

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        arguments = (self, 0, self.array.shape, strides, False, collections.OrderedDict())
        return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments


class Pickler(pickle.Pickler):
    """Writes the numbers of a tensor elsewhere, as PyTorch does."""

    def __init__(self, file):
        super().__init__(file, protocol=2)
        self._inside = set()

    def persistent_id(self, value):
        if not isinstance(value, Tensor):
            return None
        if value.key not in self._inside:  # the tensor; the next time, its numbers
            self._inside.add(value.key)
            return None
        storage = sys.modules["torch"].FloatStorage
        return ("storage", storage, value.key, "cpu", value.array.size, None)


@pytest.fixture
def torch(monkeypatch):
    """As much of PyTorch as its files name."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    exec("class FloatStorage: ...\ndef _rebuild_tensor_v2(*_): ...", utils.__dict__)
    torch.FloatStorage = utils.FloatStorage
    torch.FloatStorage.__module__ = "torch"
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.weight": np.arange(4, dtype=np.float32).reshape(2, 2).T,
}


@pytest.mark.parametrize("new", [False, True])
def test_files_of_pytorch_are_read_without_it(tool, torch, tmp_path, new):
    path = tmp_path / "weights.pth"
    tensors = [Tensor(str(key), array) for key, array in enumerate(ARRAYS.values())]
    numbers = [np.ravel(array, order="K").tobytes() for array in ARRAYS.values()]
    state = collections.OrderedDict(zip(ARRAYS, tensors, strict=True))
    if new:
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("weights/data.pkl", "w") as file:
                Pickler(file).dump(state)
            for key, part in enumerate(numbers):
                archive.writestr(f"weights/data/{key}", part)
    else:
        with path.open("wb") as file:
            for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
                pickle.dump(part, file, protocol=2)
            Pickler(file).dump(state)
            pickle.dump(["0", "1"], file, protocol=2)
            for part in numbers:
                file.write((len(part) // 4).to_bytes(8, "little") + part)
    read = tool.read_state(path)
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)


def test_array_outside_of_its_numbers_is_refused(tool):
    numbers = np.arange(4, dtype=np.float32)
    assert tool._array(numbers, 1, (3,), (1,)).tolist() == [1, 2, 3]
    with pytest.raises(ValueError):
        tool._array(numbers, 0, (10_000,), (1,))


def test_file_that_would_run_something_is_refused(tool, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(print, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="print"):
        tool.read_state(path)
