"""The trainer on Keras: checks what it is given at once, loads Keras when it trains."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..support import Callbacks
from ..training import (
    IMAGENET,
    Checkpoint,
    Initialization,
    Run,
    Trainer,
    TrainingData,
    TrainParameters,
)
from .initialize import InitialNetwork, resolve

__all__ = ["KerasTrainer", "make_trainer"]


class KerasTrainer:
    """Trains a Keras network, as the `Trainer` of a run.

    Parameters
    ----------
    initial : InitialNetwork
        The network to train.
    parameters : TrainParameters
        How to train.

    Raises
    ------
    ValueError
        If an encoder with random weights is to be frozen.
    """

    def __init__(self, initial: InitialNetwork, parameters: TrainParameters) -> None:
        self._initial = initial
        frozen = initial.frozen_epochs(parameters)
        self._parameters = dataclasses.replace(parameters, frozen_epochs=frozen)

    @property
    def architecture(self) -> dict[str, Any]:
        """Description of the network, for the card of the model."""
        return self._initial.architecture.as_dict()

    @property
    def parameters(self) -> TrainParameters:
        """The parameters, with the number of frozen epochs filled in."""
        return self._parameters

    @property
    def encoder_weights(self) -> str | None:
        """``"imagenet"``, the name of a file of weights of the encoder, or None."""
        named = self._initial.encoder_weights
        return named if named in (None, IMAGENET) else Path(named).name

    def fit(
        self, data: TrainingData, run: Run, callbacks: Callbacks = Callbacks()
    ) -> Checkpoint:
        """Train to the end, from the last checkpoint if there is one.

        Parameters
        ----------
        data : TrainingData
            What to train on.
        run : Run
            Keeps the checkpoints.
        callbacks : Callbacks, optional
            They are told of the progress, and can stop the work.

        Returns
        -------
        Checkpoint
            The last one.

        Raises
        ------
        Stopped
            If the callbacks ended it. Checkpoints stay.
        RuntimeError
            If the loss is no longer a number.
        """
        from .fit import Fit

        fit = Fit(self._initial, self._parameters, resumed=run.has_epoch)
        return fit.train(data, run, callbacks)


def make_trainer(initialization: Initialization, parameters: TrainParameters) -> Trainer:
    """Make the trainer of a network.

    Parameters
    ----------
    initialization : Initialization
        What training starts from.
    parameters : TrainParameters
        How to train.

    Returns
    -------
    Trainer
        It loads Keras when it begins to fit.

    Raises
    ------
    ValueError
        If what is asked for does not go together.
    """
    return KerasTrainer(resolve(initialization), parameters)
