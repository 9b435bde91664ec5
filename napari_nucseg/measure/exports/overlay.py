"""The image with outlines, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..pictures import draw_outlines, shown
from .base import ExportFormat, Labeled

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

    def _write(self, path: Path, labeled: Labeled) -> None:
        import PIL.Image

        black = np.zeros((*labeled.labels.shape, 3), np.uint8)
        picture = black if labeled.image is None else shown(labeled.image)
        PIL.Image.fromarray(draw_outlines(picture, labeled.labels)).save(path)
