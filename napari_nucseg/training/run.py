"""A training run on disk: begin, resume, finish, discard."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..registry import CARD_FILE, Model, checksum, load_model, models_directory, save_model
from ..support import (
    Epoch,
    Stopped,
    is_old,
    is_running,
    new_file,
    new_folder,
    new_run_directory,
    process_stamp,
    read_object,
    remove_leftovers,
    some_of,
)
from .checkpoint import (
    KEPT_FILE,
    Checkpoint,
    has_checkpoint,
    latest_checkpoint,
    remove_checkpoints,
    write_checkpoint,
)
from .gate import Verdict
from .history import draw_curves, write_history
from .plan import RunPlan, held_out_scores
from .result import FineTuneResult

__all__ = ["Run", "UnfinishedRun"]

_PLAN_FILE = "plan.json"
_PROCESS_FILE = "process.json"
_HISTORY_FILE, _CURVES_FILE = "history.csv", "curves.png"
#: Folder of what the gate says, and of the weights that it is about.
_VERDICT = "verdict"
_VERDICT_FILE, _BLENDED_FILE = "verdict.json", "blended.weights.h5"
_OLD = 7 * 24 * 3600  # seconds

#: All files of a run beside its checkpoints. The plan is the last to be removed: without it
#: the others would not be known as a run.
_FILES = (
    _PROCESS_FILE,
    _HISTORY_FILE,
    _CURVES_FILE,
    _PLAN_FILE,
)

#: Errors when a folder is read that belongs to no run, or to a damaged one.
_UNREADABLE = (OSError, ValueError, LookupError, TypeError)


class Run:
    """One training on disk, from scratch or from a model.

    Its folder holds the plan, the newest checkpoint and, while a process works on the run,
    the stamp of that process. A run that was stopped or killed can be resumed, finished
    (made a model of) or discarded.

    Parameters
    ----------
    folder : Path
        Folder of the run. It need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls) -> Run:
        """Return a run in a new folder among the runs that the window offers to finish.

        Returns
        -------
        Run
            Its folder does not exist yet.
        """
        return cls(new_run_directory())

    @classmethod
    def of_output(cls, output: Path) -> Run:
        """Return the run that makes the model in a folder.

        Parameters
        ----------
        output : Path
            Folder of the model.

        Returns
        -------
        Run
            Its folder is beside that of the model, with ``.run`` at the end.
        """
        return cls(output.with_name(output.name + ".run"))

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint, None before the end of the first epoch."""
        return latest_checkpoint(self.folder)

    @property
    def last_epoch(self) -> int:
        """Number of the last finished epoch, 0 before the end of the first."""
        checkpoint = self.checkpoint
        return checkpoint.history[-1].epoch if checkpoint else 0

    @property
    def has_epoch(self) -> bool:
        """Whether an epoch is finished, so that a model can be made of the run."""
        return self.checkpoint is not None

    def plan(self) -> RunPlan:
        """Read the plan.

        Returns
        -------
        RunPlan
            What the run does.

        Raises
        ------
        OSError, ValueError
            If the plan is not there, damaged, or of another version.
        """
        return RunPlan.from_json((self.folder / _PLAN_FILE).read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def work(self, plan: RunPlan) -> Iterator[None]:
        """Begin or resume the run. It is marked as worked on by this process meanwhile.

        If no epoch is finished at the end, nothing of the run stays on disk. Other files in
        its folder are never changed.

        Parameters
        ----------
        plan : RunPlan
            What to do.

        Raises
        ------
        ValueError
            If another process works on the run, or an epoch of another plan is finished.
        FileExistsError
            If the folder holds files of a person and no run.
        """
        self._check_folder()
        self._check_process()
        if self.has_epoch:
            plan = dataclasses.replace(plan, began=self._check_plan(plan).began)
        try:
            self._write(_PLAN_FILE, plan.to_json())
            self._write(_PROCESS_FILE, json.dumps(process_stamp()))
            yield
        finally:
            with contextlib.suppress(OSError):
                (self.folder / _PROCESS_FILE).unlink(missing_ok=True)
            if not self.has_epoch:
                self.remove()

    def save(
        self,
        history: Sequence[Epoch],
        kept: Epoch,
        writers: dict[str, Callable[[Path], None]],
    ) -> Checkpoint:
        """Write the checkpoint of an epoch, see `write_checkpoint`.

        Parameters
        ----------
        history : sequence of Epoch
            All epochs so far.
        kept : Epoch
            The one whose weights become the model.
        writers : dict of str to callable
            By file name, writes a file to the path it is given.

        Returns
        -------
        Checkpoint
            The new one.
        """
        return write_checkpoint(self.folder, history, kept, writers)

    def save_verdict(
        self, verdict: Verdict, blend: float, write_weights: Callable[[Path], None]
    ) -> None:
        """Keep what the gate says, and the weights that it is about.

        Parameters
        ----------
        verdict : Verdict
            How the new model compares with its parent.
        blend : float
            The part of the new weights in the mean of them and those of the parent.
        write_weights : callable
            Writes that mean to the path it is given.
        """
        about = {"blend": blend, "epoch": self.last_epoch, **verdict.as_dict()}
        shutil.rmtree(self.folder / _VERDICT, ignore_errors=True)
        with new_folder(self.folder / _VERDICT) as aside:
            write_weights(aside / _BLENDED_FILE)
            (aside / _VERDICT_FILE).write_text(json.dumps(about), encoding="utf-8")

    def verdict(self) -> tuple[Verdict | None, float]:
        """Read what the gate says of the last epoch.

        Returns
        -------
        verdict : Verdict or None
            None if the run ended before the comparison.
        blend : float
            See `save_verdict`; 1 without a verdict.
        """
        try:
            about = read_object(self.folder / _VERDICT / _VERDICT_FILE)
            verdict = Verdict.from_dict(about)
            return (
                (verdict, about["blend"]) if about["epoch"] == self.last_epoch else (None, 1.0)
            )
        except _UNREADABLE:
            return None, 1.0

    def write_history(self) -> None:
        """Write the history and the curves of the epochs so far into the folder of the run."""
        checkpoint = self.checkpoint
        if checkpoint:
            _write_history(self.folder, checkpoint.history)

    def make_model(self, name: str = "") -> Model:
        """Make a model of the best epoch so far (with ``keep_last``, of the last).

        Parameters
        ----------
        name : str, optional
            Name of the model; left out, the planned one.

        Returns
        -------
        Model
            The new model, or the same one if it was saved before the process was killed.

        Raises
        ------
        Stopped
            If no epoch is finished.
        FileExistsError
            If there is another model of that name by now.
        """
        plan, checkpoint = self._plan_and_checkpoint()
        verdict, blend = self.verdict()
        card = plan.card(checkpoint, name, verdict, blend)
        kept = self._kept_weights(checkpoint)
        saved = _saved_already(plan, kept, card.name)
        if saved is not None:
            return saved

        def write(weights: Path) -> None:
            shutil.copyfile(kept, weights)
            _write_history(weights.parent, checkpoint.history)

        return save_model(card, write, plan.output_folder)

    def finish(self, name: str = "") -> FineTuneResult:
        """Make a model of the best epoch so far, and compare it with its parent.

        The run stays on disk: call `remove` when the result has arrived.

        Parameters
        ----------
        name : str, optional
            Name of the model; left out, the planned one.

        Returns
        -------
        FineTuneResult
            Name and scores of the model. The score of the parent is NaN if there is none.

        Raises
        ------
        Stopped
            If no epoch is finished.
        FileExistsError
            If there is another model of that name by now.
        """
        model = self.make_model(name)
        plan, checkpoint = self._plan_and_checkpoint()
        verdict, _ = self.verdict()
        parent_score, score = held_out_scores(checkpoint, verdict)
        return FineTuneResult(
            name=model.card.name,
            path=model.folder,
            parent=plan.parent or "",
            parent_score=math.nan if plan.parent is None else parent_score,
            score=score,
            nuclei=plan.counts["nuclei_held_out"],
            epochs=checkpoint.history[-1].epoch,
            seconds=time.time() - plan.began,
            verdict=verdict,
            held_out=tuple(plan.held_out),
        )

    def discard(self) -> None:
        """Remove the run, and the model if one was made of it in the last moment.

        Nobody may work on the run. It need not exist.
        """
        with contextlib.suppress(*_UNREADABLE):
            plan, checkpoint = self.plan(), self.checkpoint
            kept = checkpoint and self._kept_weights(checkpoint)
            model = kept and _saved_already(plan, kept, plan.info.name)
            if model:
                shutil.rmtree(model.folder)
        self.remove()

    def remove(self) -> None:
        """Remove the run from the disk. A model that was made of it stays.

        Only files that a run writes are removed, and the folder if it is empty then.
        """
        if self._is_run():
            remove_checkpoints(self.folder)
            shutil.rmtree(self.folder / _VERDICT, ignore_errors=True)
            remove_leftovers(self.folder)
            for name in _FILES:
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    @classmethod
    def remove_old(cls, runs: Path) -> None:
        """Remove the runs that nobody has touched for a week.

        Parameters
        ----------
        runs : Path
            Folder of the folders of runs; it need not exist.
        """
        for folder in runs.glob("*"):
            if is_old(folder, _OLD):
                cls(folder).remove()

    @classmethod
    def unfinished(cls, runs: Path) -> list[UnfinishedRun]:
        """Find the runs of which a model can still be made.

        Parameters
        ----------
        runs : Path
            Folder of the folders of runs; it need not exist.

        Returns
        -------
        list of UnfinishedRun
            Those with a finished epoch that nobody works on, the newest first.
        """
        found = []
        for folder in runs.glob("*"):
            with contextlib.suppress(*_UNREADABLE):
                found += cls(folder)._unfinished()
        return sorted(found, key=lambda run: run.began, reverse=True)

    def _unfinished(self) -> list[UnfinishedRun]:
        """Return this run if a model can still be made of it."""
        plan, checkpoint = self.plan(), self.checkpoint
        if checkpoint is None or is_running(self._process()):
            return []
        kept = self._kept_weights(checkpoint)
        if _saved_already(plan, kept, plan.info.name) is not None:
            return []
        began, score = float(plan.began), float(checkpoint.kept.score)
        parent_score = math.nan if plan.parent is None else checkpoint.history[0].score
        return [UnfinishedRun(self, plan.info.name, began, parent_score, score)]

    def _plan_and_checkpoint(self) -> tuple[RunPlan, Checkpoint]:
        checkpoint = self.checkpoint
        if checkpoint is None:
            raise Stopped("Training ended before its first epoch, so there is no new model.")
        return self.plan(), checkpoint

    def _kept_weights(self, checkpoint: Checkpoint) -> Path:
        """Return the file of the weights that become the model."""
        verdict, _ = self.verdict()
        blended = self.folder / _VERDICT / _BLENDED_FILE
        return checkpoint.folder / KEPT_FILE if verdict is None else blended

    def _process(self) -> dict[str, Any]:
        """Return the stamp of the process that works on the run, or did when it was killed."""
        try:
            return read_object(self.folder / _PROCESS_FILE)
        except (FileNotFoundError, ValueError):
            return {}

    def _is_run(self) -> bool:
        """Return whether the folder is that of a run: one with a plan, of any version."""
        file = self.folder / _PLAN_FILE
        try:
            return "format" in read_object(file)
        except (OSError, ValueError):
            return file.is_file() and has_checkpoint(self.folder)

    def _check_folder(self) -> None:
        """Check that the folder is new, empty or that of a run."""
        names = [path.name for path in self.folder.glob("[!.]*")]
        if names and not self._is_run():
            raise FileExistsError(
                f"Expected a new folder for the run, or one with an unfinished run, got "
                f"{self.folder}, which holds other files ({some_of(sorted(names))}). Nothing "
                f"of it was changed. Rename that folder, or choose another output."
            )

    def _check_process(self) -> None:
        stamp = self._process()
        if is_running(stamp) and stamp["process"] != os.getpid():
            raise ValueError(
                f"Expected a run that nobody works on, but process {stamp['process']} trains "
                f"in {self.folder}. Wait for it, or give another output."
            )

    def _check_plan(self, wanted: RunPlan) -> RunPlan:
        """Return the plan of the epochs that are finished, which must be the wanted one."""
        try:
            before = self.plan()
        except (OSError, ValueError) as error:
            raise ValueError(
                f"Expected to resume the run in {self.folder}, but its plan cannot be read: "
                f"{error} Remove that folder to start anew."
            ) from error
        differences = before.differences(wanted)
        if differences:
            raise ValueError(
                f"Expected to resume the run in {self.folder}, but its data or parameters were "
                f"others: {differences}. Give the same ones, or remove that folder to start "
                f"anew."
            )
        return before

    def _write(self, name: str, text: str) -> None:
        with new_file(self.folder / name) as aside:
            aside.write_text(text, encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class UnfinishedRun:
    """A run of which a model can still be made.

    Parameters
    ----------
    run : Run
        To be finished or discarded.
    name : str
        Planned name of the model.
    began : float
        When the run began, in seconds since 1970.
    parent_score, score : float
        See `FineTuneResult`.
    """

    run: Run
    name: str
    began: float
    parent_score: float
    score: float


def _saved_already(plan: RunPlan, weights: Path, name: str) -> Model | None:
    """Return the model that was made of a run's weights before; None if there is none.

    A model of that name with other weights is another model.
    """
    folder = plan.output_folder or models_directory() / name
    if not (folder / CARD_FILE).is_file():
        return None
    model = load_model(folder)
    same = model.card.weights_sha256 == checksum(weights)
    return model if same else None


def _write_history(folder: Path, history: list[Epoch]) -> None:
    """Write the history of a run as a table and as a picture."""
    write_history(folder / _HISTORY_FILE, history)
    draw_curves(folder / _CURVES_FILE, history)
