"""The command ``nucseg evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import api
from ..image import LABELS_ENDING, labels_in
from ..measure import Scores
from ..support import pluralize, some_of, warn_user
from .options import add_command
from .terminal import say

__all__ = ["add_evaluate"]


def add_evaluate(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    """
    command = add_command(
        commands,
        "evaluate",
        _evaluate,
        f"Score labels against the truth. Of two folders, the files of one name belong "
        f"together; {LABELS_ENDING} may follow it. A binary mask is taken apart into its "
        f"connected pieces.",
    )
    command.add_argument("predicted", type=Path, help="Label image, or folder of them.")
    command.add_argument("truth", type=Path, help="Label image, or folder of them.")
    command.add_argument("--json", action="store_true", help="Print JSON.")


def _evaluate(options: Any) -> int:
    predicted, truth = _matching(options.predicted, options.truth)
    scores = api.evaluate(predicted, truth)
    say(json.dumps(scores.as_dict(), indent=2) if options.json else _table(scores))
    return 0


def _matching(predicted: Path, truth: Path) -> tuple[list[Path], list[Path]]:
    """Pair the label images of two folders by name."""
    for path in (predicted, truth):
        if not path.exists():
            raise FileNotFoundError(f"Expected labels at {path}, got nothing.")
    if predicted.is_dir() != truth.is_dir():
        raise ValueError(
            f"Expected two label images or two folders of them, got {predicted} and {truth}, "
            f"one of which is a folder. Give the file in it that belongs to the other one."
        )
    if predicted.is_file():
        return [predicted], [truth]
    first, second = labels_in(predicted), labels_in(truth)
    if not second:
        inner = f" Give {truth / 'masks'} instead." if (truth / "masks").is_dir() else ""
        raise FileNotFoundError(f"Expected images of true labels in {truth}, got none.{inner}")
    missing = [name for name in second if name not in first]
    if missing:
        swapped = (
            " The folder of the truth comes second." if first.keys() < second.keys() else ""
        )
        raise FileNotFoundError(
            f"Expected predicted labels in {predicted} for each of the {len(second)} in "
            f"{truth}, got none for {len(missing)}: {some_of(missing)}. Give both the "
            f"same name; {LABELS_ENDING} may follow it.{swapped}"
        )
    others = [name for name in first if name not in second]
    if others:
        warn_user(
            f"Not scored, as there are no true labels in the second folder, {truth}: "
            f"{pluralize(others, 'label image')} in {predicted}, {some_of(others)}",
        )
    return [first[name] for name in second], list(second.values())


def _table(scores: Scores) -> str:
    """Write the scores for people."""
    images = pluralize(scores.images, "image")
    rows = [
        f"{images}, {pluralize(scores.predicted)} found, {scores.true} true",
        "",
    ]
    rows.append("IoU at least  " + " ".join(f"{at:5.2f}" for at in scores.ap_pooled))
    for name, values in (
        ("pooled", scores.ap_pooled),
        ("per image", scores.ap_per_image),
    ):
        rows.append(f"AP {name:<10} " + " ".join(f"{ap:5.3f}" for ap in values.values()))
    rows += [
        "",
        f"mean AP (per image)  {scores.mean_ap:.3f}",
        f"F1 at IoU 0.5        {scores.f1:.3f}",
        f"panoptic quality     {scores.panoptic_quality:.3f}",
        f"Dice                 {scores.dice:.3f}",
        f"IoU                  {scores.iou:.3f}",
    ]
    return "\n".join(rows)
