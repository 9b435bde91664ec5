"""All subcommands in one parser, and what an error or Ctrl-C becomes."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from ..support import Stopped, __version__
from .evaluate import add_evaluate
from .export import add_export
from .measure import add_measure
from .models import add_models
from .process import INTERRUPTED
from .report import add_report
from .segment import add_segment
from .terminal import tell, words_of
from .train import add_fine_tune, add_train
from .training_sets import add_training_sets

__all__ = ["run"]

#: Errors whose text is for people. Any other one is a mistake of ours.
_TOLD = (ImportError, MemoryError, OSError, TypeError, ValueError, RuntimeError)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line when left out.

    Returns
    -------
    int
        Exit status, see `main`.
    """
    try:
        return _run(arguments)
    except Stopped as error:
        tell(str(error))
        return INTERRUPTED
    except KeyboardInterrupt as error:
        tell(words_of(error, "\nLeft at once."))
        return INTERRUPTED
    except _TOLD as error:
        tell(f"nucseg: {words_of(error)}")
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    # A name that the terminal's encoding does not know must not end the work.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = lambda message, *_: tell(f"Warning: {message}")
    status: int = options.run(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nucseg", description="Find cell nuclei in images.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_segment(commands)
    add_train(commands)
    add_fine_tune(commands)
    add_evaluate(commands)
    add_measure(commands)
    add_export(commands)
    add_report(commands)
    add_models(commands)
    add_training_sets(commands)
    return parser
