"""Train a model: fields in, a model folder out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..image import Field
from ..registry import CARD_FILE, Card, Model, check_model_name, save_model
from ..support import Callbacks, Epoch, check_new_folder, is_running, process_stamp
from .checkpoint import (
    KEPT_FILE,
    PLAN_FILE,
    Checkpoint,
    latest_checkpoint,
    read_plan,
    write_plan,
)
from .history import draw_curves, write_history
from .hold_out import check_fields, hold_out
from .initialization import Initialization
from .parameters import TrainParameters

__all__ = ["ModelInfo", "TrainingSpec", "run_directory_of", "train_fields"]

#: What a run keeps on the disk can only be read where this is the same.
_FORMAT = 2


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """What the card of a new model says that cannot be measured.

    Parameters
    ----------
    name : str
        Name of the model.
    description : str, optional
        What it is for, in a sentence.
    training_data : str, optional
        What it was trained on.
    data_license : str, optional
        Licence of that data.
    license : str, optional
        Licence of the model.
    """

    name: str
    description: str = ""
    training_data: str = ""
    data_license: str = ""
    license: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingSpec:
    """What a model is trained on, and what training starts from.

    Parameters
    ----------
    groups : sequence of sequence of Field
        Fields with labels, those of one kind in one group.
    sampling_weights : sequence of float, optional
        How often patches come from each group, in any unit; left out, in
        proportion to the number of its fields.
    start : Initialization, optional
        The network and its first weights; left out, the default with random ones.
    validation : sequence of Field, optional
        Fields with labels to score the model on; left out, some of the others are held
        out for that.

    Raises
    ------
    ValueError
        If the sampling_weights do not fit the groups, or there is nothing to score on.
    """

    groups: Sequence[Sequence[Field]]
    sampling_weights: Sequence[float] = ()
    start: Initialization = dataclasses.field(default_factory=Initialization)
    validation: Sequence[Field] = ()

    def __post_init__(self) -> None:
        if self.validation:
            check_fields(self.validation, "score")
        given = len(self.sampling_weights) > 0
        sizes = [len(group) for group in self.groups]
        sampling_weights = [
            float(share) for share in (self.sampling_weights if given else sizes)
        ]
        object.__setattr__(self, "sampling_weights", sampling_weights)
        good = len(sampling_weights) == len(sizes) and min(sampling_weights, default=0) >= 0
        if given and not (good and 0 < sum(sampling_weights) < math.inf):
            raise ValueError(
                f"Expected a share, 0 or more, for each of {len(sizes)} groups of fields, "
                f"got {sampling_weights}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return what tells this plan from another one, ready for JSON.

        Returns
        -------
        dict
            Names of fields in place of the fields.
        """
        return {
            "fields": [[field.name for field in group] for group in self.groups],
            "sampling_weights": self.sampling_weights,
            "validation": [field.name for field in self.validation],
            **self.start.as_dict(),
        }


def run_directory_of(output: Path) -> Path:
    """Return the folder in which a run keeps its checkpoints.

    Parameters
    ----------
    output : Path
        Folder of the model that the run makes.

    Returns
    -------
    Path
        Beside it; it need not exist.
    """
    return output.with_name(output.name + ".run")


def train_fields(
    plan: TrainingSpec,
    output: Path,
    about: ModelInfo,
    parameters: TrainParameters,
    callbacks: Callbacks = Callbacks(),
) -> Model:
    """Train a model, from scratch or on from another one.

    The run lives in a folder beside the output, with ``.run`` at the end of
    its name. A run that was stopped or killed goes on from there when it is
    started again with the same plan and parameters.

    Parameters
    ----------
    plan : TrainingSpec
        What to learn from, and what to start from.
    output : Path
        Folder of the new model; it must not exist.
    about : ModelInfo
        What the card says.
    parameters : TrainParameters
        How to train.
    callbacks : Callbacks, optional
        Who is told, and who may end it.

    Returns
    -------
    Model
        The new model: the epoch that scored highest, or the last one.

    Raises
    ------
    ValueError
        If there is nothing to learn from, or a run with other parameters is
        in the way, or one that another process works on.
    FileExistsError
        If `output` exists.
    Stopped
        If it should stop; the same call goes on later.
    """
    _check_output(output)
    check_model_name(about.name)
    check_fields([field for group in plan.groups for field in group])
    run_directory = run_directory_of(output)
    architecture = plan.start.network()
    encoder = None if latest_checkpoint(run_directory) else plan.start.load_encoder()
    frozen = plan.start.frozen_epochs(parameters)
    parameters = dataclasses.replace(parameters, frozen_epochs=frozen)
    with _at_work(run_directory, plan, parameters):
        if plan.validation:
            training, held_out = [list(group) for group in plan.groups], list(plan.validation)
        else:
            training, held_out = hold_out(plan.groups, parameters.validation_fraction)

        from ..network import Trainer, TrainingData

        def tell(epoch: Epoch) -> None:
            done = latest_checkpoint(run_directory)
            _write_history(run_directory, done.history if done else [epoch])
            callbacks.on_epoch(epoch)

        checkpoint = Trainer(architecture, parameters, plan.start.parent, encoder).fit(
            TrainingData(training, plan.sampling_weights, held_out),
            run_directory,
            dataclasses.replace(callbacks, on_epoch=tell),
        )
        counts = {
            "fields": sum(map(len, training)),
            "fields_held_out": len(held_out),
            "nuclei_held_out": sum(field.nuclei for field in held_out),
        }
        card = _card(plan, about, parameters, counts, checkpoint)
        model = save_model(card, weights_and_history(checkpoint), output)
    shutil.rmtree(run_directory, ignore_errors=True)
    return model


def _check_output(output: Path) -> None:
    """Check that the folder of a new model is new, and say so if its run is finished."""
    if (output / CARD_FILE).is_file():
        raise FileExistsError(
            f"Expected a new folder, got {output}, which holds a model: this training is "
            f"finished, or another one was put there. To train on from it, name it as the "
            f"model to start from (--model of the command) and give another folder."
        )
    check_new_folder(output)


def _card(
    plan: TrainingSpec,
    about: ModelInfo,
    parameters: TrainParameters,
    counts: dict[str, int],
    checkpoint: Checkpoint,
) -> Card:
    """Write the card of a model at the end of its run."""
    from ..network import describe

    parent, start = plan.start.parent, checkpoint.history[0]
    scores = {"held_out_mean_ap": round(checkpoint.kept.score, 6)}
    if parent:
        scores["parent_held_out_mean_ap"] = round(start.score, 6)
    return Card(
        **dataclasses.asdict(about),
        version="1",
        created=datetime.date.today().isoformat(),
        architecture=describe(plan.start.network()),
        parent=parent.card.name if parent else None,
        parent_sha256=parent.card.weights_sha256 if parent else None,
        training={
            "parameters": parameters.as_dict(),
            "sampling_weights": plan.sampling_weights,
            **counts,
            "kept_epoch": checkpoint.kept.epoch,
            "encoder_weights": Path(plan.start.encoder).name if plan.start.encoder else None,
        },
        scores=scores,
    )


def weights_and_history(checkpoint: Checkpoint) -> Callable[[Path], None]:
    """Return what writes the files of a model from the end of its run.

    Parameters
    ----------
    checkpoint : Checkpoint
        The last one of the run.

    Returns
    -------
    callable
        Given the path of the weights file, it writes that, and the history and
        the curves beside it.
    """

    def write(weights: Path) -> None:
        shutil.copyfile(checkpoint.folder / KEPT_FILE, weights)
        _write_history(weights.parent, checkpoint.history)

    return write


def _write_history(folder: Path, history: list[Epoch]) -> None:
    """Write the history of a run as a table and as a picture."""
    write_history(folder / "history.csv", history)
    draw_curves(folder / "curves.png", history)


@contextlib.contextmanager
def _at_work(
    run_directory: Path, plan: TrainingSpec, parameters: TrainParameters
) -> Iterator[None]:
    """Check that this run may begin or go on, and write down what it does and who does it."""
    wanted = {"format": _FORMAT, "parameters": parameters.as_dict(), **plan.as_dict()}
    before = _check_process(run_directory)
    if before and latest_checkpoint(run_directory) and before != wanted:
        raise ValueError(
            f"Expected to go on with the run in {run_directory}, but its data or "
            f"parameters were others: {_differences(before, wanted)}. Give the same ones, or "
            f"remove that folder to start anew."
        )
    write_plan(run_directory, {**wanted, **process_stamp()})
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the disk may be full
            write_plan(run_directory, wanted)


def _check_process(run_directory: Path) -> dict[str, Any]:
    """Return the plan of a run, without the mark of the process, which must have ended."""
    try:
        plan = read_plan(run_directory)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(
            f"Expected the plan of a run in {run_directory / PLAN_FILE}, got a damaged file. "
            f"Remove the folder {run_directory} to start anew."
        ) from error
    if is_running(plan) and plan["process"] != os.getpid():
        raise ValueError(
            f"Expected a run that nobody works on, but process {plan['process']} trains in "
            f"{run_directory}. Wait for it, or give another output."
        )
    return {name: value for name, value in plan.items() if name not in process_stamp()}


def _differences(before: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Say in what two runs differ."""
    then, now = before["parameters"], wanted["parameters"]
    if before.get("format") != wanted["format"]:
        return "the run was begun by another version"
    names = [
        name for name in wanted if name != "parameters" and before.get(name) != wanted[name]
    ]
    changed = [
        f"{name} {then.get(name)} then and {value} now"
        for name, value in now.items()
        if then.get(name) != value
    ]
    return ", ".join(names + changed)
