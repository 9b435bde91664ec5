"""Words of messages that depend on how many there are, or how long it takes."""

from __future__ import annotations

from collections.abc import Sequence, Sized

__all__ = ["duration", "pluralize", "some_of"]


def pluralize(things: Sized | int, noun: str = "nucleus") -> str:
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


def duration(seconds: float) -> str:
    """Write a time the way people say it.

    Parameters
    ----------
    seconds : float
        The time.

    Returns
    -------
    str
        Such as ``"40 s"`` or ``"12 min"``.
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
