"""The card of a model: what it is, in words and numbers."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from ..support import depth_of, read_object
from .names import check_model_name
from .spec import check_spec

__all__ = ["CARD_FILE", "Card", "read_card", "write_card"]

#: Name of the file of the card in the folder of a model.
CARD_FILE = "model.json"

_FORMAT_VERSION = 1

#: More than this no card has to say, and not in more lists inside of lists.
_MOST_BYTES, _MOST_LEVELS = 10_000_000, 16


@dataclasses.dataclass(frozen=True)
class Card:
    """What a model is, in words and numbers.

    Parameters
    ----------
    name : str
        Name of the model and of its folder.
    description : str
        What it is for.
    version : str
        Version of the model.
    created : str
        Date, as YYYY-MM-DD.
    architecture : dict
        Kind and numbers of the network, see `network.Architecture.as_dict`.
    spec : dict, optional
        Scale and maps of the network, see `pipeline.ModelSpec`: any of ``diameter``,
        ``stride``, ``halo``, ``size_stride`` and ``maps``. What is left out is as there.
    training_data, data_license, license : str
        What it was trained on, the licence of those data, and that of the model.
    parent, parent_sha256 : str, optional
        Name and checksum of the model that it was fine-tuned from.
    training, scores : dict
        How it was trained, and how well it did.
    weights_sha256 : str
        Checksum of the weights file; filled in by `save_model`.
    format_version : int
        Version of the format of the card.
    """

    name: str
    description: str = ""
    version: str = "1"
    created: str = ""
    architecture: dict[str, Any] = dataclasses.field(default_factory=dict)
    training_data: str = ""
    data_license: str = ""
    license: str = ""
    parent: str | None = None
    parent_sha256: str | None = None
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    scores: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights_sha256: str = ""
    format_version: int = _FORMAT_VERSION
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)


def read_card(path: Path) -> Card:
    """Read a card, and say what is wrong with it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Card
        The card.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is damaged, of another version, or says what makes no sense.
    """
    if path.exists() and not path.is_file():  # reading a pipe would not end
        raise ValueError(f"Expected a model card in {path}, got something else than a file.")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"Expected a model card of at most 10 MB in {path}, got more.")
    try:
        values = read_object(path)
        json.dumps(values, ensure_ascii=False).encode()  # JSON can name what is no character
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Expected a model card in {path}: {error}") from error
    if depth_of(values) > _MOST_LEVELS:
        raise ValueError(
            f"Expected a model card with at most {_MOST_LEVELS} lists and objects inside of "
            f"each other in {path}, got {depth_of(values)}."
        )
    known = typing.get_type_hints(Card)
    if "name" not in values:
        raise ValueError(f"Expected a model card with a name in {path}.")
    if values.get("format_version") != _FORMAT_VERSION or set(values) - set(known):
        raise ValueError(
            f"Expected a model card of format {_FORMAT_VERSION} in {path}. It may be of a "
            f"newer version of napari-nucseg: update, then try again."
        )
    for name, value in values.items():
        if not isinstance(value, _classes(known[name])):
            kinds = " or ".join(kind.__name__ for kind in _classes(known[name]))
            raise ValueError(f"Expected {name!r} to be {kinds} in {path}, got {value!r}.")
    check_model_name(values["name"])
    try:
        check_spec(values.get("spec", {}))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Card(**values)


def _classes(hint: Any) -> tuple[type, ...]:
    """Return the classes that a value of a type may have: dict of ``dict[str, Any]``."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return tuple(typing.get_origin(option) or option for option in options)


def write_card(card: Card, path: Path) -> None:
    """Write a card.

    Parameters
    ----------
    card : Card
        The card.
    path : Path
        The file to make.
    """
    text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
