"""Numbers and labels to files: table, exports for other programs, report; code to copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton, QWidget

from ...measure import (
    FORMATS,
    TABLE_SUFFIXES,
    check_table_path,
    export_labels,
    report_entry,
    write_measurements,
    write_report,
)
from ..jobs import run_in_thread
from ..layers import layers
from ..layers.layer_states import states_in, words_of
from ..layers.layers import METADATA_KEY
from ..layers.shown import bare
from ..panel import enable_unless
from .code import note_written, recipe_of
from .measured import classes_of, measured_of, table_of
from .measurer import labels_of, why_not_measured
from .outline_shapes import show_outlines

__all__ = ["Saving"]

_HTML = "Report (*.html)"
_TABLES = " ".join(f"*{suffix}" for suffix in TABLE_SUFFIXES)

#: Formats of which the labels can be read again as they are.
_LOSSLESS = ("ome-tiff", "tiff")

_SAVE_TIP = "Write the table to a file, CSV or Parquet, and a summary of the image beside it"
_EXPORT_TIP = "Labels for other programs, a report, or outlines as a layer"
_COPY_TIP = "Copy code that finds and measures these nuclei again"


class Saving(QObject):
    """The buttons that write files, and those that copy code.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer_of, image_of : callable
        Return the chosen labels and their image, or None.
    home : QWidget
        Where files are asked for; also the parent.

    Signals
    -------
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    told = Signal(str, bool)

    def __init__(
        self,
        viewer: Any,
        layer_of: Callable[[], Any | None],
        image_of: Callable[[], Any | None],
        home: QWidget,
    ) -> None:
        super().__init__(home)
        self._viewer, self._home = viewer, home
        self._layer_of, self._image_of = layer_of, image_of
        self.save_button = QPushButton("Save table…")
        self.export_button = QPushButton("Export…")
        self.copy_button = QPushButton("Copy as…")
        #: What can be chosen in the menus, by a short name.
        self.actions: dict[str, Any] = {}
        self.export_button.setMenu(self._export_menu())
        self.copy_button.setMenu(self._copy_menu())
        self.save_button.clicked.connect(self._save_table)

    def _export_menu(self) -> QMenu:
        menu = QMenu(self.export_button)
        for name, one in FORMATS.items():
            text = f"{one.summary[0].upper()}{one.summary[1:]}…"
            self._add(menu, name, text, lambda _=False, name=name: self._export(name))
        menu.addSeparator()
        self._add(menu, "report", "Report of this image…", lambda _=False: self._report())
        self._add(
            menu, "shapes", "Outlines as a Shapes layer", lambda _=False: self._outlines()
        )
        return menu

    def _copy_menu(self) -> QMenu:
        menu = QMenu(self.copy_button)
        self._add(menu, "python", "Copy as Python", lambda _=False: self._copy("python"))
        self._add(menu, "command", "Copy as command", lambda _=False: self._copy("command"))
        return menu

    def _add(self, menu: QMenu, name: str, text: str, work: Callable[..., None]) -> None:
        self.actions[name] = menu.addAction(text)
        self.actions[name].triggered.connect(work)

    def refresh(self) -> None:
        """Enable what can work with the chosen labels."""
        layer = self._layer_of()
        none = "Segment an image first, or add a Labels layer." if layer is None else ""
        measured = none or ("" if measured_of(layer) else "Measure the nuclei first.")
        enable_unless(self.save_button, measured, _SAVE_TIP)
        enable_unless(self.export_button, none, _EXPORT_TIP)
        enable_unless(self.copy_button, none, _COPY_TIP)

    # Files

    def ask_file(self, title: str, name: str, kinds: str) -> Path | None:
        """Ask where to write.

        Parameters
        ----------
        title : str
            Of the question.
        name : str
            The file that is offered.
        kinds : str
            Kinds of files, as Qt names them.

        Returns
        -------
        Path or None
            None if the person thought better of it.
        """
        path, _ = QFileDialog.getSaveFileName(self._home, title, name, kinds)
        return Path(path) if path else None

    def _save_table(self) -> None:
        layer = self._layer_of()
        if layer is None or measured_of(layer) is None:
            return
        path = self.ask_file("Save the table", f"{layer.name}.csv", f"Table ({_TABLES})")
        if path is None:
            return
        path = path if path.suffix else path.with_suffix(".csv")
        name, found = _image_name(layer, self._image_of()), table_of(layer)

        def work() -> str:
            summary = write_measurements(check_table_path(path), {name: found})
            return f"Wrote {path} and {summary.name}."

        self._write(path, work)

    def _export(self, to: str) -> None:
        layer, image = self._layer_of(), self._image_of()
        if layer is None:
            return
        offered = f"{_image_name(layer, image)}{FORMATS[to].ending}"
        kinds = f"{FORMATS[to].summary} (*{FORMATS[to].ending})"
        path = self.ask_file(f"Export: {FORMATS[to].summary}", offered, kinds)
        if path is None:
            return
        labels, source, classes = (
            labels_of(layer, copied=True),
            self._source(layer),
            classes_of(layer),
        )
        shape = bare(layer).data.shape

        def work() -> str:
            export_labels(labels, path, to, image=source, classes=classes)
            if to in _LOSSLESS:
                note_written(layer, path, np.asarray(labels).reshape(shape))
            return f"Wrote {path}."

        self._write(path, work)

    def _report(self) -> None:
        layer = self._layer_of()
        if layer is None:
            return
        name = _image_name(layer, self._image_of())
        path = self.ask_file("Write a report", f"{name}_report.html", _HTML)
        if path is None:
            return
        labels, source, states = (
            labels_of(layer, copied=True),
            self._source(layer),
            states_in(layer),
        )
        ids = [*states.as_dict()]
        known = dict(zip(ids, words_of(states, ids), strict=True)) if ids else None
        made = layer.metadata.get(METADATA_KEY, {})

        def work() -> str:
            entry = report_entry(labels, source, name=name, states=known, provenance=made)
            write_report(path, [entry], f"Nuclei in {name}")
            return f"Wrote {path}."

        self._write(path if path.suffix else path.with_suffix(".html"), work)

    def _write(self, path: Path, work: Callable[[], str]) -> None:
        """Write on a thread, and say so."""
        self.told.emit(f"Writing {path.name}…", False)
        failed = f"{path.name} was not written"
        run_in_thread(
            work,
            lambda text: self.told.emit(text, False),
            lambda error: self.told.emit(f"{failed}: {error}", True),
        )

    def _source(self, layer: Any) -> Any | None:
        """Return the image of the labels, None if it does not fit."""
        image = self._image_of()
        if image is None or why_not_measured(layer, {"": image}):
            return None
        return layers.image_of(image)

    # Layers and code

    def _outlines(self) -> None:
        layer = self._layer_of()
        if layer is not None:
            self.told.emit(*show_outlines(self._viewer, layer))

    def _copy(self, kind: str) -> None:
        try:
            recipe = recipe_of(self._layer_of(), self._viewer)
            code = recipe.as_python() if kind == "python" else recipe.as_command()
        except ValueError as error:
            self.told.emit(f"Nothing was copied. {error}", True)
            return
        QApplication.clipboard().setText(code)
        self.told.emit("Copied. The code makes the same numbers from the same files.", False)


def _image_name(layer: Any, image: Any | None) -> str:
    name = str(layer.name if image is None else image.name)
    return "".join("_" if one in '/\\:*?"<>|' else one for one in name)
