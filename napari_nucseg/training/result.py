"""The result of fine-tuning, and what its scores mean."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..support import pluralize
from .gate import Verdict

__all__ = ["FEW_NUCLEI", "FineTuneResult"]

#: A score on fewer nuclei than this can be luck.
FEW_NUCLEI = 50

#: Scores that agree to this many digits count as equal.
_DIGITS = 3


@dataclasses.dataclass(frozen=True)
class FineTuneResult:
    """A fine-tuned model beside its parent.

    Parameters
    ----------
    name : str
        Name of the new model.
    path : Path
        Its folder.
    parent : str
        Name of the model that training started from.
    parent_score, score : float
        Mean AP of both over IoU 0.5 to 0.9 on the held-out part.
    nuclei : int
        How many nuclei there are on that part.
    epochs : int
        Epochs finished.
    seconds : float
        Time since the run began.
    verdict : Verdict, optional
        How both compare on all that they were scored on; None if the run ended before.
    held_out : tuple of str, optional
        What was held out, in words.
    """

    name: str
    path: Path
    parent: str
    parent_score: float
    score: float
    nuclei: int
    epochs: int
    seconds: float
    verdict: Verdict | None = None
    held_out: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the new model is to be used in place of its parent.

        Without a verdict, that is if it scores at least as high on the held-out part, and
        above 0. Scores are compared to three digits.
        """
        if self.verdict is not None:
            return self.verdict.accepted
        return self.score > 0 and round(self.score, _DIGITS) >= round(
            self.parent_score, _DIGITS
        )

    @property
    def comparison(self) -> str:
        """What the scores say, in sentences for people."""
        if self.verdict is not None:
            refused = "" if self.verdict.accepted else f" Keep using {self.parent!r}."
            return self.verdict.reason + refused
        part = f"the held-out part ({pluralize(self.nuclei)})"
        few = self.nuclei < FEW_NUCLEI
        sentences = [
            f"On {part} it scores {self.score:.3f}, {self.parent!r} {self.parent_score:.3f}.",
            self._verdict,
            "So few nuclei tell little: look at the next image, too." if few else "",
        ]
        return " ".join(filter(None, sentences))

    @property
    def _verdict(self) -> str:
        """What the scores mean; empty if the new model is plainly better."""
        if not (self.score or self.parent_score):
            return (
                "Neither finds a nucleus as it is labelled there. Check that labels and images "
                "belong together, and that each nucleus has a value of its own."
            )
        if not self.better:
            return (
                f"It is worse: keep using {self.parent!r}. More corrected fields usually help."
            )
        alike = round(self.score, _DIGITS) == round(self.parent_score, _DIGITS)
        return "Both do equally well there." if alike else ""
