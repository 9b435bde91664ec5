"""The states of nuclei in the features of a layer, for the journal."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..corrections import State, States

__all__ = ["INDEX", "STATE", "put_states", "states_in"]

#: Columns of ``layer.features``: the label of a nucleus, as napari expects it, and its `State`.
INDEX, STATE = "index", "state"


def states_in(layer: Any) -> States:
    """Return the states that a layer shows.

    Parameters
    ----------
    layer : Labels
        The layer. Rows that are no numbers are left out.

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
        if isinstance(one, int) and value in [*State]:
            known[one] = State(value)
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
        layer.features = {
            INDEX: np.array([*known], np.int64),
            STATE: states.of(known),
        }
