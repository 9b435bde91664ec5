"""The reference set: images that ship with the package, so that no model forgets them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..image import Field, read_fields

__all__ = ["ReferenceSet", "reference_set"]

#: Of so many fields one is only scored. That has to be quick.
_OF_WHICH_ONE = 4
_FOLDER = Path(__file__).with_name("reference_set")


@dataclasses.dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Images of other kinds than a person's own, with labels.

    Parameters
    ----------
    rehearsal : sequence of Field
        They are trained on beside the person's own.
    measure : sequence of Field
        They are only scored, to see whether a model forgets.
    """

    rehearsal: Sequence[Field] = ()
    measure: Sequence[Field] = ()


def reference_set(without: Sequence[str] = ()) -> ReferenceSet:
    """Read the reference set that ships with the package.

    Parameters
    ----------
    without : sequence of str, optional
        Beginnings of the names of fields to leave out, such as ``"tnbc2018"``: a benchmark
        on images of that kind leaves them out.

    Returns
    -------
    ReferenceSet
        Of nearly every kind of images three quarters are to rehearse, the others to measure.
    """
    fields = [f for f in read_fields([_FOLDER]) if not f.name.startswith(tuple(without))]
    measure = fields[1::_OF_WHICH_ONE]
    return ReferenceSet([field for field in fields if field not in measure], measure)
