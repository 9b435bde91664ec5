"""The public functions: the whole loop without a window.

Where Qt is loaded, as in napari's console or a notebook beside it, the work
goes through the engine process, because TensorFlow and OpenGL in one process
can crash it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from . import registry
from .engine import Export, FineTune, Segment, SegmentImage, Train, TryOut, execute
from .image import (
    BaseImage,
    Field,
    MaskIssue,
    as_image,
    as_labels,
    channel_number,
    check_channel,
    instances_of,
    open_planes,
    read_fields,
    read_foreign_labels,
    read_image,
    read_labels,
    understood,
    warn_of_issues,
)
from .measure import Scores, match_counts, summarize
from .network import resolve
from .pipeline import Segmentation, SegmentParameters, StackParameters
from .registry import DEFAULT_MODEL, Model, load_model
from .support import Callbacks, from_keywords, parameters_of, warn_user
from .training import (
    DEFAULT_BUDGET,
    FineTuneResult,
    Initialization,
    ModelInfo,
    TrainingSet,
    TrainingSpec,
    TrainParameters,
    fine_tune_parameters,
    set_of,
)

__all__ = [
    "EXPORT_FORMATS",
    "evaluate",
    "export_model",
    "find_nuclei",
    "fine_tune",
    "import_labels",
    "import_model",
    "segment",
    "train",
]

#: What `export_model` writes, and how the names of the files end.
EXPORT_FORMATS = {"zip": ".zip", "onnx": ".onnx", "bioimageio": ".bioimageio.zip"}

#: A folder of pairs, see `image.read_fields`, a training set, its folder or name, or a field
#: with labels.
Data = str | Path | TrainingSet | Field


def segment(
    image: Any,
    model: str | Path | Model = DEFAULT_MODEL,
    *,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> np.ndarray:
    """Find the nuclei in an image, and return their labels only.

    Parameters
    ----------
    image : array_like, path, Image or Field
        Grey (Y, X), color (Y, X, 3) or with channels (C, Y, X); or a stack or time series of
        these, or both.
    model : str, path or Model, optional
        Name or folder of a model.
    axes : str, optional
        A letter for each axis of an array or file: T, C, Z, Y, X, and S for the samples of
        a color pixel, such as ``"TZYX"``. Left out, they are those that the array or file
        names, or guessed.
    z, t : int, optional
        Which plane of a stack and which time point, counted from 0. Left out, all of them:
        of an image TZYX ``z=3, t=0`` is one plane, ``t=0`` a stack, and neither everything.
    callbacks : Callbacks, optional
        Who is told, and who may end it. `should_stop` is asked between steps, perhaps by
        another thread; if it returns True, `Stopped` is raised.
    **parameters
        Those of `SegmentParameters`: ``channel``, ``diameter``,
        ``probability``, ``minimum_size``, ``test_time_augmentations``. The channel may also
        be given by its name, if the image names it. Of a stack or series those of
        `StackParameters`, too: ``directions``, ``voxel_depth``, ``range_per_frame``,
        ``largest_step``.

    Returns
    -------
    ndarray of int32, shape (Y, X), (Z, Y, X), (T, Y, X) or (T, Z, Y, X)
        0 is background, nuclei are numbered from 1 in reading order. A nucleus of a stack has
        one number in all planes, and one of a series keeps it until it divides.

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
    found = find_nuclei(image, model, axes=axes, z=z, t=t, callbacks=callbacks, **parameters)
    return found.labels


def find_nuclei(
    image: Any,
    model: str | Path | Model = DEFAULT_MODEL,
    *,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
    keep_maps: bool = False,
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> Segmentation:
    """Find the nuclei in an image: labels, table, probability and provenance.

    Parameters
    ----------
    image, model, axes, z, t, callbacks
        As in `segment`.
    keep_maps : bool, optional
        Whether to keep all maps that the network predicted, which take 12 bytes per pixel.
    **parameters
        Those of `SegmentParameters` and `StackParameters`, as in `segment`.

    Returns
    -------
    Segmentation
        What was found, and how.

    Raises
    ------
    TypeError, ValueError
        If the image or a parameter is not usable.
    FileNotFoundError
        If there is no such model or file.

    Warns
    -----
    UserWarning
        If something is odd in the image, or a parameter does nothing for it.

    Examples
    --------
    >>> from skimage.data import immunohistochemistry
    >>> found = find_nuclei(immunohistochemistry(), minimum_size=50)
    >>> areas = found.nuclei["area"]
    """
    source = _source(image, axes, z, t, parameters.get("channel"))
    parameters = {**parameters, "channel": channel_number(source, parameters.get("channel"))}
    known = {one.name for one in parameters_of(StackParameters)}
    stack = StackParameters(**{n: v for n, v in parameters.items() if n in known})
    options = from_keywords(
        SegmentParameters, {n: v for n, v in parameters.items() if n not in known}
    )
    for name, meant in stack.idle_for(source.squeeze().axes).items():
        warn_user(
            f"{name} is for {meant}, and does nothing for {source.name!r}, "
            f"{source.describe()} (axes {source.axes})."
        )
    is_plane = not set("TZ") & set(source.squeeze().axes)
    field = None
    if is_plane:  # a file is not opened again
        is_field = isinstance(image, Field)
        field = _as_field(image, axes, z, t) if is_field else Field(source)
    if field is None:
        check_channel(source, options.channel)
    else:
        field.check_channel(options.channel)
    chosen = model if isinstance(model, Model) else load_model(model)
    if field is None:
        return execute(SegmentImage(source, chosen, options, stack, keep_maps), callbacks)
    return execute(Segment(field, chosen, options, return_maps=keep_maps), callbacks)


def _source(
    image: Any, axes: str, z: int | None, t: int | None, channel: int | str | None
) -> BaseImage:
    """Return the chosen planes of an image, not read."""
    if isinstance(image, str | Path):
        return open_planes(image, axes, z=z, t=t, channel=channel)
    if isinstance(image, Field):
        return understood((image.with_axes(axes) if axes else image).source, channel)
    return understood(as_image(image, axes).select(z=z, t=t), channel)


def _as_field(image: Any, axes: str, z: int | None, t: int | None) -> Field:
    if isinstance(image, str | Path):
        return read_image(image, axes, z=z, t=t)
    if not isinstance(image, Field):
        return Field(as_image(image, axes).select(z=z, t=t))
    image.source.select(z=z, t=t)  # of its one plane there is nothing else to choose
    return image.with_axes(axes) if axes else image


def train(
    data: Data | Sequence[Data | Sequence[Data]],
    output: str | Path,
    *,
    info: ModelInfo | None = None,
    sampling_weights: Sequence[float] | None = None,
    validation: Data | Sequence[Data] = (),
    initialization: str | Path | Model | Initialization | None = None,
    axes: str = "",
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> Model:
    """Train a model, from scratch or from another one.

    Parameters
    ----------
    data : path, TrainingSet, Field, or sequence of these or of sequences of them
        A sequence, or a single one: each a folder of pairs of image and mask, a training set,
        or a sequence of fields, which is a group of fields of one kind.
    output : path
        Folder of the new model; it must not exist. A run that was stopped or
        killed is resumed when the same call is made again.
    info : ModelInfo, optional
        What the card of the model says; left out, only the name of the folder.
    sampling_weights : sequence of float, optional
        How often patches come from each group, in any unit.
    validation : path, TrainingSet, Field or sequence, optional
        Folders, sets or fields only to score on, to choose the best epoch; left out, a part of
        `data` is held out.
    initialization : str, path, Model or Initialization, optional
        Model whose weights training starts from, or an `Initialization`, which also says
        the architecture and the initial weights of its encoder; left out, the default
        architecture with random weights.
    axes : str, optional
        Axes of the images in folders, see `segment`.
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
    parts = [data] if isinstance(data, str | Path | TrainingSet | Field) else data
    groups = [_read(part, axes) for part in parts]
    weights = () if sampling_weights is None else sampling_weights
    spec = TrainingSpec(groups, weights, initialization, _read(validation, axes))
    info = info or ModelInfo(output.name)
    return execute(Train(spec, output, info, options), callbacks)


def fine_tune(
    data: Data | Sequence[Data],
    name: str,
    model: str | Path | Model = DEFAULT_MODEL,
    *,
    budget: float | str = DEFAULT_BUDGET,
    axes: str = "",
    callbacks: Callbacks = Callbacks(),
    **parameters: Any,
) -> FineTuneResult:
    """Fine-tune a model on corrected fields.

    Parameters
    ----------
    data : path, TrainingSet, Field, or sequence of these
        Folders of pairs of image and mask, training sets (also their folders or names), or
        fields with labels.
    name : str
        Name of the new model.
    model : str, path or Model, optional
        Model to start from.
    budget : float or str, optional
        Minutes for all of it, or ``"best"``: until the score gets no better.
    axes : str, optional
        Axes of the images in folders, see `segment`.
    callbacks : Callbacks, optional
        Told after every step and epoch, and asked before every step. If it
        should stop, the best epoch so far (with ``keep_last`` the last) becomes the model.
    **parameters
        Those of `TrainParameters`, instead of what the budget says. With
        ``steps_per_epoch`` the steps are counted and the time is not.

    Returns
    -------
    FineTuneResult
        Name, folder and scores of the new model.
    """
    values = fine_tune_parameters(budget).as_dict()
    if "steps_per_epoch" in parameters:
        values["minutes"] = None
    values |= parameters
    options = from_keywords(TrainParameters, values)
    fields = _read(data, axes)
    parent = model if isinstance(model, Model) else load_model(model)
    task = FineTune(fields, parent, name, options, data=_folder_of(data))
    return execute(task, callbacks)


def _folder_of(data: Data | Sequence[Data]) -> str:
    """Return the folder that all fields came from, empty if there is not one."""
    if isinstance(data, list | tuple) and len(data) == 1:
        return _folder_of(data[0])
    if isinstance(data, str | Path):
        found = set_of(data)
        return str(Path(data).absolute() if found is None else found.folder.absolute())
    return str(data.folder.absolute()) if isinstance(data, TrainingSet) else ""


def _read(data: Data | Sequence[Data], axes: str) -> list[Field]:
    """Read the fields of folders of pairs, and of training sets."""
    if isinstance(data, Field):
        return [data]
    if isinstance(data, str | Path):
        found = set_of(data)  # which is false while it is empty
        data = data if found is None else found
    if isinstance(data, TrainingSet):
        if not len(data):
            raise ValueError(
                f"Expected corrected fields in the training set '{data.name}', got none. Add "
                f"some with 'Add to training set' in the window, or with 'nucseg training-set "
                f"add'."
            )
        return data.fields()
    if isinstance(data, str | Path):
        return read_fields([data], axes)
    if not isinstance(data, Iterable) or hasattr(data, "dtype"):
        raise TypeError(
            f"Expected a folder of pairs of image and mask, or a Field(image, labels=...), got "
            f"{type(data).__name__}."
        )
    parts = list(data)
    folders = [part for part in parts if isinstance(part, str | Path) and set_of(part) is None]
    if len(folders) == len(parts):
        return read_fields(folders, axes)
    return [field for part in parts for field in _read(part, axes)]


def export_model(name: str | Path, destination: str | Path, format: str | None = None) -> Path:
    """Write a model to a file, for other people or other programs.

    Parameters
    ----------
    name : str or path
        Name or folder of the model.
    destination : path
        The file to make, or a folder to make it in.
    format : str, optional
        ``"zip"``, which `import_model` reads; ``"onnx"``, see `network.export_onnx`, or
        ``"bioimageio"``, a package for Fiji, ilastik, QuPath and others. The last two need the
        extra ``onnx``. Left out, the name of the file says which: it ends in ``.onnx`` or
        ``.bioimageio.zip``; all others are zip.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileExistsError
        If it exists.
    FileNotFoundError, ValueError
        If there is no such model or format, or the model is damaged.
    ImportError
        If the extra is not installed.
    OSError
        If it cannot be written.
    """
    if format is None:
        name_of_file = Path(destination).name.lower()
        special = [
            one for one in ("onnx", "bioimageio") if name_of_file.endswith(EXPORT_FORMATS[one])
        ]
        format = special[0] if special else "zip"
    if format not in EXPORT_FORMATS:
        raise ValueError(
            f"Expected a format out of {', '.join(EXPORT_FORMATS)}, got {format!r}."
        )
    if format == "zip":
        return registry.export_model(str(name), destination)
    model = load_model(name)
    destination = Path(destination).absolute()  # the engine has a working folder of its own
    if destination.is_dir():
        destination /= f"{model.card.name}{EXPORT_FORMATS[format]}"
    return execute(Export(model, destination, format))


def import_model(path: str | Path, name: str | None = None) -> Model:
    """Copy a model from a zip file or a folder to the user's own models.

    Nothing in it is run as code. It is loaded and segments a small field before it is
    accepted.

    Parameters
    ----------
    path : path
        What `export_model` or training made.
    name : str, optional
        Another name for it; left out, the one in its card.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If it is no model, is damaged, does not work, or contains other files, for example
        code, or links.
    FileExistsError
        If there is a model of that name.
    """
    return registry.import_model(path, name, lambda model: execute(TryOut(model)))


def import_labels(
    path: str | Path,
    image: Any,
    *,
    axes: str = "",
    z: int | None = None,
    t: int | None = None,
) -> Field:
    """Bring in labels that another program has made, to train on or to correct them.

    Nothing that is in the file is run.

    Parameters
    ----------
    path : path
        A mask as TIFF, PNG or NumPy file, ``_seg.npy`` of Cellpose, GeoJSON of QuPath in
        pixels, or ROI or ZIP of ROIs of ImageJ.
    image : array_like, path, Image or Field
        The image that they belong to.
    axes, z, t
        As in `segment`.

    Returns
    -------
    Field
        The image with its labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If a file is damaged or of another kind, or the labels do not fit to the image.

    Warns
    -----
    UserWarning
        If there is something odd in the labels, such as lines between outlines.

    Examples
    --------
    >>> field = import_labels("slide.geojson", "slide.tif")
    >>> fine_tune(field, "my model")
    """
    field = _as_field(image, axes, z, t)
    return dataclasses.replace(field, labels=read_foreign_labels(path, field.shape))


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
        If something is no label image but for example an image, there are not as many of
        one as of the other, or the shapes differ.

    Warns
    -----
    UserWarning
        If a mask is binary, or its background does not seem to be 0.
    """
    one, two = _label_images(predicted, "predicted"), _label_images(true, "true")
    if len(one) != len(two):
        raise ValueError(
            f"Expected as many predicted as true label images, got {len(one)} and {len(two)}."
        )
    counts, issues = [], []
    for (name, labels), (true_name, truth) in zip(one, two, strict=True):
        first, issue = instances_of(_labels(name, labels))
        second, true_issue = instances_of(_labels(true_name, truth))
        of_pair = [(name, issue), (true_name, true_issue)]
        _refuse_scattered(of_pair)
        issues += of_pair
        try:
            counts.append(match_counts(first, second))
        except ValueError as error:
            raise ValueError(f"{name} and {true_name}: {error}") from error
    warn_of_issues(issues)
    return summarize(counts)


def _refuse_scattered(issues: Sequence[tuple[str, MaskIssue | None]]) -> None:
    """Raise ValueError if something is an image rather than labels: a score says nothing."""
    for name, issue in issues:
        if issue is MaskIssue.SCATTERED_VALUES:
            raise ValueError(
                f"Expected labels with a value for each nucleus, got in {name} {issue.value}"
            )


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
