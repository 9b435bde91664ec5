"""Labels in the file of an image, with what a person has done with each nucleus."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...image import (
    Stamp,
    read_image,
    read_labels,
    read_provenance,
    set_aside_corrected,
    stamp_of,
    write_labels,
)
from ...support import __version__
from ..states import State, States

__all__ = ["StoredLabels", "is_corrected", "read_stored", "write_stored"]

#: In the provenance of labels: whether a person has changed them, and the states of nuclei.
_CORRECTED, _STATES = "corrected", "states"


@dataclasses.dataclass(frozen=True, eq=False)
class StoredLabels:
    """The labels of an image, and what is known of them.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 is background.
    provenance : mapping of str to object
        How the labels came about, see `image.read_provenance`; without the states.
    states : States, optional
        What a person has done with each nucleus.
    corrected : bool, optional
        Whether a person has changed or accepted something.
    stamp : tuple of int or None, optional
        See `image.stamp_of`: of the file that they are from; None if they are from none.
    """

    labels: np.ndarray
    provenance: Mapping[str, Any]
    states: States = dataclasses.field(default_factory=States)
    corrected: bool = False
    stamp: Stamp | None = None


def is_corrected(provenance: Mapping[str, Any]) -> bool:
    """Return whether labels must not be replaced by what a model finds.

    Parameters
    ----------
    provenance : mapping of str to object
        How they came about.

    Returns
    -------
    bool
        True also if it is not known: then somebody else has made them.
    """
    return "software" not in provenance or bool(provenance.get(_CORRECTED))


def read_stored(path: Path) -> StoredLabels:
    """Read the labels of an image.

    Parameters
    ----------
    path : Path
        Their file.

    Returns
    -------
    StoredLabels
        With the states that were written with them.

    Raises
    ------
    OSError, TypeError, ValueError
        If the file is gone, damaged or no labels.
    """
    stamp = stamp_of(path)  # first: if it is replaced meanwhile, that is seen later
    labels, provenance = read_labels(path), read_provenance(path)
    known: dict[int, int] = {}
    with contextlib.suppress(AttributeError, TypeError, ValueError):  # somebody else's
        for state, ids in provenance.pop(_STATES, {}).items():
            known |= dict.fromkeys(map(int, ids), State[state.upper()])
    return StoredLabels(labels, provenance, States(known), is_corrected(provenance), stamp)


def write_stored(path: Path, image: Path, stored: StoredLabels) -> Path | None:
    """Write the labels of an image, with the states of nuclei; an older file is replaced.

    If that has corrections that are not those from which these were made, it is set aside.

    Parameters
    ----------
    path : Path
        Their file; it appears whole or not at all.
    image : Path
        The image, whose pixel size is written with the labels.
    stored : StoredLabels
        What is written.

    Returns
    -------
    Path or None
        Where the older file is, None if it was not set aside.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    provenance = dict(stored.provenance)
    if stored.corrected:
        provenance = {
            "software": f"napari-nucseg {__version__}",
            "image": image.stem,
            **provenance,
            _CORRECTED: True,
        }
        states = _by_word(stored.states)
        if states:
            provenance[_STATES] = states
    field = None
    with contextlib.suppress(Exception):  # without an image the size of a pixel is unknown
        field = read_image(image)
    is_its_own = stored.corrected and stored.stamp == stamp_of(path)
    aside = None if is_its_own else set_aside_corrected(path)
    write_labels(path, stored.labels, field, provenance)
    return aside


def _by_word(states: States) -> dict[str, list[int]]:
    """Return the nuclei of each state but the first."""
    found: dict[str, list[int]] = {}
    for one, state in sorted(states.as_dict().items()):
        if state:
            found.setdefault(State(state).name.lower(), []).append(one)
    return found
