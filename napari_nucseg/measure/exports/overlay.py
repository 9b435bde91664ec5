"""The image with outlines, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..pictures import draw_outlines, shown
from .base import ExportFormat, Plane

__all__ = ["Overlay"]


class Overlay(ExportFormat):
    """A PNG of the image with the outline of each nucleus in a color.

    A pixel of the file is a pixel of the image, and outlines lie in the outermost pixels of
    the nuclei. Without an image the background is black. It is for people: labels cannot be
    made from it.
    """

    name = "overlay"
    summary = "picture of the image with outlines"
    ending = "_overlay.png"

    def _write(self, path: Path, plane: Plane) -> None:
        import PIL.Image

        black = np.zeros((*plane.labels.shape, 3), np.uint8)
        picture = black if plane.image is None else shown(plane.image)
        PIL.Image.fromarray(draw_outlines(picture, plane.labels)).save(path)
