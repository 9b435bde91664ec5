"""Divide fields into those to train on and those to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..image import Field
from ..support import pluralize, warn_user
from .targets import median_diameter

__all__ = ["check_fields", "hold_out"]

_FEWEST_FIELDS = 4
_LARGEST_GAP = 8  # a part of the length of the field


def check_fields(fields: Sequence[Field], purpose: str = "train") -> None:
    """Check that there is something to learn from, or to score on.

    Parameters
    ----------
    fields : sequence of Field
        The fields.
    purpose : str, optional
        What they are for, ``"train"`` or ``"score"``, for the messages.

    Raises
    ------
    ValueError
        If there is no field, one without labels, or no nucleus in any.
    """
    if not fields:
        raise ValueError(f"Expected at least one field to {purpose} on, got none.")
    for field in fields:
        if field.labels is None:
            raise ValueError(
                f"Expected labels for every field to {purpose} on, got {field.name!r} without."
            )
    if not any(field.reviewed_labels.any() for field in fields):
        raise ValueError(
            f"Expected nuclei in the labels to {purpose} on, got "
            f"{pluralize(fields, 'field')} whose labels are all zero. Draw some nuclei first."
        )


def hold_out(
    groups: Sequence[Sequence[Field]], part: float
) -> tuple[list[list[Field]], list[Field]]:
    """Hold out a part of the fields for scoring.

    The choice depends on the names of the fields, and not on the seed of a training. So a
    model that is trained further is scored on fields it never saw. Fields that are added
    move at most one other field, when one more has to be held out.

    Of four fields or more, whole fields are held out, at least one. If there are fewer, or
    if every field is alone in its group, a strip of each field is held out, along its
    shorter side. Beside it a gap as wide as a nucleus, an eighth of the field at most, is not
    trained on: the network looks about as far, so nothing that is scored was seen.

    Parameters
    ----------
    groups : sequence of sequence of Field
        Fields with labels; of every group with two or more fields one at
        least is left to train on.
    part : float
        How much to hold out, between 0 and 1.

    Returns
    -------
    groups : list of list of Field
        To train on.
    held_out : list of Field
        To score on.

    Warns
    -----
    UserWarning
        If a field has too few nuclei to be divided; then it serves for both.
    """
    few = sum(len(group) for group in groups) < _FEWEST_FIELDS
    if few or all(len(group) < 2 for group in groups):
        halves = [[_cut(field, part) for field in group] for group in groups]
        training = [[first for first, _ in group] for group in halves]
        return training, [second for group in halves for _, second in group]
    training, held_out = [], []
    for group in groups:
        count = min(len(group) - 1, max(1, round(part * len(group))))
        order = sorted(range(len(group)), key=lambda i: _rank(group[i]))
        held_out += [group[i] for i in sorted(order[:count])]
        training.append([group[i] for i in sorted(order[count:])])
    return training, held_out


def _rank(field: Field) -> bytes:
    """Return a key to sort by: the order seems random, but depends only on the name."""
    return hashlib.sha256(field.name.encode("utf-8", "surrogateescape")).digest()


def _cut(field: Field, part: float) -> tuple[Field, Field]:
    """Cut a field in two across its longer side, with nuclei in both."""
    side = "rows" if field.shape[0] > field.shape[1] else "columns"
    length = max(field.shape)
    strip = max(1, min(round(length * part), length - 1))
    width = median_diameter(field.known_labels) or 0.0
    gap = max(0, min(round(width), length // _LARGEST_GAP, length - strip - 1))
    at_the_end = slice(0, length - strip - gap), slice(length - strip, length)
    at_the_start = slice(strip + gap, length), slice(0, strip)
    for training, scored in (at_the_end, at_the_start) if length > 1 else ():
        first, second = field.crop(**{side: training}), field.crop(**{side: scored})
        if _has_nuclei(first) and _has_nuclei(second):
            return first, second
    warn_user(
        f"The field {field.name!r} has too few nuclei to hold some out: the model is "
        f"scored on what it was trained on. Add more fields for an honest score.",
    )
    return field, field


def _has_nuclei(field: Field) -> bool:
    return field.labels is not None and bool(field.reviewed_labels.any())
