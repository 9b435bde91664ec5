"""Words of messages that depend on how many there are."""

from __future__ import annotations

from collections.abc import Sequence, Sized

__all__ = ["number_of", "some_of"]


def number_of(things: Sized | int, noun: str = "nucleus") -> str:
    """Write how many there are.

    Parameters
    ----------
    things : sized or int
        The things, or their number.
    noun : str
        What one of them is called: ``"nucleus"``, or a word whose plural ends with an s.

    Returns
    -------
    str
        Such as ``"1 field"`` or ``"3 nuclei"``.
    """
    number = things if isinstance(things, int) else len(things)
    plural = "nuclei" if noun == "nucleus" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def some_of(names: Sequence[str]) -> str:
    """Write the first names of files, in a message that is not to be endless.

    Parameters
    ----------
    names : sequence of str
        All of them.

    Returns
    -------
    str
        Five at most.
    """
    return f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
