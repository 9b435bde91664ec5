"""Score a network on fields whose labels are known."""

from __future__ import annotations

from collections.abc import Sequence

from ..image import Field, reviewed_labels
from ..measure import match_counts, summarize
from ..pipeline import Predictor, SegmentParameters, segment_plane
from ..support import Callbacks

__all__ = ["score_fields"]


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
