"""How each task is done, in whatever process that is."""

from __future__ import annotations

import collections
import dataclasses
import functools
from pathlib import Path

import numpy as np

from ..image import Field
from ..pipeline import Segmentation, SegmentParameters, relabel, segment_field
from ..registry import Model, load_model
from ..support import Callbacks
from ..training import FineTuneResult, TrainingSet, fine_tune_fields, train_fields
from .messages import (
    FineTune,
    Relabel,
    RelabelExpired,
    Segment,
    SegmentationReply,
    Task,
    Train,
    Warm,
)

__all__ = ["KeptMaps", "perform"]

_MOST, _MOST_BYTES = 4, 500_000_000
_ROWS = 64


class KeptMaps:
    """The last segmentations whose maps are kept for other labels.

    At most four, and except for the last one at most 500 MB of maps.
    """

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[str, Segmentation] = collections.OrderedDict()

    def add(self, key: str, segmentation: Segmentation) -> None:
        """Keep a segmentation, and drop the ones not used for the longest time.

        Parameters
        ----------
        key : str
            Id of the task that made it.
        segmentation : Segmentation
            With its maps.
        """
        self._kept[key] = segmentation
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and (len(self._kept) > _MOST or self._bytes() > _MOST_BYTES):
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
        if key not in self._kept:
            raise RelabelExpired("The maps are no longer kept. Click Segment again.")
        return self._kept[key]

    def _bytes(self) -> int:
        return sum(segmentation.maps.nbytes for segmentation in self._kept.values())


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


@perform.register(Warm)
def _warm(task: Warm, callbacks: Callbacks, kept: KeptMaps) -> None:
    field = Field(np.eye(64, dtype=np.float32))
    segment_field(field, _model(task.model), SegmentParameters())


@perform.register(Segment)
def _segment(task: Segment, callbacks: Callbacks, kept: KeptMaps) -> SegmentationReply:
    found = segment_field(task.field, _model(task.model), task.parameters, callbacks)
    if task.channel is not None:
        found = _of_channel(found, task.channel)
    if not task.keep_maps:
        return _reply(task.id, found)
    kept.add(task.id, found)
    return _reply(task.id, found, _in_bytes(found.maps[..., 0]))


@perform.register(Relabel)
def _relabel(task: Relabel, callbacks: Callbacks, kept: KeptMaps) -> SegmentationReply:
    changed = relabel(kept.find(task.key), task.parameters)
    kept.add(task.key, changed)
    return _reply(task.key, changed)


@perform.register(FineTune)
def _fine_tune(task: FineTune, callbacks: Callbacks, kept: KeptMaps) -> FineTuneResult:
    fields = task.fields
    if isinstance(fields, str | Path):
        fields = TrainingSet(fields).fields()
    return fine_tune_fields(
        fields,
        _model(task.parent),
        task.name,
        task.parameters,
        run_directory=task.run_directory,
        callbacks=callbacks,
    )


@perform.register(Train)
def _train(task: Train, callbacks: Callbacks, kept: KeptMaps) -> Model:
    return train_fields(task.spec, task.output, task.info, task.parameters, callbacks)


def _model(model: str | Path | Model) -> Model:
    return model if isinstance(model, Model) else load_model(model)


def _of_channel(found: Segmentation, channel: int) -> Segmentation:
    """Write into the provenance which channel the field was made of."""
    parameters = dataclasses.replace(found.parameters, channel=channel)
    provenance = {**found.provenance, "parameters": parameters.as_dict()}
    return dataclasses.replace(found, parameters=parameters, provenance=provenance)


def _in_bytes(probability: np.ndarray) -> np.ndarray:
    """Turn probabilities into bytes, some rows at a time, which is many times faster."""
    converted = np.empty(probability.shape, np.uint8)
    for start in range(0, len(converted), _ROWS):
        rows = slice(start, start + _ROWS)
        converted[rows] = probability[rows] * 255 + 0.5
    return converted


def _reply(
    key: str, found: Segmentation, probability: np.ndarray | None = None
) -> SegmentationReply:
    if probability is None:
        probability = np.empty((0, 0), np.uint8)
    return SegmentationReply(key, found.labels, probability, found.diameter, found.provenance)
