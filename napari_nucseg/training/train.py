"""Train a model from scratch or from another one: fields in, a model out."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..image import Field
from ..registry import CARD_FILE, Model, check_model_name, check_new_name
from ..support import (
    Callbacks,
    Epoch,
    Stopped,
    check_new_folder,
    pluralize,
    runs_directory,
)
from .hold_out import check_fields, hold_out
from .initialization import Initialization
from .lessons import lessons_in, warn_of_seen
from .parameters import TrainParameters
from .plan import ModelInfo, RunPlan
from .reference import ReferenceSet, reference_set
from .result import FineTuneResult
from .run import Run
from .trainer import MakeTrainer, Trainer, TrainingData

__all__ = ["TrainingSpec", "fine_tune_fields", "train_fields"]

_CORRECTED = "fields corrected by the user"


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
    initialization : Initialization, optional
        The network and its initial weights; left out, the default with random ones.
    validation : sequence of Field, optional
        Fields with labels to score the model on; left out, some of the others are held
        out for that.
    data : str, optional
        Folder that all fields came from, for the card.

    Raises
    ------
    ValueError
        If the sampling weights do not fit the groups, or there is nothing to score on.
    """

    groups: Sequence[Sequence[Field]]
    sampling_weights: Sequence[float] = ()
    initialization: Initialization = dataclasses.field(default_factory=Initialization)
    validation: Sequence[Field] = ()
    data: str = ""

    def __post_init__(self) -> None:
        if self.validation:
            check_fields(self.validation, "score")
        given = len(self.sampling_weights) > 0
        sizes = [len(group) for group in self.groups]
        weights = [float(weight) for weight in (self.sampling_weights if given else sizes)]
        object.__setattr__(self, "sampling_weights", weights)
        good = len(weights) == len(sizes) and min(weights, default=0) >= 0
        if given and not (good and 0 < sum(weights) < math.inf):
            raise ValueError(
                f"Expected a sampling weight, 0 or more, for each of {len(sizes)} groups of "
                f"fields, got {weights}."
            )

    @property
    def fields(self) -> list[Field]:
        """The fields of all groups."""
        return [field for group in self.groups for field in group]


def train_fields(
    spec: TrainingSpec,
    output: Path,
    info: ModelInfo,
    parameters: TrainParameters,
    make_trainer: MakeTrainer,
    *,
    callbacks: Callbacks = Callbacks(),
) -> Model:
    """Train a model, from scratch or from another one.

    The run has a folder beside the output, with ``.run`` at the end of its name. A run
    that was stopped or killed is resumed by the same call.

    Parameters
    ----------
    spec : TrainingSpec
        What to learn from, and what to start from.
    output : Path
        Folder of the new model; it must not exist.
    info : ModelInfo
        What the card says.
    parameters : TrainParameters
        How to train.
    make_trainer : callable
        Makes the trainer of the network.
    callbacks : Callbacks, optional
        They are told of the progress, and can stop the work.

    Returns
    -------
    Model
        The new model: the epoch that scored highest, or the last one.

    Raises
    ------
    ValueError
        If there is nothing to learn from, if the folder of the run holds a run with other
        parameters, or if another process works on it.
    FileExistsError
        If `output` exists.
    Stopped
        If it should stop; the same call resumes it.
    """
    _check_output(output)
    check_model_name(info.name)
    check_fields(spec.fields)
    spec = _lessons_of(spec)
    trainer = make_trainer(spec.initialization, parameters)
    data = _divide(spec, parameters)
    plan = _plan(spec, data, trainer, info, output)
    data = _with_rehearsal(data, None, parameters.rehearsal)
    run = Run.of_output(output)

    def on_epoch(epoch: Epoch) -> None:
        run.write_history()
        callbacks.on_epoch(epoch)

    with run.work(plan):
        trainer.fit(data, run, dataclasses.replace(callbacks, on_epoch=on_epoch))
        model = run.make_model()
    run.remove()
    return model


def fine_tune_fields(
    fields: Sequence[Field],
    parent: Model,
    name: str,
    parameters: TrainParameters,
    make_trainer: MakeTrainer,
    *,
    run_directory: Path | None = None,
    data: str = "",
    reference: ReferenceSet | None = None,
    callbacks: Callbacks = Callbacks(),
) -> FineTuneResult:
    """Fine-tune a model on corrected fields (transfer learning).

    A part of the fields is held out. Parent and new model are both scored on it. The new
    model is saved under its own name among the user's models and knows its parent.

    Parameters
    ----------
    fields : sequence of Field
        With corrected labels.
    parent : Model
        Model to start from.
    name : str
        Name of the new model.
    parameters : TrainParameters
        How to train, for example what `fine_tune_parameters` returns.
    make_trainer : callable
        Makes the trainer of the network.
    run_directory : Path, optional
        Folder of the run, which the caller removes. Left out, a new one among the runs
        that the window offers to finish; it is removed when there is a model.
    data : str, optional
        Folder that the fields came from, for the card.
    reference : ReferenceSet, optional
        Images of other kinds, to rehearse and to compare on; left out, those that ship with
        the package. An empty one goes without.
    callbacks : Callbacks, optional
        They are told of the progress, and can stop the work. Then the best epoch so far
        (with ``keep_last`` the last) becomes the model, and it is not compared.

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
    spec = TrainingSpec([list(fields)], initialization=Initialization(parent), data=data)
    spec = _lessons_of(spec)
    trainer = make_trainer(spec.initialization, parameters)
    divided = _divide(spec, parameters)
    plan = _plan(spec, divided, trainer, _info_of_child(parent, name, len(fields)))
    divided = _with_rehearsal(divided, reference, parameters.rehearsal)
    divided = dataclasses.replace(divided, compare=True)
    with _run_in(run_directory) as run, run.work(plan):
        # What was learned before the stop becomes the model.
        with contextlib.suppress(Stopped):
            trainer.fit(divided, run, callbacks)
        return run.finish()


def _check_output(output: Path) -> None:
    """Check that the folder of a new model is new, and say so if its run is finished."""
    if (output / CARD_FILE).is_file():
        raise FileExistsError(
            f"Expected a new folder, got {output}, which holds a model: this training is "
            f"finished, or another one was put there. To train on from it, name it as the "
            f"model to start from (--model of the command) and give another folder."
        )
    check_new_folder(output)


def _lessons_of(spec: TrainingSpec) -> TrainingSpec:
    """Leave out what nothing can be learned from."""
    pairs = zip(lessons_in(spec.groups), spec.sampling_weights, strict=True)
    groups, weights = zip(*((group, weight) for group, weight in pairs if group), strict=True)
    validation = lessons_in([spec.validation])[0] if spec.validation else []
    changed = dataclasses.replace(
        spec, groups=groups, sampling_weights=weights, validation=validation
    )
    warn_of_seen(changed.fields, validation)
    return changed


def _divide(spec: TrainingSpec, parameters: TrainParameters) -> TrainingData:
    """Divide the fields into those to train on and those to score on."""
    if spec.validation:
        groups, held_out = [list(group) for group in spec.groups], list(spec.validation)
    else:
        groups, held_out = hold_out(spec.groups, parameters.validation_fraction)
    return TrainingData(groups, spec.sampling_weights, held_out)


def _plan(
    spec: TrainingSpec,
    data: TrainingData,
    trainer: Trainer,
    info: ModelInfo,
    output: Path | None = None,
) -> RunPlan:
    """Write the plan of a run that begins now."""
    parent = spec.initialization.parent
    return RunPlan(
        info=info,
        output=None if output is None else str(output.absolute()),
        parent=parent.card.name if parent else None,
        parent_sha256=parent.card.weights_sha256 if parent else None,
        architecture=trainer.architecture,
        encoder_weights=trainer.encoder_weights,
        parameters=trainer.parameters.as_dict(),
        fields=[[field.name for field in group] for group in spec.groups],
        sampling_weights=list(spec.sampling_weights),
        validation=[field.name for field in spec.validation],
        counts={
            "fields": sum(map(len, data.groups)),
            "nuclei": sum(field.nuclei for field in spec.fields),
            "fields_held_out": len(data.held_out),
            "nuclei_held_out": sum(field.nuclei for field in data.held_out),
        },
        began=time.time(),
        data=spec.data,
        held_out=_in_words(data),
    )


def _in_words(data: TrainingData) -> list[str]:
    """Say what is held out: whole fields, or a strip of those that are also trained on."""
    trained_on = {field.name for group in data.groups for field in group}
    return [
        f"a strip of {field.name!r}" if field.name in trained_on else repr(field.name)
        for field in data.held_out
    ]


def _with_rehearsal(
    data: TrainingData, reference: ReferenceSet | None, part: float
) -> TrainingData:
    """Add what is rehearsed as a group of its own, and what is compared on."""
    if not part:
        return data
    if reference is None:
        reference = reference_set()
    groups, weights = list(data.groups), list(data.sampling_weights)
    if reference.rehearsal:
        own = (1 - part) / sum(weights)
        groups.append(list(reference.rehearsal))
        weights = [*(own * weight for weight in weights), part]
    return dataclasses.replace(
        data, groups=groups, sampling_weights=weights, reference=reference.measure
    )


def _info_of_child(parent: Model, name: str, fields: int) -> ModelInfo:
    """Say what a model is that was fine-tuned on so many fields."""
    card = parent.card
    sources = dict.fromkeys([*card.training_data.split("; "), _CORRECTED])
    return ModelInfo(
        name,
        description=f"{card.name}, fine-tuned on {pluralize(fields, 'field')}.",
        training_data="; ".join(filter(None, sources)),
        data_license=card.data_license,
        license=card.license,
    )


@contextlib.contextmanager
def _run_in(run_directory: Path | None) -> Iterator[Run]:
    """Yield the run in that folder, or in a new one that is removed when there is a model."""
    if run_directory is not None:
        yield Run(run_directory)
        return
    Run.remove_old(runs_directory())
    run = Run.new()
    try:
        yield run
    except BaseException as error:
        if run.has_epoch:
            error.add_note(
                f"What was learned is kept in {run.folder}: the napari widget offers it when "
                f"it opens."
            )
        raise
    run.remove()
