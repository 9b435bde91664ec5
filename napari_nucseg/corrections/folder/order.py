"""Which images of a folder are listed, in which order, and which one comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from .row import FolderRow, ImageState

__all__ = ["FILTERS", "ORDERS", "Filter", "Order", "arrange", "count_of", "following"]

Filter = Literal["all", "to do", "new", "segmented", "corrected", "finished", "error"]
Order = Literal["name", "state", "most doubtful first"]

#: What can be listed, and in which order.
FILTERS: tuple[Filter, ...] = get_args(Filter)
ORDERS: tuple[Order, ...] = get_args(Order)

_STATES = list(ImageState)

_SHOWS: dict[Filter, Callable[[FolderRow], bool]] = {
    "all": lambda row: True,
    "to do": lambda row: not row.is_finished and row.state is not ImageState.ERROR,
    "new": lambda row: row.state is ImageState.NEW,
    "segmented": lambda row: row.state is ImageState.SEGMENTED,
    "corrected": lambda row: row.state is ImageState.CORRECTED,
    "finished": lambda row: row.is_finished,
    "error": lambda row: row.state is ImageState.ERROR,
}


def arrange(
    rows: Sequence[FolderRow], wanted: Filter = "all", order: Order = "name"
) -> list[FolderRow]:
    """List the images that are wanted, in order.

    Parameters
    ----------
    rows : sequence of FolderRow
        All images of the folder, by name.
    wanted : str, optional
        Which ones: "all", "to do" (neither finished nor an error), "new", "segmented",
        "corrected", "finished" (done or in the training set) or "error".
    order : str, optional
        By "name", by "state", or "most doubtful first". Images whose suspicion is not known
        come last.

    Returns
    -------
    list of FolderRow
        Equal ones stay in the order of their names.
    """
    shown = [row for row in rows if _SHOWS[wanted](row)]
    if order == "state":
        return sorted(shown, key=lambda row: _STATES.index(row.state))
    if order == "most doubtful first":
        return sorted(shown, key=lambda row: 1.0 if row.suspicion is None else -row.suspicion)
    return shown


def count_of(rows: Sequence[FolderRow], wanted: Filter) -> int:
    """Count the images that are wanted.

    Parameters
    ----------
    rows : sequence of FolderRow
        All images of the folder.
    wanted : str
        See `arrange`.

    Returns
    -------
    int
        How many there are.
    """
    return sum(map(_SHOWS[wanted], rows))


def following(rows: Sequence[FolderRow], name: str = "") -> FolderRow | None:
    """Return the image to look at next.

    Parameters
    ----------
    rows : sequence of FolderRow
        The images in the order of the list.
    name : str, optional
        The image that is shown now, empty if there is none.

    Returns
    -------
    FolderRow or None
        The first one after it that is neither finished nor an error; behind the last, it is
        looked for from the beginning. None if there is no other.
    """
    names = [row.name for row in rows]
    start = names.index(name) + 1 if name in names else 0
    for row in [*rows[start:], *rows[:start]]:
        if row.name != name and _SHOWS["to do"](row):
            return row
    return None
