"""The command ``nucseg segment``."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import Load, Segment, SegmentImage, execute
from ..image import (
    IMAGE_SUFFIXES,
    LABELS_ENDING,
    BaseImage,
    Field,
    channel_number,
    check_channel,
    check_file,
    find_images,
    open_planes,
    same_labels,
)
from ..measure import Outputs
from ..pipeline import Segmentation, SegmentParameters, StackParameters
from ..registry import Model
from ..support import Callbacks, Stopped, pluralize
from .again import Settings, add_again, settings_of
from .idle import IdleOptions
from .options import add_axes, add_command, add_model, add_parameters
from .outputs import add_outputs, outputs_of
from .terminal import bar, interruptible, say, tell_of

__all__ = ["add_segment"]


def add_segment(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(commands, "segment", _segment, "Find the nuclei in images.")
    command.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="Image or folder of images."
    )
    add_outputs(command)
    add_model(command, "Name or folder of the model.", optional=True)
    add_again(command)
    add_axes(command)
    for name, what in (("--z", "Plane of a stack"), ("--t", "Time point of a series")):
        text = f"{what}, counted from 0; left out, all of them."
        command.add_argument(name, type=int, metavar="N", help=text)
    add_parameters(command, SegmentParameters(), named=["channel"])
    add_parameters(command, StackParameters())


def _segment(options: Any) -> int:
    settings = settings_of(options)
    found, failed = _found(options.inputs)
    inputs = list({(_resolved(path), path.name): path for path in found}.values())
    outputs = outputs_of(options)
    _check_names(inputs)
    count = failed + len(inputs)
    todo = [path for path in inputs if _passes(path, check_file)]
    if todo:
        _make_folder(outputs.folder)
        todo = [path for path in todo if _passes(path, outputs.check)]
    failed = count - len(todo)
    if todo:
        read = functools.partial(_read, settings)
        if _any_can_be_read(todo, read):
            # An error in the model is told once, not for every image.
            _load(settings.model)
        idle = IdleOptions(settings.stack, outputs.tracks)
        find = functools.partial(_find, settings, idle)
        failed += _segment_all(todo, read, find, outputs)
    if failed:
        print(f"Failed: {failed} of {count}.", file=sys.stderr)
    return 1 if failed else 0


def _found(paths: Sequence[str]) -> tuple[list[Path], int]:
    """Return the images at some paths, and at how many of these there are none.

    If there is a single path, its error is that of the command.
    """
    found: list[Path] = []
    failed = 0
    for path in paths:
        try:
            found += find_images([path])
        except (OSError, ValueError) as error:
            if len(paths) == 1:
                raise
            failed += 1
            tell_of(Path(path), error)
    return found, failed


def _resolved(path: Path) -> Path:
    """Return what a path leads to, or itself if that cannot be found out."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # such as links in a circle
        return path


def _segment_all(
    inputs: Sequence[Path],
    read: Callable[[Path], Field | BaseImage],
    find: Callable[[Field | BaseImage, Callbacks], Segmentation],
    outputs: Outputs,
) -> int:
    """Segment one image after the other, and return how many failed."""
    done = failed = 0
    with interruptible() as should_stop, bar(len(inputs), "image") as images:
        callbacks = Callbacks(should_stop=should_stop)
        for path in inputs:
            try:
                callbacks.check_stop()
                field = read(path)
                if not isinstance(field, Field):
                    say(f"{path}: {field.describe()}, axes {field.axes}")
                result = find(field, callbacks)
                outputs.write(path, field, result)
            except Stopped as error:
                where = f"; their labels are in {outputs.folder}" if done else ""
                others = f" Failed: {failed}." if failed else ""
                raise Stopped(
                    f"Stopped after {done} of {pluralize(inputs, 'image')}{where}.{others}"
                ) from error
            except Exception as error:  # whatever is wrong with one, the rest go on
                failed += 1
                tell_of(path, error)
            else:
                done += 1
                say(f"{outputs.labels_of(path)}: {_in_words(result)}")
            images.update()
    return failed


def _read(settings: Settings, path: Path) -> Field | BaseImage:
    """Return a plane as a field, and a stack or series as an image that is not read."""
    image = open_planes(path, **settings.places, channel=settings.channel)
    channel = channel_number(image, settings.channel)
    if set("TZ") & set(image.axes):
        check_channel(image, channel)
        return image
    return Field(image)


def _find(
    settings: Settings, idle: IdleOptions, field: Field | BaseImage, callbacks: Callbacks
) -> Segmentation:
    source = field.source if isinstance(field, Field) else field
    idle.tell(source)
    channel = channel_number(source, settings.channel)
    parameters = dataclasses.replace(settings.parameters, channel=channel)
    if isinstance(field, Field):
        return execute(Segment(field, settings.model, parameters), callbacks)
    with bar(1, "plane") as planes:

        def on_progress(done: int, total: int, text: str) -> None:
            planes.set_description(text, refresh=False)
            planes.total, planes.n = total, done
            planes.refresh()

        task = SegmentImage(field, settings.model, parameters, settings.stack)
        return execute(task, Callbacks(on_progress, should_stop=callbacks.should_stop))


def _in_words(result: Segmentation) -> str:
    tracks = result.tracks
    count = int(result.labels.max()) if tracks is None else np.unique(tracks.track).size
    alike = not count and result.provenance["blank"]
    text = pluralize(int(count)) + (", all pixels are alike" if alike else "")
    if tracks is not None and tracks.divisions:
        text += f", {pluralize(len(tracks.divisions), 'division')}"
    return text


def _passes(path: Path, check: Callable[[Path], object]) -> bool:
    """Check a path before the network is loaded, and say at once what is wrong with it."""
    try:
        check(path)
    except (OSError, ValueError) as error:
        tell_of(path, error)
        return False
    return True


def _any_can_be_read(inputs: Sequence[Path], read: Callable[[Path], Field | BaseImage]) -> bool:
    """Return whether there is work for the network, as far as axes and chosen planes tell.

    Only what is needed to open a file is read, and no further file than the first that can.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is opened again, and they are told then
        for path in inputs:
            with contextlib.suppress(Exception):  # told when its turn comes
                read(path)
                return True
    return False


def _load(model: Model) -> None:
    """Load the network; it is kept for the images."""
    execute(Load(model))


def _make_folder(folder: Path) -> None:
    """Make the folder for the labels first: what cannot be written need not be computed."""
    if folder.suffix.lower() in IMAGE_SUFFIXES and not folder.exists():
        raise ValueError(
            f"Expected a folder for the labels, got {folder}, the name of an image. Name a "
            f"folder; the labels of each image are put into it, as <stem>{LABELS_ENDING}.tif."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".nucseg-{os.getpid()}"
        probe.touch()
        probe.unlink(missing_ok=True)  # another computer may have the same number
    except OSError as error:
        got = "the file" if folder.is_file() else f"{error.strerror} for"
        raise NotADirectoryError(
            f"Expected a folder that labels can be written to, got {got} {folder}. Name "
            f"another one; it is made if it is not there."
        ) from error


def _check_names(inputs: Sequence[Path]) -> None:
    """Refuse inputs that would overwrite each other's outputs."""
    for name, clash in same_labels(inputs).items():
        raise ValueError(
            f"Expected images of different names, got {' and '.join(map(str, clash))}, which "
            f"would both become {name}. Give them one at a time, each with an --output of "
            f"its own."
        )
