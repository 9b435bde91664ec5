"""Retrainings that ended without a model, because their process or window was gone."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from pathlib import Path

from ..support import is_running
from .checkpoint import latest_checkpoint, read_plan
from .fine_tune import saved_already

__all__ = ["UnfinishedRun", "discard_run", "unfinished_runs"]


@dataclasses.dataclass(frozen=True)
class UnfinishedRun:
    """What a retraining left on disk.

    Parameters
    ----------
    folder : Path
        Folder of the run, for `retrain.finish_run`.
    name : str
        Name that the new model was to have.
    began : float
        When it began, in seconds since the epoch of the clock.
    parent_score, score : float
        See `retrain.FineTuneResult`.
    """

    folder: Path
    name: str
    began: float
    parent_score: float
    score: float


def unfinished_runs(runs: Path) -> list[UnfinishedRun]:
    """Find the retrainings that a model can still be made of.

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
        # What cannot be read is no run, or a damaged one.
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            plan, checkpoint = read_plan(folder), latest_checkpoint(folder)
            if checkpoint is None or is_running(plan):
                continue
            if saved_already(checkpoint, plan["name"]) is None:
                start, kept = checkpoint.history[0], checkpoint.kept
                run = UnfinishedRun(
                    folder, plan["name"], plan["began"], start.score, kept.score
                )
                found.append(run)
    return sorted(found, key=lambda run: run.began, reverse=True)


def discard_run(folder: Path) -> None:
    """Throw a run away, with the model that it may have made in its last moment.

    Parameters
    ----------
    folder : Path
        Folder of a run that nobody works on; it need not exist.
    """
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        checkpoint = latest_checkpoint(folder)
        model = checkpoint and saved_already(checkpoint, read_plan(folder)["name"])
        if model:
            shutil.rmtree(model)
    shutil.rmtree(folder, ignore_errors=True)
