"""A division of a nucleus, as simulators know it and as tracking finds it."""

from __future__ import annotations

import dataclasses

__all__ = ["Division"]


@dataclasses.dataclass(frozen=True)
class Division:
    """A nucleus that became two.

    Parameters
    ----------
    parent : int
        Its number.
    daughters : tuple of int
        The numbers of the two.
    frame : int
        The first frame in which there are two, counted from 0.
    """

    parent: int
    daughters: tuple[int, int]
    frame: int
