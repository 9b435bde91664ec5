"""The dock widget: 1 Segment, 2 Correct, 3 Retrain, 4 Folder, 5 Measure."""

from __future__ import annotations

import contextlib
from typing import Any

from napari.utils.notifications import show_error, show_info
from napari.utils.theme import get_theme
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMessageBox,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ..engine import FineTune, Job, Segment, Warm, shared_engine
from ..registry import DEFAULT_MODEL
from .controls.choices import ModelChoice
from .controls.tones import set_tone, style_of
from .controls.wheel import WheelGuard
from .correct.correct_panel import CorrectPanel
from .folder.folder_panel import FolderPanel
from .jobs import JobRunner
from .journal.journal_keeper import keeper_of
from .journal.restore_offer import RestoreOffer
from .memory import Memory, kept_parameters, remembered_parameters, remembered_set
from .numbers.numbers_panel import NumbersPanel
from .panel import Panel
from .retrain.models_compare import ModelComparison
from .retrain.models_dialog import ModelsDialog
from .retrain.retrain_panel import RetrainPanel
from .segment.segment_panel import SegmentPanel

__all__ = ["NucleusDock"]

_WIDTH = 380
_NEIGHBOR = "layer list"  # what napari calls the dock that it is in
_LINES = 4  # of the status
_LOOK, _PATIENCE = 100, 10_000  # milliseconds
_STARTING = "The engine is starting, which usually takes 5 to 10 s."
_NAMES = {
    Segment: "An image is being segmented.",
    FineTune: "A model is being retrained.",
}


class NucleusDock(QWidget):
    """Find nuclei, correct them, retrain the model, measure them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.runner = JobRunner(self)
        self._memory = Memory(self)
        self.segment = SegmentPanel(
            napari_viewer, self.runner, asked=remembered_parameters(self._memory)
        )
        self.correct = CorrectPanel(
            napari_viewer,
            self.segment.channel_of,
            self.segment.model.model,
            remembered_set(self._memory),
        )
        self.retrain = RetrainPanel(self.runner, self.correct.training_set)
        self.folder = FolderPanel(napari_viewer, self.segment, self.correct, self._memory)
        self.numbers = NumbersPanel(napari_viewer)
        #: All models, and what can be done with them.
        self.models = ModelsDialog(self)
        self._comparison = ModelComparison(self.segment, self.runner, self)
        #: Offers corrections that a crash has left.
        self.offer = RestoreOffer(napari_viewer)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._viewer = napari_viewer
        self._window: QWidget | None = None
        self._is_closing = False
        self._lay_out()
        WheelGuard(self)
        napari_viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()
        self._recall()
        self._connect()
        shared_engine().start()
        self._warm()

    def _lay_out(self) -> None:
        self.parts = QTabWidget()
        self.parts.setDocumentMode(True)
        self.parts.tabBar().setExpanding(True)
        self.parts.tabBar().setUsesScrollButtons(False)
        for panel in self.panels:
            self.parts.addTab(panel, panel.title)
        # Of fixed height: a longer message must not shift the button that is about to be
        # clicked.
        scroll = QScrollArea()
        scroll.setWidget(self.status)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFixedHeight(_LINES * self.status.fontMetrics().lineSpacing() + 4)
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.status.setContentsMargins(8, 0, 8, 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 4)
        outer.addWidget(self.offer)
        outer.addWidget(self.parts, 1)
        outer.addWidget(scroll)
        self.setMinimumWidth(_WIDTH)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The parts, in the order of their tabs."""
        return self.segment, self.correct, self.retrain, self.folder, self.numbers

    def open_part(self, panel: Panel) -> None:
        """Show one of the parts.

        Parameters
        ----------
        panel : Panel
            The part.
        """
        self.parts.setCurrentWidget(panel)

    def _connect(self) -> None:
        for panel in self.panels:
            panel.told.connect(self.show_message)
        self.offer.told.connect(self.show_message)
        self.offer.restored.connect(self._restored)
        self.offer.restored.connect(self.folder.take_restored)
        self.folder.recovered.connect(self.offer.look)
        keeper_of(self._viewer).told.connect(self.show_message)
        self.runner.started.connect(self.refresh)
        self.runner.done.connect(lambda job: self.refresh())
        self.segment.segmented.connect(self.correct.show_result)
        self.correct.set_changed.connect(self.refresh)
        self.retrain.trained.connect(self.segment.use_model)
        for choice in self._choices().values():
            choice.currentIndexChanged.connect(self._remember)
        for changed in (self.retrain.trained, self.correct.set_changed):
            changed.connect(self._remember)
        self.segment.models_button.clicked.connect(
            lambda: self.models.open_with(self.segment.model.currentText())
        )
        self.models.changed.connect(self._models_changed)
        self.models.compared.connect(self._comparison.start)
        for show in (self.show_message, self.models.tell):
            self._comparison.told.connect(show)
        self.parts.currentChanged.connect(self._remember)
        self.segment.form.on_change(self._remember)

    def _choices(self) -> dict[str, ModelChoice]:
        """Return the choices of a model that are remembered, by the name they have then."""
        return {"model": self.segment.model, "starting model": self.retrain.parent_model}

    def _models_changed(self, before: str, now: str) -> None:
        """Offer the models that there are now; one that was renamed stays chosen."""
        for choice in self._choices().values():
            choice.refresh(now if before and choice.currentText() == before else None)
        self.refresh()
        self._remember()

    def _recall(self) -> None:
        """Choose the models and open the part that were in use last."""
        for name, choice in self._choices().items():
            choice.choose(self._memory.recall(name, str))
        part = self._memory.recall("part", int)
        if part in range(self.parts.count()):
            self.parts.setCurrentIndex(part)

    def _remember(self) -> None:
        """Note what is in use, for the next opening."""
        for name, choice in self._choices().items():
            self._memory.note(name, choice.currentText())
        self._memory.note("part", self.parts.currentIndex())
        self._memory.note("training set", self.correct.training_set.name)
        with contextlib.suppress(ValueError):  # numbers that do not go together
            self._memory.note("parameters", kept_parameters(self.segment.parameters()))

    def _restored(self, labels: Any, image: Any) -> None:
        self.correct.show_result(labels, image)
        self.open_part(self.correct)

    def _follow_theme(self, event: Any = None) -> None:
        """Color hints, warnings and errors so that they can be read."""
        if isalive(self):
            is_dark = get_theme(self._viewer.theme).type == "dark"
            self.setStyleSheet(style_of("dark" if is_dark else "light"))
            self.numbers.plot.follow_theme("#d0d0d0" if is_dark else "#303030")

    def _warm(self) -> None:
        """Load the model in the engine, and show when that is done."""
        self._warming = JobRunner(self)
        self._warming.done.connect(self._warmed)
        model = self.segment.model.model()
        self._warming.run(Warm(DEFAULT_MODEL if model is None else model.folder))
        self.show_message(f"{self.segment.situation()} {_STARTING}", False)

    def _warmed(self, job: Job) -> None:
        if job.state == "failed":
            self.show_message(str(job.error), True)
        elif self.status.text().endswith(_STARTING):
            self.show_message(self.segment.situation(), False)

    def show_message(self, text: str, is_error: bool) -> None:
        """Show a message on the panel, an error also as a notification.

        Parameters
        ----------
        text : str
            The message.
        is_error : bool
            Whether something went wrong.
        """
        set_tone(self.status, "error" if is_error else "")
        self.status.setText(text)
        if is_error:
            show_error(text)

    def refresh(self) -> None:
        """Enable what can work now."""
        job = self.runner.job
        busy = _NAMES.get(job.kind, "A job is running.") if job else ""
        self.segment.refresh(busy)
        self.correct.refresh()
        self.retrain.refresh(busy)
        self.folder.refresh()
        self.numbers.refresh()

    def event(self, event: QEvent) -> bool:
        """End the jobs when the widget is taken out of the window: later nobody can."""
        is_out = event.type() == QEvent.Type.ParentChange and self.parentWidget() is None
        if is_out and hasattr(self, "folder"):
            self._memory.save()
            self.folder.leave()
            if self.retrain.is_training() and self.runner.job is not None:
                self.runner.job.stop()
                QTimer.singleShot(_PATIENCE, self.runner.job.cancel)
                show_info(
                    "The retraining ends, as its widget was closed. If an epoch is finished, "
                    "the best model so far will be among the models."
                )
            else:
                self.runner.cancel()
        return super().event(event)

    def showEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Watch the window that the widget is docked in."""
        super().showEvent(event)
        window = self._main_window()
        if window is not None and window is not self._window:
            self._window = window
            window.installEventFilter(self)
            frame = self.parentWidget()
            if isinstance(frame, QDockWidget):
                frame.dockLocationChanged.connect(self._fit)

    def _fit(self, area: Any = None) -> None:
        """Share the place of napari's layer list where the window would outgrow the screen.

        On the left there are two lists of napari's already: a third part below them makes a
        window that is higher than a small screen, with our buttons out of sight.
        """
        window = self._window
        if window is not None and area == Qt.DockWidgetArea.LeftDockWidgetArea:
            height = window.height()
            # The layout is made anew after this event.
            QTimer.singleShot(0, lambda: self._share_place(height))

    def _share_place(self, height: int) -> None:
        window, frame = self._window, self.parentWidget()
        if not isalive(self) or not isinstance(window, QMainWindow):
            return
        neighbor = window.findChild(QDockWidget, _NEIGHBOR)
        is_beside = isinstance(frame, QDockWidget) and neighbor is not None
        if is_beside and window.minimumSizeHint().height() > height:
            window.tabifyDockWidget(neighbor, frame)
            frame.raise_()
            QTimer.singleShot(0, lambda: window.resize(window.width(), height))

    def _main_window(self) -> QWidget | None:
        """Return napari's window, also while the dock floats in one of its own."""
        widget = self.parentWidget()
        while widget is not None and not isinstance(widget, QMainWindow):
            widget = widget.parentWidget()
        return widget

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask before a retraining is lost, and end jobs with the window."""
        # Qt may still ask when Python has taken the widget apart.
        window = getattr(self, "_window", None)
        if watched is window and event.type() == QEvent.Type.Close:
            can_stay = self.retrain.is_training() and _shows_canvas(watched)
            if can_stay and not self.confirm_close():
                event.ignore()
                return True
            self._is_closing = True
            self._memory.save()
            self._see_if_closed()
        elif watched is window and event.type() == QEvent.Type.Hide and self._is_closing:
            self.folder.leave()
            self.runner.cancel()
        return super().eventFilter(watched, event)

    def _see_if_closed(self) -> None:
        """Wait for the answer if napari asks as well; then the window is hidden, or stays."""
        QTimer.singleShot(_LOOK, self._decide)

    def _decide(self) -> None:
        if not isalive(self):
            return
        if QApplication.activeModalWidget() is not None:
            self._see_if_closed()
            return
        self._is_closing = False
        if self._window is None or not isalive(self._window) or not self._window.isVisible():
            self.folder.leave()
            self.runner.cancel()

    def confirm_close(self) -> bool:
        """Ask whether to close the window while a model is being retrained.

        Returns
        -------
        bool
            True to close it.
        """
        answer = QMessageBox.question(
            self,
            "Retraining is running",
            "Close napari and end the retraining? Your training set is safe. If an epoch is "
            "finished, the best model so far is offered when you open the widget again.",
        )
        return answer == QMessageBox.StandardButton.Yes


def _shows_canvas(window: QMainWindow) -> bool:
    """Return whether the window can still be used; ``viewer.close()`` asks nobody."""
    return any(part.isVisible() for part in window.centralWidget().findChildren(QWidget))
