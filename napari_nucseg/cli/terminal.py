"""What a person at a terminal sees of long work, and how she ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..support import Callbacks, Epoch, ShouldStop
from .process import silence

__all__ = [
    "bar",
    "interruptible",
    "printable",
    "reporting",
    "say",
    "tell",
    "tell_of",
    "words_of",
]


def say(text: str) -> None:
    """Print a line at once, above the bar if there is one.

    When who reads the output has left, as `head` does, nothing is printed from then on,
    and the work goes on.

    Parameters
    ----------
    text : str
        The line.
    """
    import tqdm

    try:
        with tqdm.tqdm.external_write_mode():
            print(text, flush=True)
    except OSError as error:
        silence(sys.stdout, error)


def printable(told: Any) -> str:
    """Write what a stranger may have written as one line, of what can be printed.

    Parameters
    ----------
    told : object
        Such as a text out of a file.

    Returns
    -------
    str
        A text that cannot move the cursor or change colors.
    """
    return "".join(c if c.isprintable() else " " for c in str(told))


def tell(text: str) -> None:
    """Print a line on the error output, above the bar if there is one.

    Parameters
    ----------
    text : str
        The line.
    """
    import tqdm

    try:
        tqdm.tqdm.write(text, file=sys.stderr)
    except OSError as error:
        silence(sys.stderr, error)


def tell_of(path: Path, error: Exception) -> None:
    """Print what is wrong with a file on the error output.

    Parameters
    ----------
    path : Path
        The file.
    error : Exception
        What was raised.
    """
    text = words_of(error)
    about = "" if str(path) in text else f"{path}: "
    tell(f"nucseg: {about}{text}")


def words_of(error: BaseException, text: str = "") -> str:
    """Say what is wrong, in words for people.

    Parameters
    ----------
    error : BaseException
        What was raised.
    text : str, optional
        In place of its own text.

    Returns
    -------
    str
        Its text, what was noted about it on its way, and what to do if memory is short.
    """
    text = text or str(error) or type(error).__name__
    if isinstance(error, MemoryError) and not text.startswith("Expected"):
        text = (
            f"Expected more memory ({text}). Close other programs, or give smaller images: "
            f"parts of these, or the same with fewer pixels."
        )
    return "\n".join([text, *getattr(error, "__notes__", [])])


def bar(total: int, unit: str) -> Any:
    """Return a bar on the error output, which is seen on a terminal and not in a log.

    Parameters
    ----------
    total : int
        How much there is to do.
    unit : str
        Of what.

    Returns
    -------
    tqdm.tqdm
        The bar, at 0.
    """
    import tqdm

    return tqdm.tqdm(total=total, unit=unit, disable=None)


def reporting(should_stop: ShouldStop) -> Callbacks:
    """Return callbacks that show a bar during each epoch, and print a line after it.

    Parameters
    ----------
    should_stop : callable
        Asked between steps.

    Returns
    -------
    Callbacks
        For `api.train` and `api.fine_tune`.
    """
    steps = bar(1, "step")

    def on_progress(done: int, total: int, text: str) -> None:
        steps.set_description(text, refresh=False)
        steps.total, steps.n = total, done
        steps.refresh()

    def on_epoch(epoch: Epoch) -> None:
        loss = f"loss {epoch.loss:.3f}, " if epoch.epoch else ""
        score = f"score {epoch.score:.3f}{epoch.time_left}"
        say(f"Epoch {epoch.epoch} of {epoch.epochs}: {loss}{score}")
        steps.reset()

    return Callbacks(on_progress, on_epoch, should_stop)


@contextlib.contextmanager
def interruptible() -> Iterator[ShouldStop]:
    """Turn the first Ctrl-C into the wish to stop; the second one interrupts.

    Yields
    ------
    callable
        Returns whether to stop.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask(*_: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)
        print("\nStopping after this step. Ctrl-C again to leave at once.", file=errors)

    with _error_output() as errors:
        signal.signal(signal.SIGINT, ask)
        try:
            yield asked.is_set
        finally:
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _error_output() -> Iterator[TextIO]:
    """Yield an error output of our own: while TensorFlow is loaded the usual one is silent."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):  # none, or one that is no file
        yield sys.stderr
        return
    with open(descriptor, "w", buffering=1, encoding="ascii") as errors:
        yield errors
