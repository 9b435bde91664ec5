"""What the window remembers between openings: a small file in the user's folder."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from qtpy.QtCore import QObject, QTimer

from ..support import new_file, read_object, window_file

__all__ = ["Memory"]

_WAIT = 300  # milliseconds, so that a slider that is drawn is written once


class Memory(QObject):
    """Values by name, as they were when a window was used last.

    They are a convenience: a file that is missing, damaged or of another version is nothing
    remembered, and a disk that is full is no error.

    Parameters
    ----------
    parent : QObject, optional
        The parent.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            self._values = read_object(window_file())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self.save)

    def recall(self, name: str, kind: type) -> Any:
        """Return what is remembered.

        Parameters
        ----------
        name : str
            Of the value.
        kind : type
            What it must be: `str`, `int`, `float`, `dict` …

        Returns
        -------
        object or None
            None if nothing of this kind is remembered.
        """
        value = self._values.get(name)
        return value if isinstance(value, kind) else None

    def note(self, name: str, value: Any) -> None:
        """Remember a value; it is on the disk a moment later.

        Parameters
        ----------
        name : str
            Of the value.
        value : object
            The value, ready for JSON.
        """
        if self._values.get(name) != value:
            self._values[name] = value
            self._timer.start()

    def save(self) -> None:
        """Write what is new now."""
        self._timer.stop()
        with contextlib.suppress(OSError), new_file(window_file()) as aside:
            aside.write_text(json.dumps(self._values, indent=2), encoding="utf-8")
