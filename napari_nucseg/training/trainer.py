"""What a run needs of a network: the protocol that a trainer implements."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..image import Field
from ..support import Callbacks
from .checkpoint import Checkpoint
from .initialization import Initialization
from .parameters import TrainParameters
from .run import Run

__all__ = ["MakeTrainer", "Trainer", "TrainingData"]


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
    reference : sequence of Field
        Fields of other kinds, to see whether a fine-tuned model forgets.
    compare : bool
        Whether the new model is compared with its parent, see `Verdict`. Then the first
        group holds a person's corrections.
    """

    groups: Sequence[Sequence[Field]]
    sampling_weights: Sequence[float]
    held_out: Sequence[Field]
    reference: Sequence[Field] = ()
    compare: bool = False


class Trainer(Protocol):
    """Trains a network.

    Making a trainer is quick and checks what it is given. The network is built in `fit`.
    """

    @property
    def architecture(self) -> dict[str, Any]:
        """Description of the network, for the card of the model."""

    @property
    def parameters(self) -> TrainParameters:
        """The parameters, with the values that were left out filled in."""

    @property
    def encoder_weights(self) -> str | None:
        """Where the initial weights of the encoder come from, for the card of the model."""

    def fit(self, data: TrainingData, run: Run, callbacks: Callbacks) -> Checkpoint:
        """Train to the end, from the last checkpoint of the run if there is one.

        If it is wanted, the model is then compared with its parent, and the
        run keeps the verdict and the weights that are best on all of it.

        Parameters
        ----------
        data : TrainingData
            What to train on.
        run : Run
            Keeps the checkpoints.
        callbacks : Callbacks
            They are told of the progress, and can stop the work.

        Returns
        -------
        Checkpoint
            The last one.

        Raises
        ------
        Stopped
            If the callbacks ended it. The checkpoints stay.
        """


#: Makes a trainer. The caller hands it in, so that this wing needs no network.
MakeTrainer = Callable[[Initialization, TrainParameters], Trainer]
