"""Warnings that point at the line of the user, not at one of this package."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from pathlib import Path
from types import FrameType

__all__ = ["warn_user"]

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
#: Modules of Python through which functions of this package call each other.
_BETWEEN = (functools.__file__, contextlib.__file__)


def warn_user(text: str) -> None:
    """Warn the user, as of the line outside of this package from which it was called.

    A warning is about some data, so it is shown each time: Python itself would show the same
    text of the same line only once, also if it is about the next image of a loop. Filters
    hold as usual.

    Parameters
    ----------
    text : str
        The warning.

    Warns
    -----
    UserWarning
        With the text.
    """
    frame = _caller()
    warnings.warn_explicit(
        text,
        UserWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", "<unknown>"),
    )


def _caller() -> FrameType:
    """Return the first frame outside of this package, the outermost one if there is none."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(
        (_PACKAGE, *_BETWEEN)
    ):
        frame = frame.f_back
    return frame
