"""The options for the files that ``nucseg segment`` writes for each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..image import LABELS_ENDING, PROBABILITY_ENDING
from ..measure import LINEAGE_ENDING, TABLE_ENDING, TRACKS_ENDING, Outputs

__all__ = ["add_outputs", "outputs_of"]


def add_outputs(command: Any) -> None:
    """Add the options for what is written.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    """
    text = (
        f"Folder for the labels, <stem>{LABELS_ENDING}.tif; older ones are replaced, if nobody "
        f"has corrected them."
    )
    command.add_argument("--output", required=True, type=Path, metavar="DIR", help=text)
    for option, text in (
        (
            "--probability-map",
            f"Also write the foreground probability, <stem>{PROBABILITY_ENDING}.tif, as "
            f"8-bit numbers: 255 is 1.",
        ),
        (
            "--provenance",
            f"Also write how the labels came about, <stem>{LABELS_ENDING}.json.",
        ),
        (
            "--table",
            f"Also write position, area and mean probability of each nucleus, "
            f"<stem>{TABLE_ENDING}.csv.",
        ),
        (
            "--tracks",
            f"Also write the tracks of a time series: <stem>{TRACKS_ENDING}.csv, a row for "
            f"each nucleus and time point; <stem>{TRACKS_ENDING}.xml for TrackMate; "
            f"<stem>{LINEAGE_ENDING}.csv, parents and daughters.",
        ),
        (
            "--replace-corrected",
            f"Also replace labels that a person has corrected. They are kept as "
            f"<stem>{LABELS_ENDING}.before.tif.",
        ),
    ):
        command.add_argument(option, action="store_true", help=text)


def outputs_of(options: Any) -> Outputs:
    """Return what is to be written.

    Parameters
    ----------
    options : argparse.Namespace
        What was parsed.

    Returns
    -------
    Outputs
        As the options say.
    """
    return Outputs(
        options.output,
        options.probability_map,
        options.provenance,
        options.table,
        options.tracks,
        options.replace_corrected,
    )
