"""What labels were made with, to segment in the same way again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..image import read_provenance
from ..pipeline import SegmentParameters, StackParameters
from ..registry import DEFAULT_MODEL, Model, load_model
from ..support import from_keywords
from .options import given

__all__ = ["Settings", "add_again", "settings_of"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to read and segment images.

    Parameters
    ----------
    model : Model
        The model.
    parameters : SegmentParameters
        How to segment.
    stack : StackParameters
        How to put planes together.
    channel : int, str or None
        Number or name of the channel, in place of that of the parameters.
    places : mapping of str to object
        ``axes``, ``z`` and ``t`` of `read_image`.
    """

    model: Model
    parameters: SegmentParameters
    stack: StackParameters
    channel: int | str | None
    places: Mapping[str, Any]


def add_again(command: Any) -> None:
    """Add the option.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    """
    command.add_argument(
        "--from",
        dest="made_like",
        type=Path,
        metavar="LABELS",
        help="Segment with the model, parameters and plane that these labels say they were "
        "made with; other options count before them.",
    )


def settings_of(options: Any) -> Settings:
    """Return how to segment.

    Parameters
    ----------
    options : argparse.Namespace
        What was parsed.

    Returns
    -------
    Settings
        What the labels of ``--from`` say, if they were given, with what was given beside them.

    Raises
    ------
    FileNotFoundError
        If there are no such labels, or no such model.
    ValueError
        If the labels do not say how they were made, or the model has other weights today.
    """
    places = {"axes": options.axes, "z": options.z, "t": options.t}
    if options.made_like is None:
        values = given(options, SegmentParameters)
        channel = values.pop("channel", None)
        parameters = SegmentParameters(**values)
        stack = StackParameters(**given(options, StackParameters))
        model = load_model(options.model or DEFAULT_MODEL)
        return Settings(model, parameters, stack, channel, places)
    made = _provenance(options.made_like)
    values = {**made["parameters"], **given(options, SegmentParameters)}
    channel = values.pop("channel", None)
    for_stack = {**made.get("stack", {}), **given(options, StackParameters)}
    for axis, place in made.get("plane", {}).items():
        if places.get(axis.lower()) is None:
            places[axis.lower()] = place
    if not places["axes"] and not made.get("axes_guessed", True):
        places["axes"] = made.get("axes", "")
    same = _same_model(made, options.made_like) if options.model is None else None
    return Settings(
        same or load_model(options.model),
        from_keywords(SegmentParameters, values),
        from_keywords(StackParameters, for_stack),
        channel,
        places,
    )


def _provenance(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"Expected labels, but there is nothing at {path}.")
    made = read_provenance(path)
    if not isinstance(made.get("parameters"), dict) or not isinstance(made.get("model"), str):
        raise ValueError(
            f"Expected labels that say how they were made, got {path}, which does not. Give "
            f"labels that 'nucseg segment' has written, or the options themselves."
        )
    return made


def _same_model(made: Mapping[str, Any], path: Path) -> Model:
    """Return the model that made the labels, and no other one of the same name."""
    name = made["model"]
    try:
        model = load_model(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"Expected the model {name!r}, which made {path}, but it is not here ({error}). "
            f"Name its folder, or another model, with --model."
        ) from error
    if model.card.weights_sha256 != made.get("weights_sha256"):
        raise ValueError(
            f"Expected the model {name!r} with the weights that made {path}, got one with "
            f"other weights. Name a model with --model to use that one."
        )
    return model
