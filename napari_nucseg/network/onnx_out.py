"""A model as an ONNX file, which other programs run without Keras and without our code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pipeline import ModelSpec, spec_of
from ..registry import Model
from ..support import check_new_file, new_file
from .predict import load_network

if TYPE_CHECKING:
    from .backend import keras

__all__ = ["OPSET", "export_onnx"]

#: The version of the operators, of 2021, and of the format: old enough for most programs.
OPSET, _FORMAT = 15, 8


def export_onnx(model: Model, destination: Path) -> Path:
    """Write a model as an ONNX file.

    It takes ``"image"``, float32 (N, 3, Y, X), normalized as `pipeline.normalize` does, with Y
    and X multiples of the model's stride. It gives ``"maps"``, (N, M, Y, X), 0 to 1, and
    ``"size"``, (N, 1, Y / 8, X / 8), the binary logarithm of the diameter of the nucleus there
    over that of the model. What the model's card says of these is in the file's metadata.

    Parameters
    ----------
    model : Model
        The model.
    destination : Path
        The file to make.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If the package ``onnx`` is not installed.
    FileNotFoundError, ValueError
        See `load_network`. ValueError also if the network has a layer that is not known here.
    FileExistsError
        If there is such a file.
    OSError
        If it cannot be written.
    """
    check_new_file(destination)
    content = _model_proto(load_network(model), spec_of(model.card), model).SerializeToString()
    with new_file(destination) as aside:
        aside.write_bytes(content)
    return destination


def _onnx() -> Any:
    """Import the package, which is an extra."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "Expected the package onnx, which is not installed. Install it with "
            "\"pip install 'napari-nucseg[onnx]'\"."
        ) from error
    return onnx


def _model_proto(network: keras.Model, spec: ModelSpec, model: Model) -> Any:
    """Return the network as ONNX describes it, checked."""
    onnx = _onnx()
    graph = _Graph(onnx)
    for layer in network.layers:
        graph.add_layer(layer)
    graph.add_outputs(network, spec)
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    maps = len(spec.maps)
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "nucseg",
            [helper.make_tensor_value_info("image", kind, ["batch", 3, "y", "x"])],
            [
                helper.make_tensor_value_info("maps", kind, ["batch", maps, "y", "x"]),
                helper.make_tensor_value_info("size", kind, ["batch", 1, "y_size", "x_size"]),
            ],
            graph.constants,
        ),
        producer_name="napari-nucseg",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_FORMAT,
    )
    helper.set_model_props(made, _about(model, spec))
    onnx.checker.check_model(made)
    return made


def _about(model: Model, spec: ModelSpec) -> dict[str, str]:
    """Return what other programs have to know of a model."""
    return {
        "name": model.card.name,
        "version": model.card.version,
        "license": model.card.license,
        "weights_sha256": model.card.weights_sha256,
        **{name: str(value) for name, value in spec.for_card().items() if name != "maps"},
        "maps": ",".join(spec.maps),
    }


class _Graph:
    """The nodes and constants of a network. Channels come before rows and columns."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names: dict[int, str] = {}  # by the tensor of Keras

    def add_layer(self, layer: Any) -> None:
        """Add a layer whose inputs are there already."""
        kind = type(layer).__name__
        if kind == "InputLayer":
            self._names[id(layer.output)] = "image"
            return
        write = _LAYERS.get(kind)
        if write is None:
            raise ValueError(
                f"Expected layers of {', '.join(_LAYERS)}, got {kind} ({layer.name!r}), which "
                f"cannot be exported."
            )
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        names = [self._names[id(one)] for one in given]
        for number, (operator, constants, attributes) in enumerate(write(layer)):
            name = f"{layer.name}_output{number}"
            self.add(operator, names, name, constants, **attributes)
            names = [name]
        self._names[id(layer.output)] = name

    def add_outputs(self, network: keras.Model, spec: ModelSpec) -> None:
        """Add what becomes of the outputs, as in `KerasPredictor`."""
        maps, size = (self._names[id(network.output[name])] for name in ("maps", "size"))
        logits = [f"{name}_logit" for name in spec.maps]
        self.nodes.append(self._onnx.helper.make_node("Split", [maps], logits, axis=1))
        for name, logit in zip(spec.maps, logits, strict=True):
            if name == "distance":  # a number already
                self.add("Clip", [logit], f"{name}_map", [0.0, 1.0])
            else:
                self.add("Sigmoid", [logit], f"{name}_map")
        self.add("Concat", [f"{name}_map" for name in spec.maps], "maps", axis=1)
        self.add("Identity", [size], "size")

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str,
        constants: Sequence[Any] = (),
        **attributes: Any,
    ) -> None:
        """Add a node with one output; the constants come after the other inputs."""
        names = [*inputs, *(self._constant(values) for values in constants)]
        node = self._onnx.helper.make_node(operator, names, [output], **attributes)
        self.nodes.append(node)

    def _constant(self, values: Any) -> str:
        """Add a constant and return its name; None stands for an input that is left out."""
        if values is None:
            return ""
        name = f"constant_{len(self.constants)}"
        array = np.array(values, np.float32, order="C")
        self.constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name


#: What a layer becomes, one after the other: the operator, its constants, its attributes.
_Written = list[tuple[str, list[Any], dict[str, Any]]]


def _convolution(layer: Any) -> _Written:
    kernel, *bias = layer.get_weights()
    about = {"strides": list(layer.strides), "auto_pad": "SAME_UPPER"}
    return [("Conv", [kernel.transpose(3, 2, 0, 1), *bias], about)]


def _depthwise(layer: Any) -> _Written:
    kernel, *bias = layer.get_weights()
    about = {
        "strides": list(layer.strides),
        "auto_pad": "SAME_UPPER",
        "group": kernel.shape[2],
    }
    return [("Conv", [kernel.transpose(2, 3, 0, 1), *bias], about)]


def _rescaling(layer: Any) -> _Written:
    return [("Mul", [layer.scale], {}), ("Add", [layer.offset], {})]


def _activation(layer: Any) -> _Written:
    kind = layer.activation.__name__
    if kind not in ("relu", "relu6"):
        raise ValueError(f"Expected an activation of relu or relu6, got {kind!r}.")
    return [("Relu", [], {}) if kind == "relu" else ("Clip", [0.0, 6.0], {})]


def _pool(layer: Any) -> _Written:
    about = {"kernel_shape": list(layer.pool_size), "strides": list(layer.strides)}
    return [("MaxPool", [], about)]


def _double(layer: Any) -> _Written:
    about = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    return [("Resize", [None, [1.0, 1.0, *layer.size]], about)]


#: How each kind of layer is written.
_LAYERS: dict[str, Callable[[Any], _Written]] = {
    "Activation": _activation,
    "Add": lambda layer: [("Add", [], {})],
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "FromDepth": lambda layer: [("DepthToSpace", [], {"blocksize": 2, "mode": "DCR"})],
    "MaxPooling2D": _pool,
    "Rescaling": _rescaling,
    "ToDepth": lambda layer: [("SpaceToDepth", [], {"blocksize": 2})],
    "UpSampling2D": _double,
}
