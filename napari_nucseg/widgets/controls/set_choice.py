"""Choose a training set; make, rename, export and import sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QWidget,
)

from ...support import pluralize
from ...training import (
    TrainingSet,
    create_set,
    export_set,
    import_set,
    list_sets,
    rename_set,
)
from ..jobs import run_in_thread

__all__ = ["SetChoice"]

_TIP = "The training set that fields are added to, and that Retrain learns from"
_ZIP = "Training set (*.zip)"


class SetChoice(QWidget):
    """Lets the person choose a training set.

    The set that is shown is one object, which the whole window shares: when another is
    chosen, its folder changes.

    Parameters
    ----------
    training_set : TrainingSet
        What is shown.
    parent : QWidget, optional
        The parent.

    Signals
    -------
    changed()
        Another set is shown, or it has another name.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    changed = Signal()
    told = Signal(str, bool)

    def __init__(self, training_set: TrainingSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set = training_set
        self.sets = _Sets(self._list)
        self.sets.setToolTip(_TIP)
        self.menu_button = QPushButton("Sets…")
        self.menu_button.setToolTip("Make, rename, export or import a training set")
        menu = QMenu(self.menu_button)
        self.actions_by_name = {
            name: menu.addAction(text)
            for name, text in (
                ("create", "New training set…"),
                ("rename", "Rename this one…"),
                ("export", "Export as one file…"),
                ("import", "Import from a file…"),
            )
        }
        self.menu_button.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("set"))
        row.addWidget(self.sets, 1)
        row.addWidget(self.menu_button)
        self.sets.currentIndexChanged.connect(lambda _: self._chosen())
        for name, work in (
            ("create", self._create),
            ("rename", self._rename),
            ("export", self._export),
            ("import", self._import),
        ):
            self.actions_by_name[name].triggered.connect(work)
        self._list()

    def _list(self) -> None:
        """List the sets anew, as another window may have made one, and keep the choice."""
        folders = [one.folder for one in list_sets()]
        if self._set.folder not in folders:
            folders.append(self._set.folder)
        with QSignalBlocker(self.sets):
            self.sets.clear()
            for folder in folders:
                self.sets.addItem(TrainingSet(folder).name, str(folder))
            self.sets.setCurrentIndex(folders.index(self._set.folder))

    def _chosen(self) -> None:
        folder = self.sets.currentData()
        if folder is not None and Path(folder) != self._set.folder:
            self._show(TrainingSet(folder))

    def _show(self, training_set: TrainingSet) -> None:
        self._set.folder = training_set.folder
        self._list()
        self.changed.emit()
        entries = training_set.entries()
        size = f"{pluralize(entries, 'field')}, {pluralize(sum(e.nuclei for e in entries))}"
        self.told.emit(f"Training set {training_set.name!r}: {size}.", False)

    def ask_name(self, title: str, text: str) -> str:
        """Ask for a name.

        Parameters
        ----------
        title : str
            Of the question.
        text : str
            What is there at first.

        Returns
        -------
        str
            Empty if the person thought better of it.
        """
        name, ok = QInputDialog.getText(self, title, "Name", text=text)
        return name.strip() if ok else ""

    def ask_file(self, title: str, name: str, *, to_save: bool) -> str:
        """Ask for a zip file.

        Parameters
        ----------
        title : str
            Of the question.
        name : str
            The file that is offered.
        to_save : bool
            Whether it is to be made.

        Returns
        -------
        str
            The path; empty if the person thought better of it.
        """
        ask = QFileDialog.getSaveFileName if to_save else QFileDialog.getOpenFileName
        path, _ = ask(self, title, name, _ZIP)
        return str(path)

    def _create(self) -> None:
        name = self.ask_name("New training set", "")
        if name:
            self._change(lambda: create_set(name))

    def _rename(self) -> None:
        before = self._set.name
        name = self.ask_name("Rename the training set", before)
        if name and name != before:
            self._change(lambda: rename_set(before, name))

    def _change(self, work: Callable[[], TrainingSet]) -> None:
        """Make or rename a set, which takes no time."""
        try:
            changed = work()
        except (OSError, ValueError) as error:
            self.told.emit(str(error), True)
        else:
            self._show(changed)

    def _export(self) -> None:
        asked = self.ask_file("Export the training set", f"{self._set.name}.zip", to_save=True)
        if not asked:
            return
        path = Path(asked) if asked.lower().endswith(".zip") else Path(f"{asked}.zip")
        here = TrainingSet(self._set.folder)
        self.told.emit(f"Writing {path.name}…", False)
        run_in_thread(lambda: _export_over(here, path), self._exported, self._failed)

    def _exported(self, path: Path) -> None:
        self.told.emit(f"Wrote the training set to {path}.", False)

    def _import(self) -> None:
        path = self.ask_file("Import a training set", "", to_save=False)
        if path:
            self.told.emit(f"Reading {Path(path).name}…", False)
            run_in_thread(lambda: import_set(path), self._show, self._failed)

    def _failed(self, error: Exception) -> None:
        self.told.emit(str(error), True)


class _Sets(QComboBox):
    """The names of the sets, listed anew when it opens."""

    def __init__(self, refresh: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._refresh = refresh
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(8)

    def showPopup(self) -> None:  # noqa: N802 (Qt's name)
        """List the sets anew: another window may have made one."""
        self._refresh()
        super().showPopup()


def _export_over(training_set: TrainingSet, path: Path) -> Path:
    """Export a set; the dialog has asked before whether to replace a file."""
    if not path.exists():
        return export_set(training_set, path)
    beside = export_set(training_set, path.with_name(f"{path.stem} new.zip"))
    return beside.replace(path)
