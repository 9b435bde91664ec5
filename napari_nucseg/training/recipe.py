"""How a model was fine-tuned, as code that does it again."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

from ..registry import Card, list_models
from ..support import parameters_of
from .parameters import TrainParameters

__all__ = ["Recipe"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What it takes to make a fine-tuned model.

    Parameters
    ----------
    data : str
        Folder of the training set, or of pairs.
    parent : str
        Name or folder of the model to start from.
    name : str
        Name of the new model.
    parameters : mapping of str to object
        Values of `TrainParameters`; None for one that is left to the program.
    note : str, optional
        What a person should know about it, in a line.
    """

    data: str
    parent: str
    name: str
    parameters: Mapping[str, Any]
    note: str = ""

    @classmethod
    def of_card(cls, card: Card, name: str) -> Recipe:
        """Read from the card of a model how it was made.

        Parameters
        ----------
        card : Card
            The card.
        name : str
            Name of the model that is to be made.

        Returns
        -------
        Recipe
            The recipe.

        Raises
        ------
        ValueError
            If the model was not fine-tuned, or its card does not say on which data.
        """
        data, told = card.training.get("data"), card.training.get("parameters")
        if not card.parent or not isinstance(told, dict):
            raise ValueError(
                f"The model {card.name!r} was not fine-tuned from another one, so there is "
                f"nothing to copy."
            )
        if not isinstance(data, str) or not data:
            raise ValueError(
                f"The card of {card.name!r} does not say on which training set it was "
                f"fine-tuned: it was made of fields in memory, or by an older version."
            )
        known = {declared.name for declared in parameters_of(TrainParameters)}
        values = {one: value for one, value in told.items() if one in known}
        fields, nuclei = (card.training.get(what) for what in ("fields", "nuclei"))
        note = f"{card.name} was fine-tuned on {nuclei} nuclei in {fields} fields or parts."
        return cls(data, _name_of_parent(card), name, values, note)

    def as_python(self) -> str:
        """Return the recipe as a program in Python.

        Returns
        -------
        str
            Lines that can be run as they are.
        """
        given = [
            ("model", self.parent),
            *((one, value) for one, value in self.parameters.items() if value is not None),
        ]
        lines = [f"    {one}={value!r}," for one, value in given]
        return "\n".join(
            [
                *([f"# {_line(self.note)}"] if self.note else []),
                "from napari_nucseg import fine_tune",
                "",
                "result = fine_tune(",
                f"    {self.data!r},",
                f"    {self.name!r},",
                *lines,
                ")",
                "print(result.comparison)",
                "",
            ]
        )

    def as_command(self) -> str:
        """Return the recipe as a command.

        Returns
        -------
        str
            A line for the shell of this operating system.
        """
        words = ["nucseg", "fine-tune", self.data, "--model", self.parent, "--name", self.name]
        for one, value in self.parameters.items():
            option = f"--{one.replace('_', '-')}"
            if value is True:
                words.append(option)
            elif value is not None and value is not False:
                words += [option, str(value)]
        return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _name_of_parent(card: Card) -> str:
    """Return what the parent is called now; its weights do not change with the name."""
    same = [
        model.card.name
        for model in list_models()
        if model.card.weights_sha256 == card.parent_sha256
    ]
    parent = card.parent or ""
    return same[0] if same and parent not in same else parent


def _line(text: str) -> str:
    """Return a text that cannot end the comment it stands in."""
    return "".join(one if one.isprintable() else " " for one in text)
