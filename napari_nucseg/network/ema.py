"""The running average of the weights in training, which is scored and exported."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .architectures import Architecture
from .backend import keras
from .weights import fold_batch_norm
from .weights_file import write_weights

__all__ = ["Ema"]

_DECAY = 0.995


class Ema:
    """An exponential moving average of the weights of a network in training.

    The exported network has batch normalization folded in. If the network has none, the
    average itself is exported.

    Parameters
    ----------
    network : keras.Model
        The network, with the weights that the average begins with.
    architecture : Architecture
        Its description.
    batch_norm : bool
        Whether batch normalization follows its convolutions.

    Attributes
    ----------
    exported : keras.Model
        Without batch normalization; `export` brings it up to date.
    batch_norm : bool
        As given.
    """

    def __init__(
        self, network: keras.Model, architecture: Architecture, *, batch_norm: bool
    ) -> None:
        self.batch_norm = batch_norm
        self.exported = architecture.build(batch_norm=False)
        self._network = architecture.build(batch_norm=True) if batch_norm else self.exported
        self._network.set_weights(network.get_weights())
        self._weights = network.get_weights()
        self._fold()

    def update(self, network: keras.Model, step: int) -> None:
        """Update the average with the weights of the network.

        Parameters
        ----------
        network : keras.Model
            The one in training, after a step.
        step : int
            Its number, from 0. Early steps count for more, so that the initial weights
            soon have no influence.
        """
        keep = min(_DECAY, (1 + step) / (10 + step))
        self._weights = [
            average + (1 - keep) * (variable.numpy() - average)
            for average, variable in zip(self._weights, network.weights, strict=True)
        ]

    def export(self, images: Iterable[Any]) -> None:
        """Bring the exported network up to date.

        Parameters
        ----------
        images : iterable of tensor, shape (N, Y, X, 3)
            Batches on which the statistics of batch normalization are measured again,
            because those of other weights do not fit. Not used without batch normalization.
        """
        self._network.set_weights(self._weights)
        if self.batch_norm:
            self._measure(images)
            self._fold()

    def _measure(self, images: Iterable[Any]) -> None:
        """Measure the statistics of batch normalization."""
        norms = [
            layer
            for layer in self._network.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        for seen, batch in enumerate(images):
            for norm in norms:
                norm.momentum = seen / (seen + 1)
            self._network(batch, training=True)
        self._weights = self._network.get_weights()

    def _fold(self) -> None:
        if self.batch_norm:
            fold_batch_norm(self._network, self.exported)

    def save(self, path: Path) -> None:
        """Write the average as `export` left it, for `load`.

        Parameters
        ----------
        path : Path
            File of weights.
        """
        write_weights(self._network, path)

    def save_exported(self, path: Path, saved: Path) -> None:
        """Write the weights of the exported network.

        Parameters
        ----------
        path : Path
            File of weights.
        saved : Path
            Where the average was saved. It is copied if it is what is exported.
        """
        if self.batch_norm:
            write_weights(self.exported, path)
        else:
            shutil.copyfile(saved, path)

    def load(self, path: Path) -> None:
        """Read an average.

        Parameters
        ----------
        path : Path
            What `save` wrote.
        """
        self._network.load_weights(path)
        self._weights = self._network.get_weights()
        self._fold()
