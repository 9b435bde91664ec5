"""What is exported, and what all formats have in common."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...image import BaseImage
from ...support import new_file
from ..measurements import measure_nuclei
from ..table import Pixel, Table

__all__ = ["FORMATS", "ExportFormat", "Labeled"]


@dataclasses.dataclass(frozen=True, eq=False)
class Labeled:
    """Labels, and what else a format may want to know of them.

    Parameters
    ----------
    labels : ndarray of int32
        0 is background.
    axes : str
        ``"YX"``; formats that hold stacks are given ``"ZYX"``, ``"TYX"`` and ``"TZYX"``, too.
    name : str
        What the image is called, for formats that name it.
    pixel : Pixel
        Size of a pixel.
    image : BaseImage, optional
        The image that the labels were made from.
    classes : mapping of int to str, optional
        The class of nuclei by their labels; others have none.
    """

    labels: np.ndarray
    axes: str
    name: str
    pixel: Pixel
    image: BaseImage | None = None
    classes: Mapping[int, str] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def table(self) -> Table:
        """The measurements, see `measure_nuclei`."""
        size = self.pixel.size if self.pixel.unit else None
        axes = self.axes if self.image is None else ""
        return measure_nuclei(self.labels, self.image, axes=axes, pixel_size=size)


class ExportFormat(abc.ABC):
    """A format that labels can be exported to. A subclass registers itself by its name."""

    #: What the format is called by.
    name: ClassVar[str]
    #: What it is for, in a line.
    summary: ClassVar[str]
    #: How the name of a file ends that is made for an image, its suffix included.
    ending: ClassVar[str]
    #: Whether it holds stacks and series as well as planes.
    holds_stacks: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        FORMATS[cls.name] = cls()

    def write(self, path: Path, labeled: Labeled) -> None:
        """Write a file.

        Parameters
        ----------
        path : Path
            File to make or replace; it appears whole or not at all.
        labeled : Labeled
            What to write.

        Raises
        ------
        ValueError
            If the format cannot hold it.
        OSError
            If it cannot be written.
        """
        with new_file(path) as aside:
            self._write(aside, labeled)

    @abc.abstractmethod
    def _write(self, path: Path, labeled: Labeled) -> None:
        """Write the file, whose folder exists."""


#: All formats by name.
FORMATS: dict[str, ExportFormat] = {}
