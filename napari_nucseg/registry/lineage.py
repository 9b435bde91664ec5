"""Which model was fine-tuned from which."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from .store import Model

__all__ = ["Descent", "lineage"]


@dataclasses.dataclass(frozen=True)
class Descent:
    """A model and those that were fine-tuned from it.

    Parameters
    ----------
    model : Model
        The model.
    children : tuple of Descent
        In the order in which they were made.
    """

    model: Model
    children: tuple[Descent, ...] = ()

    @property
    def scores(self) -> tuple[float | None, float | None]:
        """Mean AP on the held-out part of this model and of its parent; None if not known."""
        told = self.model.card.scores
        own, before = (told.get(f"{of}held_out_mean_ap") for of in ("", "parent_"))
        return _number(own), _number(before)


def lineage(models: Sequence[Model]) -> list[Descent]:
    """Arrange models as a forest: children below the model that they come from.

    A parent is known by the checksum of its weights, whatever it is called by now. Of several
    with the same weights the one of the right name is taken. If the parent is not there, the
    model is a root.

    Parameters
    ----------
    models : sequence of Model
        All models, for example those of `list_models`.

    Returns
    -------
    list of Descent
        The roots, in the order given.
    """
    parents = {model.folder: _parent(model, models) for model in models}
    roots = [model for model in models if _is_root(model, parents)]
    return [_descent(root, models, parents) for root in roots]


def _parent(model: Model, models: Sequence[Model]) -> Model | None:
    card = model.card
    same = [
        one
        for one in models
        if card.parent_sha256
        and one.card.weights_sha256 == card.parent_sha256
        and one.folder != model.folder
    ]
    named = [one for one in same if one.card.name == card.parent]
    return next(iter([*named, *same]), None)


def _is_root(model: Model, parents: dict[Path, Model | None]) -> bool:
    """Return whether a model has no parent; of those in a circle, which lie, each counts."""
    seen = {model.folder}
    above = parents[model.folder]
    if above is None:
        return True
    while above is not None:
        if above.folder in seen:
            return above.folder == model.folder
        seen.add(above.folder)
        above = parents[above.folder]
    return False


def _descent(
    model: Model,
    models: Sequence[Model],
    parents: dict[Path, Model | None],
    above: frozenset[Path] = frozenset(),
) -> Descent:
    above = above | {model.folder}
    children = [
        one
        for one in models
        if (parent := parents[one.folder]) is not None
        and parent.folder == model.folder
        and one.folder not in above
        and not _is_root(one, parents)
    ]
    children.sort(key=lambda one: one.card.created)
    return Descent(model, tuple(_descent(one, models, parents, above) for one in children))


def _number(told: object) -> float | None:
    try:
        return float(told) if isinstance(told, int | float) else None
    except OverflowError:  # JSON has whole numbers of any length
        return None
