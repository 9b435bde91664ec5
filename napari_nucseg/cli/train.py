"""The commands ``nucseg train`` and ``nucseg fine-tune``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from .. import api
from ..network import DEFAULT_ARCHITECTURE, kinds
from ..registry import Card, load_model
from ..support import Stopped, pluralize
from ..training import (
    BEST,
    DEFAULT_BUDGET,
    FEW_NUCLEI,
    IMAGENET,
    RANDOM,
    Initialization,
    ModelInfo,
    Run,
    TrainParameters,
    fine_tune_parameters,
)
from .options import add_axes, add_command, add_model, add_parameters, given
from .terminal import interruptible, reporting, say

__all__ = ["add_fine_tune", "add_train"]


def add_train(commands: Any) -> None:
    """Add the command ``train``.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(
        commands, "train", _train, "Train a model, from scratch or from another one."
    )
    command.add_argument(
        "data",
        nargs="+",
        metavar="DATA",
        help="Folder with images/ and masks/, or name or folder of a training set; each is a "
        "group of images of one kind.",
    )
    text = "Folder of the new model."
    command.add_argument("--output", required=True, type=Path, metavar="DIR", help=text)
    command.add_argument(
        "--sampling-weights",
        nargs="+",
        type=float,
        metavar="S",
        help="How often each group is trained on; left out, by its number of images.",
    )
    command.add_argument(
        "--validation",
        nargs="+",
        default=(),
        metavar="DATA",
        help="Folders only to score on, to choose the best epoch; left out, some is held out.",
    )
    command.add_argument(
        "--model",
        metavar="NAME|DIR",
        help="Model whose weights training starts from; left out, they are random.",
    )
    command.add_argument(
        "--widths",
        nargs="+",
        type=int,
        metavar="W",
        help="Filters at a half, a quarter, ... of the resolution; left out, those of the "
        "model, or the usual ones. A model can be given more levels, its decoder more filters.",
    )
    command.add_argument(
        "--architecture",
        choices=kinds(),
        help=f"{_architectures()}. Left out, that of the model, or {DEFAULT_ARCHITECTURE}.",
    )
    command.add_argument(
        "--encoder-weights",
        metavar="FILE",
        help=f"Initial weights of the encoder of a new network: {IMAGENET} (downloaded), "
        f"{RANDOM}, or a file of weights ({_encoder_sources()}).",
    )
    for field in dataclasses.fields(ModelInfo):
        command.add_argument(
            f"--{field.name.replace('_', '-')}", default="", help="For the model's card."
        )
    add_axes(command)
    add_parameters(command, TrainParameters())


def _architectures() -> str:
    """Say what the architectures are."""
    return "; ".join(f"{kind}: {one.summary}" for kind, one in kinds().items())


def _encoder_sources() -> str:
    """Say which files of weights an encoder can load."""
    return "; ".join(
        f"{kind}: {one.encoder_source}" for kind, one in kinds().items() if one.encoder_source
    )


def add_fine_tune(commands: Any) -> None:
    """Add the command ``fine-tune``.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(commands, "fine-tune", _fine_tune, "Fine-tune a model.")
    command.add_argument(
        "data",
        nargs="+",
        metavar="DATA",
        help="Folder with images/ and masks/, or name or folder of a training set.",
    )
    add_model(command, "Model to start from.")
    command.add_argument("--name", required=True, help="Name of the new model.")
    command.add_argument(
        "--budget",
        type=_budget,
        metavar=f"MINUTES|{BEST}",
        default=DEFAULT_BUDGET,
        help=f"Time for all of it: preparing, training and scoring; {BEST!r} trains until the "
        "score gets no better. The options below replace what it says; with "
        "--steps-per-epoch the steps are counted and the time is not. Default: %(default)g.",
    )
    add_axes(command)
    add_parameters(command, TrainParameters(), defaults=False)


def _budget(text: str) -> float | str:
    """Read a time budget, and refuse what is none."""
    try:
        fine_tune_parameters(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text if text == BEST else float(text)


def _train(options: Any) -> int:
    info = {field.name: getattr(options, field.name) for field in dataclasses.fields(ModelInfo)}
    info["name"] = info["name"] or options.output.name
    output = options.output.absolute()
    run = Run.of_output(output)
    if run.has_epoch and not output.exists():
        say(f"Found a run that finished epoch {run.last_epoch}: {run.folder}")
    with interruptible() as should_stop:
        try:
            model = api.train(
                options.data,
                output,
                info=ModelInfo(**info),
                sampling_weights=options.sampling_weights,
                validation=options.validation,
                initialization=Initialization(
                    load_model(options.model) if options.model else None,
                    options.architecture,
                    options.widths,
                    options.encoder_weights,
                ),
                axes=options.axes,
                callbacks=reporting(should_stop),
                **given(options, TrainParameters),
            )
        except Stopped as error:
            raise Stopped(_stopped(run)) from error
    say(f"Model {model.card.name!r} is in {model.folder}. {_scores(model.card)}")
    return 0


def _stopped(run: Run) -> str:
    """Say what there is of a run that was stopped."""
    if not run.has_epoch:
        return "Stopped before the end of the first epoch: the same command begins anew."
    return f"Stopped. The same command goes on after epoch {run.last_epoch}, from {run.folder}."


def _scores(card: Card) -> str:
    """Say how good a new model is, and how much that can be trusted."""
    nuclei = card.training["nuclei_held_out"]
    before = card.scores.get("parent_held_out_mean_ap")
    than = f", that of {card.parent!r} {before:.3f}" if before is not None else ""
    score = card.scores["held_out_mean_ap"]
    caution = " So few nuclei tell little." if nuclei < FEW_NUCLEI else ""
    return (
        f"On the held-out part ({pluralize(nuclei)}) its mean AP is {score:.3f}{than}.{caution}"
    )


def _fine_tune(options: Any) -> int:
    with interruptible() as should_stop:
        result = api.fine_tune(
            options.data,
            options.name,
            options.model,
            budget=options.budget,
            axes=options.axes,
            callbacks=reporting(should_stop),
            **given(options, TrainParameters),
        )
    stopped = f"Stopped after epoch {result.epochs}. " if should_stop() else ""
    say(f"{stopped}Model {result.name!r} is in {result.path}. {result.comparison}")
    if result.verdict is not None:
        say("Mean AP, and 95 % interval of the difference:")
        for part in result.verdict.parts:
            say(f"  {part.text}")
    return 0
