"""The commands ``nucseg training-set …``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import training
from ..image import read_fields
from ..support import pluralize, some_of
from ..training import DEFAULT_SET, Entry, TrainingSet, find_set, set_of
from .options import add_axes, add_command
from .terminal import printable, say

__all__ = ["add_training_sets"]


def add_training_sets(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    text = "List, create, fill, export or import training sets."
    parser = commands.add_parser("training-set", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    show = add_command(
        actions, "list", _list, "List all training sets, or the fields of one of them."
    )
    show.add_argument("set", nargs="?", metavar="SET", help="Name or folder of the set.")
    create = add_command(actions, "create", _create, "Make an empty training set.")
    create.add_argument("name", metavar="NAME", help="Name of the new set.")
    rename = add_command(actions, "rename", _rename, "Give a training set another name.")
    rename.add_argument("set", metavar="SET", help="Name of the set.")
    rename.add_argument("name", metavar="NAME", help="The new name.")
    add = add_command(
        actions,
        "add",
        _add,
        "Add fields to a training set. The same image under the same name replaces what was "
        "there, which is kept as an older version.",
    )
    text = "Folder with images/ and masks/, or another training set."
    add.add_argument("data", nargs="+", metavar="DATA", help=text)
    _add_set(add)
    add_axes(add)
    remove = add_command(
        actions, "remove", _remove, "Take fields out of a training set. They are kept."
    )
    restore = add_command(actions, "restore", _restore, "Put removed fields back into the set.")
    for command in (remove, restore):
        text = "Name or key of a field, as 'nucseg training-set list SET' shows them."
        command.add_argument("fields", nargs="+", metavar="FIELD", help=text)
        _add_set(command)
    give = add_command(actions, "export", _export, "Write a training set to a zip file.")
    give.add_argument("set", metavar="SET", help="Name or folder of the set.")
    text = "Zip file to make, or folder to make it in."
    give.add_argument("destination", type=Path, metavar="FILE|DIR", help=text)
    take = add_command(actions, "import", _import, "Make a training set of a zip file.")
    take.add_argument("path", type=Path, metavar="FILE", help="Zip file that 'export' made.")
    take.add_argument("--name", help="Name of the new set; left out, that of the file.")


def _add_set(command: Any) -> None:
    command.add_argument(
        "--set",
        default=DEFAULT_SET,
        metavar="NAME|DIR",
        help="Name or folder of the training set. Default: %(default)s.",
    )


def _list(options: Any) -> int:
    if options.set is None:
        for one in training.list_sets():
            say(f"{one.name:<24} {_size(one.entries()):<24} {one.folder}")
        return 0
    entries = find_set(options.set).entries()
    for entry in entries:
        model = entry.source.get("model")
        made = f"from {model}" if model else "drawn by hand"
        row = f"{entry.name:<24} {pluralize(entry.nuclei):<14} {made:<24} {entry.key}"
        say(printable(row))
    say(_size(entries))
    return 0


def _size(entries: list[Entry]) -> str:
    nuclei = sum(entry.nuclei for entry in entries)
    return f"{pluralize(entries, 'field')}, {pluralize(nuclei)}"


def _create(options: Any) -> int:
    made = training.create_set(options.name)
    say(f"Training set {made.name!r} is in {made.folder}.")
    return 0


def _rename(options: Any) -> int:
    renamed = training.rename_set(options.set, options.name)
    say(f"Training set {renamed.name!r} is in {renamed.folder}.")
    return 0


def _add(options: Any) -> int:
    training_set = find_set(options.set)
    added = []
    for data in options.data:
        other = set_of(data)
        if other is not None:
            if other.folder.resolve() == training_set.folder.resolve():
                raise ValueError(f"Expected another training set to add, got {data!r} itself.")
            for entry in other.entries():
                field, states = other.read(entry.key), other.states(entry.key)
                added.append(training_set.add(field, entry.source, states))
            continue
        for field in read_fields([data], options.axes):
            added.append(training_set.add(field, {"folder": str(Path(data).absolute())}))
    say(f"Added {_size(added)} to {training_set.name!r}, in {training_set.folder}.")
    return 0


def _remove(options: Any) -> int:
    training_set = find_set(options.set)
    keys = [_key(one, training_set.entries(), training_set) for one in options.fields]
    for key in keys:
        entry = training_set.remove(key)
        say(printable(f"Removed {entry.name!r}. To put it back: {_back(training_set, key)}"))
    return 0


def _back(training_set: TrainingSet, key: str) -> str:
    which = "" if training_set.name == DEFAULT_SET else f" --set {str(training_set.folder)!r}"
    return f"nucseg training-set restore {key!r}{which}"


def _restore(options: Any) -> int:
    training_set = find_set(options.set)
    # Of several versions of a field the newest is meant.
    kept = {entry.identity: entry for entry in training_set.older()}
    everything = {entry.key: entry for entry in training_set.older()}
    keys = [
        one if one in everything else _key(one, list(kept.values()), training_set)
        for one in options.fields
    ]
    for key in keys:
        say(printable(f"Put {training_set.restore(key).name!r} back."))
    return 0


def _key(wanted: str, entries: list[Entry], training_set: TrainingSet) -> str:
    """Return the key of the field that is meant by a key or name."""
    if wanted in [entry.key for entry in entries]:
        return wanted
    keys = [entry.key for entry in entries if entry.name == wanted]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise ValueError(
            f"Expected a field, got {wanted!r}, which several are called. Give the key of one: "
            f"{', '.join(map(repr, keys))}."
        )
    names = some_of([entry.name for entry in entries]) or "none"
    raise ValueError(
        f"Expected the name or key of a field of {training_set.name!r}, got {wanted!r}. There "
        f"are: {printable(names)}. Nothing was changed."
    )


def _export(options: Any) -> int:
    path = training.export_set(find_set(options.set), options.destination)
    say(f"Wrote {path}.")
    return 0


def _import(options: Any) -> int:
    made = training.import_set(options.path, options.name)
    say(f"Training set {made.name!r} ({_size(made.entries())}) is in {made.folder}.")
    return 0
