"""The training loop, the same for training from scratch and for fine-tuning."""

from __future__ import annotations

import dataclasses
import itertools
import math
import shutil
import statistics
import time
from pathlib import Path

from ..pipeline import DEFAULT_SPEC
from ..support import Callbacks, Epoch, Stopped
from ..training import (
    AVERAGE_FILE,
    KEPT_FILE,
    NETWORK_FILE,
    Checkpoint,
    Run,
    TrainingData,
    TrainParameters,
    best_of,
)
from .backend import keras
from .ema import Ema
from .initialize import InitialNetwork
from .learner import Learner
from .loader import Loader
from .precision import precision, set_precision
from .predict import KerasPredictor
from .schedule import LearningRate
from .score import score_fields
from .weights import freeze_encoder

__all__ = ["Fit"]

_STATISTICS_BATCHES = 10


class Fit:
    """A network in training, the running average of its weights, and what is exported.

    The weights that are scored and kept are those of the average, see `Ema`.

    Parameters
    ----------
    initial : InitialNetwork
        The network and its initial weights.
    parameters : TrainParameters
        How to train.
    resumed : bool, optional
        Whether the weights come from a checkpoint, so that pretrained ones of the encoder
        are not needed.
    """

    def __init__(
        self, initial: InitialNetwork, parameters: TrainParameters, *, resumed: bool = False
    ) -> None:
        keras.utils.set_random_seed(parameters.seed)
        self.parameters = parameters
        self.architecture = initial.architecture
        self.network = initial.build(load_encoder=not resumed)
        set_precision(self.network, precision(training=True))
        batch_norm = initial.parent is None
        self.average = Ema(self.network, self.architecture, batch_norm=batch_norm)
        spec = dataclasses.replace(DEFAULT_SPEC, precision=precision())
        self.predictor = KerasPredictor(self.average.exported, spec)
        self._rate = LearningRate(parameters)
        self._learner: Learner | None = None
        self._frozen = False

    def train(
        self, data: TrainingData, run: Run, callbacks: Callbacks = Callbacks()
    ) -> Checkpoint:
        """Train to the end, see `Trainer.fit`.

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
        """
        loader = Loader(data, self.parameters, callbacks)
        checkpoint = run.checkpoint
        history = self._resume(checkpoint) if checkpoint else []
        if not history and not self.average.batch_norm:
            history = [self._score_parent(data, callbacks)]
        for number in range(history[-1].epoch + 1 if history else 1, self._epochs + 1):
            loss, seconds = self._train_epoch(loader, number, callbacks)
            trained = time.monotonic()
            self.average.export(loader.images(number, _STATISTICS_BATCHES))
            callbacks.on_progress(self._steps, self._steps, "Scoring the model")
            score = self._score(data, callbacks)
            left = (seconds + time.monotonic() - trained) * (self._epochs - number)
            history.append(Epoch(number, self._epochs, loss, score, left))
            checkpoint = self._save(run, checkpoint, history)
            callbacks.on_epoch(history[-1])
        if checkpoint is None:
            raise Stopped("Training has no epochs to run.")
        return checkpoint

    @property
    def _epochs(self) -> int:
        return self.parameters.epochs

    @property
    def _steps(self) -> int:
        return self.parameters.steps_per_epoch

    def _learner_of(self, epoch: int) -> Learner:
        """Return the learner of an epoch; in the first ones the encoder may be frozen."""
        frozen = epoch <= (self.parameters.frozen_epochs or 0)
        if self._learner is None or frozen is not self._frozen:
            self._frozen = frozen
            freeze_encoder(self.network, self.architecture, frozen)
            self._learner = Learner(self.network)
        return self._learner

    def _score(self, data: TrainingData, callbacks: Callbacks) -> float:
        return score_fields(self.predictor, data.held_out, self.parameters.channel, callbacks)

    def _score_parent(self, data: TrainingData, callbacks: Callbacks) -> Epoch:
        """Score the model that training starts from, as epoch 0."""
        callbacks.on_progress(0, self._steps, "Scoring the starting model")
        epoch = Epoch(0, self._epochs, math.nan, self._score(data, callbacks), math.nan)
        callbacks.on_epoch(epoch)
        return epoch

    def _train_epoch(
        self, loader: Loader, number: int, callbacks: Callbacks
    ) -> tuple[float, float]:
        """Train for one epoch and return the mean loss, and the seconds that an epoch takes.

        The first step of all takes longer than any other one; the median leaves it out.
        """
        learner = self._learner_of(number)
        losses, ends = [], []
        began = time.monotonic()
        for step, (images, targets) in enumerate(loader.batches(number, self._steps)):
            callbacks.check_stop()
            text = f"Training, epoch {number} of {self._epochs}"
            callbacks.on_progress(step, self._steps, text)
            done = (number - 1) * self._steps + step
            loss = learner.step(images, targets, self._rate(done))
            if not math.isfinite(loss):
                raise RuntimeError(
                    f"Expected the loss to stay a number, got {loss} in epoch "
                    f"{number}. Try again with a lower learning rate."
                )
            losses.append(loss)
            self.average.update(self.network, done)
            ends.append(time.monotonic())
        steps = [end - before for before, end in itertools.pairwise([began, *ends])]
        return statistics.mean(losses), statistics.median(steps) * self._steps

    def _save(self, run: Run, before: Checkpoint | None, history: list[Epoch]) -> Checkpoint:
        """Write the checkpoint of an epoch."""
        kept = history[-1] if self.parameters.keep_last else best_of(history)

        def write_kept(path: Path) -> None:
            if before is None or kept is history[-1]:
                self.average.save_exported(path, path.with_name(AVERAGE_FILE))
            else:
                shutil.copyfile(before.folder / KEPT_FILE, path)

        # In this order, as the last may be a copy of the one before.
        writers = {
            NETWORK_FILE: self.network.save_weights,
            AVERAGE_FILE: self.average.save,
            KEPT_FILE: write_kept,
        }
        return run.save(history, kept, writers)

    def _resume(self, checkpoint: Checkpoint) -> list[Epoch]:
        """Go back to the state of a checkpoint."""
        self._learner_of(checkpoint.history[-1].epoch)
        self.network.load_weights(checkpoint.folder / NETWORK_FILE)
        self.average.load(checkpoint.folder / AVERAGE_FILE)
        return list(checkpoint.history)
