"""The public functions: the whole loop without a window.

Where Qt is loaded, as in napari's console or a notebook beside it, the work
goes through the engine process, because TensorFlow and OpenGL in one process
can crash it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from .engine import needs_engine, run_in_engine
from .image import (
    Field,
    as_labels,
    instances_of,
    read_fields,
    read_image,
    read_labels,
    warn_of_doubts,
)
from .measure import Scores, match_counts, summarize
from .network import make_trainer, resolve
from .pipeline import SegmentParameters, segment_field
from .registry import DEFAULT_MODEL, Model, load_model
from .support import Callbacks, from_keywords
from .training import (
    DEFAULT_PRESET,
    FINE_TUNE_PRESETS,
    FineTuneResult,
    Initialization,
    ModelInfo,
    TrainingSpec,
    TrainParameters,
    fine_tune_fields,
    train_fields,
)

__all__ = ["evaluate", "fine_tune", "segment", "train"]

#: A folder of pairs, see `pairs.find_pairs`, or a field with labels.
Data = str | Path | Field


def segment(
    image: Any,
    model: str | Path | Model = DEFAULT_MODEL,
    *,
    axes: str = "",
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> np.ndarray:
    """Find the nuclei in an image.

    Parameters
    ----------
    image : array_like, path or Field
        Grey (Y, X), color (Y, X, 3) or with channels (C, Y, X).
    model : str, path or Model, optional
        Name or folder of a model.
    axes : str, optional
        Axes of an array, see `Field`; guessed when left out.
    callbacks : Callbacks, optional
        Who is told, and who may end it. `should_stop` is asked between steps, perhaps by
        another thread; if it returns True, `Stopped` is raised.
    **parameters
        Those of `SegmentParameters`: ``channel``, ``diameter``,
        ``probability``, ``minimum_size``, ``test_time_augmentations``.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 is background, nuclei are numbered from 1 in reading order.

    Raises
    ------
    TypeError, ValueError
        If the image or a parameter is not usable.
    FileNotFoundError
        If there is no such model or file.

    Examples
    --------
    >>> from skimage.data import immunohistochemistry
    >>> labels = segment(immunohistochemistry(), minimum_size=50)
    """
    options = from_keywords(SegmentParameters, parameters)
    field = _as_field(image, axes)
    field.check_channel(options.channel)
    chosen = model if isinstance(model, Model) else load_model(model)
    if needs_engine():
        arguments = {"field": field, "model": str(chosen.folder), "parameters": options}
        return run_in_engine("segment", arguments, callbacks).labels
    return segment_field(field, chosen, options, callbacks).labels


def _as_field(image: Any, axes: str) -> Field:
    if isinstance(image, Field):
        return image
    if isinstance(image, str | Path):
        return read_image(image)
    return Field(image, axes)


def train(
    data: Data | Sequence[Data | Sequence[Data]],
    output: str | Path,
    *,
    info: ModelInfo | None = None,
    sampling_weights: Sequence[float] | None = None,
    validation: Data | Sequence[Data] = (),
    initialization: str | Path | Model | Initialization | None = None,
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> Model:
    """Train a model, from scratch or from another one.

    Parameters
    ----------
    data : path, Field, or sequence of these or of sequences of them
        A sequence, or a single one: each a folder of pairs of image and mask, or a sequence
        of fields, which is a group of fields of one kind.
    output : path
        Folder of the new model; it must not exist. A run that was stopped or
        killed is resumed when the same call is made again.
    info : ModelInfo, optional
        What the card of the model says; left out, only the name of the folder.
    sampling_weights : sequence of float, optional
        How often patches come from each group, in any unit.
    validation : path, Field or sequence, optional
        Folders or fields only to score on, to choose the best epoch; left out, a part of
        `data` is held out.
    initialization : str, path, Model or Initialization, optional
        Model whose weights training starts from, or an `Initialization`, which also says
        the architecture and the initial weights of its encoder; left out, the default
        architecture with random weights.
    callbacks : Callbacks, optional
        Told after every step and epoch, and asked before every step.
    **parameters
        Those of `TrainParameters`.

    Returns
    -------
    Model
        The new model.
    """
    options = from_keywords(TrainParameters, parameters)
    # The engine has a working folder of its own.
    output = Path(output).absolute()
    if not isinstance(initialization, Initialization):
        initialization = Initialization(initialization)
    # An error is told before the data is read.
    resolve(initialization)
    groups = [_read(data)] if isinstance(data, str | Path | Field) else list(map(_read, data))
    weights = () if sampling_weights is None else sampling_weights
    spec = TrainingSpec(groups, weights, initialization, _read(validation))
    info = info or ModelInfo(output.name)
    if needs_engine():
        arguments = {"spec": spec, "output": output, "info": info, "parameters": options}
        return run_in_engine("train", arguments, callbacks)
    return train_fields(spec, output, info, options, make_trainer, callbacks=callbacks)


def fine_tune(
    data: Data | Sequence[Data],
    name: str,
    model: str | Path | Model = DEFAULT_MODEL,
    *,
    preset: str = DEFAULT_PRESET,
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> FineTuneResult:
    """Fine-tune a model on corrected fields.

    Parameters
    ----------
    data : path, Field, or sequence of these
        Folders of pairs of image and mask, or fields with labels.
    name : str
        Name of the new model.
    model : str, path or Model, optional
        Model to start from.
    preset : str, optional
        ``"quick"``, ``"balanced"`` or ``"thorough"``.
    callbacks : Callbacks, optional
        Told after every step and epoch, and asked before every step. If it
        should stop, the best epoch so far (with ``keep_last`` the last) becomes the model.
    **parameters
        Those of `TrainParameters`, instead of the preset's.

    Returns
    -------
    FineTuneResult
        Name, folder and scores of the new model.
    """
    if preset not in FINE_TUNE_PRESETS:
        raise ValueError(
            f"Expected a preset out of {', '.join(FINE_TUNE_PRESETS)}, got {preset!r}."
        )
    values = {**FINE_TUNE_PRESETS[preset].as_dict(), **parameters}
    options = from_keywords(TrainParameters, values)
    fields = _read(data)
    parent = model if isinstance(model, Model) else load_model(model)
    if needs_engine():
        arguments = {
            "fields": fields,
            "model": str(parent.folder),
            "name": name,
            "parameters": options,
            "run_directory": None,
        }
        return run_in_engine("fine_tune", arguments, callbacks)
    return fine_tune_fields(fields, parent, name, options, make_trainer, callbacks=callbacks)


def _read(data: Data | Sequence[Data]) -> list[Field]:
    """Read the fields of folders of pairs."""
    if isinstance(data, Field):
        return [data]
    if isinstance(data, str | Path):
        return read_fields([data])
    if not isinstance(data, Iterable) or hasattr(data, "dtype"):
        raise TypeError(
            f"Expected a folder of pairs of image and mask, or a Field(image, labels=...), got "
            f"{type(data).__name__}."
        )
    parts = list(data)
    folders = [part for part in parts if isinstance(part, str | Path)]
    if len(folders) == len(parts):
        return read_fields(folders)
    return [field for part in parts for field in _read(part)]


def evaluate(predicted: Any, true: Any) -> Scores:
    """Score labels against the truth.

    Parameters
    ----------
    predicted, true : array_like, path, or iterable of these
        Label images, (Y, X), in the same order; an array (N, Y, X) is a sequence of N. A
        binary mask, which has a single value in pieces of comparable size, is taken apart
        into its connected components.

    Returns
    -------
    Scores
        AP at IoU 0.5 to 0.9, pooled and per image, F1, PQ, Dice, IoU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If something is no label image, there are not as many of one as of the other, or
        the shapes differ.

    Warns
    -----
    UserWarning
        If a mask is binary, or its values do not seem to stand for nuclei.
    """
    one, two = _label_images(predicted, "predicted"), _label_images(true, "true")
    if len(one) != len(two):
        raise ValueError(
            f"Expected as many predicted as true label images, got {len(one)} and {len(two)}."
        )
    counts, doubts = [], []
    for (name, labels), (true_name, truth) in zip(one, two, strict=True):
        first, doubt = instances_of(_labels(name, labels))
        second, true_doubt = instances_of(_labels(true_name, truth))
        doubts += [(name, doubt), (true_name, true_doubt)]
        try:
            counts.append(match_counts(first, second))
        except ValueError as error:
            raise ValueError(f"{name} and {true_name}: {error}") from error
    warn_of_doubts(doubts)
    return summarize(counts)


def _label_images(labels: Any, what: str) -> list[tuple[str, Any]]:
    """Return one or several label images, each with what to call it."""
    if isinstance(labels, str | Path):
        return [(str(labels), labels)]
    if isinstance(labels, list | tuple) and np.ndim(labels[0] if labels else 0) == 1:
        labels = np.asarray(labels)
    try:
        if isinstance(labels, Mapping | Set):
            raise TypeError("no order")
        several = [labels] if len(getattr(labels, "shape", ())) == 2 else list(labels)
    except TypeError as error:
        raise TypeError(
            f"Expected {what} label images, (Y, X) or (N, Y, X), or files of them, got "
            f"{type(labels).__name__}."
        ) from error
    return [
        (str(one) if isinstance(one, str | Path) else f"the {what} labels {number}", one)
        for number, one in enumerate(several, start=1)
    ]


def _labels(name: str, labels: Any) -> np.ndarray:
    if isinstance(labels, str | Path):
        return read_labels(labels)
    array = np.asarray(labels)
    try:
        if array.ndim == 0:
            hint = " Give its labels." if isinstance(labels, Field) else ""
            raise TypeError(
                f"Expected a label image (Y, X), or a file of one, got "
                f"{type(labels).__name__}.{hint}"
            )
        if array.ndim != 2:
            raise ValueError(f"Expected a label image (Y, X), got shape {array.shape}.")
        return as_labels(array, array.shape)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error
