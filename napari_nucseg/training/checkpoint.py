"""What a training run keeps on disk, so that it can be stopped, killed and resumed."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ..support import Epoch, new_folder, read_object

__all__ = [
    "AVERAGE_FILE",
    "KEPT_FILE",
    "NETWORK_FILE",
    "Checkpoint",
    "best_of",
    "has_checkpoint",
    "latest_checkpoint",
    "remove_checkpoints",
    "write_checkpoint",
]

#: Weights of the network in training with the state of the optimizer, their
#: running average, and the average at the epoch that is kept, as the
#: file of the model's weights.
NETWORK_FILE = "network.weights.h5"
AVERAGE_FILE = "average.weights.h5"
KEPT_FILE = "kept.weights.h5"

_HISTORY_FILE = "history.json"
_PREFIX = "checkpoint-"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch.

    Parameters
    ----------
    folder : Path
        Holds `NETWORK_FILE`, `AVERAGE_FILE` and `KEPT_FILE`.
    history : list of Epoch
        All epochs so far.
    kept : Epoch
        The one whose weights are in `KEPT_FILE`.
    """

    folder: Path
    history: list[Epoch]
    kept: Epoch


def best_of(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest score.

    Parameters
    ----------
    history : sequence of Epoch
        At least one that is finished; epoch 0, the parent, does not count.

    Returns
    -------
    Epoch
        The last with the highest score.
    """
    trained = [epoch for epoch in history if epoch.epoch > 0]
    return max(trained, key=lambda epoch: (epoch.score, epoch.epoch))


def write_checkpoint(
    run_directory: Path,
    history: Sequence[Epoch],
    kept: Epoch,
    writers: dict[str, Callable[[Path], None]],
) -> Checkpoint:
    """Write a checkpoint beside the one before, then remove that.

    Parameters
    ----------
    run_directory : Path
        Folder of the run.
    history : sequence of Epoch
        All epochs so far.
    kept : Epoch
        The one whose weights become the model.
    writers : dict of str to callable
        By file name, writes a file to the path it is given; called one after the other.

    Returns
    -------
    Checkpoint
        The new one.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written to; the checkpoint
        before stays.
    """
    name = f"{_PREFIX}{history[-1].epoch:05d}"
    with new_folder(run_directory / name) as aside:
        for file_name, write in writers.items():
            write(aside / file_name)
        rows = [dataclasses.asdict(epoch) for epoch in history]
        text = json.dumps({"kept": kept.epoch, "epochs": rows})
        (aside / _HISTORY_FILE).write_text(text, encoding="utf-8")
    remove_checkpoints(run_directory, but=name)
    return Checkpoint(run_directory / name, list(history), kept)


def remove_checkpoints(run_directory: Path, *, but: str = "") -> None:
    """Remove the checkpoints of a run.

    Parameters
    ----------
    run_directory : Path
        Folder of the run; it need not exist.
    but : str, optional
        Name of the folder of one that stays.
    """
    for folder in _checkpoints(run_directory):
        if folder.name != but:
            shutil.rmtree(folder, ignore_errors=True)


def has_checkpoint(run_directory: Path) -> bool:
    """Return whether a run has a checkpoint, even a damaged one.

    Parameters
    ----------
    run_directory : Path
        Folder of the run; it need not exist.

    Returns
    -------
    bool
        Whether an epoch is finished.
    """
    return bool(_checkpoints(run_directory))


def _checkpoints(run_directory: Path) -> list[Path]:
    """Return the folders of the checkpoints, the newest last."""
    return sorted(run_directory.glob(f"{_PREFIX}[0-9]*"))


def latest_checkpoint(run_directory: Path) -> Checkpoint | None:
    """Find what a run left on disk.

    Parameters
    ----------
    run_directory : Path
        Folder of the run; it need not exist.

    Returns
    -------
    Checkpoint or None
        The newest that is whole, None if there is none.

    Raises
    ------
    OSError, ValueError
        If its history is not there or damaged.
    """
    folders = _checkpoints(run_directory)
    if not folders:
        return None
    told = read_object(folders[-1] / _HISTORY_FILE)
    try:
        history = [Epoch(**row) for row in told["epochs"]]
        by_number = {epoch.epoch: epoch for epoch in history}
        return Checkpoint(folders[-1], history, by_number[told["kept"]])
    except (LookupError, TypeError) as error:
        raise ValueError(
            f"Expected the epochs of a run in {folders[-1] / _HISTORY_FILE}, got "
            f"{str(told)[:200]}. Remove the folder {run_directory} to start anew."
        ) from error
