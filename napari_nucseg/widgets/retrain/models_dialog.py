"""All models in one dialog: rename, remove, export, import, compare, copy as code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...registry import (
    Model,
    export_model,
    free_name,
    remove_model,
    removed_models,
    rename_model,
    restore_model,
)
from ...training import Recipe
from ..controls.tones import set_tone
from ..panel import enable_unless, hint, reasons_in_words
from .archive_reader import import_archive
from .models_tree import ModelsTree, about_model

__all__ = ["ModelsDialog"]

_ZIP = "Model (*.zip)"
_HINT = (
    "A model stands below the one that it was fine-tuned from. Select two to compare them on "
    "the chosen image; one is compared with its parent."
)


class ModelsDialog(QDialog):
    """Shows all models, and what can be done with them.

    Parameters
    ----------
    parent : QWidget, optional
        The parent.

    Signals
    -------
    changed(str, str)
        Models have changed: the name that a model had, and the one it has now. Both are empty
        if none was renamed.
    compared(object, object)
        The person wants to see two models at work on the chosen image.
    """

    changed = Signal(str, str)
    compared = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.resize(560, 420)
        self.tree = ModelsTree()
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)  # a stranger may have written it
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        #: Why buttons cannot be clicked.
        self.reason = hint("")
        #: What was done, or what went wrong.
        self.status = QLabel()
        self.status.setWordWrap(True)
        self._make_buttons()
        self._lay_out()
        self.tree.chosen.connect(self.refresh)
        self.refresh()

    def _make_buttons(self) -> None:
        def button(text: str, work: Callable[[], None]) -> QPushButton:
            made = QPushButton(text)
            made.setAutoDefault(False)
            made.clicked.connect(lambda _: work())
            return made

        self.rename_button = button("Rename…", self._rename)
        self.remove_button = button("Remove", self._remove)
        self.undo_button = button("Undo remove", self._undo)
        self.export_button = button("Export…", self._export)
        self.import_button = button("Import…", self._import)
        self.import_button.setToolTip(
            "Take a model from a zip file; you can also drop it on napari"
        )
        self.compare_button = button("Compare on image", self._compare)
        self.python_button = button("Copy as Python", self._copy_python)
        self.command_button = button("Copy as command", self._copy_command)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(hint(_HINT))
        column.addWidget(self.tree, 1)
        column.addWidget(self.about)
        rows = (
            (
                self.rename_button,
                self.remove_button,
                self.undo_button,
                self.export_button,
                self.import_button,
            ),
            (self.compare_button, self.python_button, self.command_button),
        )
        for buttons in rows:
            row = QHBoxLayout()
            for one in buttons:
                row.addWidget(one)
            column.addLayout(row)
        column.addWidget(self.reason)
        column.addWidget(self.status)

    def open_with(self, name: str) -> None:
        """Show the dialog, with a model selected.

        Parameters
        ----------
        name : str
            Name of the model.
        """
        self.tell("")
        self.tree.refresh(name)
        self.show()
        self.raise_()

    def refresh(self) -> None:
        """Enable what can work with the selected models."""
        chosen = self.tree.selected()
        one = "" if len(chosen) == 1 else "Select one model."
        bundled = "It came with napari-nucseg and stays."
        own = one or (bundled if chosen[0].bundled else "")
        enable_unless(self.rename_button, own, "Give the model another name")
        enable_unless(self.remove_button, own, "Remove the model; it can be brought back")
        kept = removed_models()
        nothing = "" if kept else "No model was removed."
        what = f"Bring {kept[-1].card.name!r} back" if kept else ""
        enable_unless(self.undo_button, nothing, what)
        enable_unless(self.export_button, one, "Write the model to a file, to give it away")
        pair = "" if self._pair() else "Select two models, or one with a parent."
        enable_unless(self.compare_button, pair, "Segment the chosen image with both")
        code = one or self._why_no_code(chosen[0])
        enable_unless(self.python_button, code, "Copy a program that makes the model again")
        enable_unless(self.command_button, code, "Copy a command that makes the model again")
        grey = (
            self.rename_button,
            self.remove_button,
            self.export_button,
            self.compare_button,
            self.python_button,
            self.command_button,
        )
        self.reason.setText("Select a model." if not chosen else reasons_in_words(None, *grey))
        self.about.setText(about_model(chosen[0]) if len(chosen) == 1 else "")

    def _pair(self) -> tuple[Model, Model] | None:
        """Return the two models to compare, the parent first."""
        chosen = self.tree.selected()
        if len(chosen) == 2:
            return chosen[0], chosen[1]
        above = self.tree.parent_of(chosen[0]) if len(chosen) == 1 else None
        return None if above is None else (above, chosen[0])

    def _why_no_code(self, model: Model) -> str:
        try:
            self._recipe(model)
        except ValueError as error:
            return str(error)
        return ""

    def _recipe(self, model: Model) -> Recipe:
        return Recipe.of_card(model.card, free_name(model.card.name))

    def tell(self, text: str, is_error: bool = False) -> None:
        """Show a message.

        Parameters
        ----------
        text : str
            The message.
        is_error : bool, optional
            Whether something went wrong.
        """
        set_tone(self.status, "error" if is_error else "")
        self.status.setText(text)

    def _do(self, work: Callable[[], str], before: str = "") -> None:
        """Change models; the work returns the name of the one to select."""
        try:
            name = work()
        except (OSError, ValueError) as error:
            self.tell(str(error), True)
            return
        self.tree.refresh(name)
        self.changed.emit(before, name if before else "")

    def _rename(self) -> None:
        (model,) = self.tree.selected()
        before = model.card.name
        name, ok = QInputDialog.getText(self, "Rename the model", "Name", text=before)
        if ok and name.strip() not in ("", before):
            self.tell("")
            self._do(lambda: rename_model(before, name.strip()).card.name, before)

    def _remove(self) -> None:
        (model,) = self.tree.selected()
        self.tell(f"Removed {model.card.name!r}. Undo remove brings it back.")
        self._do(lambda: remove_model(model.card.name).card.parent or "")

    def _undo(self) -> None:
        kept = removed_models()
        if kept:
            self.tell(f"Brought {kept[-1].card.name!r} back.")
            self._do(lambda: restore_model(kept[-1].card.name).card.name)

    def _export(self) -> None:
        (model,) = self.tree.selected()
        name = model.card.name
        asked, _ = QFileDialog.getSaveFileName(self, "Export the model", f"{name}.zip", _ZIP)
        if not asked:
            return
        path = Path(asked) if asked.lower().endswith(".zip") else Path(f"{asked}.zip")
        try:
            if path.exists():  # the dialog has asked whether to replace it
                beside = export_model(str(model.folder), path.with_name(f"{path.stem} new.zip"))
                beside.replace(path)
            else:
                export_model(str(model.folder), path)
        except (OSError, ValueError) as error:
            self.tell(str(error), True)
        else:
            self.tell(f"Wrote {name!r} to {path}.")

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a model", "", _ZIP)
        if path:
            self.take(path)

    def take(self, path: str) -> None:
        """Import a file.

        Parameters
        ----------
        path : str
            The zip file of a model.
        """

        def work() -> str:
            self.tell(import_archive(path))
            return ""

        self._do(work)

    def _compare(self) -> None:
        pair = self._pair()
        if pair is not None:
            names = " and ".join(repr(model.card.name) for model in pair)
            self.tell(f"The window shows where {names} differ as soon as both are done.")
            self.compared.emit(*pair)

    def _copy_python(self) -> None:
        (model,) = self.tree.selected()
        self._copy(self._recipe(model).as_python())

    def _copy_command(self) -> None:
        (model,) = self.tree.selected()
        self._copy(self._recipe(model).as_command())

    def _copy(self, code: str) -> None:
        QApplication.clipboard().setText(code)
        self.tell("Copied. It trains on the training set as it is now.")
