"""Where a plane comes from: the axes of the whole image, and which place along each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

__all__ = ["Origin"]


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a plane comes from.

    Parameters
    ----------
    axes : str, optional
        Axes of the whole image; empty if it is not known.
    guessed : bool, optional
        Whether they follow from the shape only.
    plane : mapping of str to int, optional
        Which place was chosen along each axis that the plane no longer has, counted from 0
        in the whole image. Axes of length 1 are left out.
    """

    axes: str = ""
    guessed: bool = False
    plane: Mapping[str, int] = dataclasses.field(default_factory=dict)
