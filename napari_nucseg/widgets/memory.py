"""What the window remembers between openings: a small file in the user's folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

from qtpy.QtCore import QObject, QTimer

from ..pipeline import SegmentParameters
from ..support import new_file, read_object, window_file
from ..training import TrainingSet, list_sets

__all__ = ["Memory", "kept_parameters", "remembered_parameters", "remembered_set"]

_WAIT = 300  # milliseconds, so that a slider that is dragged is written once

#: Parameters that belong to one image, not to a person's way of working.
_OF_IMAGE = ("channel", "diameter")


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
        self._is_new = False
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
            self._is_new = True
            self._timer.start()

    def save(self) -> None:
        """Write what is new now."""
        if not self._is_new:
            return
        self._timer.stop()
        self._is_new = False
        with contextlib.suppress(OSError), new_file(window_file()) as aside:
            aside.write_text(json.dumps(self._values, indent=2), encoding="utf-8")


def kept_parameters(parameters: SegmentParameters) -> dict[str, Any]:
    """Return the parameters that are worth to be remembered.

    Parameters
    ----------
    parameters : SegmentParameters
        Those of one image.

    Returns
    -------
    dict
        By name, without those that hold for this image only.
    """
    values = parameters.as_dict()
    return {name: value for name, value in values.items() if name not in _OF_IMAGE}


def remembered_parameters(memory: Memory) -> SegmentParameters:
    """Return the parameters of last time.

    Parameters
    ----------
    memory : Memory
        What is remembered.

    Returns
    -------
    SegmentParameters
        A value that cannot be, or is not remembered, is the default.
    """
    parameters = SegmentParameters()
    for name, value in (memory.recall("parameters", dict) or {}).items():
        if name in kept_parameters(parameters):
            with contextlib.suppress(TypeError, ValueError):
                parameters = dataclasses.replace(parameters, **{name: value})
    return parameters


def remembered_set(memory: Memory) -> TrainingSet:
    """Return the training set of last time.

    Parameters
    ----------
    memory : Memory
        What is remembered.

    Returns
    -------
    TrainingSet
        The user's first one if there is no such set any more.
    """
    name = memory.recall("training set", str)
    named = [one for one in list_sets() if one.name == name]
    return named[0] if named else TrainingSet()
