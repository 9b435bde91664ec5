"""The command ``nucseg measure``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..image import LABELS_ENDING
from ..measure import (
    TABLE_SUFFIXES,
    Measurement,
    check_table_path,
    measure_image,
    write_measurements,
)
from ..support import Stopped, pluralize
from .label_files import LabelFile, add_label_files, label_files
from .options import add_axes, add_command
from .terminal import bar, interruptible, say, tell_of

__all__ = ["add_measure"]


def add_measure(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(
        commands,
        "measure",
        _measure,
        "Measure nuclei: position, size, shape, neighbors and, with images, intensities. All "
        "labels make one table, a row for each nucleus, and another one with a row for each "
        f"image. If a probability map lies beside <stem>{LABELS_ENDING}.tif, its mean is a "
        "column, too.",
    )
    add_label_files(command, "It is needed for intensities.")
    suffixes = " or ".join(TABLE_SUFFIXES)
    command.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="TABLE",
        help=f"File for the table, {suffixes}; <stem>_summary of the same suffix gets "
        f"the row for each image: count, density, coverage, medians.",
    )
    command.add_argument(
        "--pixel-size",
        type=_positive,
        metavar="N",
        help="Height and width of a pixel in micrometers; left out, what the files say.",
    )
    command.add_argument(
        "--ring-width",
        type=_positive,
        default=0.0,
        metavar="N",
        help="Also measure intensities in a ring of this width around each nucleus, in "
        "micrometers, or in pixels if their size is not known.",
    )
    command.add_argument(
        "--channel-names",
        default="",
        metavar="A,B",
        help="What the channels are called in the names of columns.",
    )
    add_axes(command)
    for name, what in (("--z", "Plane of a stack"), ("--t", "Time point of a series")):
        command.add_argument(name, type=int, metavar="N", help=f"{what}, counted from 0.")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < np.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


_positive.__name__ = "float"  # argparse says "invalid float value"


def _measure(options: Any) -> int:
    output = check_table_path(options.output)
    files = label_files(options)
    found: dict[str, Measurement] = {}
    with interruptible() as should_stop, bar(len(files), "image") as images:
        for file in files:
            if should_stop():
                raise Stopped(
                    f"Stopped after {len(found)} of {pluralize(files, 'image')}. Nothing was "
                    f"written."
                )
            try:
                found[file.name] = _measured(file, options)
            except Exception as error:  # whatever is wrong with one, the rest go on
                tell_of(file.path, error)
            else:
                say(f"{file.name}: {pluralize(int(found[file.name].table['label'].size))}")
            images.update()
    if found:
        summary = write_measurements(output, found)
        say(f"Wrote {output} and {summary}.")
    failed = len(files) - len(found)
    if failed:
        print(f"Failed: {failed} of {len(files)}.", file=sys.stderr)
    return 1 if failed else 0


def _measured(file: LabelFile, options: Any) -> Measurement:
    names = [name.strip() for name in options.channel_names.split(",") if name.strip()]
    return measure_image(
        file.path,
        file.image,
        axes=options.axes,
        z=options.z,
        t=options.t,
        pixel_size=options.pixel_size,
        ring_width=options.ring_width,
        channel_names=names,
        probability=file.probability,
    )
