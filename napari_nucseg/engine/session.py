"""The folder that the two processes of an engine share, and its removal."""

from __future__ import annotations

import platform
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ..support import is_running, process_stamp

__all__ = ["new_session_folder", "remove_abandoned_folders"]

_PREFIX = "nucseg-"
_NAME = re.compile(
    rf"{_PREFIX}(?P<process>[0-9]+)-(?P<began>[0-9.]+)-[0-9a-f]{{8}}-(?P<host>.*)"
)


def new_session_folder() -> Path:
    """Make a folder among the temporary files that only this user can read.

    Returns
    -------
    Path
        Its name holds the stamp of this process, see `process_stamp`. So its owner is
        known from the moment it exists.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    stamp = process_stamp()
    parts = (str(stamp["process"]), repr(stamp["began"]), secrets.token_hex(4), _host())
    folder = Path(tempfile.gettempdir()) / (_PREFIX + "-".join(parts))
    folder.mkdir(mode=0o700)
    return folder


def remove_abandoned_folders() -> None:
    """Remove the folders of processes of this computer that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        stamp = _stamp_of(folder.name)
        if stamp is not None and not is_running(stamp):
            shutil.rmtree(folder, ignore_errors=True)  # another process may remove it too


def _stamp_of(name: str) -> dict[str, Any] | None:
    """Read a stamp from a name, None if it is not ours or of another computer."""
    found = _NAME.fullmatch(name)
    if found is None or found["host"] != _host():
        return None
    try:
        return {"process": int(found["process"]), "began": float(found["began"])}
    except (ValueError, OverflowError):  # numbers such as 1.2.3 in the name of a stranger
        return None


def _host() -> str:
    """Return the name of this computer, so short and plain that it can be part of a path."""
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:20]
