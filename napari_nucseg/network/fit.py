"""The training loop, the same for training from scratch and for fine-tuning."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

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
from .backend import check_fork, keras
from .ema import Ema
from .initialize import InitialNetwork
from .judge import Judge
from .learner import Learner
from .loader import Loader
from .pace import TimedPace, pace_of
from .precision import precision, set_precision
from .predict import KerasPredictor
from .score import score_fields
from .weights import freeze_encoder
from .weights_file import write_weights

__all__ = ["Fit"]

_STATISTICS_BATCHES = 10
#: A run with a time budget ends when so many epochs were no better than the best one.
_PATIENCE = 6


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
        check_fork()
        keras.utils.set_random_seed(parameters.seed)
        self.parameters = parameters
        self.architecture = initial.architecture
        self.network = initial.build(load_encoder=not resumed)
        set_precision(self.network, precision(training=True))
        batch_norm = initial.parent is None
        self.average = Ema(self.network, self.architecture, batch_norm=batch_norm)
        spec = dataclasses.replace(DEFAULT_SPEC, precision=precision())
        self.predictor = KerasPredictor(self.average.exported, spec)
        self.pace = pace_of(parameters)
        self._learner: Learner | None = None
        self._frozen = False
        #: Steps done so far, and what the last scoring took.
        self._done, self._score_seconds = 0, 0.0

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
        checkpoint = run.checkpoint
        self.pace = pace_of(self.parameters, self._spent(run, checkpoint))
        parent = self.average.exported.get_weights()
        judge = self._judge(data, callbacks)
        if judge is not None:
            data = judge.without_doubts()
        loader = Loader(data, self.parameters, callbacks)
        history = self._resume(checkpoint) if checkpoint else []
        if not history and not self.average.batch_norm:
            history = [self._score_parent(data, callbacks)]
        self._plan_time(judge)
        while self._goes_on(history):
            history.append(
                self._epoch(history[-1].epoch + 1 if history else 1, data, loader, callbacks)
            )
            checkpoint = self._save(run, checkpoint, history)
            callbacks.on_epoch(history[-1])
        if checkpoint is None:
            raise Stopped("Training has no epochs to run.")
        if judge is not None:
            self._decide(judge, parent, run, checkpoint)
        return checkpoint

    def _epoch(
        self, number: int, data: TrainingData, loader: Loader, callbacks: Callbacks
    ) -> Epoch:
        """Train for one epoch and score what came of it."""
        loss, step_seconds = self._train_epoch(loader, number, callbacks)
        began = time.monotonic()
        self.average.export(loader.images(number, _STATISTICS_BATCHES))
        callbacks.on_progress(1, 1, "Scoring the model")
        score = self._score(data, callbacks)
        left = self.pace.seconds_left(number, step_seconds, time.monotonic() - began)
        return Epoch(number, self.pace.epochs, loss, score, left)

    def _goes_on(self, history: list[Epoch]) -> bool:
        """Return whether another epoch follows; with a time budget, while it gets better."""
        last = history[-1].epoch if history else 0
        if last >= self.pace.epochs:
            return False
        if not isinstance(self.pace, TimedPace) or last == 0:
            return True
        return last - best_of(history).epoch < _PATIENCE

    def _judge(self, data: TrainingData, callbacks: Callbacks) -> Judge | None:
        """Score the parent on all that the model will be compared on, if it has to be."""
        if not data.compare or self.average.batch_norm:
            return None
        return Judge(self.predictor, data, self.parameters.channel, callbacks)

    def _decide(
        self, judge: Judge, parent: list[np.ndarray], run: Run, checkpoint: Checkpoint
    ) -> None:
        """Compare the kept epoch with the parent, and keep the best mean of both."""
        exported = self.average.exported
        exported.load_weights(checkpoint.folder / KEPT_FILE)
        child = exported.get_weights()
        verdict, blend = judge.decide(parent, child, exported.set_weights)
        run.save_verdict(verdict, blend, functools.partial(write_weights, exported))

    def _spent(self, run: Run, checkpoint: Checkpoint | None) -> float:
        """Return how many seconds of a time budget are over."""
        if self.parameters.minutes is None:
            return 0.0
        if checkpoint is not None:
            return 60.0 * self.parameters.minutes - checkpoint.history[-1].seconds_left
        return max(0.0, time.time() - run.plan().began)

    def _plan_time(self, judge: Judge | None) -> None:
        """Divide a time budget among learning, scoring and the comparison at the end."""
        if isinstance(self.pace, TimedPace):
            seconds = self._score_seconds or (judge.seconds if judge else 0.0)
            self.pace.plan(seconds, judge.reserve if judge else 0.0)

    def _learner_of(self, epoch: int) -> Learner:
        """Return the learner of an epoch; in the first ones the encoder may be frozen."""
        frozen = epoch <= (self.parameters.frozen_epochs or 0)
        if self._learner is None or frozen is not self._frozen:
            self._frozen = frozen
            freeze_encoder(self.network, self.architecture, frozen)
            self._learner = Learner(self.network)
        return self._learner

    def _score(self, data: TrainingData, callbacks: Callbacks) -> float:
        began = time.monotonic()
        channel = self.parameters.channel
        score = score_fields(self.predictor, data.held_out, channel, callbacks)
        self._score_seconds = time.monotonic() - began
        return score

    def _score_parent(self, data: TrainingData, callbacks: Callbacks) -> Epoch:
        """Score the model that training starts from, as epoch 0."""
        callbacks.on_progress(0, 1, "Scoring the starting model")
        epoch = Epoch(0, self.pace.epochs, math.nan, self._score(data, callbacks), math.nan)
        callbacks.on_epoch(epoch)
        return epoch

    def _train_epoch(
        self, loader: Loader, number: int, callbacks: Callbacks
    ) -> tuple[float, float]:
        """Train for one epoch and return the mean loss, and the seconds that a step takes.

        The first step of all takes longer than any other one; the median leaves it out.
        """
        learner = self._learner_of(number)
        losses, ends = [], []
        self.pace.begin(number)
        began = time.monotonic()
        for step, (images, targets) in enumerate(loader.batches(number, self.pace.most_steps)):
            callbacks.check_stop()
            text = f"Training, epoch {number} of {self.pace.epochs}"
            callbacks.on_progress(*self.pace.progress(step), text)
            loss = learner.step(images, targets, self.pace.rate(step))
            if not math.isfinite(loss):
                raise RuntimeError(
                    f"Expected the loss to stay a number, got {loss} in epoch "
                    f"{number}. Try again with a lower learning rate."
                )
            losses.append(loss)
            self.average.update(self.network, self._done)
            self._done += 1
            ends.append(time.monotonic())
            if self.pace.is_over(step):
                break
        steps = [end - before for before, end in itertools.pairwise([began, *ends])]
        return statistics.mean(losses), statistics.median(steps)

    def _save(self, run: Run, before: Checkpoint | None, history: list[Epoch]) -> Checkpoint:
        """Write the checkpoint of an epoch."""
        kept = history[-1] if self.parameters.keep_last else best_of(history)

        def write_kept(path: Path) -> None:
            if before is None or kept is history[-1]:
                self.average.save_exported(path, path.with_name(AVERAGE_FILE))
            else:
                shutil.copyfile(before.folder / KEPT_FILE, path)

        # In this order, as the last may be a copy of the one before.
        writers: dict[str, Callable[[Path], None]] = {
            NETWORK_FILE: functools.partial(write_weights, self.network),
            AVERAGE_FILE: self.average.save,
            KEPT_FILE: write_kept,
        }
        return run.save(history, kept, writers)

    def _resume(self, checkpoint: Checkpoint) -> list[Epoch]:
        """Go back to the state of a checkpoint."""
        self._learner_of(checkpoint.history[-1].epoch)
        self.network.load_weights(checkpoint.folder / NETWORK_FILE)
        self.average.load(checkpoint.folder / AVERAGE_FILE)
        self._done = self.pace.steps_until(checkpoint.history[-1].epoch)
        return list(checkpoint.history)
