"""The models as a tree: each below the one that it was fine-tuned from."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from ...registry import Descent, Model, lineage, list_models

__all__ = ["ModelsTree", "about_model"]

_COLUMNS = ("model", "made", "mean AP", "parent")
_SCORE_TIP = (
    "Mean average precision over IoU 0.5 to 0.9, on the part of the training set that was held "
    "out: of this model, and of its parent on the same part"
)


class ModelsTree(QTreeWidget):
    """Shows all models with their scores.

    Parameters
    ----------
    parent : QWidget, optional
        The parent.

    Signals
    -------
    chosen()
        Other models are selected.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(len(_COLUMNS))
        self.setHeaderLabels(_COLUMNS)
        for column in (2, 3):
            self.headerItem().setToolTip(column, _SCORE_TIP)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setRootIsDecorated(True)
        self.itemSelectionChanged.connect(self.chosen)
        self.refresh()

    def refresh(self, name: str = "") -> None:
        """List the models anew.

        Parameters
        ----------
        name : str, optional
            The model to select; left out, those that were selected.
        """
        names = [name] if name else [model.card.name for model in self.selected()]
        with QSignalBlocker(self):
            self.clear()
            for root in lineage(list_models()):
                self._add(root, None, names)
        self.expandAll()
        header = self.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        for column in range(1, len(_COLUMNS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.chosen.emit()

    def selected(self) -> list[Model]:
        """Return the selected models.

        Returns
        -------
        list of Model
            In the order of the tree.
        """
        return [item.data(0, Qt.ItemDataRole.UserRole) for item in self._items_selected()]

    def parent_of(self, model: Model) -> Model | None:
        """Return the model above another one.

        Parameters
        ----------
        model : Model
            A model of the tree.

        Returns
        -------
        Model or None
            None if its parent is not there.
        """
        for item in self._all():
            if item.data(0, Qt.ItemDataRole.UserRole).folder == model.folder:
                above = item.parent()
                return None if above is None else above.data(0, Qt.ItemDataRole.UserRole)
        return None

    def _add(self, descent: Descent, above: QTreeWidgetItem | None, names: list[str]) -> None:
        model = descent.model
        own, before = descent.scores
        texts = [model.card.name, model.card.created, _score(own), _score(before)]
        item = QTreeWidgetItem(texts)
        item.setData(0, Qt.ItemDataRole.UserRole, model)
        item.setToolTip(0, about_model(model))
        for column in (2, 3):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
        if above is None:
            self.addTopLevelItem(item)
        else:
            above.addChild(item)
        item.setSelected(model.card.name in names)
        for child in descent.children:
            self._add(child, item, names)

    def _all(self) -> list[QTreeWidgetItem]:
        found, waiting = [], [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop(0)
            found.append(item)
            waiting = [item.child(i) for i in range(item.childCount())] + waiting
        return found

    def _items_selected(self) -> list[QTreeWidgetItem]:
        return [item for item in self._all() if item.isSelected()]


def about_model(model: Model) -> str:
    """Say what a model is.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    str
        A few plain sentences.
    """
    card = model.card
    origin = "It came with napari-nucseg" if model.bundled else "It is one of your own models"
    if card.parent not in (None, "", card.name):  # a bundled model may replace its parent
        origin += f", fine-tuned from {card.parent!r}"
    data = f"Trained on: {card.training_data}." if card.training_data else ""
    about = card.description or "No description"
    parts = (f"{about.rstrip('.')}.", f"{origin}.", data)
    text = " ".join(part for part in parts if part)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
