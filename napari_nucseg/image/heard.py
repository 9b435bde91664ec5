"""What libraries say in their logs, which would reach a person without the name of a file."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator

__all__ = ["heard_of"]


#: How a library writes the object that speaks, such as ``<tifffile.TiffFile 'a.tif'>``.
_OBJECT = re.compile(r"^<[\w.]+ [^>]*> ")


@contextlib.contextmanager
def heard_of(*libraries: str) -> Iterator[list[str]]:
    """Collect what libraries warn of in their logs, in this thread, and do not show it.

    Parameters
    ----------
    *libraries : str
        Names of their logs.

    Yields
    ------
    list of str
        Grows while the context is open.
    """
    told: list[str] = []
    thread = threading.get_ident()

    def note(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.levelno >= logging.WARNING:
            told.append(_OBJECT.sub("", record.getMessage()))
        return False

    loggers = [logging.getLogger(library) for library in libraries]
    for logger in loggers:
        logger.addFilter(note)
    try:
        yield told
    finally:
        for logger in loggers:
            logger.removeFilter(note)
