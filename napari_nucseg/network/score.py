"""Score a network on fields whose labels are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..image import Field, reviewed_labels
from ..measure import Outcomes, match_counts, outcomes_of, summarize
from ..pipeline import Maps, Predictor, SegmentParameters, segment_plane
from ..support import Callbacks

__all__ = ["outcomes_on", "score_fields"]

#: Told of every field with what was found in it: the labels and the maps.
OnField = Callable[[Field, np.ndarray, Maps], None]


def score_fields(
    predictor: Predictor,
    fields: Sequence[Field],
    channel: int | None = None,
    callbacks: Callbacks = Callbacks(),
) -> float:
    """Score a network on fields whose labels are known.

    Parameters
    ----------
    predictor : Predictor
        The network.
    fields : sequence of Field
        With labels.
    channel : int, optional
        Which channel of the images.
    callbacks : Callbacks, optional
        Asked before every field.

    Returns
    -------
    float
        Mean AP over IoU 0.5 to 0.9, per image. Nuclei that were not reviewed do not count.
    """
    counts = []
    for field in fields:
        callbacks.check_stop()
        labels = segment_plane(predictor, field.plane(channel), SegmentParameters())[0]
        found = reviewed_labels(labels, field.reviewed)
        counts.append(match_counts(found, field.reviewed_labels))
    return summarize(counts).mean_ap


def _ignore(field: Field, labels: np.ndarray, maps: Maps) -> None:
    pass


def outcomes_on(
    predictor: Predictor,
    fields: Sequence[Field],
    channel: int | None = None,
    callbacks: Callbacks = Callbacks(),
    on_field: OnField = _ignore,
) -> list[Outcomes]:
    """Say what becomes of every nucleus of some fields.

    Parameters
    ----------
    predictor : Predictor
        The network.
    fields : sequence of Field
        With labels.
    channel : int, optional
        Which channel of the images; that of an image with one channel is taken as it is.
    callbacks : Callbacks, optional
        Asked before every field.
    on_field : callable, optional
        Told of every field with what was found in it.

    Returns
    -------
    list of Outcomes
        One for each field. Nuclei that were not reviewed do not count.
    """
    outcomes = []
    for field in fields:
        callbacks.check_stop()
        labels, maps, _ = segment_plane(predictor, field.plane(channel), SegmentParameters())
        on_field(field, labels, maps)
        found = reviewed_labels(labels, field.reviewed)
        outcomes.append(outcomes_of(found, field.reviewed_labels))
    return outcomes
