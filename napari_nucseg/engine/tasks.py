"""How each task is done, in whatever process that is."""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
from pathlib import Path

import numpy as np

from ..corrections import suspicions
from ..image import Field, open_planes, stamp_of
from ..network import make_trainer
from ..pipeline import (
    Maps,
    Predictor,
    Segmentation,
    SegmentParameters,
    check_fits,
    relabel,
    segment_field,
    segment_image,
)
from ..registry import Model, load_model
from ..support import Callbacks
from ..training import FineTuneResult, TrainingSet, fine_tune_fields, train_fields
from .messages import (
    Export,
    FetchMaps,
    FileSummary,
    FineTune,
    Load,
    Relabel,
    RelabelExpired,
    Segment,
    SegmentFile,
    SegmentImage,
    Task,
    Train,
    TryOut,
    Warm,
)

__all__ = ["KeptMaps", "perform"]

_MOST, _MOST_BYTES = 4, 500_000_000


class KeptMaps:
    """The last segmentations whose maps are kept for other labels.

    At most four, and except for the last one at most 500 MB of maps.
    """

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[str, Segmentation] = collections.OrderedDict()
        # Several threads of a process may do tasks.
        self._lock = threading.Lock()

    def add(self, key: str, segmentation: Segmentation) -> None:
        """Keep a segmentation, and drop the ones not used for the longest time.

        Parameters
        ----------
        key : str
            Id of the task that made it.
        segmentation : Segmentation
            With its maps.
        """
        with self._lock:
            self._kept[key] = segmentation
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._is_too_much():
                self._kept.popitem(last=False)

    def find(self, key: str) -> Segmentation:
        """Return a segmentation.

        Parameters
        ----------
        key : str
            Id of the task that made it.

        Returns
        -------
        Segmentation
            With its maps.

        Raises
        ------
        RelabelExpired
            If it is no longer kept.
        """
        found = self._kept.get(key)
        if found is None:
            raise RelabelExpired("The maps are no longer kept. Click Segment again.")
        return found

    def _is_too_much(self) -> bool:
        size = sum(kept.maps.nbytes for kept in self._kept.values() if kept.maps)
        return len(self._kept) > _MOST or size > _MOST_BYTES


@functools.singledispatch
def perform(task: Task, callbacks: Callbacks, kept: KeptMaps) -> object:
    """Do a task in this process. A kind of task is added with ``perform.register``.

    Parameters
    ----------
    task : Task
        What to do.
    callbacks : Callbacks
        Told about the work, and asked whether to end it.
    kept : KeptMaps
        The maps of earlier segmentations.

    Returns
    -------
    object
        The result; its type depends on the type of the task.

    Raises
    ------
    TypeError
        If this kind of task is not known.
    Exception
        What the work raises.
    """
    raise TypeError(f"Expected a kind of task that the engine knows, got {type(task)}.")


@perform.register(Load)
def _load(task: Load, callbacks: Callbacks, kept: KeptMaps) -> None:
    _predictor(task.model)


@perform.register(Warm)
def _warm(task: Warm, callbacks: Callbacks, kept: KeptMaps) -> None:
    field = Field(np.eye(64, dtype=np.float32))
    segment_field(field, _predictor(task.model), SegmentParameters())


@perform.register(TryOut)
def _try_out(task: TryOut, callbacks: Callbacks, kept: KeptMaps) -> None:
    field = Field(np.eye(64, dtype=np.float32))
    try:
        segment_field(field, _predictor(task.model), SegmentParameters())
    except (ImportError, MemoryError, RuntimeError):
        raise  # that is not the model's fault
    except Exception as error:  # TensorFlow has errors of its own
        text = str(error).partition("\n")[0]
        raise ValueError(
            f"Expected a model that segments an image, got {task.model.card.name!r}: {text}"
        ) from error


@perform.register(Export)
def _export(task: Export, callbacks: Callbacks, kept: KeptMaps) -> Path:
    from ..network import export_bioimageio, export_onnx

    write = export_onnx if task.format == "onnx" else export_bioimageio
    return write(task.model, task.destination)


@perform.register(Segment)
def _segment(task: Segment, callbacks: Callbacks, kept: KeptMaps) -> Segmentation:
    callbacks.check_stop()
    callbacks.on_progress(0, 1, "Loading the model")
    found = segment_field(
        task.field,
        _predictor(task.model),
        task.parameters,
        callbacks,
        keep_maps=task.keep_maps or task.return_maps,
    )
    found = dataclasses.replace(found, id=task.id)
    if task.channel is not None:
        found = _of_channel(found, task.channel)
    if task.keep_maps:
        kept.add(task.id, found)
    return found if task.return_maps else dataclasses.replace(found, maps=None)


@perform.register(SegmentFile)
def _segment_file(task: SegmentFile, callbacks: Callbacks, kept: KeptMaps) -> FileSummary:
    callbacks.check_stop()
    task.outputs.check(task.image)
    _check_stamp(task)
    image = open_planes(task.image, channel=task.parameters.channel)
    if set("TZ") & set(image.axes):
        raise ValueError(
            f"Expected one plane, got {image.describe()} (axes {image.axes}). Stacks and "
            f"series: use the command nucseg segment."
        )
    field = Field(image)
    check_fits(field, task.parameters.channel)
    field = field.in_memory()
    found = _segment(
        Segment(field, task.model, task.parameters, return_maps=True), callbacks, kept
    )
    places = suspicions(
        found.labels,
        found.maps,
        field.plane(task.parameters.channel),
        diameter=found.diameter,
        probability=task.parameters.probability,
    )
    callbacks.check_stop()
    _check_stamp(task)
    task.outputs.write(task.image, field, found)
    nuclei = int(found.labels.max(initial=0))
    return FileSummary(nuclei, field.shape, float(places.score.mean()) if nuclei else 1.0)


def _check_stamp(task: SegmentFile) -> None:
    labels = task.outputs.labels_of(task.image)
    if stamp_of(labels) != task.stamp:
        raise FileExistsError(
            f"Expected {labels} as it was when the segmentation of {task.image.name} was "
            f"asked for, but it was written since. It stays as it is; segment again if it is "
            f"to be replaced."
        )


@perform.register(SegmentImage)
def _segment_image(task: SegmentImage, callbacks: Callbacks, kept: KeptMaps) -> Segmentation:
    callbacks.check_stop()
    callbacks.on_progress(0, 1, "Loading the model")
    found = segment_image(
        task.image,
        _predictor(task.model),
        task.parameters,
        task.stack,
        callbacks,
        keep_maps=task.return_maps,
    )
    return dataclasses.replace(found, id=task.id)


@perform.register(Relabel)
def _relabel(task: Relabel, callbacks: Callbacks, kept: KeptMaps) -> Segmentation:
    changed = relabel(kept.find(task.key), task.parameters)
    kept.add(task.key, changed)
    return dataclasses.replace(changed, maps=None)


@perform.register(FetchMaps)
def _fetch_maps(task: FetchMaps, callbacks: Callbacks, kept: KeptMaps) -> Maps:
    found = kept.find(task.key).maps
    if found is None:
        raise RelabelExpired("The maps are no longer kept. Click Segment again.")
    return Maps(found.values.astype(np.float16), found.spec)


@perform.register(FineTune)
def _fine_tune(task: FineTune, callbacks: Callbacks, kept: KeptMaps) -> FineTuneResult:
    fields, data = task.fields, task.data
    if isinstance(fields, str | Path):
        data = str(Path(fields).absolute())
        fields = TrainingSet(fields).fields()
    return fine_tune_fields(
        fields,
        _model(task.parent),
        task.name,
        task.parameters,
        make_trainer,
        run_directory=task.run_directory,
        data=data,
        callbacks=callbacks,
    )


@perform.register(Train)
def _train(task: Train, callbacks: Callbacks, kept: KeptMaps) -> Model:
    return train_fields(
        task.spec, task.output, task.info, task.parameters, make_trainer, callbacks=callbacks
    )


def _predictor(model: str | Path | Model) -> Predictor:
    # Loads TensorFlow, which a process with a window never does.
    from ..network import load_predictor

    return load_predictor(_model(model))


def _model(model: str | Path | Model) -> Model:
    return model if isinstance(model, Model) else load_model(model)


def _of_channel(found: Segmentation, channel: int) -> Segmentation:
    """Write into the provenance which channel the field was made of."""
    parameters = dataclasses.replace(found.parameters, channel=channel)
    provenance = {
        **found.provenance,
        "parameters": parameters.as_dict(),
        "channel": channel,
        "channel_chosen": False,
    }
    return dataclasses.replace(found, parameters=parameters, provenance=provenance)
