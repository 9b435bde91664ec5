"""Add a field to the training set, after what is doubtful was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QMessageBox, QWidget

from ...corrections import RESULT
from ...image import Field, MaskIssue, instances_of, reviewed_area
from ...support import pluralize
from ...training import Entry, TrainingSet
from ..jobs import run_in_thread
from ..layers.layer_states import states_in
from ..layers.layers import METADATA_KEY, field_of, plane_of
from ..layers.pairing import lies_on
from ..layers.shown import bare, result_of_layer
from ..tools.brush import pieces_of
from .training_set_list import date_in_words, is_corrected

__all__ = ["FieldAdder"]

_NOTHING_REVIEWED = (
    "No nucleus was accepted or edited yet. Review some, or take the check mark from 'reviewed "
    "only'."
)


class FieldAdder(QObject):
    """Saves fields in a training set, on a thread because the disk may be slow.

    Parameters
    ----------
    training_set : TrainingSet
        Where they are added.
    channel_of : callable
        Given an image layer, returns the channel that is chosen for it, or None.
    window : QWidget
        Where questions are asked; also the parent.

    Signals
    -------
    added(object)
        The `Entry` of a field that was saved.
    saved(object, object)
        The layer whose labels were saved, and the labels as they were then.
    changed()
        Saving begins or ends.
    told(str, bool)
        A message for the status line, and whether it is an error.
    """

    added = Signal(object)
    saved = Signal(object, object)
    changed = Signal()
    told = Signal(str, bool)

    def __init__(
        self,
        training_set: TrainingSet,
        channel_of: Callable[[Any], int | None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._training_set = training_set
        self._channel_of = channel_of
        self._window = window
        #: Whether a field is being saved.
        self.is_saving = False

    def add(
        self, labels: Any, image: Any, *, is_own: bool, only_reviewed: bool = False
    ) -> bool:
        """Save a field.

        Parameters
        ----------
        labels, image : Labels, Image
            The layers.
        is_own : bool
            Whether the labels were made from this image.
        only_reviewed : bool, optional
            Whether only accepted and edited nuclei count, with what is around them.

        Returns
        -------
        bool
            Whether it is being saved; if not, the reason was told.
        """
        source = dict(labels.metadata.get(METADATA_KEY, {}))
        source.pop(RESULT, None)  # a file on this computer
        channel = source.get("parameters", {}).get("channel") if is_own else None
        try:
            field = field_of(image, np.array(plane_of(labels)))
        except (TypeError, ValueError) as error:
            self.told.emit(str(error), True)
            return False
        if channel is None and field.channels > 1 and not field.is_color:
            # Labels drawn by hand do not say what they were drawn on.
            channel = self._channel_of(image)
            if channel is None:
                text = f"Choose the image {image.name!r} in part 1, and its channel."
                self.told.emit(text, True)
                return False
        field = field.of_channel(channel)
        states = states_in(labels)
        if only_reviewed:
            field = dataclasses.replace(
                field, reviewed=reviewed_area(field.known_labels, states.reviewed())
            )
            if not field.nuclei:
                self.told.emit(_NOTHING_REVIEWED, True)
                return False
        source["corrected"] = self._is_corrected(field, labels)
        doubts = self._doubts(field, labels, is_corrected=source["corrected"])
        if labels.ndim == 2 and not lies_on(labels, image):
            doubts += (
                f"\n\nThe labels do not lie where {image.name!r} lies: one of both was moved "
                f"or scaled. They are added pixel by pixel, as if they did."
            )
        if doubts and not self.confirm("Add to training set", doubts.strip(), "Add"):
            self.told.emit("Not added. Nothing was changed.", False)
            return False
        self.is_saving = True
        self.changed.emit()
        known, drawn = states.as_dict(), field.known_labels
        run_in_thread(
            lambda: self._save(field, source, known),
            lambda saved: self._added(saved, labels, drawn),
            self._not_added,
        )
        return True

    def _is_corrected(self, field: Field, labels: Any) -> bool:
        """Return whether a person has changed the labels since a model found them."""
        result = result_of_layer(labels)
        if result is not None:
            return result.state() != "fresh"
        # Opened from the training set, where it may lie as it was found.
        before = self._training_set.version_of(field)
        if before is None or is_corrected(before):
            return True
        known = self._training_set.read(before.key).known_labels
        return not np.array_equal(known, field.known_labels)

    def _doubts(self, field: Field, labels: Any, *, is_corrected: bool) -> str:
        """Say what a person should know before she adds a field, empty if there is nothing."""
        doubts = []
        if not is_corrected:
            doubts.append(
                "Nobody has corrected these labels: a model that learns from its own errors "
                "keeps them."
            )
        before = self._training_set.version_of(field)
        if before is not None:
            doubts.append(
                f"It replaces the {pluralize(before.nuclei)} of {before.name!r} that were "
                f"added {date_in_words(before.added)}. They are kept as an older version."
            )
            if before.reviewed < 1 and field.reviewed is None:
                doubts.append(
                    f"Of that field {before.reviewed:.0%} counted as reviewed. Now all of it "
                    f"does: what has no label is learned as background."
                )
        pieces = pieces_of(np.asarray(field.known_labels))
        # Labels with a single value are taken apart, which is told when it is done.
        if pieces and len(np.unique(field.known_labels)) > 2:
            shown = ", ".join(str(number) for number in pieces[:5])
            more = ", …" if len(pieces) > 5 else ""
            doubts.append(
                f"{pluralize(len(pieces), 'label')} in several pieces ({shown}{more}): each "
                f"counts as one nucleus. The first is selected; redraw it if it is two."
            )
            bare(labels).selected_label = pieces[0]
        return "\n\n".join(doubts)

    def confirm(self, title: str, text: str, verb: str) -> bool:
        """Ask before something is done.

        Parameters
        ----------
        title, text : str
            The question.
        verb : str
            What is on the button that does it.

        Returns
        -------
        bool
            True to do it.
        """
        box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=self._window)
        do = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return bool(box.clickedButton() is do)

    def _save(
        self, field: Field, source: dict[str, Any], states: dict[int, int]
    ) -> tuple[Entry, MaskIssue | None]:
        """Save a field; of labels with a single value, each piece is a nucleus."""
        labels, issue = instances_of(field.known_labels)
        if issue is not None:
            states = {}  # the nuclei have other numbers now
        field = dataclasses.replace(field, labels=labels)
        return self._training_set.add(field, source, states), issue

    def _added(
        self, saved: tuple[Entry, MaskIssue | None], layer: Any, labels: np.ndarray
    ) -> None:
        entry, issue = saved
        self.is_saving = False
        self.added.emit(entry)
        self.saved.emit(layer, labels)
        self.changed.emit()
        text = f"Saved {entry.name!r} with {pluralize(entry.nuclei)}."
        if issue:
            text += f" In place of a value for each nucleus it has {issue.value}"
        self.told.emit(text, issue is not None)

    def _not_added(self, error: Exception) -> None:
        self.is_saving = False
        self.changed.emit()
        self.told.emit(f"Not added: {error}", True)
