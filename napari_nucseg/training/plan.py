"""The plan of a run: what it trains on, how, and what its model is to be called."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

from ..pipeline import DEFAULT_SPEC
from ..registry import Card
from ..support import parse_object
from .checkpoint import Checkpoint
from .gate import HELD_OUT, Verdict

__all__ = ["ModelInfo", "RunPlan", "held_out_scores"]

#: Runs whose plan has another number were begun by another version.
_FORMAT = 3

#: Two runs are the same training if their plans agree in these, and in the parameters.
_IDENTITY = (
    "fields",
    "sampling_weights",
    "validation",
    "parent_sha256",
    "architecture",
    "encoder_weights",
)


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """What a person says of a new model, for its card.

    Parameters
    ----------
    name : str
        Name of the model.
    description : str, optional
        What it is for, in a sentence.
    training_data : str, optional
        What it was trained on.
    data_license : str, optional
        License of that data.
    license : str, optional
        License of the model.
    """

    name: str
    description: str = ""
    training_data: str = ""
    data_license: str = ""
    license: str = ""


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """What a run does. It is all one needs to resume the run or to make a model of it.

    Parameters
    ----------
    info : ModelInfo
        What the card of the model says.
    output : str or None
        Folder of the model; None if it goes among the user's own models.
    parent, parent_sha256 : str or None
        Name of the model that the training starts from, and the checksum of its weights;
        None if it starts from scratch.
    architecture : dict
        The network, see `Card`.
    encoder_weights : str or None
        Where the initial weights of the encoder come from: ``"imagenet"``, the name of a
        file, or None.
    parameters : dict
        Values of the `TrainParameters`.
    fields : list of list of str
        Names of the fields in each group.
    sampling_weights : list of float
        How often patches come from each group.
    validation : list of str
        Names of the fields that were given only to score on.
    counts : dict of str to int
        How many fields and nuclei there are to train on and to score on.
    began : float
        When the run began, in seconds since 1970.
    data : str, optional
        Folder of the training set, or of pairs, that the fields came from; empty if they
        came from several, or from memory.
    held_out : list of str, optional
        What is only scored, in words.
    """

    info: ModelInfo
    output: str | None
    parent: str | None
    parent_sha256: str | None
    architecture: dict[str, Any]
    encoder_weights: str | None
    parameters: dict[str, Any]
    fields: list[list[str]]
    sampling_weights: list[float]
    validation: list[str]
    counts: dict[str, int]
    began: float
    data: str = ""
    held_out: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> str:
        """Return the plan as text.

        Returns
        -------
        str
            What `from_json` takes.
        """
        return json.dumps({"format": _FORMAT, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> RunPlan:
        """Read a plan.

        Parameters
        ----------
        text : str
            What `to_json` returned.

        Returns
        -------
        RunPlan
            The plan.

        Raises
        ------
        ValueError
            If the text is damaged, or was written by another version.
        """
        values = parse_object(text)
        if values.pop("format", None) != _FORMAT:
            raise ValueError(
                f"Expected the plan of a run in format {_FORMAT}, got another one: the run was "
                f"begun by another version."
            )
        try:
            return cls(**{**values, "info": ModelInfo(**values["info"])})
        except (LookupError, TypeError) as error:
            raise ValueError(f"Expected the plan of a run, got {text[:200]}.") from error

    def differences(self, other: RunPlan) -> str:
        """Say in what another plan is another training.

        Parameters
        ----------
        other : RunPlan
            The plan that is wanted now.

        Returns
        -------
        str
            What differs, separated by commas; empty if the run can go on with the other plan.
        """
        names = [name for name in _IDENTITY if getattr(self, name) != getattr(other, name)]
        changed = [
            f"{name} {self.parameters.get(name)} then and {value} now"
            for name, value in other.parameters.items()
            if self.parameters.get(name) != value
        ]
        return ", ".join(names + changed)

    def card(
        self,
        checkpoint: Checkpoint,
        name: str = "",
        verdict: Verdict | None = None,
        blend: float = 1.0,
    ) -> Card:
        """Write the card of the model.

        Parameters
        ----------
        checkpoint : Checkpoint
            The last one of the run.
        name : str, optional
            Name of the model; left out, the planned one.
        verdict : Verdict, optional
            How it compares with its parent.
        blend : float, optional
            The part of the new weights in the mean of them and those of the parent.

        Returns
        -------
        Card
            Without the checksum of the weights.
        """
        scores: dict[str, Any] = {"held_out_mean_ap": round(checkpoint.kept.score, 6)}
        if self.parent is not None:
            parent_score, score = held_out_scores(checkpoint, verdict)
            scores["held_out_mean_ap"] = round(score, 6)
            scores["parent_held_out_mean_ap"] = round(parent_score, 6)
        if verdict is not None:
            scores["comparison"] = verdict.as_dict()
        return Card(
            **{**dataclasses.asdict(self.info), "name": name or self.info.name},
            version="1",
            created=datetime.date.today().isoformat(),
            architecture=self.architecture,
            spec=DEFAULT_SPEC.for_card(),
            parent=self.parent,
            parent_sha256=self.parent_sha256,
            training={
                "data": self.data,
                "parameters": self.parameters,
                "sampling_weights": self.sampling_weights,
                **self.counts,
                "kept_epoch": checkpoint.kept.epoch,
                "encoder_weights": self.encoder_weights,
                **({"blend": blend} if blend < 1 else {}),
            },
            scores=scores,
        )

    @property
    def output_folder(self) -> Path | None:
        """Folder of the model; None if it goes among the user's own models."""
        return None if self.output is None else Path(self.output)


def held_out_scores(checkpoint: Checkpoint, verdict: Verdict | None) -> tuple[float, float]:
    """Return the scores of a fine-tuned model and of its parent on the held-out part.

    Parameters
    ----------
    checkpoint : Checkpoint
        The last one of the run.
    verdict : Verdict or None
        The comparison, which is about the weights that become the model; None if the run
        ended before, and the kept epoch becomes the model.

    Returns
    -------
    parent_score, score : float
        Mean AP over IoU 0.5 to 0.9.
    """
    part = verdict.part(HELD_OUT) if verdict else None
    if part is not None:
        return part.parent, part.child
    return checkpoint.history[0].score, checkpoint.kept.score
