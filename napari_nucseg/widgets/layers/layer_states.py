"""The states of nuclei in the features of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...corrections import State, States

__all__ = ["INDEX", "REASON", "STATE", "SUSPICION", "put_columns", "put_states", "states_in"]

#: Columns of ``layer.features``. The label of a nucleus, as napari expects it; its `State` in
#: words; the estimated chance that it is wrong, 0 to 1; and why, in words.
INDEX, STATE, SUSPICION, REASON = "index", "state", "suspicion", "reason"

_BY_WORD = {state.name.lower(): state for state in State}
_WORDS = np.array([state.name.lower() for state in State], object)


def states_in(layer: Any) -> States:
    """Return the states that a layer shows.

    Parameters
    ----------
    layer : Labels
        The layer. Rows that are no states are left out.

    Returns
    -------
    States
        Empty if the layer has none.
    """
    table = layer.features
    if INDEX not in table or STATE not in table:
        return States()
    ids = np.asarray(table[INDEX])
    values = np.asarray(table[STATE])
    known = {}
    for one, value in zip(ids.tolist(), values.tolist(), strict=True):
        state = _BY_WORD.get(value) if isinstance(value, str) else None
        if isinstance(one, int) and state is not None:
            known[one] = state
    return States(known)


def put_states(layer: Any, states: States) -> None:
    """Show states in the features of a layer, beside the columns that it has.

    Parameters
    ----------
    layer : Labels
        The layer.
    states : States
        The states.
    """
    known = states.as_dict()
    if known:
        put_columns(layer, [*known], {STATE: words_of(states, [*known])})


def words_of(states: States, ids: list[int]) -> np.ndarray:
    """Return states in words.

    Parameters
    ----------
    states : States
        The states.
    ids : list of int
        The nuclei.

    Returns
    -------
    ndarray of object, shape (N,)
        ``"unreviewed"``, ``"accepted"`` or ``"edited"`` for each.
    """
    return _WORDS[states.of(ids)]


def put_columns(layer: Any, ids: Any, columns: Mapping[str, Any]) -> None:
    """Put columns into the features of a layer, beside others that it has.

    Parameters
    ----------
    layer : Labels
        The layer.
    ids : sequence of int
        The nuclei, each once.
    columns : mapping of str to sequence
        A value for each nucleus. Columns of these names are replaced.
    """
    import pandas as pd

    new = pd.DataFrame({INDEX: np.asarray(ids, np.int64), **columns})
    old = layer.features
    others = [name for name in old if name not in (INDEX, *columns)]
    if others and len(old):
        # Without an index, a row belongs to the label of its number.
        index = old[INDEX] if INDEX in old else np.arange(len(old))
        new = old[others].assign(**{INDEX: index}).merge(new, on=INDEX, how="outer")
    layer.features = new
