"""One training loop, for training from scratch and for fine-tuning."""

from __future__ import annotations

import dataclasses
import itertools
import math
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..image import Field
from ..measure import match_counts, summarize
from ..pipeline import DEFAULT_SPEC, Predictor, SegmentParameters, segment_plane
from ..registry import Model
from ..support import Callbacks, Epoch, Stopped
from ..training import (
    AVERAGE_FILE,
    KEPT_FILE,
    NETWORK_FILE,
    Batch,
    Checkpoint,
    PreparedField,
    TrainParameters,
    batches,
    best_of,
    latest_checkpoint,
    prepare_field,
    write_checkpoint,
)
from .architecture import (
    Architecture,
    build_network,
    freeze_encoder,
    read_architecture,
    start_from,
)
from .backend import keras, tf
from .ema import Ema
from .imagenet import EncoderWeights, set_encoder
from .learner import Learner
from .precision import precision, set_precision
from .predict import KerasPredictor, load_network

__all__ = ["Trainer", "TrainingData", "score_fields"]

_WARM_UP = 0.05
_STATISTICS_BATCHES = 10


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingData:
    """What is trained on, and what is only scored.

    Parameters
    ----------
    groups : sequence of sequence of Field
        Fields to train on, those of one kind in one group.
    sampling_weights : sequence of float
        How often patches come from each group, in any unit.
    held_out : sequence of Field
        Fields to score the model on.
    """

    groups: Sequence[Sequence[Field]]
    sampling_weights: Sequence[float]
    held_out: Sequence[Field]


def score_fields(
    predictor: Predictor,
    fields: Sequence[Field],
    channel: int | None = None,
    callbacks: Callbacks = Callbacks(),
) -> float:
    """Score a network on fields whose labels are known.

    Parameters
    ----------
    predictor : Predictor
        The network.
    fields : sequence of Field
        With labels.
    channel : int, optional
        Which channel of the images.
    callbacks : Callbacks, optional
        Asked before every field.

    Returns
    -------
    float
        Mean AP over IoU 0.5 to 0.9, per image.
    """
    counts = []
    for field in fields:
        callbacks.check_stop()
        labels = segment_plane(predictor, field.plane(channel), SegmentParameters())[0]
        counts.append(match_counts(labels, field.known_labels))
    return summarize(counts).mean_ap


def _extended(model: Model, architecture: Architecture) -> keras.Model:
    """Load the network of a model, with the levels and filters that it does not have."""
    network = load_network(model)
    if read_architecture(model.card.architecture) == architecture:
        return network
    larger = build_network(architecture, batch_norm=False)
    start_from(network, larger)
    return larger


class Trainer:
    """A network in training, its running average, and what is exported of it.

    The weights that are scored and kept are those of the average, see `Ema`.

    Parameters
    ----------
    architecture : Architecture
        What to build.
    parameters : TrainParameters
        How to train.
    start : Model, optional
        Model to start from, of this architecture or one with fewer levels or filters; left
        out, the weights are random.
    encoder : EncoderWeights, optional
        Weights for the encoder alone, if there is no network to start from.
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: TrainParameters,
        start: Model | None = None,
        encoder: EncoderWeights | None = None,
    ) -> None:
        keras.utils.set_random_seed(parameters.seed)
        self.parameters = parameters
        self.architecture = architecture
        # A network to start from has batch normalization folded in, and goes on without it.
        batch_norm = start is None
        if start is not None:
            self.network = _extended(start, architecture)
        else:
            self.network = build_network(architecture, batch_norm=True)
            if encoder is not None:
                set_encoder(self.network, encoder)
        set_precision(self.network, precision(training=True))
        self.average = Ema(self.network, architecture, batch_norm=batch_norm)
        spec = dataclasses.replace(DEFAULT_SPEC, precision=precision())
        self.predictor = KerasPredictor(self.average.exported, spec)
        self._learner: Learner | None = None
        self._held = False

    def fit(
        self, data: TrainingData, run_directory: Path, callbacks: Callbacks = Callbacks()
    ) -> Checkpoint:
        """Train to the end, from the last checkpoint if there is one.

        Parameters
        ----------
        data : TrainingData
            What to train on.
        run_directory : Path
            Where checkpoints are kept.
        callbacks : Callbacks, optional
            Who is told, and who may end it.

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
        channel = self.parameters.channel
        groups = self._sources(data, callbacks)
        checkpoint = latest_checkpoint(run_directory)
        history = self._resume(checkpoint) if checkpoint else []
        if not history and not self.average.batch_norm:
            history = [self._start(data, callbacks)]
        for number in range(history[-1].epoch + 1 if history else 1, self._epochs + 1):
            learner = self._learner_of(number)
            loss, seconds = self._train_epoch(
                learner, groups, data.sampling_weights, number, callbacks
            )
            trained = time.monotonic()
            self.average.export(self._images(groups, data.sampling_weights, number))
            callbacks.on_progress(self._steps, self._steps, "Scoring the model")
            score = score_fields(self.predictor, data.held_out, channel, callbacks)
            left = (seconds + time.monotonic() - trained) * (self._epochs - number)
            history.append(Epoch(number, self._epochs, loss, score, left))
            checkpoint = self._save(run_directory, checkpoint, history)
            callbacks.on_epoch(history[-1])
        if checkpoint is None:
            raise Stopped("Training has no epochs to run.")
        return checkpoint

    def _sources(self, data: TrainingData, callbacks: Callbacks) -> list[list[PreparedField]]:
        """Prepare the fields."""
        total, done = sum(map(len, data.groups)), 0
        groups: list[list[PreparedField]] = []
        for fields in data.groups:
            groups.append([])
            for field in fields:
                callbacks.check_stop()
                callbacks.on_progress(done, total, "Preparing the fields")
                groups[-1].append(prepare_field(field, self.parameters.channel))
                done += 1
        return groups

    @property
    def _epochs(self) -> int:
        return self.parameters.epochs

    @property
    def _steps(self) -> int:
        return self.parameters.steps_per_epoch

    @property
    def _held_epochs(self) -> int:
        return self.parameters.frozen_epochs or 0

    def _learner_of(self, epoch: int) -> Learner:
        """Return what learns in an epoch: at first perhaps without the encoder."""
        held = epoch <= self._held_epochs
        if self._learner is None or held is not self._held:
            self._held = held
            freeze_encoder(self.network, self.architecture, held)
            self._learner = Learner(self.network)
        return self._learner

    def _start(self, data: TrainingData, callbacks: Callbacks) -> Epoch:
        """Score the network that training starts from."""
        callbacks.on_progress(0, self._steps, "Scoring the starting model")
        score = score_fields(
            self.predictor,
            data.held_out,
            self.parameters.channel,
            callbacks,
        )
        epoch = Epoch(0, self._epochs, math.nan, score, math.nan)
        callbacks.on_epoch(epoch)
        return epoch

    def _train_epoch(
        self,
        learner: Learner,
        groups: Sequence[Sequence[PreparedField]],
        sampling_weights: Sequence[float],
        number: int,
        callbacks: Callbacks,
    ) -> tuple[float, float]:
        """Train for one epoch and return the mean loss, and the seconds that an epoch takes.

        The first step of all takes longer than any other one; the median leaves it out.
        """
        losses, ends = [], []
        began = time.monotonic()
        for step, (images, targets) in enumerate(
            self._batches(groups, sampling_weights, number, self._steps)
        ):
            callbacks.check_stop()
            text = f"Training, epoch {number} of {self._epochs}"
            callbacks.on_progress(step, self._steps, text)
            done = (number - 1) * self._steps + step
            loss = learner.step(images, targets, self._learning_rate(done))
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

    def _batches(
        self,
        groups: Sequence[Sequence[PreparedField]],
        sampling_weights: Sequence[float],
        number: int,
        count: int,
    ) -> tf.data.Dataset:
        """Make the batches of an epoch, a few ahead of the network."""

        def generate() -> Iterator[Batch]:
            return batches(
                groups,
                sampling_weights,
                batch_size=self.parameters.batch_size,
                patch_size=self.parameters.patch_size,
                seed=(self.parameters.seed, number),
                count=count,
                synthetic_stain=self.parameters.synthetic_stain,
                stain_augmentation=self.parameters.stain_augmentation,
            )

        maps = tf.TensorSpec((None, None, None, 4), tf.float32)
        size = tf.TensorSpec((None, None, None, 2), tf.float32)
        signature = (
            tf.TensorSpec((None, None, None, 3), tf.float32),
            {"maps": maps, "size": size},
        )
        return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(3)

    def _images(
        self,
        groups: Sequence[Sequence[PreparedField]],
        sampling_weights: Sequence[float],
        number: int,
    ) -> Iterator[tf.Tensor]:
        """Make the images of a few batches, when they are asked for."""
        for images, _ in self._batches(groups, sampling_weights, number, _STATISTICS_BATCHES):
            yield images

    def _learning_rate(self, step: int) -> float:
        """Return the rate of a step: half a cosine, after a short warm-up.

        There is another one when the encoder begins to learn, as the optimizer does not
        know how large its steps should be then either.
        """
        total = self._epochs * self._steps
        warm_up = max(1, int(_WARM_UP * total))
        opened = self._held_epochs * self._steps
        since = step - opened if step >= opened else step
        phase = max(0, step - warm_up) / max(1, total - warm_up)
        return (
            self.parameters.learning_rate
            * min(1.0, (since + 1) / warm_up)
            * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * phase)))
        )

    def _save(
        self, run_directory: Path, before: Checkpoint | None, history: list[Epoch]
    ) -> Checkpoint:
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
        return write_checkpoint(run_directory, history, kept, writers)

    def _resume(self, checkpoint: Checkpoint) -> list[Epoch]:
        """Go back to the state of a checkpoint."""
        self._learner_of(checkpoint.history[-1].epoch)
        self.network.load_weights(checkpoint.folder / NETWORK_FILE)
        self.average.load(checkpoint.folder / AVERAGE_FILE)
        return list(checkpoint.history)
