"""Keras, loaded quietly and on the backend that is chosen here.

What our code needs of TensorFlow itself is gathered here, so that little depends on it. The
data loader and the predictor, which are made of it, take ``tf`` from here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Off by default on processors without AVX-512, where it is faster all the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is written to standard error from below Python out of sight."""
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a terminal may have no standard error
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# TensorFlow prints a line about the processor before it reads its log level.
with _quiet():
    import keras
    import tensorflow as tf
    from keras import layers, ops

__all__ = [
    "check_fork",
    "compiled",
    "gradients",
    "has_gpu",
    "keras",
    "layers",
    "memory_errors",
    "ops",
    "tf",
]

#: The process that loaded TensorFlow. A fork of it has a copy of this number.
_PROCESS = os.getpid()


if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Expected Keras to run on TensorFlow, but it was loaded with the backend "
        f"{keras.backend.backend()!r} before. Import napari_nucseg.network first, or work "
        f"in a process of its own."
    )


def check_fork() -> None:
    """Refuse to work in a process that was forked from the one that loaded TensorFlow.

    TensorFlow calculates on threads, and a fork has none of them: it would wait for ever.

    Raises
    ------
    RuntimeError
        If this is such a process.
    """
    if os.getpid() != _PROCESS:
        raise RuntimeError(
            f"Expected a process that loads TensorFlow itself, got one that was forked from "
            f"process {_PROCESS}, which had loaded it: its threads are not here. Start worker "
            f"processes with multiprocessing.get_context('spawn'), or before nuclei are "
            f"segmented for the first time."
        )


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Raise `MemoryError` where TensorFlow says that memory is short.

    Raises
    ------
    MemoryError
        In its place.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(str(error.message).partition("\n")[0]) from error


def compiled(function: Callable[..., Any], signature: Sequence[Any] | None = None) -> Any:
    """Return a function that is run as a graph, which takes less time than line by line.

    Parameters
    ----------
    function : callable
        Takes and returns tensors.
    signature : sequence of tf.TensorSpec, optional
        Shapes and dtypes of its arguments; left out, a graph is made for each that occurs.

    Returns
    -------
    callable
        Takes and returns the same.
    """
    return tf.function(function, input_signature=signature, autograph=False)


def gradients(
    loss: Callable[[], tf.Tensor], weights: Sequence[keras.Variable]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Calculate a loss and its gradients.

    Parameters
    ----------
    loss : callable
        Returns the loss, calculated from the weights.
    weights : sequence of keras.Variable
        The weights to derive by.

    Returns
    -------
    loss : tf.Tensor
        What the function returned.
    gradients : list of tf.Tensor
        One of the shape of each of the weights.
    """
    with tf.GradientTape() as tape:
        value = loss()
    return value, tape.gradient(value, [weight.value for weight in weights])


def has_gpu() -> bool:
    """Return whether TensorFlow calculates on a graphics card.

    Returns
    -------
    bool
        Whether it sees one.
    """
    return bool(tf.config.list_physical_devices("GPU"))
