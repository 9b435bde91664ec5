"""The commands ``nucseg models …``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .. import registry
from .options import add_command
from .terminal import say

__all__ = ["add_models"]


def add_models(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    text = "List, show, import, export or remove models."
    parser = commands.add_parser("models", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "list", _list_models, "List all models.")
    show = add_command(actions, "show", _show_model, "Show the card of a model.")
    show.add_argument("model", metavar="NAME|DIR", help="Name or folder of the model.")
    show.add_argument("--json", action="store_true", help="Print the whole card as JSON.")
    take = add_command(actions, "import", _import_model, "Take a model from a zip or folder.")
    text = "Zip file that 'export' made, or folder of a model."
    take.add_argument("path", type=Path, help=text)
    take.add_argument("--name", help="Another name for it; left out, the one in its card.")
    give = add_command(actions, "export", _export_model, "Write a model to a zip file.")
    give.add_argument("model", metavar="NAME|DIR", help="Name or folder of the model.")
    text = "Zip file to make, or folder to make it in."
    give.add_argument("destination", type=Path, help=text)
    remove = add_command(actions, "remove", _remove_model, "Remove one of your own models.")
    remove.add_argument("model", metavar="NAME", help="Name of the model.")


def _list_models(options: Any) -> int:
    for model in registry.list_models():
        origin = "bundled" if model.bundled else f"from {model.card.parent or 'scratch'}"
        say(_line(f"{model.card.name:<24} {origin:<24} {model.card.description}"))
    return 0


def _show_model(options: Any) -> int:
    model = registry.load_model(options.model)
    card = {**dataclasses.asdict(model.card), "folder": str(model.folder)}
    if options.json:
        say(json.dumps(card, indent=2))
        return 0
    rows = {name: value for name, value in card.items() if value and type(value) is str}
    rows |= {f"score {name}": value for name, value in card["scores"].items()}
    for name, value in rows.items():
        say(f"{_line(name).replace('_', ' ') + ':':<32} {_line(value)}")
    return 0


def _line(value: Any) -> str:
    """Write what a stranger may have written as one line, of what can be printed."""
    return "".join(c if c.isprintable() else " " for c in str(value))


def _import_model(options: Any) -> int:
    model = registry.import_model(options.path, options.name)
    say(f"Model {model.card.name!r} is in {model.folder}.")
    return 0


def _export_model(options: Any) -> int:
    say(f"Wrote {registry.export_model(options.model, options.destination)}.")
    return 0


def _remove_model(options: Any) -> int:
    registry.remove_model(options.model)
    say(f"Removed {options.model!r}.")
    return 0
