"""The command ``nucseg report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..measure import ReportEntry, report_entry, write_report
from ..support import Stopped, pluralize
from .label_files import add_label_files, label_files, with_images_beside
from .options import add_axes, add_command
from .terminal import bar, interruptible, say, tell_of

__all__ = ["add_report"]


def add_report(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(
        commands,
        "report",
        _report,
        "Write a report of labels: one HTML file that opens without a network. It shows each "
        "image with outlines, counts, distributions, outliers, model, parameters, versions.",
    )
    add_label_files(command, "Left out, images are looked for beside the labels.")
    command.add_argument(
        "--output", required=True, type=Path, metavar="HTML", help="File for the report, .html."
    )
    command.add_argument("--title", default="", help="What the report is called.")
    add_axes(command)
    for name, what in (("--z", "Plane of a stack"), ("--t", "Time point of a series")):
        command.add_argument(name, type=int, metavar="N", help=f"{what}, counted from 0.")


def _report(options: Any) -> int:
    files = label_files(options)
    if options.image is None:
        files = with_images_beside(files)
    if options.output.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"Expected a file with the suffix .html, got {options.output}.")
    entries: list[ReportEntry] = []
    places = {"axes": options.axes, "z": options.z, "t": options.t}
    with interruptible() as should_stop, bar(len(files), "image") as images:
        for file in files:
            if should_stop():
                raise Stopped(f"Stopped after {len(entries)} of {pluralize(files, 'image')}.")
            try:
                entries.append(report_entry(file.path, file.image, name=file.stem, **places))
            except Exception as error:  # whatever is wrong with one, the rest go on
                tell_of(file.path, error)
            images.update()
    if entries:
        title = options.title or f"Nuclei in {Path(options.labels[0]).resolve().name}"
        write_report(options.output, entries, title)
        say(f"Wrote {options.output}: {pluralize(entries, 'image')}.")
    failed = len(files) - len(entries)
    if failed:
        print(f"Failed: {failed} of {len(files)}.", file=sys.stderr)
    return 1 if failed else 0
