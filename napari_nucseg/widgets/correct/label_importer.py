"""Labels that other programs have made, brought in from a file to be corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from ...image import FOREIGN_SUFFIXES, read_foreign_labels
from ...support import pluralize
from ..jobs import run_in_thread
from ..layers.layers import METADATA_KEY, field_of, placement_of
from ..layers.origin import note_origin
from ..layers.shown import bare
from ..tools.brush import guard_brush

__all__ = ["IMPORT_TIP", "LabelImporter"]

IMPORT_TIP = (
    "Labels of this image from a file: a mask (TIFF, PNG, NumPy), Cellpose _seg.npy, QuPath "
    "GeoJSON, or ImageJ ROIs (.roi, .zip)"
)


class LabelImporter(QObject):
    """Reads labels from a file, on a thread, and shows them over their image.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are shown.
    window : QWidget
        Where the file is asked for; also the parent.

    Signals
    -------
    imported(object, object)
        The new `Labels` layer and its `Image`.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    imported = Signal(object, object)
    told = Signal(str, bool)

    def __init__(self, viewer: Any, window: QWidget) -> None:
        super().__init__(window)
        self._viewer = viewer
        self._window = window

    def ask(self, image: Any) -> None:
        """Ask for a file, and bring in its labels.

        Parameters
        ----------
        image : Image or None
            The layer that they belong to.
        """
        if image is None:
            self.told.emit("Open the image first that the labels belong to.", True)
            return
        kinds = " ".join(f"*{suffix}" for suffix in FOREIGN_SUFFIXES)
        path, _ = QFileDialog.getOpenFileName(
            self._window, f"Labels of {image.name}", "", f"Labels ({kinds});;All files (*)"
        )
        if path:
            self.read(Path(path), image)

    def read(self, path: Path, image: Any) -> None:
        """Bring in the labels of a file.

        Parameters
        ----------
        path : Path
            The file.
        image : Image
            The layer that they belong to.
        """
        try:
            shape = field_of(image).shape
        except (TypeError, ValueError) as error:
            self.told.emit(f"Not imported: {error}", True)
            return
        self.told.emit(f"Reading {path.name} …", False)
        run_in_thread(
            lambda: read_foreign_labels(path, shape),
            lambda labels: self._show(path, image, labels),
            lambda error: self.told.emit(f"Not imported: {error}", True),
        )

    def _show(self, path: Path, image: Any, labels: np.ndarray) -> None:
        """Show labels where the image lies now."""
        if image not in self._viewer.layers or field_of(image).shape != labels.shape:
            self.told.emit(f"Not imported: the image of {path.name} was closed.", True)
            return
        name = f"{image.name} {path.stem}"
        about = {"image": image.name, "imported": str(path)}
        layer = self._viewer.add_labels(
            labels, name=name, metadata={METADATA_KEY: about}, **placement_of(image)
        )
        note_origin(layer, image)
        guard_brush(bare(layer))
        count = pluralize(len(np.unique(labels[labels > 0])))
        self.imported.emit(layer, image)
        self.told.emit(f"Imported {count} from {path.name}.", False)
