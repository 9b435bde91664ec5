"""Compare a fine-tuned network with its parent, and choose the best mean of both."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from ..image import Field
from ..measure import Outcomes, interval_of_difference, pooled_mean_ap
from ..pipeline import Maps
from ..support import Callbacks, warn_user
from ..training import (
    CORRECTIONS,
    HELD_OUT,
    REFERENCE,
    Part,
    TrainingData,
    Verdict,
    doubt_about,
    judge_parts,
)
from .predict import KerasPredictor
from .score import outcomes_on

__all__ = ["Judge"]

#: Parts of the new weights in the mean of them and the parent's that are tried. Such means
#: keep what the parent knew (Wortsman et al., WiSE-FT, arXiv 2109.01903).
_BLENDS = (1.0, 0.7, 0.4)
#: A smaller part is only taken if the score there is that much better.
_WORTH = 0.01
#: What may be lost on the reference images before a smaller part is preferred.
_FORGOTTEN = 0.005
#: Of the corrections learned from, so many fields and pixels are scored.
_MOST_FIELDS, _MOST_PIXELS = 30, 3_000_000

Weights = Sequence[np.ndarray]


class Judge:
    """Scores the parent before a fine-tuning, and what came of it afterwards.

    Parameters
    ----------
    predictor : KerasPredictor
        Of the network that is exported, with the weights of the parent.
    data : TrainingData
        What is learned, with what both are compared on.
    channel : int or None
        Which channel of a person's images.
    callbacks : Callbacks, optional
        They are told of the progress, and can stop the work.

    Attributes
    ----------
    doubts : dict of str to str
        What is odd about corrected fields, by their names.
    seconds : float
        What scoring a model on the held-out part and the reference images takes.
    reserve : float
        What `decide` takes at most.
    """

    def __init__(
        self,
        predictor: KerasPredictor,
        data: TrainingData,
        channel: int | None,
        callbacks: Callbacks = Callbacks(),
    ) -> None:
        self._predictor, self._channel = predictor, channel
        self._data = data
        self._callbacks = callbacks
        self.doubts: dict[str, str] = {}
        learned = _some_of(data.groups[0])
        self._fields = {
            HELD_OUT: data.held_out,
            CORRECTIONS: learned,
            REFERENCE: data.reference,
        }
        before = time.monotonic()
        self._before = {
            name: self._outcomes(name, self._doubt) for name in (HELD_OUT, REFERENCE)
        }
        self.seconds = time.monotonic() - before
        self._before[CORRECTIONS] = self._outcomes(CORRECTIONS, self._doubt)
        self.reserve = time.monotonic() - before + (len(_BLENDS) - 1) * self.seconds
        for text in self.doubts.values():
            warn_user(text)

    def without_doubts(self) -> TrainingData:
        """Return the data without the fields whose labels are odd.

        Returns
        -------
        TrainingData
            The same data if no other field would be left to learn from.
        """
        data = self._data
        group = [field for field in data.groups[0] if field.name not in self.doubts]
        held_out = [field for field in data.held_out if field.name not in self.doubts]
        if not _have_nuclei(group) or not self.doubts:
            return data
        held_out = held_out if _have_nuclei(held_out) else list(data.held_out)
        return dataclasses.replace(data, groups=[group, *data.groups[1:]], held_out=held_out)

    def decide(
        self, parent: Weights, child: Weights, set_weights: Callable[[Weights], None]
    ) -> tuple[Verdict, float]:
        """Choose the best mean of both, and compare it with the parent.

        Parameters
        ----------
        parent, child : sequence of ndarray
            Weights of the exported network, before the fine-tuning and after it.
        set_weights : callable
            Puts weights into the exported network. At the end it has the chosen ones.

        Returns
        -------
        verdict : Verdict
            The comparison.
        blend : float
            The part of the child in the mean.
        """
        tried: dict[float, dict[str, list[Outcomes]]] = {}
        for blend in _BLENDS:
            set_weights(_mean_of(parent, child, blend))
            tried[blend] = {name: self._outcomes(name) for name in (HELD_OUT, REFERENCE)}
            if self._gain(tried[blend], REFERENCE) >= -_FORGOTTEN:
                break
        blend = max(tried, key=lambda one: self._worth(tried[one]) + _WORTH * one)
        set_weights(_mean_of(parent, child, blend))
        after = {**tried[blend], CORRECTIONS: self._outcomes(CORRECTIONS)}
        parts = [self._part(name, after[name]) for name in (HELD_OUT, CORRECTIONS, REFERENCE)]
        names = {field.name for field in [*self._data.groups[0], *self._data.held_out]}
        verdict = judge_parts(
            [part for part in parts if part.nuclei],
            list(self.doubts.values()),
            all_doubtful=names <= set(self.doubts),
        )
        return verdict, blend

    def _outcomes(
        self, name: str, on_field: Callable[[Field, np.ndarray, Maps], None] | None = None
    ) -> list[Outcomes]:
        """Say what becomes of the nuclei of a part."""
        channel = None if name == REFERENCE else self._channel
        self._callbacks.on_progress(0, 1, f"Scoring on the {name}")
        more = (on_field,) if on_field and name != REFERENCE else ()
        fields = self._fields[name]
        return outcomes_on(self._predictor, fields, channel, self._callbacks, *more)

    def _doubt(self, field: Field, labels: np.ndarray, maps: Maps) -> None:
        """Note what is odd about a field, looking at what the parent sees in it."""
        text = doubt_about(field.of_channel(self._channel), maps["foreground"], labels)
        if text:
            self.doubts.setdefault(field.name, text)

    def _kept(self, name: str, outcomes: Sequence[Outcomes]) -> list[Outcomes]:
        """Leave out the fields whose labels are odd, unless all are."""
        pairs = zip(self._fields[name], outcomes, strict=True)
        kept = [one for field, one in pairs if field.name not in self.doubts]
        return kept or list(outcomes)

    def _gain(self, after: dict[str, list[Outcomes]], name: str) -> float:
        before = pooled_mean_ap(self._kept(name, self._before[name]))
        gain = pooled_mean_ap(self._kept(name, after[name])) - before
        return float(np.nan_to_num(gain))

    def _worth(self, after: dict[str, list[Outcomes]]) -> float:
        """Return what is gained on a person's images, less what is forgotten of others."""
        forgotten = max(0.0, -self._gain(after, REFERENCE) - _FORGOTTEN)
        return self._gain(after, HELD_OUT) - 3 * forgotten

    def _part(self, name: str, after: list[Outcomes]) -> Part:
        before, after = self._kept(name, self._before[name]), self._kept(name, after)
        low, high = interval_of_difference(before, after)
        nuclei = sum(len(one.found) for one in before)
        return Part(name, nuclei, pooled_mean_ap(before), pooled_mean_ap(after), low, high)


def _mean_of(parent: Weights, child: Weights, blend: float) -> Weights:
    if blend == 1:
        return child
    return [one + blend * (two - one) for one, two in zip(parent, child, strict=True)]


def _have_nuclei(fields: Sequence[Field]) -> bool:
    return any(field.nuclei for field in fields)


def _some_of(fields: Sequence[Field]) -> list[Field]:
    """Return the fields, or as many of them as can be scored in a short time, the newest."""
    chosen: list[Field] = []
    pixels = 0
    for field in reversed(fields[-_MOST_FIELDS:]):
        pixels += field.shape[0] * field.shape[1]
        if chosen and pixels > _MOST_PIXELS:
            break
        chosen.append(field)
    return chosen
