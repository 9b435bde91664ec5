"""Divide fields into those to train on and those to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from ..image import Field
from ..support import pluralize, warn_user
from .targets import median_diameter

__all__ = ["check_fields", "hold_out"]

_FEWEST_FIELDS = 4
_LARGEST_GAP = 8  # a part of the length of the field
#: What else is tried if the wanted part of a field leaves nuclei on one side only.
_OTHER_PARTS = (0.25, 0.5)


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

    Of four fields or more, whole fields are held out, at least one, so that there are nuclei
    on both sides. If there are fewer, if every field is alone in its group, or if only one
    has nuclei, a strip of each field is held out, along its shorter side. Beside it a gap as
    wide as a nucleus, an eighth of the field at most, is not trained on: the network looks
    about as far, so nothing that is scored was seen.

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
    whole = None if few else _whole_fields(groups, part)
    if whole is not None:
        return whole
    halves = [[_cut(field, part) for field in group] for group in groups]
    training = [[first for first, _ in group] for group in halves]
    return training, [second for group in halves for _, second in group]


def _whole_fields(
    groups: Sequence[Sequence[Field]], part: float
) -> tuple[list[list[Field]], list[Field]] | None:
    """Hold out whole fields; None if there cannot be nuclei on both sides."""
    sides = []
    for group in groups:
        ranks = [_rank(field) for field in group]
        order = sorted(range(len(group)), key=ranks.__getitem__)
        count = min(len(group) - 1, max(1, round(part * len(group))))
        sides.append((order[:count], order[count:]))
    nuclei = [[_has_nuclei(field) for field in group] for group in groups]
    for scored in (True, False):
        if not _give_nuclei(sides, nuclei, scored=scored):
            return None
    held_out = [
        group[i] for group, (first, _) in zip(groups, sides, strict=True) for i in sorted(first)
    ]
    return [
        [group[i] for i in sorted(second)]
        for group, (_, second) in zip(groups, sides, strict=True)
    ], held_out


def _give_nuclei(
    sides: list[tuple[list[int], list[int]]],
    nuclei: Sequence[Sequence[bool]],
    *,
    scored: bool,
) -> bool:
    """Exchange two fields of a group if no field of one side has nuclei.

    Parameters
    ----------
    sides : list of (list of int, list of int)
        For each group the fields that are scored on, and those that are trained on.
    nuclei : sequence of sequence of bool
        For each group, which fields have nuclei.
    scored : bool
        The side that needs nuclei.

    Returns
    -------
    bool
        Whether both sides have nuclei now, as far as the other one had some.
    """
    mine, other = (0, 1) if scored else (1, 0)
    having = [
        [[i for i in side if has[i]] for side in both]
        for both, has in zip(sides, nuclei, strict=True)
    ]
    if any(both[mine] for both in having):
        return True
    if sum(len(both[other]) for both in having) < 2:
        return False
    for both, found in zip(sides, having, strict=True):
        if both[mine] and found[other]:
            given, taken = found[other][0], both[mine][0]
            both[other][both[other].index(given)] = taken
            both[mine][0] = given
            return True
    return False


def _rank(field: Field) -> bytes:
    """Return a key to sort by: the order seems random, but depends only on the name."""
    return hashlib.sha256(field.name.encode("utf-8", "surrogateescape")).digest()


def _cut(field: Field, part: float) -> tuple[Field, Field]:
    """Cut a field in two across its longer side, with nuclei in both."""
    side = "rows" if field.shape[0] > field.shape[1] else "columns"
    for training, scored in _cuts(field, part):
        first, second = field.crop(**{side: training}), field.crop(**{side: scored})
        if not _has_nuclei(field) or all(
            _keeps_a_nucleus(field, one) for one in (first, second)
        ):
            return first, second
    warn_user(
        f"The field {field.name!r} has too few nuclei to hold some out: the model is "
        f"scored on what it was trained on. Add more fields for an honest score.",
    )
    return field, field


def _cuts(field: Field, part: float) -> Iterator[tuple[slice, slice]]:
    """Yield what is trained on and what is scored on along the longer side, the best first."""
    length = max(field.shape)
    width = median_diameter(field.known_labels) or 0.0
    for share in (part, *_OTHER_PARTS) if length > 1 else ():
        strip = max(1, min(round(length * share), length - 1))
        gap = max(0, min(round(width), length // _LARGEST_GAP, length - strip - 1))
        yield slice(0, length - strip - gap), slice(length - strip, length)
        yield slice(strip + gap, length), slice(0, strip)


def _keeps_a_nucleus(field: Field, crop: Field) -> bool:
    """Return whether half of a nucleus at least is in a part of a field."""
    ids, areas = np.unique(field.reviewed_labels, return_counts=True)
    inside, areas_inside = np.unique(crop.reviewed_labels, return_counts=True)
    before = areas[np.searchsorted(ids, inside)]
    return bool(((2 * areas_inside >= before) & (inside > 0)).any())


def _has_nuclei(field: Field) -> bool:
    return field.labels is not None and bool(field.reviewed_labels.any())
