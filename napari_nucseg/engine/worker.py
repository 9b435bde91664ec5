"""What runs in the engine process: tasks by name, one at a time.

Started by `engine`, never by hand. The main thread computes, a second one
listens for the wish to stop.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import pickle
import queue
import signal
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import numpy as np

from ..image import Field
from ..pipeline import Segmentation, SegmentParameters, relabel, segment_field
from ..registry import DEFAULT_MODEL
from ..support import Callbacks
from ..training import TrainParameters
from .process import ADDRESS_VARIABLE, KEY_VARIABLE, EngineError

__all__ = ["TASKS", "RelabelExpired", "SegmentationReply", "WorkerChannel", "main"]

_KEPT, _MOST_BYTES = 4, 500_000_000
_PRIORITY = 5
_OUR_OWN = "napari_nucseg."


class RelabelExpired(LookupError):
    """The maps of a segmentation are no longer kept."""


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentationReply:
    """What the window needs of a segmentation.

    Parameters
    ----------
    key : str
        To ask for other labels from the same maps.
    labels : ndarray of int32, shape (Y, X)
        The nuclei.
    probability : ndarray of uint8, shape (Y, X)
        Foreground probability, 255 is 1; empty in answer to "relabel".
    diameter : float
        Typical diameter in pixels.
    provenance : dict
        How the labels came about.
    """

    key: str
    labels: np.ndarray
    probability: np.ndarray
    diameter: float
    provenance: dict[str, Any]


class WorkerChannel:
    """The child's end of the conversation.

    Parameters
    ----------
    connection : Connection
        To the engine.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._runs: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._stop = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Take messages as they come; leave when the engine has gone."""
        while True:
            try:
                kind, task, arguments = pickle.loads(self._connection.recv_bytes())
            except (OSError, EOFError):
                os._exit(0)
            except Exception as error:  # a class that is not known here, for example
                self.send("failed", _portable(error))
                continue
            if kind == "stop":
                self._stop.set()
            else:
                self._stop.clear()
                self._runs.put((task, arguments))

    def next_run(self) -> tuple[str, dict[str, Any]]:
        """Wait for the next task.

        Returns
        -------
        task : str
            Its name.
        arguments : dict
            Its arguments.
        """
        return self._runs.get()

    def send(self, kind: str, value: Any) -> None:
        """Tell the engine something.

        Parameters
        ----------
        kind : str
            "progress", "epoch", "warning", "done" or "failed".
        value : object
            To be pickled.
        """
        self._connection.send_bytes(pickle.dumps((kind, value), protocol=5))

    def on_progress(self, done: int, total: int, text: str) -> None:
        """Pass on progress, see `callbacks.OnProgress`.

        Parameters
        ----------
        done, total : int
            Steps done and in all.
        text : str
            What is being done.
        """
        self.send("progress", (done, total, text))

    def should_stop(self) -> bool:
        """Return whether the engine wants the task to end early.

        Returns
        -------
        bool
            See `callbacks.ShouldStop`.
        """
        return self._stop.is_set()

    def callbacks(self) -> Callbacks:
        """Return who watches a training: the engine.

        Returns
        -------
        Callbacks
            What they are told is passed on.
        """
        return Callbacks(
            self.on_progress, lambda epoch: self.send("epoch", epoch), self.should_stop
        )


_segmentations: collections.OrderedDict[str, Segmentation] = collections.OrderedDict()


def _warm(link: WorkerChannel, model: str) -> None:
    """Load TensorFlow and a model, and run it once."""
    from ..registry import load_model

    field = Field(np.eye(64, dtype=np.float32))
    segment_field(field, load_model(model), SegmentParameters())


def _segment(
    link: WorkerChannel,
    field: Field,
    model: str,
    parameters: SegmentParameters,
    channel: int | None = None,
) -> SegmentationReply:
    """Find the nuclei; the channel is the one that the field was made of, see `of_channel`."""
    from ..registry import load_model

    segmentation = segment_field(
        field,
        load_model(model),
        parameters,
        link.callbacks(),
    )
    if channel is not None:
        asked = dataclasses.replace(parameters, channel=channel)
        provenance = {**segmentation.provenance, "parameters": asked.as_dict()}
        segmentation = dataclasses.replace(
            segmentation, parameters=asked, provenance=provenance
        )
    key = uuid.uuid4().hex
    _segmentations[key] = segmentation
    while len(_segmentations) > 1 and (
        len(_segmentations) > _KEPT
        or sum(kept.maps.nbytes for kept in _segmentations.values()) > _MOST_BYTES
    ):
        _segmentations.popitem(last=False)
    probability = (segmentation.maps[..., 0] * 255 + 0.5).astype(np.uint8)
    return _reply(key, segmentation, probability)


def _relabel(link: WorkerChannel, key: str, parameters: SegmentParameters) -> SegmentationReply:
    if key not in _segmentations:
        raise RelabelExpired("The maps are no longer kept. Click Segment again.")
    _segmentations.move_to_end(key)
    _segmentations[key] = relabel(_segmentations[key], parameters)
    return _reply(key, _segmentations[key], np.empty((0, 0), np.uint8))


def _reply(key: str, segmentation: Segmentation, probability: np.ndarray) -> SegmentationReply:
    return SegmentationReply(
        key,
        segmentation.labels,
        probability,
        segmentation.diameter,
        segmentation.provenance,
    )


def _fine_tune(
    link: WorkerChannel,
    *,
    fields: list[Field] | str | Path,
    model: str,
    name: str,
    parameters: TrainParameters,
    run_directory: str | Path | None,
) -> Any:
    from ..network import make_trainer
    from ..registry import load_model
    from ..training import TrainingSet, fine_tune_fields

    if isinstance(fields, str | Path):
        fields = TrainingSet(fields).fields()
    directory = Path(run_directory) if run_directory else None
    return fine_tune_fields(
        fields,
        load_model(model),
        name,
        parameters,
        make_trainer,
        run_directory=directory,
        callbacks=link.callbacks(),
    )


def _finish_run(link: WorkerChannel, run_directory: str | Path) -> Any:
    from ..training import Run

    return Run(Path(run_directory)).finish()


def _train(link: WorkerChannel, **options: Any) -> Any:
    from ..network import make_trainer
    from ..training import train_fields

    return train_fields(**options, make_trainer=make_trainer, callbacks=link.callbacks())


#: What the engine can ask for. Each takes the `WorkerChannel` and its arguments.
TASKS: dict[str, Callable[..., Any]] = {
    "warm": _warm,
    "segment": _segment,
    "relabel": _relabel,
    "fine_tune": _fine_tune,
    "finish_run": _finish_run,
    "train": _train,
}


def main(*, warm: bool = True) -> None:
    """Call the engine and run tasks until it is gone.

    Parameters
    ----------
    warm : bool, optional
        Whether to load TensorFlow and the bundled model before the first task.
    """
    _lower_priority()
    # Ctrl-C in the terminal is meant for the process with the window.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = os.environ.pop(ADDRESS_VARIABLE)
    key = bytes.fromhex(os.environ.pop(KEY_VARIABLE))
    link = WorkerChannel(Client(address, authkey=key))
    if warm:
        # What is wrong here is told with the first task.
        with contextlib.suppress(Exception):
            _warm(link, DEFAULT_MODEL)
    while True:
        task, arguments = link.next_run()
        try:
            with _warnings_to(link):
                value = TASKS[task](link, **arguments)
        except BaseException as error:  # whatever it is, the window must hear of it
            link.send("failed", _portable(error))
        else:
            link.send("done", value)


@contextlib.contextmanager
def _warnings_to(link: WorkerChannel) -> Iterator[None]:
    """Tell the engine what a task warns the user of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            yield
        finally:
            for warning in caught:
                if warning.category is UserWarning:
                    link.send("warning", str(warning.message))


def _portable(error: BaseException) -> BaseException:
    """Return the error if the other process can read it, otherwise its words."""
    words = EngineError(f"{type(error).__name__}: {error}")
    module = type(error).__module__
    if not (module == "builtins" or module.startswith(_OUR_OWN)):
        return words
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error, protocol=5))
    except Exception:  # an exception can refuse in any way
        return words
    return error


def _lower_priority() -> None:
    """Leave the processor to the window when it wants it."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import ctypes

            below_normal = 0x4000
            kernel = ctypes.windll.kernel32
            kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
        else:
            os.nice(_PRIORITY)
