"""Train a model: fields in, a model folder out."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .atomic import new_file
from .checkpoint import BEST_FILE, Checkpoint, latest_checkpoint
from .field import Field
from .history import draw_curves, write_history
from .hold_out import check_fields, hold_out
from .model_store import Card, Model, check_model_name, save_model
from .progress import OnProgress, ShouldStop, never_stop, no_progress
from .train_parameters import Epoch, TrainParameters

__all__ = ["About", "no_epoch", "train_fields"]


@dataclasses.dataclass(frozen=True)
class About:
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


def no_epoch(epoch: Epoch) -> None:
    """Tell nobody.

    Parameters
    ----------
    epoch : Epoch
        A finished epoch.
    """


def train_fields(
    groups: Sequence[Sequence[Field]],
    output: Path,
    about: About,
    parameters: TrainParameters,
    *,
    shares: Sequence[float] | None = None,
    parent: Model | None = None,
    on_progress: OnProgress = no_progress,
    on_epoch: Callable[[Epoch], None] = no_epoch,
    should_stop: ShouldStop = never_stop,
) -> Model:
    """Train a model, from scratch or on from another one.

    The run lives in a folder beside the output, with ``.run`` at the end of
    its name. A run that was stopped or killed goes on from there when it is
    started again with the same parameters.

    Parameters
    ----------
    groups : sequence of sequence of Field
        Fields with labels, those of one kind in one group.
    output : Path
        Folder of the new model; it must not exist.
    about : About
        What the card says.
    parameters : TrainParameters
        How to train.
    shares : sequence of float, optional
        How often patches come from each group, in any unit; left out, in
        proportion to the number of its fields.
    parent : Model, optional
        Model whose weights training starts from; left out, they are random.
    on_progress, on_epoch, should_stop : callable, optional
        Told after every step and epoch, and asked before every step.

    Returns
    -------
    Model
        The new model: the epoch that scored highest.

    Raises
    ------
    ValueError
        If there is nothing to learn from, or a run with other parameters is
        in the way.
    FileExistsError
        If `output` exists.
    Stopped
        If it should stop; the same call goes on later.
    """
    if output.exists():
        raise FileExistsError(
            f"Expected a new folder for the model, got {output}, which exists. Choose "
            f"another one or remove it."
        )
    check_model_name(about.name)
    check_fields([field for group in groups for field in group])
    shares = _check_shares(groups, shares)
    run_directory = output.with_name(output.name + ".run")
    _check_plan(run_directory, parameters, groups, shares, parent)
    training, held_out = hold_out(groups, parameters.held_out, parameters.seed)

    from .network.fit import Material, Trainer, Watchers
    from .network.predict import load_network
    from .network.unet import Architecture

    def tell(epoch: Epoch) -> None:
        done = latest_checkpoint(run_directory)
        history = done.history if done else [epoch]
        write_history(run_directory / "history.csv", history)
        draw_curves(run_directory / "curves.png", history)
        on_epoch(epoch)

    architecture = (
        Architecture.from_dict(parent.card.architecture) if parent else Architecture()
    )
    trainer = Trainer(architecture, parameters, load_network(parent) if parent else None)
    checkpoint = trainer.fit(
        Material(training, shares, held_out),
        run_directory,
        Watchers(on_progress, tell, should_stop),
    )
    card = Card(
        **dataclasses.asdict(about),
        version="1",
        created=datetime.date.today().isoformat(),
        architecture=architecture.as_dict(),
        parent=parent.card.name if parent else None,
        parent_sha256=parent.card.weights_sha256 if parent else None,
        training={
            "parameters": parameters.as_dict(),
            "shares": list(shares),
            "fields": sum(len(group) for group in training),
            "fields_held_out": len(held_out),
            "best_epoch": checkpoint.best.epoch,
        },
        scores={"held_out_mean_ap": round(checkpoint.best.score, 4)},
    )
    model = save_model(card, weights_and_history(checkpoint), output)
    shutil.rmtree(run_directory, ignore_errors=True)
    return model


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
        shutil.copyfile(checkpoint.folder / BEST_FILE, weights)
        write_history(weights.parent / "history.csv", checkpoint.history)
        draw_curves(weights.parent / "curves.png", checkpoint.history)

    return write


def _check_shares(
    groups: Sequence[Sequence[Field]], shares: Sequence[float] | None
) -> Sequence[float]:
    if shares is None:
        return [float(len(group)) for group in groups]
    if len(shares) != len(groups) or min(shares) < 0 or sum(shares) <= 0:
        raise ValueError(
            f"Expected a share, 0 or more, for each of {len(groups)} groups of fields, "
            f"got {list(shares)}."
        )
    return shares


def _check_plan(
    run_directory: Path,
    parameters: TrainParameters,
    groups: Sequence[Sequence[Field]],
    shares: Sequence[float],
    parent: Model | None,
) -> None:
    """Write down what a run does, or check that it is the run that goes on."""
    plan = {
        "parameters": parameters.as_dict(),
        "fields": [[field.name for field in group] for group in groups],
        "shares": list(shares),
        "parent": parent.card.weights_sha256 if parent else None,
    }
    path = run_directory / "plan.json"
    if not path.exists():
        with new_file(path) as aside:
            aside.write_text(json.dumps(plan), encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != plan:
        raise ValueError(
            f"Expected to go on with the run in {run_directory}, but its data or "
            f"parameters were others. Give the same ones, or remove that folder to "
            f"start anew."
        )
