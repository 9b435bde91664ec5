"""Part 3 of the dock widget: fine-tune a model on the training set."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import cast

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)

from ...engine import FineTune, Job
from ...registry import Model, check_new_name, free_name, load_model
from ...support import Epoch, duration, pluralize, runs_directory
from ...training import (
    BEST,
    BUDGETS,
    DEFAULT_BUDGET,
    FineTuneResult,
    Run,
    TrainingSet,
    TrainParameters,
    UnfinishedRun,
    fine_tune_parameters,
)
from ..controls.choices import ModelChoice
from ..controls.parameter_form import ParameterForm
from ..controls.plot import Curves
from ..jobs import JobRunner, run_in_thread
from ..panel import Fold, Panel, enable_unless, reasons_in_words
from .offer import UnfinishedOffer
from .old_and_new import OldAndNew

__all__ = ["RetrainPanel"]

_PATIENCE = 300  # milliseconds that Stop waits for the engine
_RETRAIN_TIP = "Fine-tune the starting model on the training set"
_STOP_TIP = "End early and keep the best model so far"
_CANCEL_TIP = "End now and keep nothing; the training set stays as it is"
_ENDING = {
    "": "",
    "stop": "The retraining is being stopped.",
    "cancel": "The retraining is being cancelled.",
}


class RetrainPanel(Panel):
    """Choose where to start and how long to train, and follow it.

    Parameters
    ----------
    runner : JobRunner
        Runs the job; shared with the other panels.
    training_set : TrainingSet
        What is trained on.

    Signals
    -------
    trained(str)
        The model to use from now on.
    """

    trained = Signal(str)

    def __init__(
        self, runner: JobRunner, training_set: TrainingSet, parent: QWidget | None = None
    ) -> None:
        super().__init__("3  Retrain", parent)
        self._runner = runner
        self._training_set = training_set
        self._run: Run | None = None
        #: "stop" or "cancel" from the click on that to the end of the run.
        self._ending = ""
        Run.remove_old(runs_directory())
        self._make_widgets()
        self._lay_out()
        self._connect()
        self.suggest_name()
        self.refresh()

    def _make_widgets(self) -> None:
        self.offer = UnfinishedOffer(runs_directory())
        self.parent_model = ModelChoice()
        self.name = QLineEdit()
        self.name.setMaxLength(64)
        self.budget = QComboBox()
        for budget in BUDGETS:
            self.budget.addItem(_words(budget), budget)
        self.budget.setToolTip("How long all of it may take; it learns as much as it can")
        self.budget.setCurrentIndex(BUDGETS.index(DEFAULT_BUDGET))
        self.budget.setPlaceholderText("as under Advanced")
        self.advanced = ParameterForm(fine_tune_parameters())
        #: The new model beside its parent.
        self.old_and_new = OldAndNew()
        self.retrain_button = QPushButton("Retrain")
        self.stop_button = QPushButton("Stop")
        self.cancel_button = QPushButton("Cancel")
        self.curves = Curves()
        # Empty axes say nothing: they appear with the first retraining.
        self.curves.setVisible(False)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.state = QLabel("")
        # A timer of the panel's own: it ends with the panel and keeps nothing alive.
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(4)
        form.addRow("starting model", self.parent_model)
        form.addRow("new model", self.name)
        form.addRow("time", self.budget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.retrain_button, 2)
        buttons.addWidget(self.stop_button, 1)
        buttons.addWidget(self.cancel_button, 1)
        self.body.addWidget(self.offer)
        self.body.addLayout(form)
        self.body.addWidget(Fold("Advanced", self.advanced.native))
        self.body.addWidget(self.old_and_new)
        self.body.addStretch(1)
        self.actions.addWidget(self.curves)
        self.actions.addLayout(buttons)
        self.actions.addWidget(self.reason)
        self.actions.addWidget(self.progress)
        self.actions.addWidget(self.state)

    def _connect(self) -> None:
        self.name.textChanged.connect(lambda _: self.refresh(self._busy()))
        self.budget.currentIndexChanged.connect(self._budget_chosen)
        self.advanced.boxes["minutes"].changed.connect(lambda _: self._time_changed())
        self.old_and_new.chosen.connect(self._choose)
        self.retrain_button.clicked.connect(self._retrain)
        self.stop_button.clicked.connect(self._stop)
        self.cancel_button.clicked.connect(self._cancel)
        self._patience.timeout.connect(self._runner.cancel)
        self.offer.kept.connect(self._take_kept)
        self.offer.resumed.connect(self._go_on)
        self.offer.told.connect(self.told)
        self._runner.progress.connect(self._show_progress)
        self._runner.epoch.connect(self._show_epoch)
        self._runner.done.connect(self._finish)

    def _busy(self) -> str:
        return "A job is running." if self._runner.job else ""

    def refresh(self, busy: str = "") -> None:
        """Enable what can work.

        Parameters
        ----------
        busy : str, optional
            What runs, empty if nothing does.
        """
        reason = busy
        if not reason and self._run is not None:
            reason = "The new model is being saved."
        self.offer.refresh(reason)
        if not reason and not len(self._training_set):
            reason = "The training set is empty: correct some labels and add them in part 2."
        if not reason:
            try:
                check_new_name(self.name.text())
            except (ValueError, OSError) as error:
                reason = str(error)
        enable_unless(self.retrain_button, reason, _RETRAIN_TIP)
        nothing = "" if self.is_training() else "No model is being retrained."
        enable_unless(self.stop_button, nothing or _ENDING[self._ending], _STOP_TIP)
        # Who has clicked Stop may still change their mind.
        cancelled = _ENDING["cancel"] if self._ending == "cancel" else ""
        enable_unless(self.cancel_button, nothing or cancelled, _CANCEL_TIP)
        buttons = self.retrain_button, self.stop_button, self.cancel_button
        self.reason.setText(reasons_in_words(*buttons))

    def is_training(self) -> bool:
        """Return whether a retraining runs.

        Returns
        -------
        bool
            True from the click on Retrain to the new model.
        """
        return self._runner.job is not None and self._runner.job.kind is FineTune

    def suggest_name(self) -> None:
        """Put a name that is free into the form."""
        self.name.setText(free_name(f"my nuclei {datetime.date.today().isoformat()}"))

    def _budget_chosen(self) -> None:
        budget = self.budget.currentData()
        if budget is not None:
            self.advanced.show(fine_tune_parameters(budget))

    def _time_changed(self) -> None:
        """Choose no budget if the time under Advanced is that of none."""
        budget = self.budget.currentData()
        minutes = self.advanced.boxes["minutes"].value
        if budget is not None and minutes != fine_tune_parameters(budget).minutes:
            self.budget.setCurrentIndex(-1)

    def _choose(self, name: str) -> None:
        """Use another model from now on."""
        self.parent_model.refresh(name)
        self.trained.emit(name)
        self.told.emit(f"Selected now: {name!r}.", False)

    def _retrain(self) -> None:
        """Give the training set to the engine."""
        model = self.parent_model.model()
        if self._runner.job is not None or model is None:
            return
        try:
            parameters = self.advanced.parameters()
        except ValueError as error:
            self.told.emit(str(error), True)
            return
        self._start(model, self.name.text(), cast(TrainParameters, parameters), Run.new())

    def _go_on(self, unfinished: UnfinishedRun) -> None:
        """Train on from the last epoch of a run that an earlier window has left."""
        try:
            plan = unfinished.run.plan()
            parent = load_model(plan.parent or "")
            parameters = TrainParameters(**plan.parameters)
        except (OSError, ValueError, TypeError) as error:
            self.told.emit(f"It cannot go on: {error}", True)
            return
        self.offer.drop(unfinished)
        self._start(parent, unfinished.name, parameters, unfinished.run)

    def _start(self, parent: Model, name: str, parameters: TrainParameters, run: Run) -> None:
        """Begin or go on with a run."""
        self._run = run
        self._ending = ""
        self.curves.clear_epochs()
        self.curves.setVisible(True)
        self.old_and_new.setVisible(False)
        self.state.setText("Preparing…")
        self._runner.run(
            FineTune(self._training_set.folder, parent.folder, name, parameters, run.folder)
        )
        self.told.emit(f"Retraining {parent.card.name!r}…", False)

    def _stop(self) -> None:
        """Ask for the best so far; if the engine is busy, take it from the disk."""
        job = self._runner.job
        if job is None:
            return
        self._ending = "stop"
        self.refresh(self._busy())
        self.state.setText("Stopping…")
        job.stop()
        self._patience.start()

    def _cancel(self) -> None:
        """End the run as fast as can be; what it leaves is thrown away."""
        self._ending = "cancel"
        self.refresh(self._busy())
        self.state.setText("Cancelling…")
        self._runner.cancel()

    def _show_progress(self, done: int, total: int, text: str) -> None:
        if self.is_training():
            self.progress.setRange(0, total)
            self.progress.setValue(done)
            if not self._ending:
                self.told.emit(f"{text}…", False)

    def _show_epoch(self, epoch: Epoch) -> None:
        self.curves.add(epoch)
        if epoch.epoch == 0:
            self.state.setText(f"Starting model: score {epoch.score:.3f}")
        else:
            self.state.setText(
                f"Epoch {epoch.epoch} of {epoch.epochs}, score {epoch.score:.3f}"
                f"{epoch.time_left}"
            )

    def _finish(self, job: Job) -> None:
        """Take the new model, also from what a run that ended early left."""
        if job.kind is not FineTune:
            return
        self._patience.stop()
        self.progress.reset()
        run = self._run
        if self._ending == "cancel":
            self._throw_away()
        elif job.state == "done":
            self._accept(job.result, notes=job.warnings)
        elif run is not None and run.has_epoch:
            self.state.setText("Keeping the best model so far…")
            taken = isinstance(job.error, FileExistsError)
            problem = str(job.error) if job.state == "failed" and not taken else ""
            run_in_thread(
                lambda: _finish_under_free_name(run),
                lambda kept: self._accept(kept[0], problem, kept[1]),
                lambda error: self._give_up(error, keep_run=True),
            )
        elif job.state == "stopped":
            self.state.setText("")
            self.told.emit("Stopped before the first epoch: there is no new model.", False)
            self._clean_up()
        else:
            self._give_up(job.error)

    def _throw_away(self) -> None:
        """Keep nothing of the run, not even a model it made while it was being ended."""
        if self._run is not None:
            self._run.discard()
        self.state.setText("")
        self.curves.setVisible(False)
        self.told.emit("Cancelled. Nothing was kept; the training set is as it was.", False)
        self._clean_up()

    def _give_up(self, error: BaseException | None, *, keep_run: bool = False) -> None:
        """Say what went wrong; a run that is kept is offered by the next window."""
        self.state.setText("")
        self.told.emit(str(error), True)
        if keep_run:
            self._run = None
        self._clean_up()

    def _accept(
        self, result: FineTuneResult, problem: str = "", notes: Sequence[str] = ()
    ) -> None:
        """Take the new model of the run that has ended."""
        self.state.setText(
            f"Done: {pluralize(result.epochs, 'epoch')} in {duration(result.seconds)}"
        )
        self._welcome(result, problem, notes)
        self._clean_up()

    def _take_kept(self, result: FineTuneResult) -> None:
        """Take the new model of a run that an earlier window has left."""
        self._welcome(result)
        self.refresh(self._busy())

    def _welcome(
        self, result: FineTuneResult, problem: str = "", notes: Sequence[str] = ()
    ) -> None:
        """Show the new model, and choose it if it is better than its parent, or as good."""
        chosen = result.name if result.better else result.parent
        text = f"New model {result.name!r}. {result.comparison} Selected now: {chosen!r}."
        text = " ".join([text, *notes])
        if problem:
            text = f"{problem}\nThe best model so far was kept. {text}"
        self.old_and_new.show_result(result)
        self.parent_model.refresh(chosen)
        self.suggest_name()
        self.trained.emit(chosen)
        self.told.emit(text, bool(problem))

    def _clean_up(self) -> None:
        """Remove the run from the disk and be ready for the next."""
        run, self._run = self._run, None
        self._ending = ""
        if run is not None:
            run.remove()
        self.refresh(self._busy())


def _words(budget: float | str) -> str:
    """Say a budget in words."""
    if budget == BEST:
        return "until it gets no better"
    return pluralize(round(float(budget)), "minute")


def _finish_under_free_name(run: Run) -> tuple[FineTuneResult, list[str]]:
    """Make a model of a run, under another name and with a note if its own was taken."""
    try:
        return run.finish(), []
    except FileExistsError:
        taken = run.plan().info.name
        return run.finish(free_name(taken)), [f"The name {taken!r} was taken meanwhile."]
