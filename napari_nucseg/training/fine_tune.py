"""Corrected fields to a better model: fine-tune, compare, keep."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..image import Field
from ..registry import (
    CARD_FILE,
    Card,
    Model,
    check_new_name,
    checksum,
    load_model,
    models_directory,
    save_model,
)
from ..support import (
    Callbacks,
    Stopped,
    new_run_directory,
    pluralize,
    process_stamp,
    runs_directory,
)
from .checkpoint import (
    KEPT_FILE,
    Checkpoint,
    latest_checkpoint,
    read_plan,
    remove_old_runs,
    write_plan,
)
from .hold_out import check_fields, hold_out
from .parameters import TrainParameters
from .train import weights_and_history

__all__ = [
    "DEFAULT_PRESET",
    "FEW_NUCLEI",
    "FINE_TUNE_PRESETS",
    "FineTuneResult",
    "fine_tune_fields",
    "finish_run",
    "saved_already",
]

#: How thoroughly to fine-tune, from a minute to a long coffee.
FINE_TUNE_PRESETS = {
    "quick": TrainParameters(
        epochs=3, steps_per_epoch=8, learning_rate=3e-4, validation_fraction=0.25
    ),
    "balanced": TrainParameters(
        epochs=5, steps_per_epoch=8, learning_rate=3e-4, validation_fraction=0.25
    ),
    "thorough": TrainParameters(
        epochs=20, steps_per_epoch=20, learning_rate=3e-4, validation_fraction=0.25
    ),
}

#: The preset used when none is chosen.
DEFAULT_PRESET = "balanced"

_CORRECTED = "fields corrected by the user"

#: A score on fewer nuclei than this can be luck.
FEW_NUCLEI = 50

#: Scores that are the same to so many digits are no different.
_DIGITS = 3


@dataclasses.dataclass(frozen=True)
class FineTuneResult:
    """What came of fine-tuning.

    Parameters
    ----------
    name : str
        Name of the new model.
    path : Path
        Its folder.
    parent : str
        Name of the model it started from.
    parent_score, score : float
        Mean AP of both over IoU 0.5 to 0.9 on the part that was held out.
    nuclei : int or None
        How many nuclei there are on that part, None if a run of an older version does not say.
    better : bool
        Whether the new model scores at least as high as its parent, to three digits, and
        above 0.
    epochs : int
        Epochs finished.
    seconds : float
        How long it took.
    """

    name: str
    path: Path
    parent: str
    parent_score: float
    score: float
    nuclei: int | None
    better: bool
    epochs: int
    seconds: float

    @property
    def comparison(self) -> str:
        """What the scores say, in sentences for people."""
        part = "the held-out part"
        few = self.nuclei is not None and self.nuclei < FEW_NUCLEI
        if self.nuclei is not None:
            part += f" ({pluralize(self.nuclei)})"
        sentences = [
            f"On {part} it scores {self.score:.3f}, {self.parent!r} {self.parent_score:.3f}.",
            self._verdict,
            "So few nuclei tell little: look at the next image, too." if few else "",
        ]
        return " ".join(filter(None, sentences))

    @property
    def _verdict(self) -> str:
        """What that means, where it is not plain."""
        if not (self.score or self.parent_score):
            return (
                "Neither finds a nucleus as it is labelled there. Check that labels and images "
                "belong together, and that each nucleus has a value of its own."
            )
        if not self.better:
            return (
                f"It is worse: keep using {self.parent!r}. More corrected fields usually help."
            )
        alike = round(self.score, _DIGITS) == round(self.parent_score, _DIGITS)
        return "Both do equally well there." if alike else ""


def fine_tune_fields(
    fields: Sequence[Field],
    parent: Model,
    name: str,
    parameters: TrainParameters,
    *,
    run_directory: Path | None = None,
    callbacks: Callbacks = Callbacks(),
) -> FineTuneResult:
    """Fine-tune a model on corrected fields (transfer learning).

    A part of the fields is held out; parent and new model are both scored on
    it. The new model is saved under its own name and knows its parent.

    Parameters
    ----------
    fields : sequence of Field
        With corrected labels.
    parent : Model
        Model to start from.
    name : str
        Name of the new model.
    parameters : TrainParameters
        How to train, for example one of `FINE_TUNE_PRESETS`.
    run_directory : Path, optional
        Where checkpoints are kept, so that `finish_run` can make a model of
        what a killed run left. Left out, a new folder among those of the window, which
        offers such a run; it is removed when there is a model, or nothing to make one of.
    callbacks : Callbacks, optional
        Who is told, and who may end it: then the best epoch so far (with ``keep_last`` the
        last) becomes the model.

    Returns
    -------
    FineTuneResult
        The new model's name and scores.

    Raises
    ------
    ValueError
        If there is nothing to learn from, or the name cannot be one.
    FileExistsError
        If there is a model of that name.
    Stopped
        If it should stop before the end of the first epoch.
    """
    check_fields(fields)
    check_new_name(name)
    groups, held_out = hold_out([list(fields)], parameters.validation_fraction)
    training = {
        "parameters": parameters.as_dict(),
        "fields": len(fields),
        "nuclei": sum(field.nuclei for field in fields),
        "nuclei_held_out": sum(field.nuclei for field in held_out),
    }
    with _run_in(run_directory) as directory:
        plan = {"name": name, "parent_folder": str(parent.folder), "training": training}
        write_plan(directory, {**plan, **process_stamp()})

        from ..network import Trainer, TrainingData, read_architecture

        architecture = read_architecture(parent.card.architecture)
        trainer = Trainer(architecture, parameters, parent)
        with contextlib.suppress(Stopped):  # what there is by then can be finished
            trainer.fit(TrainingData(groups, [1.0], held_out), directory, callbacks)
        return finish_run(directory)


@contextlib.contextmanager
def _run_in(run_directory: Path | None) -> Iterator[Path]:
    """Yield the folder of a run, if need be a new one, which stays if it could be finished."""
    if run_directory is not None:
        yield run_directory
        return
    remove_old_runs(runs_directory())
    directory = new_run_directory()
    try:
        yield directory
    except BaseException as error:
        if latest_checkpoint(directory) is None:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            _leave(directory)
            error.add_note(
                f"What was learned is kept in {directory}: the napari widget offers it when it "
                f"opens."
            )
        raise
    shutil.rmtree(directory, ignore_errors=True)


def _leave(run_directory: Path) -> None:
    """Let others finish a run although this process goes on."""
    plan = read_plan(run_directory)
    del plan["process"]
    with contextlib.suppress(OSError):  # the disk may be full
        write_plan(run_directory, plan)


def finish_run(run_directory: Path, name: str = "") -> FineTuneResult:
    """Make a model of what a run of fine-tuning left on disk.

    Parameters
    ----------
    run_directory : Path
        Folder of a run that ended, was stopped or was killed.
    name : str, optional
        Name of the new model; left out, the one that was planned.

    Returns
    -------
    FineTuneResult
        The new model's name and scores.

    Raises
    ------
    Stopped
        If the run did not finish an epoch.
    FileExistsError
        If there is a model of its name by now.
    """
    checkpoint = latest_checkpoint(run_directory)
    if checkpoint is None:
        raise Stopped("Retraining ended before its first epoch, so there is no new model.")
    plan = read_plan(run_directory)
    parent = load_model(plan["parent_folder"])
    kept, start = checkpoint.kept, checkpoint.history[0]
    fields = plan["training"]["fields"]
    sources = parent.card.training_data.split("; ")
    card = Card(
        name=name or plan["name"],
        description=f"{parent.card.name}, fine-tuned on {pluralize(fields, 'field')}.",
        version="1",
        created=datetime.date.today().isoformat(),
        architecture=parent.card.architecture,
        training_data="; ".join(filter(None, dict.fromkeys([*sources, _CORRECTED]))),
        data_license=parent.card.data_license,
        license=parent.card.license,
        parent=parent.card.name,
        parent_sha256=parent.card.weights_sha256,
        training={**plan["training"], "kept_epoch": kept.epoch},
        scores={
            "held_out_mean_ap": round(kept.score, 6),
            "parent_held_out_mean_ap": round(start.score, 6),
        },
    )
    folder = saved_already(checkpoint, card.name)
    if folder is None:
        folder = save_model(card, weights_and_history(checkpoint)).folder
    return FineTuneResult(
        name=card.name,
        path=folder,
        parent=parent.card.name,
        parent_score=start.score,
        score=kept.score,
        nuclei=plan["training"].get("nuclei_held_out"),
        better=round(kept.score, _DIGITS) >= round(start.score, _DIGITS) and kept.score > 0,
        epochs=checkpoint.history[-1].epoch,
        seconds=time.time() - plan["began"],
    )


def saved_already(checkpoint: Checkpoint, name: str) -> Path | None:
    """Look for a model that a run had saved before it was killed.

    Parameters
    ----------
    checkpoint : Checkpoint
        The last one of the run.
    name : str
        Name of the model.

    Returns
    -------
    Path or None
        Its folder, None if there is no model of that name or it is another one.
    """
    folder = models_directory() / name
    if not (folder / CARD_FILE).is_file():
        return None
    model = load_model(folder)
    same = model.card.weights_sha256 == checksum(checkpoint.folder / KEPT_FILE)
    return folder if same else None
