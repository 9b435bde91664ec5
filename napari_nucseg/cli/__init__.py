"""The command ``nucseg``: the public functions from a shell."""

from __future__ import annotations

from collections.abc import Sequence

from .process import check_streams, flush_streams, silent_ctrl_c

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.

    Returns
    -------
    int
        Exit status: 0 if all went well, 1 after an error, 2 for wrong usage,
        130 after Ctrl-C, unless a fine-tuning has made a model by then.
    """
    # Loading the subcommands takes half a second: Ctrl-C must be silent then, too.
    with silent_ctrl_c():
        check_streams()
        from .command import run
    try:
        status = run(arguments)
    except SystemExit as end:  # help and wrong usage
        end.code = flush_streams() or end.code
        raise
    return flush_streams() or status
