"""The predictor that runs on Keras."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from pathlib import Path

import numpy as np

from ..pipeline import ModelSpec, pad_to_stride, spec_of
from ..registry import WEIGHTS_FILE, Model, check_weights, check_weights_file
from .architectures import read_architecture
from .backend import check_fork, compiled, keras, memory_errors, ops, tf
from .precision import precision, set_precision

__all__ = ["KerasPredictor", "load_network", "load_predictor"]


def load_network(model: Model) -> keras.Model:
    """Build the network of a model and load its weights.

    The architecture comes from the card and only numbers from the weights
    file, so that nothing in a stranger's model can be executed.

    Parameters
    ----------
    model : Model
        The model. Its files may have changed since it was loaded.

    Returns
    -------
    keras.Model
        See `Architecture.build`.

    Raises
    ------
    ValueError
        If the weights do not fit the architecture, or another model was put into the
        folder since this one was loaded.
    FileNotFoundError
        If there are no weights.
    """
    check_fork()
    check_weights(model)
    network = read_architecture(model.card.architecture).build(batch_norm=False)
    weights = model.folder / WEIGHTS_FILE
    check_weights_file(weights)
    try:
        with warnings.catch_warnings():
            # Keras goes on with random weights where it finds none.
            warnings.filterwarnings("error", "Skipping nested container")
            network.load_weights(weights)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise ValueError(
            f"Expected weights that fit the card of model {model.card.name!r}, got "
            f"others in {weights}. Import or train the model again."
        ) from error
    return network


def load_predictor(model: Model) -> KerasPredictor:
    """Return the predictor of a model, as precise as `precision.precision` chooses.

    The last two are kept.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    KerasPredictor
        Ready to predict.

    Raises
    ------
    FileNotFoundError, ValueError
        See `load_network`. ValueError also if the network has not the maps that the card names.
    RuntimeError
        If the process was forked from one that had loaded TensorFlow.
    """
    check_fork()
    return _load_predictor(_Wanted(model.folder, spec_of(model.card, precision()), model))


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """A predictor to load. Two are the same if folder and spec, with its checksum, are."""

    folder: Path
    spec: ModelSpec
    model: Model = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=2)
def _load_predictor(wanted: _Wanted) -> KerasPredictor:
    network, spec = load_network(wanted.model), wanted.spec
    count = network.output["maps"].shape[-1]
    if count != len(spec.maps):
        raise ValueError(
            f"Expected a network with the {len(spec.maps)} maps {', '.join(spec.maps)}, as the "
            f"card of model {spec.name!r} says, got one with {count}. Import or train the "
            f"model again."
        )
    return KerasPredictor(network, spec)


class KerasPredictor:
    """A Keras network as the `Predictor` of the pipeline.

    Parameters
    ----------
    network : keras.Model
        See `Architecture.build`.
    spec : ModelSpec
        What the model is. The network calculates with its precision, see
        `precision.set_precision`.
    """

    def __init__(self, network: keras.Model, spec: ModelSpec) -> None:
        self.spec = spec
        set_precision(network, spec.precision)
        self._network = network
        signature = [
            tf.TensorSpec((None, None, None, 3), tf.float32),
            tf.TensorSpec((2,), tf.int32),
        ]
        self._run = compiled(self._predict, signature)

    def _predict(self, tiles: tf.Tensor, shape: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        output = self._network(tiles, training=False)
        maps = output["maps"]
        # The distance is a number already; the other outputs are logits.
        channels = [
            ops.clip(maps[..., channel], 0.0, 1.0)
            if name == "distance"
            else ops.sigmoid(maps[..., channel])
            for channel, name in enumerate(self.spec.maps)
        ]
        maps = ops.stack(channels, axis=-1)
        maps = maps[:, : shape[0], : shape[1]]
        return maps, output["size"]

    def predict(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the maps of tiles, see `Predictor.predict`.

        Parameters
        ----------
        tiles : ndarray of float32, shape (N, Y, X, 3)
            Normalized intensities.

        Returns
        -------
        maps : ndarray of float32, shape (N, Y, X, M)
            The maps that the spec names, 0 to 1.
        size : ndarray of float32, shape (N, Y / 8, X / 8) or larger
            Binary logarithm of the diameter of the nucleus over that of the spec.
        """
        check_fork()
        shape = np.array(tiles.shape[1:3], np.int32)
        with memory_errors():
            maps, size = self._run(pad_to_stride(tiles, self.spec.stride), shape)
        return maps.numpy(), size.numpy()[..., 0]

    def resize(self, tiles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Interpolate tiles or maps linearly, see `Predictor.resize`.

        Parameters
        ----------
        tiles : ndarray of float32, shape (N, Y, X, C)
            Values of tiles.
        shape : tuple of int
            Height and width to resize to.

        Returns
        -------
        ndarray of float32, shape (N, *shape, C)
            The same array if it has that shape.
        """
        if tiles.shape[1:3] == tuple(shape):
            return tiles
        check_fork()
        smaller = shape[0] < tiles.shape[1]
        resized = ops.image.resize(tiles, shape, interpolation="bilinear", antialias=smaller)
        return ops.convert_to_numpy(resized)
