"""The commands ``nucseg models …``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .. import api, registry
from .options import add_command
from .terminal import printable, say

__all__ = ["add_models"]


def add_models(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    text = "List, show, import, export, rename, remove or restore models."
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
    give = add_command(actions, "export", _export_model, "Write a model to a file.")
    give.add_argument("model", metavar="NAME|DIR", help="Name or folder of the model.")
    text = "File to make, or folder to make it in."
    give.add_argument("destination", type=Path, help=text)
    text = (
        "zip, which 'import' reads; or, for other programs, onnx or bioimageio. Left out, the "
        "name of the file says which."
    )
    give.add_argument("--format", choices=api.EXPORT_FORMATS, help=text)
    rename = add_command(actions, "rename", _rename_model, "Rename one of your own models.")
    rename.add_argument("model", metavar="NAME", help="Name of the model.")
    rename.add_argument("name", metavar="NEW_NAME", help="The new name.")
    text = "Remove one of your own models. It is kept."
    remove = add_command(actions, "remove", _remove_model, text)
    remove.add_argument("model", metavar="NAME", help="Name of the model.")
    back = add_command(actions, "restore", _restore_model, "Bring a removed model back.")
    back.add_argument("model", metavar="NAME", help="Name of the model.")


def _list_models(options: Any) -> int:
    for root in registry.lineage(registry.list_models()):
        _list_descent(root)
    return 0


def _list_descent(descent: registry.Descent, depth: int = 0) -> None:
    """Print a model and, indented, those that were fine-tuned from it."""
    card = descent.model.card
    origin = "bundled" if descent.model.bundled else f"from {card.parent or 'scratch'}"
    score, before = descent.scores
    told = "" if score is None else f"mean AP {score:.3f}"
    told += "" if before is None else f" (parent {before:.3f})"
    name = "  " * depth + card.name
    say(printable(f"{name:<24} {origin:<24} {told:<28} {card.description}"))
    for child in descent.children:
        _list_descent(child, depth + 1)


def _show_model(options: Any) -> int:
    model = registry.load_model(options.model)
    card = {**dataclasses.asdict(model.card), "folder": str(model.folder)}
    if options.json:
        say(json.dumps(card, indent=2))
        return 0
    rows = {name: value for name, value in card.items() if value and type(value) is str}
    rows |= {f"score {name}": value for name, value in card["scores"].items()}
    for name, value in rows.items():
        say(f"{printable(name).replace('_', ' ') + ':':<32} {printable(value)}")
    return 0


def _import_model(options: Any) -> int:
    model = api.import_model(options.path, options.name)
    say(f"Model {model.card.name!r} is in {model.folder}.")
    return 0


def _export_model(options: Any) -> int:
    say(f"Wrote {api.export_model(options.model, options.destination, options.format)}.")
    return 0


def _rename_model(options: Any) -> int:
    model = registry.rename_model(options.model, options.name)
    say(f"Model {model.card.name!r} is in {model.folder}.")
    return 0


def _remove_model(options: Any) -> int:
    registry.remove_model(options.model)
    say(f"Removed {options.model!r}. 'nucseg models restore' brings it back.")
    return 0


def _restore_model(options: Any) -> int:
    model = registry.restore_model(options.model)
    say(f"Model {model.card.name!r} is in {model.folder}.")
    return 0
