"""The history of a training run, as a table and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ..support import Epoch

__all__ = ["draw_curves", "write_history"]


def write_history(path: Path, history: Sequence[Epoch]) -> None:
    """Write one row per epoch.

    Parameters
    ----------
    path : Path
        CSV file to write.
    history : sequence of Epoch
        The epochs.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "score"])
        for epoch in history:
            writer.writerow([epoch.epoch, f"{epoch.loss:.6f}", f"{epoch.score:.6f}"])


def draw_curves(path: Path, history: Sequence[Epoch]) -> None:
    """Draw the loss and the score of every epoch.

    Parameters
    ----------
    path : Path
        PNG file to write.
    history : sequence of Epoch
        The epochs.
    """
    from matplotlib.figure import Figure

    epochs = [epoch.epoch for epoch in history]
    figure = Figure(figsize=(8, 3), layout="constrained")
    loss, score = figure.subplots(1, 2)
    loss.plot(epochs, [epoch.loss for epoch in history], marker=".")
    loss.set(xlabel="epoch", ylabel="training loss")
    score.plot(epochs, [epoch.score for epoch in history], marker=".", color="C1")
    score.set(xlabel="epoch", ylabel="mean AP on held-out fields", ylim=(0, 1))
    for axes in (loss, score):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
