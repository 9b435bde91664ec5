"""Which nuclei a person has looked at: unreviewed, accepted or edited."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import numpy as np

from .edit import Edit

__all__ = ["State", "States"]


class State(enum.IntEnum):
    """What a person has done with a nucleus."""

    UNREVIEWED = 0
    ACCEPTED = 1
    EDITED = 2


#: By value; looking one up takes a tenth of the time of making one, and there are thousands.
_STATES = {int(state): state for state in State}


class States:
    """The state of each nucleus by its id. Those that are not in it are unreviewed.

    Nuclei that are gone stay in the table: if an undo brings one back, so is its state.

    Parameters
    ----------
    states : mapping of int to int, optional
        States by id, such as `as_dict` returns.
    """

    def __init__(self, states: Mapping[int, int] | None = None) -> None:
        self._states = {int(one): _STATES[state] for one, state in (states or {}).items()}
        #: The state that a nucleus had when it looked as a checksum says.
        self._known: dict[tuple[int, int], State] = {}

    def __getitem__(self, one: int) -> State:
        return self._states.get(int(one), State.UNREVIEWED)

    def of(self, ids: Iterable[int]) -> np.ndarray:
        """Return the states of nuclei.

        Parameters
        ----------
        ids : iterable of int
            The nuclei.

        Returns
        -------
        ndarray of uint8, shape (N,)
            Values of `State`, ready as a column of ``layer.features``.
        """
        known = self._states
        return np.array([known.get(one, 0) for one in map(int, ids)], np.uint8)

    def mark(self, ids: Iterable[int], state: State) -> None:
        """Give nuclei a state.

        Parameters
        ----------
        ids : iterable of int
            The nuclei; 0 is ignored.
        state : State
            Their new state.
        """
        self._states.update({int(one): State(state) for one in ids if one})

    def accept(self, ids: Iterable[int]) -> None:
        """Note that a person has found nuclei to be right.

        One that she has edited stays edited, which says as much.

        Parameters
        ----------
        ids : iterable of int
            The nuclei.
        """
        self.mark((one for one in ids if self[one] is not State.EDITED), State.ACCEPTED)

    def apply(self, edit: Edit) -> None:
        """Note what an edit has done.

        Parameters
        ----------
        edit : Edit
            What changed, or came, is edited: after a merge the nucleus that is left, after a
            split all parts.
        """
        self.mark(edit.changed, State.EDITED)

    def follow(self, changed: Mapping[int, tuple[int, int]]) -> None:
        """Note that nuclei look different now, whatever has changed them.

        One that looks as it did at an earlier time, after an undo, has its state of then. All
        others are edited.

        Parameters
        ----------
        changed : mapping of int to tuple of int
            By id, a checksum of how the nucleus looked, and of how it looks now; 0 where it is
            not there. `Queue.update` returns it.
        """
        for one, (before, after) in changed.items():
            if before:
                self._known[one, before] = self[one]
            if after:
                self.mark([one], self._known.get((one, after), State.EDITED))

    def reviewed(self) -> set[int]:
        """Return the nuclei that need no look.

        Returns
        -------
        set of int
            Accepted and edited ones, also such as are gone.
        """
        return {one for one, state in self._states.items() if state}

    def as_dict(self) -> dict[int, int]:
        """Return the states by id.

        Returns
        -------
        dict of int to int
            Of all nuclei that ever had one.
        """
        return {one: int(state) for one, state in self._states.items()}
