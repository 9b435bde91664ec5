"""The gate: whether a fine-tuned model is better than its parent, and on what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from ..support import pluralize

__all__ = ["CORRECTIONS", "HELD_OUT", "REFERENCE", "Part", "Verdict", "judge_parts"]

#: Names of the parts that both models are scored on.
HELD_OUT = "held-out part"
CORRECTIONS = "corrections learned from"
REFERENCE = "reference images"

#: So much of the mean AP on the reference images may be lost.
_MOST_FORGOTTEN = 0.02
#: Scores that differ by less are the same.
_SAME = 0.005
#: A held-out part with fewer nuclei does not decide alone.
_FEW_NUCLEI = 50


@dataclasses.dataclass(frozen=True)
class Part:
    """What both models were scored on, and how they did.

    Parameters
    ----------
    name : str
        What it is.
    nuclei : int
        How many nuclei there are.
    parent, child : float
        Mean AP over IoU 0.5 to 0.9 of the starting model and of the new one, counts summed
        over the part.
    low, high : float
        The interval that holds 95 in 100 of the differences, child minus parent, if other
        nuclei like these had been drawn.
    """

    name: str
    nuclei: int
    parent: float
    child: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """How much better the new model is."""
        return self.child - self.parent

    @property
    def text(self) -> str:
        """The scores in a line."""
        interval = "" if math.isnan(self.low) else f" ({self.low:+.3f} to {self.high:+.3f})"
        return (
            f"{self.name} ({pluralize(self.nuclei)}): {self.child:.3f}, before "
            f"{self.parent:.3f}; {self.gain:+.3f}{interval}"
        )


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a fine-tuned model is to be used in place of its parent.

    Parameters
    ----------
    accepted : bool
        Whether it is.
    reason : str
        Why, and what to do if it is not.
    parts : tuple of Part
        The scores behind it.
    doubts : tuple of str
        What is odd about corrected fields, a sentence each.
    """

    accepted: bool
    reason: str
    parts: tuple[Part, ...] = ()
    doubts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict, ready for JSON.

        Returns
        -------
        dict
            What `from_dict` takes.
        """
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Verdict:
        """Make a verdict of what `as_dict` returned.

        Parameters
        ----------
        values : dict
            Read from JSON.

        Returns
        -------
        Verdict
            The same.

        Raises
        ------
        ValueError
            If the values are others.
        """
        try:
            parts = tuple(Part(**part) for part in values["parts"])
            return cls(
                bool(values["accepted"]), values["reason"], parts, tuple(values["doubts"])
            )
        except (LookupError, TypeError) as error:
            raise ValueError(f"Expected a verdict, got {str(values)[:200]}.") from error

    def part(self, name: str) -> Part | None:
        """Return a part.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Part or None
            None if nothing was scored on it.
        """
        return next((part for part in self.parts if part.name == name), None)


def judge_parts(
    parts: Sequence[Part], doubts: Sequence[str] = (), *, all_doubtful: bool = False
) -> Verdict:
    """Decide between a fine-tuned model and its parent.

    A good score on the held-out part of a person's labels proves nothing if the labels are
    bad, and a bad one little if there are few of them. So neither decides alone.

    Parameters
    ----------
    parts : sequence of Part
        What both models were scored on.
    doubts : sequence of str, optional
        What is odd about corrected fields.
    all_doubtful : bool, optional
        Whether every corrected field is odd, so that nothing good could be learned.

    Returns
    -------
    Verdict
        The decision, with its reason.
    """
    reason = _reason_against({part.name: part for part in parts}, doubts, all_doubtful)
    return Verdict(not reason, reason or _reason_for(parts), tuple(parts), tuple(doubts))


def _reason_against(parts: dict[str, Part], doubts: Sequence[str], all_doubtful: bool) -> str:
    """Say why the new model is refused; empty if it is not."""
    if all_doubtful and doubts:
        return f"It learned from labels that are doubtful. {doubts[0]}"
    reference = parts.get(REFERENCE)
    if reference and reference.gain < -_MOST_FORGOTTEN:
        return (
            f"It forgot other images: on the reference images its score fell from "
            f"{reference.parent:.3f} to {reference.child:.3f}. Retrain with a larger part of "
            f"rehearsal or a lower learning rate."
        )
    held_out = parts.get(HELD_OUT)
    if held_out is None or not held_out.nuclei:
        return ""
    learned = parts.get(CORRECTIONS)
    return _reason_of_held_out(held_out, learned is not None and learned.gain > 2 * _SAME)


def _reason_of_held_out(held_out: Part, helps_elsewhere: bool) -> str:
    """Say why the scores on a person's own images are against the new model, if they are."""
    if not (held_out.child or held_out.parent):
        return (
            "Neither model finds a nucleus as it is labelled there. Check that labels and "
            "images belong together, and that each nucleus has a value of its own."
        )
    if held_out.gain < -_SAME and (_is_sure(held_out) or not helps_elsewhere):
        return (
            f"It is worse on the {HELD_OUT} of your images: {held_out.child:.3f} instead of "
            f"{held_out.parent:.3f}. More corrected fields usually help."
        )
    if held_out.gain <= 0 and not helps_elsewhere:
        return (
            "It learned nothing new from your corrections. Give it more time, or correct "
            "fields that look worse."
        )
    return ""


def _is_sure(part: Part) -> bool:
    """Return whether a loss is more than the luck of a few nuclei."""
    return part.nuclei >= _FEW_NUCLEI and (math.isnan(part.high) or part.high < _SAME)


def _reason_for(parts: Sequence[Part]) -> str:
    """Say what the new model does better."""
    told = []
    for part in parts:
        if part.gain > _SAME:
            told.append(f"better on the {part.name}")
        elif part.gain < -_SAME:
            told.append(f"slightly worse on the {part.name}")
    nuclei = next((part.nuclei for part in parts if part.name == HELD_OUT), 0)
    text = f"It is {', '.join(told)}." if told else "Both do equally well."
    if nuclei < _FEW_NUCLEI:
        text += f" The held-out part has only {pluralize(nuclei)}: look at the next image, too."
    return text
