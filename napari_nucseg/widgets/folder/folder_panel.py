"""Part 4 of the dock widget: all images of a folder, one after the other."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from ...corrections import (
    FILTERS,
    ORDERS,
    FolderWork,
    ImageState,
    arrange,
    count_of,
    following,
    made_with,
)
from ...pipeline import SegmentParameters
from ...support import from_keywords, pluralize
from ..correct.correct_panel import CorrectPanel
from ..jobs import run_in_thread
from ..journal.journal_keeper import keeper_of
from ..layers.canvas import canvas_of
from ..layers.layers import METADATA_KEY
from ..memory import Memory
from ..panel import Panel, bind_keys, enable_unless, reasons_in_words
from ..segment.segment_panel import SegmentPanel
from .batch import Batch
from .desk import Desk
from .folder_choice import FolderChoice, dropped_folder
from .folder_list import FolderList

__all__ = ["FolderPanel"]

_SEGMENT_TIP = (
    "Find the nuclei in all images without labels, with the model and the parameters of part "
    "1, and anew where others were used and nobody has corrected anything. You can correct "
    "meanwhile. The files are those of 'nucseg segment'."
)
_DONE_TIP = "This image is done: save it, close it and open the next (key Y)"
_ADD_TIP = "Add this image to the training set, save it and open the next (key Shift+Y)"
_CANCEL_TIP = "End within a second; what is segmented stays"

#: Characters of a name that a button has room for.
_LONGEST = 18

_NO_FOLDER = "Choose a folder of images, or drop one here."
_NO_IMAGE = "Open an image: double click it in the list."


class FolderPanel(Panel):
    """Choose a folder, have all of it segmented, and correct one image after the other.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    segment : SegmentPanel
        Where model and parameters are chosen.
    correct : CorrectPanel
        Where labels are corrected, and added to the training set.
    memory : Memory
        Remembers which folder was open.

    Signals
    -------
    recovered()
        Corrections that were only in a journal have come into files.
    """

    recovered = Signal()

    def __init__(
        self,
        viewer: Any,
        segment: SegmentPanel,
        correct: CorrectPanel,
        memory: Memory,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("4  Folder", parent)
        self._viewer, self._segment, self._correct = viewer, segment, correct
        # Whether the image that is shown goes into the training set.
        self._is_adding = False
        #: Where a folder is chosen.
        self.choice = FolderChoice(memory, keeper_of(viewer).journals, self._why_not_another)
        self.desk = Desk(viewer, correct.labels.layer, self)
        self.batch = Batch(self, self.desk.is_edited)
        self._make_widgets()
        self._lay_out()
        self._connect()
        bind_keys(
            viewer,
            self,
            {"Y": FolderPanel.finish_image, "Shift-Y": FolderPanel.add_image},
        )
        self.setAcceptDrops(True)
        self.refresh()
        self.choice.open_last()

    def _make_widgets(self) -> None:
        self.filter, self.order = QComboBox(), QComboBox()
        for choice, names in ((self.filter, FILTERS), (self.order, ORDERS)):
            choice.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            choice.setMinimumContentsLength(6)
            for name in names:
                choice.addItem(name, name)
        self.filter.setToolTip("Which images are listed")
        self.order.setToolTip(
            "The order of the list, in which images come up. Doubtful are images with many "
            "nuclei that are likely to be wrong."
        )
        #: All images.
        self.list = FolderList()
        self.count = QLabel()
        self.segment_button = QPushButton("Segment all")
        self.cancel_button = QPushButton("Cancel")
        self.done_button = QPushButton("Done, next")
        self.add_button = QPushButton("Training set, next")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)

    def _lay_out(self) -> None:
        self.body.addWidget(self.choice)
        listed = QHBoxLayout()
        listed.setSpacing(4)
        listed.addWidget(QLabel("show"))
        listed.addWidget(self.filter, 1)
        listed.addWidget(QLabel("by"))
        listed.addWidget(self.order, 1)
        self.body.addLayout(listed)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self.count)
        segment = QHBoxLayout()
        segment.addWidget(self.segment_button, 2)
        segment.addWidget(self.cancel_button, 1)
        self.actions.addLayout(segment)
        go_on = QHBoxLayout()
        go_on.addWidget(self.done_button, 1)
        go_on.addWidget(self.add_button, 1)
        self.actions.addLayout(go_on)
        self.actions.addWidget(self.reason)
        self.actions.addWidget(self.progress)

    def _connect(self) -> None:
        for choice in (self.filter, self.order):
            choice.activated.connect(self._listing_chosen)
        self.list.wanted.connect(self.open_image)
        self.list.finished.connect(self.finish_image)
        self.list.added.connect(self.add_image)
        self.segment_button.clicked.connect(self._segment_all)
        self.cancel_button.clicked.connect(self.batch.cancel)
        self.done_button.clicked.connect(self.finish_image)
        self.add_button.clicked.connect(self.add_image)
        for part in (self.choice, self.batch, self.desk):
            part.told.connect(self.told)
            part.changed.connect(self.refresh)
        self.choice.opened.connect(self._folder_opened)
        self.batch.segmented.connect(self._segmented)
        self.desk.opened.connect(self._opened)
        self._segment.segmented.connect(self.desk.adopt)
        self._segment.model.currentIndexChanged.connect(self.refresh)
        self._segment.form.on_change(self.refresh)
        self._correct.saved.connect(self._added)
        self._correct.ended.connect(self._adding_ended)
        for event in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            event.connect(self._layers_changed)

    # The folder

    @property
    def work(self) -> FolderWork | None:
        """The folder that is open, None if none is."""
        return self.choice.work

    def _why_not_another(self) -> str:
        is_busy = self.batch.is_running
        return "Wait until the images are segmented, or cancel that." if is_busy else ""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 (Qt's name)
        """Take a folder, and nothing else."""
        if dropped_folder(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 (Qt's name)
        """Open a folder that is dropped."""
        folder = dropped_folder(event)
        if folder is not None:
            event.acceptProposedAction()
            self.choice.open_folder(folder)

    def _folder_opened(self, recovered: list[str], is_wanted: bool) -> None:
        """List the images of a folder, and go on where it was left."""
        work = self.work
        if work is None:
            return
        self.desk.put_away()
        # Without a person's wish the window shows the settings of last time already.
        self._apply_settings(work.settings, with_model=is_wanted)
        self.refresh()
        self.list.select(work.at)
        if recovered:
            self.recovered.emit()
        if is_wanted or recovered:
            self.told.emit(self._welcome(recovered), False)

    def _welcome(self, recovered: list[str]) -> str:
        rows = [] if self.work is None else self.work.rows()
        finished = count_of(rows, "finished")
        text = f"{pluralize(rows, 'image')}, {finished} finished."
        if recovered:
            names = ", ".join(recovered)
            text += f" Corrections of {names}, which were not saved last time, are there."
        if self.work is not None and self.work.at:
            text += f" You were at {self.work.at}."
        return text

    def _apply_settings(self, settings: dict[str, Any], *, with_model: bool) -> None:
        """Choose what was chosen for this folder."""
        for choice, name in ((self.filter, "show"), (self.order, "order")):
            place = choice.findData(settings.get(name))
            if place >= 0:
                choice.setCurrentIndex(place)
        if not with_model:
            return
        self._segment.model.choose(str(settings.get("model", "")))
        parameters = settings.get("parameters")
        if isinstance(parameters, dict):
            try:
                self._segment.form.show(from_keywords(SegmentParameters, parameters))
            except (TypeError, ValueError):
                return  # of another version

    def _keep(self, settings: dict[str, Any]) -> None:
        work = self.work
        if work is not None:
            run_in_thread(lambda: work.keep_settings(settings))

    def _listing_chosen(self) -> None:
        self.refresh()
        name = self.desk.name or self.list.selected
        if name:
            self.list.select(name)
        self._keep({"show": self.filter.currentData(), "order": self.order.currentData()})

    # What is shown

    def refresh(self, event: Any = None) -> None:
        """Show how far all images are, and enable what can work."""
        if not isalive(self):
            return
        rows = [] if self.work is None else self.work.rows()
        self.list.show_rows(
            arrange(rows, self.filter.currentData(), self.order.currentData()),
            self.desk.name,
            doubts=self.order.currentData() == "most doubtful first",
            nothing="No image is in this state" if rows else "Drop a folder of images here",
        )
        for place, name in enumerate(FILTERS):
            self.filter.setItemText(place, f"{name} ({count_of(rows, name)})")
        finished, errors = count_of(rows, "finished"), count_of(rows, "error")
        told = f"{finished} of {pluralize(rows, 'image')} finished" if rows else ""
        told += f", {pluralize(errors, 'error')}" if errors else ""
        if self.batch.is_running:
            told += f"; segmenting, {self.batch.done} of {self.batch.total}"
        self.count.setText(told)
        self._enable()
        self.progress.setRange(0, max(1, self.batch.total))
        self.progress.setValue(self.batch.done if self.batch.is_running else 0)

    def _enable(self) -> None:
        """Enable what can work, and say why the rest cannot."""
        nothing = _NO_FOLDER if self.work is None else ""
        nothing = "The folder is being read." if self.choice.is_opening else nothing
        reason, left = nothing, self._to_segment()
        if not reason and self.batch.is_running:
            reason = "The folder is being segmented."
        if not reason and self._segment.model.model() is None:
            reason = "There is no model. Install napari-nucseg again."
        if not reason and not left:
            reason = "All images are segmented with this model and these parameters."
        can = left and not self.batch.is_running
        self.segment_button.setText(f"Segment all ({left})" if can else "Segment all")
        enable_unless(self.segment_button, reason, _SEGMENT_TIP)
        idle = "" if self.batch.is_running else "No folder is being segmented."
        enable_unless(self.cancel_button, idle, _CANCEL_TIP)
        busy = "The image is being opened." if self.desk.is_busy else ""
        shown = nothing or busy or self._why_not_finished()
        self.done_button.setText(self._done_text())
        can_open = bool(self._to_open()) and not nothing and not self.desk.name
        enable_unless(self.done_button, busy if can_open else shown, _DONE_TIP)
        add = shown or ("The field is being saved." if self._is_adding else "")
        enable_unless(self.add_button, add or self._correct.why_not_added(), _ADD_TIP)
        self.choice.refresh()
        self.reason.setText(
            nothing
            or reasons_in_words(None, self.segment_button, self.done_button, self.add_button)
        )

    def _done_text(self) -> str:
        opens = "" if self.desk.name else self._to_open()
        return f"Open {_shortened(opens)}" if opens else "Done, next"

    def _to_open(self) -> str:
        """Return the image to begin with: the one of last time, or the first that is left."""
        work = self.work
        if work is None:
            return ""
        if work.at and not work.row(work.at).is_finished:
            return work.at
        row = following(self.list.rows, work.at)
        return "" if row is None else row.name

    def _why_not_finished(self) -> str:
        return "" if self.desk.name else _NO_IMAGE

    def _to_segment(self) -> int:
        """Return how many images would be segmented now."""
        model = self._segment.model.model()
        if self.work is None or model is None:
            return 0
        try:
            parameters = self._parameters()
        except ValueError:  # numbers that do not go together
            return 0
        made = made_with(model.card.weights_sha256, parameters.as_dict())
        return len(self.work.to_segment(made))

    def _parameters(self) -> SegmentParameters:
        """Return what part 1 says; the channel only if it is that of an image of the folder."""
        parameters = self._segment.parameters()
        image = self.desk.image
        kept: Any = {}
        if self.work is not None:
            kept = self.work.settings.get("parameters") or {}
        if image is None or image != self._segment.image.layer():
            channel = kept.get("channel") if isinstance(kept, dict) else None
            values = {**parameters.as_dict(), "channel": channel}
            return from_keywords(SegmentParameters, values)
        return parameters

    def _layers_changed(self, event: Any = None) -> None:
        if isalive(self) and not self.desk.is_busy:
            self.refresh()

    # Segment all

    def _segment_all(self) -> None:
        model, work = self._segment.model.model(), self.work
        if model is None or work is None:
            return
        try:
            parameters = self._parameters()
        except ValueError as error:
            self.told.emit(str(error), True)
            return
        self._keep({"model": model.card.name, "parameters": parameters.as_dict()})
        self.batch.start(work, model, parameters)

    def _segmented(self, name: str) -> None:
        if self.work is not None:
            self.desk.show_found(self.work, name)

    # One image after the other

    def open_image(self, name: str) -> None:
        """Open an image, and save and close the one that is shown.

        Parameters
        ----------
        name : str
            The image.
        """
        if self.work is None:
            return
        self.batch.prefer(name)
        self.desk.open(self.work, name)

    def finish_image(self) -> None:
        """Note that the shown image is done, and open the next; without one, open one."""
        if not self.done_button.isEnabled():
            if not self.desk.is_busy:
                self.told.emit(self.done_button.toolTip(), False)
            return
        if self.desk.name:
            self._go_on(ImageState.DONE)
        else:
            self.open_image(self._to_open())

    def _go_on(self, state: ImageState) -> None:
        name = self.desk.name
        row = following(self.list.rows, name)
        if row is None and self.work is not None:
            row = following(self.work.rows(), name)
        if row is None:
            self.desk.save(state)
            self.told.emit("All images of the folder are finished.", False)
        else:
            self.desk.mark(state)
            self.open_image(row.name)

    def add_image(self) -> None:
        """Add the shown image to the training set, and open the next."""
        if not self.add_button.isEnabled():
            self.told.emit(self.add_button.toolTip(), False)
            return
        self._is_adding = True
        self._is_adding = self._correct.add()
        self.refresh()

    def _added(self, labels: Any, values: Any) -> None:
        """Go on when the shown image is in the training set."""
        if not self.desk.shows(labels):
            return
        if self._is_adding:
            self._is_adding = False
            self._go_on(ImageState.TRAINING)
        else:
            self.desk.save(ImageState.TRAINING)

    def _adding_ended(self) -> None:
        self._is_adding = False
        self.refresh()

    def _opened(self, labels: Any, image: Any) -> None:
        """Let the other parts work on what is shown now."""
        self._segment.image.choose(image)
        if labels is not None:
            self._correct.show_result(labels, image)
        canvas = canvas_of(self)
        if canvas is not None and self.list.hasFocus():
            canvas.setFocus()  # the keys of the tools work there
        name = self.desk.name
        self.list.select(name)
        if self.work is not None:
            row = self.work.row(name)
            found = "not segmented yet" if labels is None else str(row.state)
            self.told.emit(f"{name}: {found}. Y when it is done.", False)

    def leave(self) -> None:
        """End what runs and save what is shown, as the widget closes."""
        self.batch.leave()
        self.desk.leave()

    def take_restored(self, labels: Any, image: Any) -> None:
        """Take corrections that a person has restored, if they are of this folder.

        Parameters
        ----------
        labels : Labels
            The layer with the corrections.
        image : Image or None
            Not needed.
        """
        about = labels.metadata.get(METADATA_KEY, {})
        if self.work is not None:
            self.desk.take_in(self.work, labels, about)


def _shortened(name: str) -> str:
    """Return a name that fits on a button."""
    return (
        name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[-_LONGEST // 2 :]}"
    )
