"""The messages between a process with a window and its engine.

A `Task` goes to the engine, `Reply` messages come back, and every message names the task
that it is about. Nothing here loads TensorFlow, or what a task needs to be done.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..support import Epoch

if TYPE_CHECKING:
    from ..image import BaseImage, Field, Stamp
    from ..measure import Outputs
    from ..pipeline import SegmentParameters, StackParameters
    from ..registry import Model
    from ..training import ModelInfo, TrainingSpec, TrainParameters

__all__ = [
    "Done",
    "EngineError",
    "EpochDone",
    "Export",
    "Failed",
    "FetchMaps",
    "FileSummary",
    "FineTune",
    "Load",
    "Progress",
    "Relabel",
    "RelabelExpired",
    "Reply",
    "Segment",
    "SegmentFile",
    "SegmentImage",
    "Stop",
    "Task",
    "Train",
    "TryOut",
    "Warm",
    "Warned",
]


class EngineError(RuntimeError):
    """The engine process ended in the middle of a task, or could not start."""


class RelabelExpired(LookupError):
    """The maps of a segmentation are no longer kept."""


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Something that the engine can do.

    Parameters
    ----------
    id : str, optional
        Identifies the task in all messages about it. Made if left out.
    """

    id: str = dataclasses.field(default_factory=_new_id, kw_only=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Load(Task):
    """Load TensorFlow and a model, which is kept for the next tasks. The result is None.

    Parameters
    ----------
    model : str, Path or Model
        The model, or its name or folder.
    """

    model: str | Path | Model


@dataclasses.dataclass(frozen=True, eq=False)
class Warm(Task):
    """Load TensorFlow and a model, and run the model once. The result is None.

    Parameters
    ----------
    model : str, Path or Model
        The model, or its name or folder.
    """

    model: str | Path | Model


@dataclasses.dataclass(frozen=True, eq=False)
class TryOut(Task):
    """Load a model of a stranger, and segment a small field with it. The result is None.

    A ValueError says if that fails.

    Parameters
    ----------
    model : Model
        The model.
    """

    model: Model


@dataclasses.dataclass(frozen=True, eq=False)
class Export(Task):
    """Write a model for other programs. The result is the path of the file.

    Parameters
    ----------
    model : Model
        The model.
    destination : Path
        The file to make.
    format : str
        ``"onnx"`` or ``"bioimageio"``.
    """

    model: Model
    destination: Path
    format: str


@dataclasses.dataclass(frozen=True, eq=False)
class Segment(Task):
    """Find the nuclei in a field. The result is a `Segmentation`.

    Parameters
    ----------
    field : Field
        The image.
    model : str, Path or Model
        The model, or its name or folder.
    parameters : SegmentParameters
        How to segment.
    channel : int, optional
        The channel of the whole image that the field was made of, see `Field.of_channel`.
        It is only written into the provenance. None if the field is the whole image.
    keep_maps : bool, optional
        Whether the engine keeps the maps for a `Relabel`.
    return_maps : bool, optional
        Whether the result has the maps.
    """

    field: Field
    model: str | Path | Model
    parameters: SegmentParameters
    channel: int | None = None
    keep_maps: bool = False
    return_maps: bool = False


@dataclasses.dataclass(frozen=True)
class FileSummary:
    """What was found in a file.

    Parameters
    ----------
    nuclei : int
        How many.
    shape : tuple of int
        Height and width of the image in pixels.
    suspicion : float
        Mean estimated chance that a nucleus is wrong, or that a place without one should
        have one, 0 to 1; 1 if no nucleus was found.
    """

    nuclei: int
    shape: tuple[int, int]
    suspicion: float


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentFile(Task):
    """Find the nuclei in a file, and write them. The result is a `FileSummary`.

    No pixel travels between the processes. The files are those of ``nucseg segment``.

    Parameters
    ----------
    image : Path
        The file.
    outputs : Outputs
        What is written, and where to.
    model : str, Path or Model
        The model, or its name or folder.
    parameters : SegmentParameters
        How to segment.
    stamp : tuple of int or None, optional
        See `image.stamp_of`: of the file of the labels when it was decided to replace it; None
        if there was none. If it is another by now, nothing is written, and the error is a
        `FileExistsError`.
    """

    image: Path
    outputs: Outputs
    model: str | Path | Model
    parameters: SegmentParameters
    stamp: Stamp | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentImage(Task):
    """Find the nuclei in a stack or a series. The result is a `Segmentation`.

    Parameters
    ----------
    image : BaseImage
        Of any axes; its planes are read one after the other.
    model : str, Path or Model
        The model, or its name or folder.
    parameters : SegmentParameters
        How to segment planes.
    stack : StackParameters
        How to put them together.
    return_maps : bool, optional
        Whether the result has the maps.
    """

    image: BaseImage
    model: str | Path | Model
    parameters: SegmentParameters
    stack: StackParameters
    return_maps: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Relabel(Task):
    """Make other labels from maps that were kept. The result is a `Segmentation`.

    It fails with `RelabelExpired` if the maps are no longer kept.

    Parameters
    ----------
    key : str
        Id of the `Segment` task that made the maps.
    parameters : SegmentParameters
        Of these the probability and the minimum size are used.
    """

    key: str
    parameters: SegmentParameters


@dataclasses.dataclass(frozen=True, eq=False)
class FetchMaps(Task):
    """Bring maps that were kept, for tools that correct labels. The result is a `Maps`.

    Its values are float16, shape (Y, X, M): half of the memory, and precise to 0.0005. It
    fails with `RelabelExpired` if the maps are no longer kept.

    Parameters
    ----------
    key : str
        Id of the `Segment` task that made the maps.
    """

    key: str


@dataclasses.dataclass(frozen=True, eq=False)
class FineTune(Task):
    """Fine-tune a model on corrected fields. The result is a `FineTuneResult`.

    Parameters
    ----------
    fields : sequence of Field, str or Path
        Fields with corrected labels, or the folder of a training set.
    parent : str, Path or Model
        The model to start from, or its name or folder.
    name : str
        Name of the new model.
    parameters : TrainParameters
        How to train.
    run_directory : Path, optional
        Where checkpoints are kept; a new folder if left out.
    data : str, optional
        Folder that the fields came from, for the card.
    """

    fields: Sequence[Field] | str | Path
    parent: str | Path | Model
    name: str
    parameters: TrainParameters
    run_directory: Path | None = None
    data: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Train(Task):
    """Train a model. The result is the `Model`.

    Parameters
    ----------
    spec : TrainingSpec
        What to learn from, and what to start from.
    output : Path
        Folder of the new model.
    info : ModelInfo
        What the card of the model says.
    parameters : TrainParameters
        How to train.
    """

    spec: TrainingSpec
    output: Path
    info: ModelInfo
    parameters: TrainParameters


@dataclasses.dataclass(frozen=True)
class Stop:
    """Ask for a task to end early. It has no effect on any other task.

    Parameters
    ----------
    task_id : str
        Id of the task.
    """

    task_id: str


@dataclasses.dataclass(frozen=True, eq=False)
class Reply:
    """A message about a task, from the engine.

    Parameters
    ----------
    task_id : str
        Id of the task.
    """

    task_id: str


@dataclasses.dataclass(frozen=True, eq=False)
class Progress(Reply):
    """A step of a task is done.

    Parameters
    ----------
    done, total : int
        Steps done, and steps in all.
    text : str
        What is being done.
    """

    done: int
    total: int
    text: str


@dataclasses.dataclass(frozen=True, eq=False)
class EpochDone(Reply):
    """An epoch of a training is done.

    Parameters
    ----------
    epoch : Epoch
        The epoch.
    """

    epoch: Epoch


@dataclasses.dataclass(frozen=True, eq=False)
class Warned(Reply):
    """A task has warned the user.

    Parameters
    ----------
    text : str
        The warning.
    """

    text: str


@dataclasses.dataclass(frozen=True, eq=False)
class Done(Reply):
    """A task has ended with a result.

    Parameters
    ----------
    value : object
        The result; its type depends on the type of the task.
    """

    value: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Failed(Reply):
    """A task has ended with an error, or was stopped before it had a result.

    Parameters
    ----------
    error : BaseException
        The error; `Stopped` if the task was stopped.
    """

    error: BaseException
