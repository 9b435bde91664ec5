"""The maps that the engine has kept of results, brought here for the tools that need them."""

from __future__ import annotations

import collections
import math
from typing import Any

from qtpy.QtCore import QObject, Signal

from ...engine import FetchMaps, Job
from ...pipeline import Maps
from ..jobs import JobRunner
from ..layers.shown import Result, result_of_layer

__all__ = ["KeptMaps"]

#: Of how many results maps are here at the same time, and how large an image may be: a pixel
#: takes six bytes.
_MOST, _MOST_PIXELS = 3, 32_000_000


class KeptMaps(QObject):
    """Brings maps in the background, when a result is going to be corrected.

    Signals
    -------
    arrived()
        Maps are here that were not before.
    """

    arrived = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: collections.OrderedDict[str, Maps] = collections.OrderedDict()
        self._gone: set[str] = set()
        self._asked = ""
        self._runner = JobRunner(self)
        self._runner.done.connect(self._arrived)

    def load(self, layer: Any) -> None:
        """Bring the maps of a layer, unless they are here, or coming.

        Parameters
        ----------
        layer : Labels or None
            Nothing happens if it is none of ours.
        """
        result = _result(layer)
        if result is None or result.key in self._kept or result.key in self._gone:
            return
        if self._runner.job is None:
            self._asked = result.key
            self._runner.run(FetchMaps(result.key))

    def of(self, layer: Any) -> Maps | None:
        """Return the maps that the labels of a layer were made from.

        Parameters
        ----------
        layer : Labels or None
            The layer.

        Returns
        -------
        Maps or None
            float16, shape (Y, X, M). None if they are not here yet, or not kept any more, or
            the labels are from elsewhere.
        """
        result = _result(layer)
        found = self._kept.get(result.key) if result is not None else None
        if found is None or result is None:
            self.load(layer)
            return None
        self._kept.move_to_end(result.key)
        return found

    def _arrived(self, job: Job) -> None:
        if job.state == "done":
            self._kept[self._asked] = job.result
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            self.arrived.emit()
        else:
            # Expired, or the engine ended: it would not know them the next time either.
            self._gone.add(self._asked)


def _result(layer: Any) -> Result | None:
    """Return the result of a layer whose plane its maps fit."""
    result = None if layer is None else result_of_layer(layer)
    if result is None or not result.key or math.prod(result.shape) > _MOST_PIXELS:
        return None
    return result if tuple(layer.data.shape) == result.shape else None
