"""The commands ``nucseg models …``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .. import model_archive, model_store
from .options import add_command

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
    show.add_argument("model", metavar="NAME|DIR")
    show.add_argument("--json", action="store_true", help="print the whole card as JSON")
    take = add_command(actions, "import", _import_model, "Take a model from a zip or folder.")
    take.add_argument("path", type=Path)
    take.add_argument("--name", help="another name for it")
    give = add_command(actions, "export", _export_model, "Write a model to a zip file.")
    give.add_argument("model", metavar="NAME|DIR")
    give.add_argument("destination", type=Path)
    remove = add_command(actions, "remove", _remove_model, "Remove one of your own models.")
    remove.add_argument("model", metavar="NAME")


def _list_models(options: Any) -> int:
    for model in model_store.list_models():
        origin = "bundled" if model.bundled else f"from {model.card.parent or 'scratch'}"
        print(f"{model.card.name:<24} {origin:<24} {model.card.description}")
    return 0


def _show_model(options: Any) -> int:
    model = model_store.load_model(options.model)
    card = dataclasses.asdict(model.card)
    if options.json:
        print(json.dumps(card, indent=2, ensure_ascii=False))
        return 0
    scores = {name.replace("_", " "): value for name, value in card["scores"].items()}
    texts = {
        name.replace("_", " "): value
        for name, value in card.items()
        if value and type(value) is str
    }
    for name, value in {**texts, **scores, "folder": model.folder}.items():
        print(f"{name + ':':<20} {value}")
    return 0


def _import_model(options: Any) -> int:
    model = model_archive.import_model(options.path, options.name)
    print(f"Model {model.card.name!r} is in {model.folder}.")
    return 0


def _export_model(options: Any) -> int:
    print(f"Wrote {model_archive.export_model(options.model, options.destination)}.")
    return 0


def _remove_model(options: Any) -> int:
    model_store.remove_model(options.model)
    print(f"Removed {options.model!r}.")
    return 0
