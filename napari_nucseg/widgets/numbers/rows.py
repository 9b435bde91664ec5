"""The rows of a layer's features, as arrays: one for each nucleus."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..layers.layer_states import INDEX, REASON, STATE, SUSPICION

__all__ = ["LABEL", "Rows", "is_number", "rows_of"]

#: What the first column is called.
LABEL = "label"

#: What few look at: it comes last.
_PLACES = ("centroid_", "top", "left", "bottom", "right", "first_z", "end_z")

#: What a person looks at first, in this order, before what was measured.
_FIRST = (STATE, SUSPICION, REASON)


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """A row for each nucleus.

    Parameters
    ----------
    ids : ndarray of int, shape (N,)
        Labels in rising order.
    columns : mapping of str to ndarray, shape (N,)
        Numbers, booleans and texts by name.
    """

    ids: np.ndarray
    columns: Mapping[str, np.ndarray]

    @property
    def names(self) -> list[str]:
        """Names of the columns, that of the labels first."""
        return [LABEL, *self.columns]

    def column(self, name: str) -> np.ndarray:
        """Return a column.

        Parameters
        ----------
        name : str
            Out of `names`.

        Returns
        -------
        ndarray, shape (N,)
            Its values.
        """
        return self.ids if name == LABEL else self.columns[name]

    def row_of(self, number: int) -> int | None:
        """Return which row a nucleus has.

        Parameters
        ----------
        number : int
            Its label.

        Returns
        -------
        int or None
            None if it has none.
        """
        row = int(np.searchsorted(self.ids, number))
        return row if row < self.ids.size and self.ids[row] == number else None

    def places(self, axes: int) -> np.ndarray | None:
        """Return where the nuclei are.

        Parameters
        ----------
        axes : int
            2 for a plane, 3 for a stack.

        Returns
        -------
        ndarray of float, shape (N, axes), or None
            In pixels; None if they were not measured.
        """
        names = [f"centroid_{axis}" for axis in "zyx"[-axes:]]
        return self._together(names)

    def boxes(self, axes: int) -> np.ndarray | None:
        """Return the boxes of the nuclei.

        Parameters
        ----------
        axes : int
            2 for a plane, 3 for a stack.

        Returns
        -------
        ndarray of float, shape (N, 2 * axes), or None
            The first place along each axis, then the first one behind it; None if they were
            not measured.
        """
        first, end = ("first_z", "top", "left"), ("end_z", "bottom", "right")
        return self._together([*first[-axes:], *end[-axes:]])

    def _together(self, names: list[str]) -> np.ndarray | None:
        if any(name not in self.columns or not is_number(self.columns[name]) for name in names):
            return None
        return np.stack([self.columns[name].astype(float) for name in names], axis=1)


def rows_of(layer: Any | None) -> Rows:
    """Return the rows of a layer.

    Parameters
    ----------
    layer : Labels or None
        The layer.

    Returns
    -------
    Rows
        Without rows if its features have no index.
    """
    features = None if layer is None else layer.features
    if features is None or INDEX not in features or not len(features):
        return Rows(np.zeros(0, np.int64), {})
    ids = np.asarray(features[INDEX], np.int64)
    order = np.argsort(ids, kind="stable")
    order = order[ids[order] > 0]
    named = [name for name in features if name not in (INDEX, LABEL)]
    # What people have said comes first: states and classes.
    first = [name for name in _FIRST if name in named]
    first += [n for n in named if n not in first and features[n].dtype.kind not in "biuf"]
    last = [name for name in named if str(name).startswith(_PLACES)]
    between = [name for name in named if name not in (*first, *last)]
    names = [*first, *between, *last]
    columns = {str(name): np.asarray(features[name])[order] for name in names}
    return Rows(ids[order], columns)


def is_number(values: np.ndarray) -> bool:
    """Return whether a column has numbers, and not classes.

    Parameters
    ----------
    values : ndarray, shape (N,)
        The column.

    Returns
    -------
    bool
        False for booleans and texts.
    """
    return values.dtype.kind in "iuf"
