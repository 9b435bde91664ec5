"""What nothing can be learned from: told, and left out, before a training begins."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ..image import Field, are_outlines
from ..support import pluralize, some_of, warn_user

__all__ = ["lessons_in", "warn_of_seen"]

#: Nuclei of fewer pixels than this are points.
_POINT = 5


def lessons_in(groups: Sequence[Sequence[Field]]) -> list[list[Field]]:
    """Return the fields that something can be learned from.

    Parameters
    ----------
    groups : sequence of sequence of Field
        Fields with labels.

    Returns
    -------
    list of list of Field
        The same groups without fields that have no intensities, points or lines in place of
        nuclei, or that are there twice.

    Raises
    ------
    ValueError
        If none is left that has nuclei.

    Warns
    -----
    UserWarning
        If a field is left out, or an image occurs twice with other labels.
    """
    reasons: list[str] = []
    seen: dict[str, Field] = {}
    kept = [[field for field in group if _is_lesson(field, seen, reasons)] for group in groups]
    if reasons and not any(_has_nuclei(field) for group in kept for field in group):
        raise ValueError(f"Expected fields to learn from, got none. {' '.join(reasons[:5])}")
    for reason in reasons:
        warn_user(reason)
    return kept


def warn_of_seen(training: Sequence[Field], scored: Sequence[Field]) -> None:
    """Warn if a model is scored on images that it was trained on.

    Parameters
    ----------
    training, scored : sequence of Field
        Whole fields to train on, and others to score on.

    Warns
    -----
    UserWarning
        If an image is among both.
    """
    known = {_key(field) for field in training}
    names = [field.name for field in scored if _key(field) in known]
    if names:
        warn_user(
            f"The model is scored on {pluralize(names, 'image')} that it is trained on: "
            f"{some_of(names)}. Give others for an honest score."
        )


def _is_lesson(field: Field, seen: dict[str, Field], reasons: list[str]) -> bool:
    """Return whether something can be learned from a field, and note what is odd about it."""
    reason = _why_not(field)
    if not reason:
        first = seen.setdefault(_key(field), field)
        return first is field or not _is_twice(first, field, reasons)
    reasons.append(f"{reason} It is not learned from.")
    return False


def _why_not(field: Field) -> str:
    """Say why nothing can be learned from a field; empty if something can."""
    image = np.asarray(field.image)
    if image.dtype.kind == "f" and not np.isfinite(image).any():
        return (
            f"Expected intensities in {field.name!r}, got only NaN or infinity. Export the "
            f"image again."
        )
    labels = field.reviewed_labels
    if not labels.any():
        return ""  # a field without nuclei teaches what is none
    if (image == image.flat[0]).all():
        return (
            f"Expected an image in {field.name!r}, got the same intensity everywhere, though "
            f"its labels have {pluralize(field.nuclei)}. Check that they belong together."
        )
    areas = np.bincount(labels[labels > 0])
    areas = areas[areas > 0]
    if np.median(areas) < _POINT:
        return (
            f"Expected areas in the labels of {field.name!r}, got {pluralize(areas.size)} of "
            f"{np.median(areas):.0f} pixels at the median, which are points. Draw each nucleus "
            f"as an area."
        )
    if are_outlines(labels):
        return (
            f"Expected areas in the labels of {field.name!r}, got lines around them. Fill the "
            f"outlines, so that each nucleus is an area."
        )
    return ""


def _key(field: Field) -> str:
    """Return a text that two fields have in common if their images are the same."""
    image = np.ascontiguousarray(field.image)
    digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode())
    digest.update(image.data)
    return digest.hexdigest()


def _is_twice(first: Field, field: Field, reasons: list[str]) -> bool:
    """Return whether two fields of one image also have the same labels, and say so."""
    pair = f"{first.name!r} and {field.name!r}"
    before, now = _reviewed(first), _reviewed(field)
    same = np.array_equal(before, now) and np.array_equal(
        first.known_labels, field.known_labels
    )
    if same:
        reasons.append(f"The image and the labels of {pair} are the same: taken once.")
    elif (before & now).any():  # otherwise a person has reviewed it in parts
        warn_user(
            f"The image of {pair} is the same, with other labels. One may be scored on and the "
            f"other one learned from: keep the better one."
        )
    return same


def _reviewed(field: Field) -> np.ndarray:
    return np.ones(field.shape, bool) if field.reviewed is None else field.reviewed


def _has_nuclei(field: Field) -> bool:
    return bool(field.reviewed_labels.any())
