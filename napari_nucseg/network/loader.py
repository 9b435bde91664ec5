"""The data loader: batches of patches, prepared ahead of the network."""

from __future__ import annotations

from collections.abc import Iterator

from ..support import Callbacks
from ..training import (
    Batch,
    PreparedField,
    TrainingData,
    TrainParameters,
    batches,
    prepare_field,
)
from .backend import tf

__all__ = ["Loader"]

_AHEAD = 3  # batches


class Loader:
    """Prepares fields once, and makes the batches of every epoch of them.

    Parameters
    ----------
    data : TrainingData
        The fields to train on.
    parameters : TrainParameters
        How to train.
    callbacks : Callbacks, optional
        Before each field is prepared they are told, and can stop the work.

    Raises
    ------
    Stopped
        If the callbacks end it.
    """

    def __init__(
        self,
        data: TrainingData,
        parameters: TrainParameters,
        callbacks: Callbacks = Callbacks(),
    ) -> None:
        self._parameters = parameters
        self._sampling_weights = data.sampling_weights
        total, done = sum(map(len, data.groups)), 0
        self._groups: list[list[PreparedField]] = []
        for fields in data.groups:
            self._groups.append([])
            for field in fields:
                callbacks.check_stop()
                callbacks.on_progress(done, total, "Preparing the fields")
                self._groups[-1].append(prepare_field(field, parameters.channel))
                done += 1

    def batches(self, epoch: int, count: int) -> tf.data.Dataset:
        """Make the batches of an epoch, a few ahead of the network.

        Parameters
        ----------
        epoch : int
            Its number. The seed and the epoch decide about all that is random.
        count : int
            How many batches.

        Returns
        -------
        tf.data.Dataset
            Yields images, float32 (N, Y, X, 3), and targets, see `losses.total_loss`.
        """
        parameters = self._parameters

        def generate() -> Iterator[Batch]:
            return batches(
                self._groups,
                self._sampling_weights,
                batch_size=parameters.batch_size,
                patch_size=parameters.patch_size,
                seed=(parameters.seed, epoch),
                count=count,
                synthetic_stain=parameters.synthetic_stain,
                stain_augmentation=parameters.stain_augmentation,
            )

        signature = (
            tf.TensorSpec((None, None, None, 3), tf.float32),
            {
                "maps": tf.TensorSpec((None, None, None, 4), tf.float32),
                "size": tf.TensorSpec((None, None, None, 2), tf.float32),
            },
        )
        dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
        return dataset.prefetch(_AHEAD)

    def images(self, epoch: int, count: int) -> Iterator[tf.Tensor]:
        """Make the images of a few batches, when they are asked for.

        Parameters
        ----------
        epoch : int
            As in `batches`.
        count : int
            How many batches.

        Yields
        ------
        tf.Tensor
            Images, float32 (N, Y, X, 3).
        """
        for images, _ in self.batches(epoch, count):
            yield images
