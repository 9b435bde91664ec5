"""What is exported, and what all formats have in common."""

from __future__ import annotations

import abc
import dataclasses
import functools
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...image import BaseImage
from ...support import new_file
from ..measurements import measure_nuclei
from ..table import Pixel, Table

__all__ = ["FORMATS", "ExportFormat", "Plane"]


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """The labels of a plane, and what else a format may want to know.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 is background.
    name : str
        What the image is called, for formats that name it.
    pixel : Pixel
        Size of a pixel.
    image : BaseImage, optional
        The image that the labels were made from.
    """

    labels: np.ndarray
    name: str
    pixel: Pixel
    image: BaseImage | None = None

    @functools.cached_property
    def table(self) -> Table:
        """The measurements, see `measure_nuclei`."""
        size = self.pixel.size if self.pixel.unit else None
        return measure_nuclei(self.labels, self.image, pixel_size=size)


class ExportFormat(abc.ABC):
    """A format that labels can be exported to. A subclass registers itself by its name."""

    #: What the format is called by.
    name: ClassVar[str]
    #: What it is for, in a line.
    summary: ClassVar[str]
    #: How the name of a file ends that is made for an image, its suffix included.
    ending: ClassVar[str]

    def __init_subclass__(cls) -> None:
        FORMATS[cls.name] = cls()

    def write(self, path: Path, plane: Plane) -> None:
        """Write a file.

        Parameters
        ----------
        path : Path
            File to make or replace; it appears whole or not at all.
        plane : Plane
            What to write.

        Raises
        ------
        ValueError
            If the format cannot hold it.
        OSError
            If it cannot be written.
        """
        with new_file(path) as aside:
            self._write(aside, plane)

    @abc.abstractmethod
    def _write(self, path: Path, plane: Plane) -> None:
        """Write the file, whose folder exists."""


#: All formats by name.
FORMATS: dict[str, ExportFormat] = {}
