"""The command ``nucseg export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..measure import FORMATS, export_labels
from ..support import Stopped, pluralize
from .label_files import LabelFile, add_label_files, label_files
from .options import add_axes, add_command
from .terminal import bar, interruptible, say, tell_of

__all__ = ["add_export"]


def add_export(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(
        commands, "export", _export, "Write labels for other programs, a file for each image."
    )
    add_label_files(command, "For intensities in GeoJSON, and for the overlay.")
    told = "; ".join(f"{name}: {one.summary}" for name, one in sorted(FORMATS.items()))
    command.add_argument("--to", required=True, choices=sorted(FORMATS), help=f"{told}.")
    endings = ", ".join(f"<stem>{one.ending}" for _, one in sorted(FORMATS.items()))
    command.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help=f"Folder for the files; older ones are replaced. They are named {endings}.",
    )
    add_axes(command)
    for name, what in (("--z", "Plane of a stack"), ("--t", "Time point of a series")):
        command.add_argument(name, type=int, metavar="N", help=f"{what}, counted from 0.")


def _export(options: Any) -> int:
    files = label_files(options)
    targets = [_target(file, options) for file in files]
    _check(files, targets)
    done = 0
    with interruptible() as should_stop, bar(len(files), "image") as images:
        for file, target in zip(files, targets, strict=True):
            if should_stop():
                raise Stopped(f"Stopped after {done} of {pluralize(files, 'image')}.")
            places = {"axes": options.axes, "z": options.z, "t": options.t}
            try:
                export_labels(file.path, target, options.to, image=file.image, **places)
            except Exception as error:  # whatever is wrong with one, the rest go on
                tell_of(file.path, error)
            else:
                done += 1
                say(str(target))
            images.update()
    if done < len(files):
        print(f"Failed: {len(files) - done} of {len(files)}.", file=sys.stderr)
    return 0 if done == len(files) else 1


def _target(file: LabelFile, options: Any) -> Path:
    return Path(options.output) / f"{file.stem}{FORMATS[options.to].ending}"


def _check(files: list[LabelFile], targets: list[Path]) -> None:
    """Refuse to write one file twice, or over the labels that are read."""
    for file, target in zip(files, targets, strict=True):
        if targets.count(target) > 1:
            raise ValueError(
                f"Expected labels of different names, got several that would become {target}. "
                f"Give them one at a time, each with an --output of its own."
            )
        if target.resolve() == file.path.resolve():
            raise ValueError(
                f"Expected an output beside the labels, got {target}, which is read. Choose "
                f"another folder with --output."
            )
