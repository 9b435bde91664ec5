"""How nuclei were found and measured, as code that does it again."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..image import LABELS_ENDING, labels_name
from ..pipeline import SegmentParameters
from ..support import parameters_of

__all__ = ["MeasureRecipe"]

#: Arguments of `find_nuclei` and `measure_nuclei` that say which plane of a file is meant.
_PLACES = ("axes", "z", "t")


@dataclasses.dataclass(frozen=True)
class MeasureRecipe:
    """What it takes to find and to measure the nuclei of an image again.

    Parameters
    ----------
    labels : str, optional
        File of the labels; empty if the nuclei are to be found anew.
    image : str, optional
        File of the image that they are found in then.
    made : mapping of str to object, optional
        How they were found in it: the provenance of a `Segmentation`.
    measured : mapping of str to object or None, optional
        Arguments of `measure_nuclei`; None if the nuclei were not measured.
    images : mapping of str to str, optional
        Files of the images that intensities were measured in, by name; the name of a single
        one is empty.
    """

    labels: str = ""
    image: str = ""
    made: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    measured: Mapping[str, Any] | None = None
    images: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def as_python(self) -> str:
        """Return the recipe as a program in Python.

        Returns
        -------
        str
            Lines that can be run as they are.
        """
        names = [] if self.labels else ["find_nuclei"]
        names += [] if self.measured is None else ["measure_nuclei"]
        parts = [f"from napari_nucseg import {', '.join(names)}\n"]
        if not self.labels:
            given = [repr(self.image), repr(self.made["model"])]
            given += [f"{name}={value!r}" for name, value in self._found_with().items()]
            parts += [f"{self._told()}\n{_call('found', 'find_nuclei', given)}"]
        if self.measured is None:
            parts += ['print(found.labels.max(), "nuclei")\n']
        else:
            given = [repr(self.labels) if self.labels else "found"]
            if self.images:
                single = list(self.images) == [""]
                given += [repr(self._first if single else dict(self.images))]
            given += [f"{name}={value!r}" for name, value in self._measured_with().items()]
            parts += [_call("table", "measure_nuclei", given)]
            parts += ['print(len(table["label"]), "nuclei, columns:", *table)\n']
        return "\n".join(parts)

    def as_command(self) -> str:
        """Return the recipe as commands, which write into the folder that they are run in.

        Returns
        -------
        str
            A line for each, for the shell of this operating system.

        Raises
        ------
        ValueError
            If no command can do it.
        """
        lines, labels = [], self.labels
        if not labels:
            words = ["nucseg", "segment", self.image, "--output", ".", "--model"]
            lines.append([*words, self.made["model"], *_options(self._found_with())])
            labels = labels_name(Path(self.image))
        if self.measured is not None:
            lines.append(self._measure_command(labels))
        return "".join(f"{_joined(line)}\n" for line in lines)

    def _measure_command(self, labels: str) -> list[str]:
        if len(self.images) > 1:
            raise ValueError(
                f"Expected one image to measure in, got {len(self.images)}: the command takes "
                f"one. Copy as Python."
            )
        given = self._measured_with()
        size = given.get("pixel_size")
        if isinstance(size, Sequence):
            if len({*size}) > 1:
                raise ValueError(
                    f"Expected pixels as high as wide, got {tuple(size)} µm: the command takes "
                    f"one number. Copy as Python."
                )
            given["pixel_size"] = size[0]
        if given.get("channel_names"):
            given["channel_names"] = ",".join(given["channel_names"])
        image = ["--image", self._first] if self.images else []
        table = f"{Path(labels).stem.removesuffix(LABELS_ENDING)}_table.csv"
        return ["nucseg", "measure", labels, *image, "--output", table, *_options(given)]

    @property
    def _first(self) -> str:
        return next(iter(self.images.values()))

    def _found_with(self) -> dict[str, Any]:
        """Return the arguments of `find_nuclei` that are not left to the program."""
        known = {declared.name for declared in parameters_of(SegmentParameters)}
        told = {**self._places(), **self.made["parameters"]}
        return {
            name: value
            for name, value in told.items()
            if value is not None and (name in known or name in _PLACES)
        }

    def _measured_with(self) -> dict[str, Any]:
        given = {**(self._places() if self.images else {}), **(self.measured or {})}
        return {name: value for name, value in given.items() if value not in (None, 0, "", ())}

    def _places(self) -> dict[str, Any]:
        """Return which axes and which plane of the file are meant, where that is known."""
        places = {axis.lower(): at for axis, at in self.made.get("plane", {}).items()}
        if not self.made.get("axes_guessed", True):
            places["axes"] = self.made.get("axes", "")
        return {name: at for name, at in places.items() if name in _PLACES and at != ""}

    def _told(self) -> str:
        """Return in a comment which weights found the nuclei."""
        weights = str(self.made.get("weights_sha256", ""))[:12]
        text = f"{self.made.get('software', '')}, weights {weights}"
        return "# " + "".join(one if one.isprintable() else " " for one in text)


def _call(result: str, function: str, given: Sequence[str]) -> str:
    inside = "".join(f"    {one},\n" for one in given)
    return f"{result} = {function}(\n{inside})"


def _options(given: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is not False:
            words += [option, str(value)]
    return words


def _joined(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
